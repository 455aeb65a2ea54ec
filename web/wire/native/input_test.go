package native

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
)

func TestBadInput(t *testing.T) {
	w := newWorld(t)
	k := w.owner(201, "POST", "/tokens", `{"name":"Data pipeline"}`).id()
	s := w.owner(201, "POST", "/shares", `{"bot_id":"`+w.Bot.PublicID+`"}`).id()
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, says         string
	}{
		{"POST", "/tokens", ``, 400, "json_object", ""},
		{"POST", "/tokens", `[]`, 400, "json_object", ""},
		{"POST", "/tokens", `{"name":"x"} {}`, 400, "json_trailing", ""},
		{"POST", "/tokens", `{"name":"x","name":"y"}`, 400, "json_duplicate", "name"},
		{"POST", "/tokens", `{"name":"x","Name":"y"}`, 400, "json_duplicate", "Name"},
		{"POST", "/tokens", `{"Name":"y"}`, 400, "json_unknown", "Name"},
		{"POST", "/tokens", "{\"name\":\"\xff\"}", 400, "json_utf8", ""},
		{"POST", "/tokens", `{"models":` + deep + `}`, 400, "json_depth", ""},
		{"POST", "/tokens", `{"name":"x","colour":"red"}`, 400, "json_unknown", "colour"},
		{"POST", "/tokens", `{"name":5}`, 400, "json_type", "name must be text"},
		{"POST", "/tokens", `{"name":null}`, 400, "field_null", "name"},
		{"POST", "/tokens", `{"name":""}`, 400, "name_missing", "name: "},
		{"POST", "/tokens", `{"name":"x","quota":1.5}`, 400, "json_type", "quota"},
		{"POST", "/tokens", `{"name":"x","quota":1e400}`, 400, "json_type", "quota must be a whole number, not 1e400"},
		{"POST", "/tokens", `{"name":"x","quota":99999999999999999999}`, 400, "json_type", "quota"},
		{"POST", "/tokens", `{"name":"x","quota":9007199254740993}`, 400, "quota_range", "quota"},
		{"POST", "/tokens", `{"name":"x","quota":-1}`, 400, "quota_range", "quota"},
		{"POST", "/tokens", `{"name":"x","rpm":-1}`, 400, "number_range", "rpm"},
		{"POST", "/tokens", `{"name":"x","rpm":true}`, 400, "json_type", "rpm"},
		{"POST", "/tokens", `{"name":"x","refill":"hourly"}`, 400, "refill_unknown", "refill"},
		{"POST", "/tokens", `{"name":"x","models":"qwen-max"}`, 400, "json_type", "models"},
		{"POST", "/tokens", `{"name":"x","models":[1]}`, 400, "json_type", "models"},
		{"POST", "/tokens", `{"name":"x","addresses":["10.0.0.0/99"]}`, 400, "address_invalid", "10.0.0.0/99"},
		{"POST", "/tokens", `{"name":"x","expires_at":"tomorrow"}`, 400, "time_malformed", "expires_at"},
		{"POST", "/tokens", `{"name":"x","expires_at":1790000000}`, 400, "json_type", "expires_at"},
		{"POST", "/tokens", `{"name":"x","expires_at":"2020-01-01T00:00:00Z"}`, 400, "expiry_past", "expires_at"},
		{"POST", "/tokens", `{"name":"x","group":"nowhere"}`, 400, "group_unknown", "nowhere"},
		{"POST", "/tokens", `{"name":"x","bot_id":"` + nobodysID + `"}`, 400, "bot_unknown", "bot_id"},
		{"POST", "/tokens", `{"name":"","rpm":-1}`, 400, "name_missing", "rpm: "},
		{"PATCH", "/tokens/" + k, `{"version":7}`, 409, "stale", "version"},
		{"PATCH", "/tokens/" + k, `{"version":0}`, 400, "number_least", "version"},
		{"PATCH", "/tokens/" + k, `{"secret":"sk-another-one-altogether"}`, 400, "json_unknown", "secret"},
		{"PATCH", "/tokens/" + k, `{"id":"` + k + `"}`, 400, "json_unknown", "id"},
		{"PATCH", "/tokens/" + k, ``, 400, "json_object", ""},
		{"PATCH", "/tokens/" + nobodysID, `{"name":"x"}`, 404, "not_found", ""},
		{"POST", "/tokens/" + k + "/rotate", `{"keep_old":"a day"}`, 400, "duration_malformed", "keep_old"},
		{"POST", "/tokens/" + k + "/rotate", `{"keep_old":"-1h"}`, 400, "keep_old_range", "keep_old"},
		{"POST", "/tokens/" + k + "/disable", `{"reason":"x"}`, 400, "json_unknown", "reason"},
		{"POST", "/tokens/" + k + "/undo-revoke", ``, 409, "undo_too_late", ""},
		{"POST", "/shares", `{"name":"x"}`, 400, "bot_missing", "bot_id"},
		{"POST", "/shares", `{"bot_id":"` + w.Bot.PublicID + `","customers":["` + nobodysID + `"]}`, 400, "customer_unknown", "customers"},
		{"POST", "/shares", `{"bot_id":"` + w.Bot.PublicID + `","allowance_unit":"apples"}`, 400, "unit_unknown", "allowance_unit"},
		{"PATCH", "/shares/" + s, `{"bot_id":"` + nobodysID + `"}`, 400, "share_bot_fixed", "bot_id"},
		{"POST", "/customers", `{"username":"x","password":"12345678"}`, 400, "password_common", "password"},
		{"POST", "/providers", `{"name":"x","base_url":"http://169.254.169.254/v1","models":[]}`, 400, "provider_url_metadata", "base_url"},
		{"POST", "/providers", `{"name":"x","base_url":"https://api.acme.example","models":[{"name":"a","size":1}]}`, 400, "json_unknown", "size"},
		{"POST", "/providers", `{"name":"x","base_url":"https://api.acme.example","models":[{"upstream_name":"a","name":4}]}`, 400, "json_type", "name"},
		{"POST", "/bots", `{"name":"x","provider_id":"` + w.Provider.PublicID + `","model":"qwen-max","params":"{}"}`, 400, "object_invalid", "params"},
		{"POST", "/bots", `{"name":"x","provider_id":"` + w.Provider.PublicID + `","model":"qwen-max","params":{"temperature":9}}`, 400, "params_range", "temperature"},
		{"POST", "/bots", `{"name":"x","provider_id":"` + w.Provider.PublicID + `","model":"qwen-max","settings":{"a":1,"A":2}}`, 400, "json_duplicate", "A"},
		{"POST", "/prices", `{"model":"m","prompt":"dear","completion":1}`, 400, "json_value", ""},
		{"POST", "/prices", `{"model":"m","prompt":-1,"completion":1}`, 400, "decimal_malformed", "prompt"},
		{"POST", "/prices", `{"model":"m","prompt":0.0000001,"completion":1}`, 400, "decimal_fine", "prompt"},
		{"POST", "/prices", `{"model":"m","prompt":1e99,"completion":1}`, 400, "decimal_malformed", "prompt"},
		{"POST", "/prices", `{"model":"m","prompt":1}`, 400, "decimal_malformed", "completion"},
		{"POST", "/groups", `{"name":"g","ratio":5000}`, 400, "ratio_range", "ratio"},
		{"PATCH", "/settings", `{"registration":"ajar"}`, 400, "registration_unknown", "registration"},
		{"PATCH", "/settings", `{"default_price":{"promt":1}}`, 400, "json_unknown", "promt"},
		{"PATCH", "/settings", `{"default_price":{"prompt":-1}}`, 400, "decimal_malformed", "default_price.prompt"},
		{"PATCH", "/settings", `{"private_hosts":["169.254.169.254:80"]}`, 400, "private_host_metadata", "private_hosts"},
		{"PATCH", "/settings", `{"request_retention_days":0}`, 400, "request_retention_range", "request_retention_days"},
		{"PATCH", "/settings", `{"language":"fr"}`, 400, "language_unknown", "language"},
		{"POST", "/members", `{"username":"x"}`, 400, "role_unknown", "role"},
		{"POST", "/users", `{"username":"lin"}`, 409, "username_taken", "username"},
		{"POST", "/users", `{"username":"lin","role":"owner"}`, 409, "username_taken", "username"},
		{"PATCH", "/users/" + w.User.PublicID, `{"is_admin":false}`, 409, "last_admin", ""},
		{"PATCH", "/users/" + w.User.PublicID, `{"enabled":false,"nickname":"x"}`, 400, "field_alone", "enabled"},
		{"PATCH", "/users/" + w.User.PublicID, `{"password":"river stone lantern","version":1}`, 400, "field_alone", "password"},
		{"POST", "/workspaces", `{"name":"x","time_zone":"Mars/Olympus"}`, 400, "time_zone_unknown", "time_zone"},
		{"GET", "/usage?by=hour", ``, 400, "usage_by", "by"},
		{"GET", "/usage?from=yesterday", ``, 400, "day_malformed", "from"},
		{"GET", "/usage?from=2026-02-01&to=2026-01-01", ``, 400, "span_backwards", "from"},
		{"GET", "/usage?from=1990-01-01", ``, 400, "span_long", "from"},
		{"GET", "/usage?sort=units", ``, 400, "usage_sort", "sort"},
		{"GET", "/requests?from=yesterday", ``, 400, "time_malformed", "from"},
		{"GET", "/requests?status=lost", ``, 400, "status_unknown", "status"},
		{"GET", "/requests/" + nobodysID + "/trace", ``, 404, "not_found", ""},
		{"GET", "/tokens?limit=0", ``, 400, "limit_range", "limit"},
		{"GET", "/tokens?limit=201", ``, 400, "limit_range", "limit"},
		{"GET", "/tokens?limit=ten", ``, 400, "limit_range", "limit"},
		{"GET", "/tokens?sort=secret", ``, 400, "sort_unknown", "sort"},
		{"GET", "/tokens?status=happy", ``, 400, "status_unknown", "happy"},
		{"GET", "/tokens?cursor=abc", ``, 400, "cursor_invalid", "cursor"},
		{"GET", "/tokens?q=" + strings.Repeat("x", 201), ``, 400, "query_long", "q"},
		{"GET", "/nowhere", ``, 404, "page_unknown", ""},
		{"GET", "/Tokens", ``, 404, "page_unknown", ""},
		{"GET", "/tokens/", ``, 404, "page_unknown", ""},
		{"PUT", "/tokens/" + k, `{}`, 405, "method", ""},
		{"DELETE", "/tokens", ``, 405, "method", ""},
	} {
		a := w.call("owner", c.method, c.path, c.body)
		if a.status != c.status || a.at("error", "code") != c.code || !strings.Contains(a.at("error", "message").(string), c.says) {
			t.Errorf("%s %s %.80s: %d %s, want %d %s with %q", c.method, c.path, c.body, a.status, a.text, c.status, c.code, c.says)
		}
	}
	w.owner(200, "GET", "/tokens/"+k, "").has("name", "Data pipeline", "version", 1)
}

