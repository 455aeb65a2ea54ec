package native

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/internal/testbed"
)

// Every noun is made, read, listed, changed and removed once, and in the end
// every route has answered well.
func TestEveryRoute(t *testing.T) {
	w := newWorld(t)
	w.StopClock() // a revocation is undone in seconds
	w.Faulty.Say("Hello from Acme.")
	provider := w.providers()
	bot := w.bots(provider)
	w.tokens(bot)
	w.shares(bot)
	w.customers()
	w.instance()
	w.figures()
	w.owner(204, "DELETE", "/bots/"+bot, "")
	w.owner(204, "DELETE", "/providers/"+provider, "")

	for _, r := range w.door.Routes() {
		if !w.visited[r.Method+" "+r.Path] {
			t.Errorf("%s %s was never called", r.Method, r.Path)
		}
	}
}

func (w *world) providers() string {
	w.Helper()
	p := w.owner(201, "POST", "/providers", `{"name":"Second","base_url":"`+w.Faulty.URL+`","api_key":"sk-upstream",
		"models":["qwen-max",{"name":"fast","upstream_name":"gpt-4o-mini","kind":"chat","max_output":4096}],"priority":5}`).
		has("name", "Second", "base_url", w.Faulty.URL, "has_key", true, "priority", 5, "status", "enabled", "version", 1)
	if m := p.at("models", 0); m.(map[string]any)["name"] != "fast" || p.at("models", 1).(map[string]any)["upstream_name"] != "qwen-max" {
		w.Errorf("models: %s", p.text)
	}
	if strings.Contains(p.text, "sk-upstream") {
		w.Errorf("the answer holds the key: %s", p.text)
	}
	path := "/providers/" + p.id()
	w.owner(200, "GET", path, "").has("id", p.id())
	w.owner(200, "PATCH", path, `{"name":"Second provider","enabled":false,"version":1}`).has("name", "Second provider", "status", "disabled", "version", 2)
	w.owner(200, "PATCH", path, `{"enabled":true}`)
	if l := w.owner(200, "GET", "/providers", ""); l.items() != 2 || l.at("items", 0, "name") != "Second provider" {
		w.Errorf("providers: %s", l.text)
	}
	w.owner(200, "POST", path+"/test", "").has("ok", true)
	w.owner(200, "POST", path+"/test", `{"model":"fast"}`).has("ok", true, "model", "gpt-4o-mini")
	if l := w.owner(200, "GET", path+"/models", ""); l.items() == 0 {
		w.Errorf("models of the provider: %s", l.text)
	}
	return p.id()
}

func (w *world) bots(provider string) string {
	w.Helper()
	b := w.owner(201, "POST", "/bots", `{"name":"Acme Help","provider_id":"`+provider+`","model":"fast","system_prompt":"Be brief.",
		"params":{"temperature":0.2},"welcome":"Hello!","suggested_questions":["Opening hours?"],"settings":{"theme":"dark"},
		"kind":"agent","allowed_origins":["https://acme.example"],"retention_days":30,"avatar_url":"https://acme.example/a.png"}`).
		has("name", "Acme Help", "slug", "acme-help", "kind", "agent", "provider_id", provider, "params.temperature", 0.2,
			"settings.theme", "dark", "retention_days", 30, "enabled", true, "trouble", nil)
	path := "/bots/" + b.id()
	w.owner(200, "GET", path, "").has("welcome", "Hello!")
	w.owner(200, "PATCH", path, `{"retention_days":null,"welcome":null,"params":null}`).
		has("retention_days", nil, "welcome", "", "params", map[string]any{}, "system_prompt", "Be brief.", "version", 2)
	if l := w.owner(200, "GET", "/bots?q=acme", ""); l.items() != 1 {
		w.Errorf("bots: %s", l.text)
	}
	return b.id()
}

