package dashboard_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

func TestAPIPageFillsAKeyInOnDemand(t *testing.T) {
	s := newSite(t)
	bound := s.Bot.PublicID
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new(`CI "x" <b>`), Bot: &bound})
	s.must(err)
	once, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("Shown once"), ShowOnce: true})
	s.must(err)
	r := s.reader(access.Owner)
	before := r.get("/settings/api")
	before.want(t, 200, s.url+"/v1", s.url+"/api/latchkey/v1", s.url+"/key", "$LATCHKEY_KEY", "new OpenAI({ baseURL:", "from openai import OpenAI",
		"/api/v1/chats_openai/"+bound+"/chat/completions", "/api/usage/token", "/json/?q=Hello", "/api/v3/chat/completions",
		"CI &#34;x&#34; &lt;b&gt; · sk-lk…", "!"+made.Secret, "!Shown once")
	audit := len(s.auditOf(t, "token.reveal"))
	after := r.post("/settings/api", "workspace", before.value(t, "workspace"), "token", made.Row.PublicID)
	after.want(t, 200, "The key of “CI &#34;x&#34; &lt;b&gt;” is filled in", "Bearer "+made.Secret, "!$LATCHKEY_KEY", "!process.env", "!os.environ", "!import os")
	if after.header.Get("Cache-Control") != "no-store" {
		t.Error("the answer may be kept")
	}
	if got := len(s.auditOf(t, "token.reveal")); got != audit+1 {
		t.Errorf("%d rows in the audit log, want one more than %d", got, audit)
	}
	if text := html.UnescapeString(after.body); strings.Count(text, made.Secret) != 7 {
		t.Errorf("the key stands %d times", strings.Count(text, made.Secret))
	}
	r.part = true
	r.post("/settings/api", "token", made.Row.PublicID).want(t, 200, made.Secret, "!<html")
	r.part = false
	r.post("/settings/api", "token", once.Row.PublicID).want(t, 409, "shown once", "!"+once.Secret)
	r.post("/settings/api", "token", "0000").want(t, 404)
	r.get("/settings/api").want(t, 200, "!"+made.Secret)
}

// auditOf lists the rows of an action in the audit log.
func (s *site) auditOf(t *testing.T, action string) (rows []db.AuditRow) {
	t.Helper()
	all, _, err := s.Control.Audit(t.Context(), s.Owner, db.Page{Limit: db.ListMax})
	s.must(err)
	for _, r := range all {
		if r.Action == action {
			rows = append(rows, r)
		}
	}
	return rows
}

func TestAPIPageOfAViewer(t *testing.T) {
	s := newSite(t)
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("CI")})
	s.must(err)
	r := s.reader(access.Viewer)
	r.get("/settings/api").want(t, 200, "$LATCHKEY_KEY", "Your role sees no keys", "!name=\"token\"")
	r.post("/settings/api", "token", made.Row.PublicID).want(t, 403, "!"+made.Secret)
	s.Control.Reveal = control.RevealNever
	s.reader(access.Owner).get("/settings/api").want(t, 200, "shown only when it is made", "!name=\"token\"")
}

func TestSnippetsQuoteWhatTheyAreGiven(t *testing.T) {
	s := newSite(t)
	const model = `it's "odd"`
	_, err := s.Control.EditProvider(t.Context(), s.Owner, s.Provider.PublicID, control.ProviderForm{Models: &[]access.Model{{Name: model, UpstreamName: model, Kind: access.ChatModel}}})
	s.must(err)
	text := html.UnescapeString(regexp.MustCompile("</?span[^>]*>").ReplaceAllString(s.reader(access.Owner).get("/settings/api").body, ""))
	for _, want := range []string{`-d '{"model": "it'\''s \"odd\"",`, `model: "it's \"odd\""`, `model="it's \"odd\""`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the calls", want)
		}
	}
}

// A token for embeddings alone gets calls that it may make: vectors, no chat.
func TestCallsOfATokenForEmbeddings(t *testing.T) {
	s := newSite(t)
	const model = "text-embedding-3-small"
	offered := []access.Model{{Name: "gpt-4o-mini", UpstreamName: "gpt-4o-mini", Kind: access.ChatModel}, {Name: model, UpstreamName: model, Kind: access.EmbeddingModel}}
	_, err := s.Control.EditProvider(t.Context(), s.Owner, s.Provider.PublicID, control.ProviderForm{Models: &offered})
	s.must(err)
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("Data pipeline"), Models: &[]string{model}, ModelsLimited: new(true)})
	s.must(err)
	r := s.reader(access.Owner)
	ws := r.get("/settings/api").value(t, "workspace")
	only := []string{"/v1/embeddings", `"model": "` + model + `", "input": "Hello"`, "client.embeddings.create(model=", "client.embeddings.create({", "!chat/completions", "!chat.completions", "!gpt-4o-mini"}
	text := func(a answer) answer {
		a.body = html.UnescapeString(regexp.MustCompile("</?span[^>]*>").ReplaceAllString(a.body, ""))
		return a
	}
	text(r.post("/settings/api", "workspace", ws, "token", made.Row.PublicID)).want(t, 200, append(only, "for embeddings alone", "/api/usage/token", "!/json/?q=")...)
	text(s.stranger().post(r.handOver(made.Row.PublicID, "24"))).want(t, 200, append(only, "OPENAI_MODEL="+model)...)
	text(r.get("/tokens/"+made.Row.PublicID+"/snippet?for=curl")).want(t, 200, "/v1/embeddings", "New API", "!RAGFlow", "!Fess", "!chat/completions")
}