func TestBodies(t *testing.T) {
	w := newWorld(t)
	large := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	w.call("owner", "POST", "/tokens", large).refused(413, "body_too_large")
	w.call("owner", "POST", "/tokens", `{"name":"x"}`, "Content-Encoding", "gzip").refused(415, "content_encoding")
	w.call("owner", "POST", "/tokens", `name=x`, "Content-Type", "application/x-www-form-urlencoded").refused(415, "content_type")
	w.call("owner", "POST", "/tokens", `{"name":"x"}`, "Content-Type", "application/json; charset=utf-8").is(201)
	w.call("owner", "HEAD", "/tokens", "").is(200)
	w.call("owner", "POST", "/tokens?name=query", `{"name":"body"}`).is(201).has("name", "body")
}

// An edit that is refused, or that names nothing, changes nothing.
func TestPatchChangesWhatIsPresent(t *testing.T) {
	w := newWorld(t)
	made := w.owner(201, "POST", "/tokens", `{"name":"a","note":"b","rpm":5,"quota":10,"models":[],"expires_at":"2099-01-01T00:00:00Z","permissions":["read","odd"]}`)
	path := "/tokens/" + made.id()
	same := w.owner(200, "PATCH", path, `{"version":1}`)
	for _, field := range []string{"name", "note", "rpm", "quota", "models", "expires_at", "permissions", "unlimited", "group", "addresses"} {
		same.has(field, made.at(field))
	}
	w.owner(200, "PATCH", path, `{"quota":20}`).has("quota", 20, "rpm", 5, "unlimited", false)
	w.owner(200, "PATCH", path, `{"quota":null,"rpm":null,"note":null}`).has("unlimited", true, "remain", nil, "rpm", 0, "note", "")
	w.owner(200, "PATCH", path, `{"unlimited":false,"quota":0}`).has("status", "exhausted", "remain", 0)
	w.call("owner", "PATCH", path, `{"name":"c","rpm":-1}`).is(400)
	w.owner(200, "GET", path, "").has("name", "a")
}