func (w *world) tokens(bot string) {
	w.Helper()
	k := w.owner(201, "POST", "/tokens", `{"name":"Data pipeline","note":"nightly","bot_id":"`+bot+`","expires_at":"2099-01-02T03:04:05+01:00",
		"quota":1000,"refill":"monthly","models":["gpt-4o-mini"],"addresses":["10.0.0.0/8","::ffff:192.0.2.1"],"permissions":["chat","read"],
		"parameter_name":"q","rpm":60,"tpm":1000,"concurrent":2,"group":"default"}`).
		has("name", "Data pipeline", "bot_id", bot, "expires_at", "2099-01-02T02:04:05Z", "quota", 1000, "used", 0, "remain", 1000, "unlimited", false,
			"refill", "monthly", "models", []string{"gpt-4o-mini"}, "addresses", []string{"10.0.0.0/8", "192.0.2.1"}, "group", "default",
			"permissions", []string{"chat", "read"}, "rpm", 60, "concurrent", 2, "status", "enabled", "created_by", "lin")
	path := "/tokens/" + k.id()
	w.owner(200, "GET", path, "").has("hint", k.at("hint"))
	w.owner(200, "GET", "/tokens?q=pipeline", "").has("total", 1)
	revealed := w.owner(200, "POST", path+"/reveal", "").has("secret", k.at("secret"), "beta", k.at("beta"))
	w.owner(200, "PATCH", path, `{"bot_id":null,"expires_at":null,"models":null,"addresses":null,"unlimited":true}`).
		has("bot_id", nil, "expires_at", nil, "models", nil, "addresses", []string{}, "unlimited", true, "remain", nil, "note", "nightly", "rpm", 60)
	turned := w.owner(200, "POST", path+"/rotate", `{"keep_old":"0s"}`)
	if turned.at("secret") == revealed.at("secret") || strings.Contains(turned.text, `"beta"`) {
		w.Errorf("rotated: %s", turned.text)
	}
	w.owner(200, "POST", path+"/disable", "").has("status", "disabled")
	w.owner(200, "POST", path+"/enable", "{}").has("status", "enabled")
	w.owner(200, "POST", path+"/revoke", "").has("status", "revoked")
	w.call("owner", "POST", path+"/rotate", "").refused(409, "revoked_already")
	w.call("owner", "POST", path+"/enable", "").refused(409, "revoked_already")
	w.owner(200, "GET", path, "").has("status", "revoked")
	w.owner(200, "GET", "/tokens?status=revoked", "").has("total", 1)
	w.owner(200, "POST", path+"/undo-revoke", "").has("status", "enabled", "revoked_at", nil)
	w.owner(204, "DELETE", path, "")
	w.call("owner", "GET", path, "").refused(404, "not_found")
}

func (w *world) shares(bot string) {
	w.Helper()
	m := w.owner(201, "POST", "/customers", `{"username":"chen","password":"a long enough phrase"}`)
	s := w.owner(201, "POST", "/shares", `{"bot_id":"`+bot+`","name":"Spring campaign","max_customers":5,"rpm":10,"allowance":20,
		"allowance_unit":"messages","refill":"daily","cap":5000,"customers":["`+m.id()+`"]}`).
		has("bot_id", bot, "max_customers", 5, "allowance", 20, "allowance_unit", "messages", "refill", "daily", "cap", 5000, "remain", 5000,
			"customers", []string{m.id()}, "restricted", true, "named", 1, "status", "enabled")
	if want := "https://bots.acme.example/s/" + s.at("secret").(string); s.at("url") != want {
		w.Errorf("url %v, want %s", s.at("url"), want)
	}
	path := "/shares/" + s.id()
	w.owner(200, "GET", path, "").has("customers", []string{m.id()})
	if l := w.owner(200, "GET", "/shares", ""); l.items() != 1 || strings.Contains(l.text, `"customers"`) {
		w.Errorf("shares: %s", l.text)
	}
	w.owner(200, "POST", path+"/reveal", "").has("secret", s.at("secret"), "url", s.at("url"))
	w.owner(200, "PATCH", path, `{"customers":null,"cap":null,"allowance":null,"max_customers":null}`).
		has("customers", nil, "cap", nil, "remain", nil, "allowance", nil, "max_customers", nil, "refill", "daily", "name", "Spring campaign")
	w.owner(200, "POST", path+"/pause", "").has("status", "paused")
	w.owner(200, "POST", path+"/resume", "").has("status", "enabled")
	w.owner(200, "POST", path+"/revoke", "").has("status", "revoked")
	w.call("owner", "POST", path+"/resume", "").refused(409, "revoked_already")
	w.owner(200, "POST", path+"/undo-revoke", "").has("status", "enabled")
	w.owner(204, "DELETE", path, "")
	w.owner(204, "DELETE", "/customers/"+m.id(), "")
}

