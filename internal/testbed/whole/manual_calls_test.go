package whole

import (
	"fmt"
	"net/http"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

const hello = `"messages":[{"role":"user","content":"hello"}]`

func (r *reading) callGateway() {
	r.Helper()
	r.as("native", "POST", api+"/providers", `{"name":"More","base_url":"`+r.Faulty.URL+`/v1","models":[{"name":"text-embedding-3-small","kind":"embedding"}]}`).Is(201)
	k := "Bearer " + r.Token(r.TB, control.TokenForm{}).Secret
	r.call(k, "POST /v1/chat/completions", "", `{"model":"gpt-4o-mini",`+hello+`}`)
	r.call(k, "POST /v1/chat/completions", "", `{"model":"gpt-4o-mini","stream":true,`+hello+`}`)
	r.call(k, "POST /v1/completions", "", `{"model":"gpt-4o-mini","prompt":"hello"}`)
	r.call(k, "POST /v1/embeddings", "", `{"model":"text-embedding-3-small","input":"hello"}`)
	r.call(k, "POST /v1/responses", "", `{"model":"gpt-4o-mini","input":"hello"}`)
	r.call(k, "GET /v1/models", "", "")
	r.call(k, "GET /v1/models/{model}", "", "", "gpt-4o-mini")
	r.call(k, "GET /api/usage/token", "", "")
	r.Gateway.Flush()
	r.call(k, "GET /api/log/token", "", "")
	for _, base := range []string{"/dashboard/billing", "/v1/dashboard/billing"} {
		r.call(k, "GET "+base+"/subscription", "", "")
		r.call(k, "GET "+base+"/usage", "", "")
	}
	r.call(k, "GET /api/latchkey/v1/verify", "?cost=5", "")
	r.call(k, "POST /api/latchkey/v1/verify", "", "")
}

// rounds makes, lists, shows, changes and deletes a row of one kind, and does what
// verbs say in between.
func (r *reading) rounds(by, noun, fresh, edit string, verbs ...string) {
	r.Helper()
	id := r.call(by, "POST "+api+noun, "", fresh).At("id").(string)
	r.call(by, "GET "+api+noun, "?limit=5", "")
	r.call(by, "GET "+api+noun+"/{id}", "", "", id)
	r.call(by, "PATCH "+api+noun+"/{id}", "", edit, id)
	for _, verb := range verbs {
		r.call(by, "POST "+api+noun+"/{id}/"+verb, "", "", id)
	}
	r.call(by, "DELETE "+api+noun+"/{id}", "", "", id)
}

func (r *reading) callNative() {
	r.Helper()
	lin := "Bearer " + r.keys["native"]
	r.rounds(lin, "/workspaces", `{"name":"Northwind","time_zone":"Asia/Shanghai"}`, `{"brand":{"name":"Northwind","colour":"","no_credit":true}}`)
	r.rounds(lin, "/members", `{"username":"mei.tanaka","role":"editor"}`, `{"role":"viewer"}`)
	r.rounds(lin, "/users", `{"username":"ada","email":"ada@acme.example"}`, `{"nickname":"Ada"}`)
	r.rounds(lin, "/groups", `{"name":"partners","ratio":0.8,"models":["gpt-4o-mini"]}`, `{"models":null,"ratio":1.5}`)
	r.rounds(lin, "/prices", `{"model":"gpt-4o-mini","prompt":0.15,"completion":0.6}`, `{"prompt":0}`)
	r.rounds(lin, "/bots", `{"name":"Desk","provider_id":"`+r.Provider.PublicID+`","model":"gpt-4o-mini","suggested_questions":["Where is my invoice?"],"params":{"temperature":0.2}}`,
		`{"retention_days":7}`)
	r.rounds(lin, "/tokens", `{"name":"Data","models":["gpt-4o-mini"],"quota":5000,"refill":"daily","expires_at":"2099-01-01T00:00:00Z"}`, `{"models":null,"unlimited":true}`,
		"disable", "enable", "reveal", "rotate", "revoke", "undo-revoke")
	r.rounds(lin, "/shares", `{"bot_id":"`+r.Bot.PublicID+`","allowance":5,"allowance_unit":"messages","customers":[]}`, `{"cap":1000,"customers":null}`,
		"pause", "resume", "reveal", "revoke", "undo-revoke")
	r.rounds(lin, "/customers", `{"username":"maria","password":"green tea at noon"}`, `{"note":"From Acme"}`, "disable", "enable", "end-sessions", "reset-password")
	r.call(lin, "POST "+api+"/customers/import", "?dry_run=1", "guest-1\nguest-2,guest@acme.example\n")
	r.call(lin, "POST "+api+"/customers/import", "", "guest-1\nguest-2,guest@acme.example\n")
	p := r.call(lin, "POST "+api+"/providers", "", `{"name":"Third","base_url":"`+r.Faulty.URL+`/v1","api_key":"k","models":["gpt-4o-mini",{"name":"e","kind":"embedding"}]}`).At("id").(string)
	r.call(lin, "GET "+api+"/providers", "", "")
	r.call(lin, "GET "+api+"/providers/{id}", "", "", p)
	r.call(lin, "PATCH "+api+"/providers/{id}", "", `{"priority":3}`, p)
	r.call(lin, "POST "+api+"/providers/{id}/test", "", `{"model":"gpt-4o-mini"}`, p)
	r.call(lin, "GET "+api+"/providers/{id}/models", "", "", p)
	r.call(lin, "DELETE "+api+"/providers/{id}", "", "", p)
	r.call(lin, "GET "+api+"/settings", "", "")
	r.call(lin, "PATCH "+api+"/settings", "", `{"request_retention_days":30,"default_price":{"prompt":2}}`)
	for _, by := range []string{"day", "token", "share", "customer", "bot", "model"} {
		r.call(lin, "GET "+api+"/usage", "?by="+by, "")
	}
	requests := r.call(lin, "GET "+api+"/requests", "", "")
	r.call(lin, "GET "+api+"/requests/{id}/trace", "", "", requests.At("items", 0, "id").(string))
	k := r.Token(r.TB, control.TokenForm{})
	r.call(lin, "POST "+api+"/why", "", `{"token":"`+k.Secret+`","model":"gpt-4o-mini","address":"192.0.2.7"}`)
	r.call(lin, "POST "+api+"/why", "", `{"token":"`+k.Row.PublicID+`"}`)
	r.call(lin, "GET "+api+"/audit", "", "")
	r.call("Bearer "+testbed.MasterKey, "GET "+api+"/tokens", "", "")
}

func (r *reading) callNewAPI() {
	r.Helper()
	lin := "Bearer " + r.keys["newapi"]
	r.call("", "GET /api/status", "", "")
	r.call(lin, "POST /api/token", "", `{"name":"Data","remain_quota":5000,"expired_time":-1,"model_limits":["gpt-4o-mini"],"model_limits_enabled":true}`)
	id := fmt.Sprint(r.call(lin, "GET /api/token", "?p=1&size=5", "").At("data", "items", 0, "id"))
	r.call(lin, "GET /api/token/search", "?keyword=Da", "")
	r.call(lin, "GET /api/token/{id}", "", "", id)
	r.call(lin, "PUT /api/token", "", `{"id":`+id+`,"name":"More","allow_ips":"127.0.0.1"}`)
	r.call(lin, "PUT /api/token", "?status_only=true", `{"id":`+id+`,"status":2}`)
	r.call(lin, "POST /api/token/{id}/key", "", "", id)
	r.call(lin, "POST /api/token/batch/keys", "", `{"ids":[`+id+`]}`)
	r.call(lin, "DELETE /api/token/{id}", "", "", id)
	r.call(lin, "POST /api/token/batch", "", `{"ids":[`+id+`]}`)
	for _, path := range []string{"self", "self/groups", "models", "token"} {
		r.call(lin, "GET /api/user/"+path, "", "")
	}
	r.call("", "POST /api/user/register", "", `{"username":"newcomer","password":"green tea at noon"}`)
	r.call("", "POST /api/user/login", "", `{"username":"newcomer","password":"green tea at noon"}`)
	r.call("", "GET /api/user/logout", "", "")
}

func (r *reading) callFess() {
	r.Helper()
	k := "Bearer " + r.keys["fess"]
	const base = "/api/admin/accesstoken/"
	id := r.call(k, "POST "+base+"setting", "", `{"name":"Search","permissions":["guest"],"expiredTime":4070908800000}`).At("response", "id").(string)
	text := r.call(k, "POST "+base+"setting", "", `{"name":"Text","permissions":"Radmin-api\nguest","token":null}`).At("response", "id").(string)
	for _, method := range []string{"GET", "PUT", "POST"} {
		body := map[bool]string{true: `{"page":0,"size":20}`}[method != http.MethodGet]
		r.call(k, method+" "+base+"settings", "", body)
	}
	r.call(k, "GET "+base+"setting/{id}", "", "", id)
	r.call(k, "GET "+base+"setting/{id}", "", "", text)
	r.call(k, "PUT "+base+"setting", "", `{"id":"`+id+`","name":"Search","versionNo":1}`)
	r.call(k, "DELETE "+base+"setting/{id}", "", "", id)
	bound := r.Token(r.TB, control.TokenForm{Bot: &r.Bot.PublicID})
	r.call("Bearer "+bound.Secret, "GET /json", "?q=hello", "")
}

func (r *reading) callBotShare() {
	r.Helper()
	lin, bot := "Bearer "+r.keys["botshare"], testbed.UUID(r.Bot.PublicID)
	share := r.call(lin, "POST /api/v1/bots/{id}/share-tokens", "", `{"name":null,"expires_at":"2099-01-01T00:00:00Z"}`, bot)
	r.call(lin, "GET /api/v1/bots/{id}/share-tokens", "", "", bot)
	customer := r.call(lin, "POST /api/v1/end-users", "", `{"username":"chen","password":"green tea at noon"}`).At("id").(string)
	r.call(lin, "GET /api/v1/end-users", "", "")
	link := share.At("share_token").(string)
	in := "Bearer " + r.call("", "POST /api/v1/auth/login", "", `{"username":"chen","password":"green tea at noon","share_token":"`+link+`"}`).At("token").(string)
	r.call(in, "GET /api/v1/auth/verify", "", "")
	r.call(in, "GET /api/v1/public/bot-share/{share}", "", "", link)
	for _, stream := range []string{"true", "false"} {
		r.call(in, "POST /api/v3/chat/completions", "", `{"bot_id":"`+bot+`","share_token":"`+link+`","stream":`+stream+`,`+hello+`}`)
	}
	r.call(in, "POST /api/v1/auth/logout", "", "")
	r.call(lin, "POST /api/v1/end-users/{id}/reset-password", "", `{"password":"black tea at nine"}`, customer)
	r.call(lin, "DELETE /api/v1/end-users/{id}", "", "", customer)
	r.call(lin, "DELETE /api/v1/bot-share-tokens/{id}", "", "", share.At("id").(string))
}

func (r *reading) callRAGFlow() {
	r.Helper()
	const account = `{"email":"newer@acme.example","nickname":"Newer","password":"green tea at noon"}`
	fresh := r.call("", "POST /v1/user/register", "", account).Header.Get("Authorization")
	r.call("", "POST /api/v1/users", "", strings.ReplaceAll(account, "newer", "newest"))
	const in = `{"email":"newer@acme.example","password":"green tea at noon"}`
	for _, operation := range []string{"POST /v1/user/login", "GET /v1/user/login", "POST /api/v1/auth/login"} {
		r.call("", operation, "", in)
	}
	for _, path := range []string{"/v1/system/ping", "/v1/system/config", "/v1/system/public_key", "/api/v1/system/ping", "/api/v1/system/config", "/api/v1/system/public_key", "/api/v1/system/version"} {
		r.call("", "GET "+path, "", "")
	}
	lin := "Bearer " + r.keys["ragflow"]
	for _, path := range []string{"/v1/system/version", "/v1/system/status", "/v1/user/info", "/v1/user/tenant_info", "/v1/llm/my_llms"} {
		r.call(lin, "GET "+path, "", "")
	}
	r.call(lin, "POST /v1/user/set_tenant_info", "", `{"tenant_id":"`+r.Workspace.PublicID+`","asr_id":"","embd_id":"","img2txt_id":"","llm_id":""}`)
	r.call(lin, "POST /v1/llm/set_api_key", "", `{"llm_factory":"OpenAI","api_key":"k"}`)
	r.callKeys(lin, "POST /v1/system/new_token", "GET /v1/system/token_list", "DELETE /v1/system/token/{token}")
	for _, noun := range []string{"/api/v1/system/tokens", "/api/v1/system/keys"} {
		r.callKeys(lin, "POST "+noun, "GET "+noun, "DELETE "+noun+"/{token}")
	}
	const user = " /api/v1/admin/users/{email}/"
	r.callKeys(lin, "POST"+user+"new_token", "GET"+user+"token_list", "DELETE"+user+"token/{token}", "lin@acme.example")
	r.callKeys(lin, "POST"+user+"keys", "GET"+user+"keys", "DELETE"+user+"keys/{token}", "lin@acme.example")
	r.call("", "POST /api/v1/admin/login", "", `{"email":"lin@acme.example","password":"correct horse battery staple"}`)
	r.callBots()
	r.call(fresh, "GET /v1/user/logout", "", "")
	r.call("Bearer "+r.Login(r.TB, r.User, access.DoorRAGFlow), "POST /api/v1/auth/logout", "", "")
}

func (r *reading) callKeys(by, create, list, end string, user ...string) {
	r.Helper()
	text := r.call(by, create, "", `{"name":"Data"}`, user...).At("data", "token").(string)
	r.call(by, list, "", "", user...)
	r.call(by, end, "", "", append(user, text)...)
}

func (r *reading) callBots() {
	r.Helper()
	k := r.Token(r.TB, control.TokenForm{Bot: &r.Bot.PublicID})
	for _, stream := range []string{"true", "false"} {
		question := `{"question":"hello","stream":` + stream + `}`
		for _, noun := range []string{"chatbots", "agentbots"} {
			r.call("Bearer "+k.Beta, "POST /api/v1/"+noun+"/{id}/completions", "", question, r.Bot.PublicID)
		}
		r.call("Bearer "+k.Secret, "POST /api/v1/conversation/completion", "", question)
		for _, noun := range []string{"chats_openai", "agents_openai", "openai"} {
			r.call("Bearer "+k.Secret, "POST /api/v1/"+noun+"/{id}/chat/completions", "", `{"model":"m","stream":`+stream+`,`+hello+`}`, r.Bot.PublicID)
		}
	}
	for _, noun := range []string{"conversation", "canvas"} {
		r.call("Bearer "+k.Beta, "GET /v1/"+noun+"/getsse/{id}", "", "", r.Bot.PublicID)
	}
}