// Secrets stand where they are made, revealed or rotated, and nowhere else.
func TestSecretsStayPut(t *testing.T) {
	w := newWorld(t)
	k := w.owner(201, "POST", "/tokens", `{"name":"a"}`)
	s := w.owner(201, "POST", "/shares", `{"bot_id":"`+w.Bot.PublicID+`"}`)
	for _, path := range []string{"/tokens", "/tokens/" + k.id(), "/shares", "/shares/" + s.id(), "/audit", "/requests", "/providers"} {
		text := w.owner(200, "GET", path, "").text
		for _, secret := range []any{k.at("secret"), k.at("beta"), s.at("secret"), "upstream-key"} {
			if strings.Contains(text, secret.(string)) {
				t.Errorf("GET %s holds a secret", path)
			}
		}
	}
	once := w.owner(201, "POST", "/tokens", `{"name":"a","show_once":true}`)
	w.call("owner", "POST", "/tokens/"+once.id()+"/reveal", "").refused(409, "shown_once")
	chosen := w.owner(201, "POST", "/tokens", `{"name":"a","secret":"sk-a-secret-that-a-client-starts-with-0123456789"}`)
	chosen.has("secret", "sk-a-secret-that-a-client-starts-with-0123456789")
	if a := w.owner(200, "POST", "/tokens/"+k.id()+"/reveal", ""); a.headers["Cache-Control"][0] != "no-store" {
		t.Errorf("a secret may be cached: %v", a.headers)
	}
}