func (w *world) customers() {
	w.Helper()
	m := w.owner(201, "POST", "/customers", `{"username":"Wang Fang","email":"wang@acme.example","note":"pilot"}`).
		has("username", "Wang Fang", "must_change", true, "status", "enabled")
	if len(m.at("password").(string)) < 12 {
		w.Errorf("the made password is %q", m.at("password"))
	}
	path := "/customers/" + m.id()
	if got := w.owner(200, "GET", path, ""); strings.Contains(got.text, `"password"`) {
		w.Errorf("a password is shown again: %s", got.text)
	}
	w.owner(200, "PATCH", path, `{"note":null,"email":"fang@acme.example","version":1}`).has("note", "", "email", "fang@acme.example", "version", 2)
	w.owner(200, "POST", path+"/disable", "").has("status", "disabled")
	w.owner(200, "GET", "/customers?status=disabled", "").has("total", 1)
	w.owner(200, "POST", path+"/enable", "").has("status", "enabled")
	w.owner(200, "POST", path+"/end-sessions", "").has("sessions", 0)
	w.call("owner", "POST", "/customers/import", "guest-1\nguest-2,guest@acme.example\n", "Content-Type", "text/csv").is(201).has("made", 2)
	if a := w.owner(200, "POST", path+"/reset-password", ""); a.at("password") == m.at("password") {
		w.Errorf("the password is the old one: %s", a.text)
	}
	if a := w.owner(200, "POST", path+"/reset-password", `{"password":"river stone lantern"}`).has("must_change", false); strings.Contains(a.text, "lantern") {
		w.Errorf("a chosen password is answered: %s", a.text)
	}
	w.owner(204, "DELETE", path, "")
}

func (w *world) instance() {
	w.Helper()
	g := w.owner(201, "POST", "/groups", `{"name":"partners","ratio":0.8,"rpm":100,"models":["qwen-max"],"description":"half price soon"}`).
		has("name", "partners", "models", []string{"qwen-max"}, "enabled", true)
	w.owner(200, "GET", "/groups/"+g.id(), "").has("rpm", 100)
	if a := w.owner(200, "PATCH", "/groups/"+g.id(), `{"models":null,"ratio":1.000001}`).has("models", nil); !strings.Contains(a.text, `"ratio":1.000001,`) {
		w.Errorf("ratio: %s", a.text)
	}
	w.owner(200, "GET", "/groups", "").has("total", 2)
	w.owner(204, "DELETE", "/groups/"+g.id(), "")

	p := w.owner(201, "POST", "/prices", `{"model":"gpt-4o-mini","prompt":0.15,"completion":6e-1}`)
	if !strings.Contains(p.text, `"prompt":0.15,"completion":0.6,`) {
		w.Errorf("price: %s", p.text)
	}
	w.call("owner", "POST", "/prices", `{"model":"gpt-4o-mini","prompt":1,"completion":1}`).is(409)
	w.owner(200, "GET", "/prices/"+p.id(), "").has("model", "gpt-4o-mini")
	w.owner(200, "PATCH", "/prices/"+p.id(), `{"prompt":0}`).has("prompt", 0, "version", 2)
	w.owner(200, "GET", "/prices?q=mini", "").has("total", 1)
	w.owner(204, "DELETE", "/prices/"+p.id(), "")

	w.owner(200, "GET", "/settings", "").has("registration", "closed", "default_price.prompt", 2, "request_retention_days", nil, "language", "en")
	w.owner(200, "PATCH", "/settings", `{"registration":"open","default_price":{"prompt":1.5},"private_hosts":["ollama.lan:11434"],"request_retention_days":90,"language":"zh"}`).
		has("registration", "open", "default_price.prompt", 1.5, "default_price.completion", 2, "private_hosts", []string{"ollama.lan:11434"},
			"request_retention_days", 90, "language", "zh", "fixed", []string{})
	w.owner(200, "PATCH", "/settings", `{"request_retention_days":null,"private_hosts":[]}`).has("request_retention_days", nil, "private_hosts", []string{})
	w.users()
	w.workspaces()
}

func (w *world) users() {
	w.Helper()
	u := w.owner(201, "POST", "/users", `{"username":"ada","email":"ada@acme.example","is_admin":true}`).has("is_admin", true, "must_change", true)
	path := "/users/" + u.id()
	w.owner(200, "GET", path, "").has("username", "ada")
	w.owner(200, "PATCH", path, `{"nickname":"Ada","is_admin":false,"version":1}`).has("nickname", "Ada", "is_admin", false)
	w.owner(200, "PATCH", path, `{"password":"river stone lantern"}`).has("must_change", false)
	w.owner(200, "PATCH", path, `{"enabled":false}`).has("status", "disabled")
	w.owner(200, "GET", "/users?status=disabled", "").has("total", 1)
	w.owner(204, "DELETE", path, "")
	w.owner(201, "POST", "/users", `{"username":"grace","password":"river stone lantern","role":"viewer"}`).has("is_admin", false)

	m := w.owner(201, "POST", "/members", `{"username":"edith","role":"viewer"}`).has("role", "viewer")
	w.owner(200, "GET", "/members/"+m.id(), "").has("id", m.id(), "number", m.at("number"))
	w.owner(200, "PATCH", "/members/"+m.id(), `{"role":"editor","version":1}`).has("role", "editor", "version", 2)
	if l := w.owner(200, "GET", "/members?q=grace", ""); l.items() != 1 || l.at("items", 0, "role") != "viewer" {
		w.Errorf("members: %s", l.text)
	}
	w.owner(204, "DELETE", "/members/"+m.id(), "")
	w.owner(200, "GET", "/users/"+m.id(), "")
}

func (w *world) workspaces() {
	w.Helper()
	v := w.owner(201, "POST", "/workspaces", `{"name":"Acme Labs","time_zone":"Asia/Shanghai"}`).
		has("name", "Acme Labs", "time_zone", "Asia/Shanghai", "role", "owner", "unlimited", true, "remain", nil)
	path := "/workspaces/" + v.id()
	w.owner(200, "GET", path, "").has("id", v.id())
	w.owner(200, "PATCH", path, `{"name":"Labs","brand":{"name":"Acme","colour":"#204ec3"},"quota":1000,"unlimited":false}`).
		has("name", "Labs", "brand.colour", "#204ec3", "quota", 1000, "remain", 1000)
	w.owner(200, "GET", "/workspaces", "").has("total", 3)
	w.call("plain viewer", "GET", "/workspaces", "").is(200).has("total", 1)
	w.call("token read", "GET", "/workspaces", "").is(200).has("total", 1)
	w.owner(204, "DELETE", path, "")
	w.call("owner", "GET", path, "").refused(404, "workspace_unknown")
}

// ask asks the gateway a plain question.
func (w *world) ask(secret, model string) error {
	w.Helper()
	body, err := strict.Parse([]byte(`{"model":"` + model + `","messages":[{"role":"user","content":"hello"}]}`))
	w.must(err)
	_, err = w.Gateway.Ask(w.Context(), gateway.Question{
		RequestID: w.Gateway.NewRequestID(), Secret: secret, Address: testbed.Loopback, Door: "gateway", Path: gateway.Chat, Body: body,
	})
	return err
}

// figures asks the gateway and reads what is told of it.
func (w *world) figures() {
	w.Helper()
	k := w.Token(w.T, control.TokenForm{})
	w.must(w.ask(k.Secret, "gpt-4o-mini"))
	w.owner(200, "PATCH", "/tokens/"+k.Row.PublicID, `{"addresses":["192.0.2.0/24"]}`)
	if w.ask(k.Secret, "gpt-4o-mini") == nil {
		w.Fatal("a call from elsewhere was answered")
	}
	log := w.owner(200, "GET", "/requests?token_id="+k.Row.PublicID, "").has("total", 2)
	if log.at("items", 0, "outcome") != "refused" || log.at("items", 0, "rule") != "ip_not_allowed" || log.at("items", 1, "outcome") != "answered" {
		w.Errorf("requests: %s", log.text)
	}
	w.owner(200, "GET", "/requests?status=answered&q=gpt-4o", "").has("total", 1)
	trace := w.owner(200, "GET", "/requests/"+log.at("items", 1, "id").(string)+"/trace", "").has("outcome", "answered", "token.name", "Data pipeline")
	if len(trace.at("checks").([]any)) == 0 {
		w.Errorf("no checks: %s", trace.text)
	}
	units := log.at("items", 1, "units")
	today := w.Now().UTC().Format(time.DateOnly)
	w.owner(200, "GET", "/usage", "").has("by", "day", "to", today, "total", 1, "sum.requests", 1, "sum.refused", 1, "sum.units", units)
	for _, by := range []string{"day", "token", "share", "customer", "bot", "model"} {
		a := w.owner(200, "GET", "/usage?by="+by, "").has("by", by)
		if a.at("items", 0, "units") != units {
			w.Errorf("usage by %s: %s", by, a.text)
		}
	}
	w.owner(200, "GET", "/usage?by=token", "").at("items", 0, "name")
	w.owner(200, "GET", "/usage?from=2020-01-01&to=2020-02-01", "").has("total", 0, "sum.units", 0)
	w.owner(200, "POST", "/why", `{"token":"`+k.Row.PublicID+`"}`).has("allowed", true, "token.id", k.Row.PublicID, "hold", nil)
	if a := w.owner(200, "GET", "/audit?q=token.edit", ""); a.items() < 2 || a.at("items", 0, "action") != "token.edit" {
		w.Errorf("audit: %s", a.text)
	}
}