func TestNumbersArePrintedExactly(t *testing.T) {
	w := newWorld(t)
	for in, out := range map[string]string{
		"0.1": "0.1", "0.30": "0.3", "1e-3": "0.001", "1E+2": "100", "1e0": "1", "12.5e-1": "1.25", "0.000002": "0.000002", `"7.25"`: "7.25", "0": "0", "0e5": "0",
	} {
		p := w.owner(201, "POST", "/prices", `{"model":"m","prompt":`+in+`,"completion":0}`)
		if !strings.Contains(p.text, `"prompt":`+out+`,`) {
			t.Errorf("%s came back as %s", in, p.text)
		}
		w.owner(204, "DELETE", "/prices/"+p.id(), "")
	}
}

// Every kind has a status, and a fault tells nothing of itself.
func TestErrorsAreExhaustive(t *testing.T) {
	want := map[access.Kind]int{
		access.Invalid: 400, access.SignedOut: 401, access.Forbidden: 403, access.NotFound: 404, access.Conflict: 409, access.Spent: 403,
		access.Revoked: 403, access.Expired: 403, access.Limited: 429, access.Busy: 503, access.Upstream: 502,
	}
	var fault error
	var log bytes.Buffer
	d := &Door{Log: slog.New(slog.NewTextHandler(&log, nil)), Language: lang.English}
	app := fiber.New()
	app.Get("/", func(c *fiber.Ctx) error { return d.Error(c, fault) })
	ask := func(err error) (status int, retry string) {
		fault = err
		resp, err := app.Test(httptest.NewRequestWithContext(context.Background(), "GET", "/", nil), -1)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	for _, kind := range access.Kinds() {
		if status, retry := ask(access.Fail(kind, "code", "Text.").After(1500 * time.Millisecond)); status != want[kind] || retry != "2" {
			t.Errorf("%v: %d, Retry-After %q", kind, status, retry)
		}
	}
	if len(want) != len(access.Kinds()) {
		t.Errorf("%d of %d kinds", len(want), len(access.Kinds()))
	}
	if status, _ := ask(errors.New("disk on fire")); status != 500 || !strings.Contains(log.String(), "disk on fire") {
		t.Errorf("a fault: %d, logged %q", status, log.String())
	}
}

// Messages come in the caller's language.
func TestMessagesInChinese(t *testing.T) {
	w := newWorld(t)
	a := w.call("owner", "GET", "/tokens?sort=secret", "", "Accept-Language", "zh-CN").refused(400, "sort_unknown")
	if !strings.Contains(a.at("error", "message").(string), "排序") {
		t.Errorf("message: %s", a.text)
	}
}
