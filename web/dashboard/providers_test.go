package dashboard_test

import (
	"net/http"
	"testing"

	"latchkey/internal/access"
)

func TestProviderIsConnectedTestedAndMended(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	r.get("/providers").want(t, 200, "Acme models", "Active", "gpt-4o-mini", "+1", "stored", "!upstream-key")
	form := r.get("/providers/new")
	form.want(t, 200, "Connect", "Test connection", "Fetch models")
	key := form.value(t, "once")

	// Nothing is saved by fetching and testing.
	fields := []string{"once", key, "name", "Backup", "base_url", s.Faulty.URL + "/v1", "api_key", "sk-of-backup", "priority", "5", "enabled", "1"}
	r.post("/providers/models", fields...).want(t, 200, "2 models found", `value="good"`, `value="good-embedding"`, "checked", "!sk-of-backup")
	r.post("/providers/test", append(fields, "model", "good")...).want(t, 200, "Connected.", "It lists 2 models.", "good began to answer after")
	for fault, sentence := range map[string]string{
		"status-401": "refused Latchkey&#39;s key (status 401)", "status-503": "failed with status 503", "html": "answered with a web page",
		"hang-up": "closed the connection", "limited-7": "Try again in 7 s", "redirect": "redirects elsewhere",
	} {
		r.post("/providers/test", append(fields, "model", fault)...).want(t, 200, "No connection.", sentence, "!Connected.", "!sk-of-backup")
	}
	r.part = true
	r.post("/providers/models", fields...).want(t, 200, "2 models found", `id="provider-models"`, `hx-target="#provider-test"`, "!<main")
	r.part = false

	fields = append(fields, "model", "good", "models", "fast = good, max 100\r\n")
	made := r.post("/providers", fields...)
	made.want(t, 200, "Provider connected.", "Backup", "!sk-of-backup", "fast = good, max 100")
	again := r.post("/providers", fields...)
	if again.path != made.path {
		t.Errorf("the same form sent twice led to %s and %s", made.path, again.path)
	}
	r.get("/providers").want(t, 200, "Backup")
	rows, err := s.Control.Providers(t.Context(), s.Owner)
	s.must(err)
	if len(rows) != 2 || rows[0].Name != "Backup" || len(rows[0].Models) != 2 || rows[0].Models[0].MaxOutput != 100 {
		t.Fatalf("the providers are %+v", rows)
	}

	// A second tab saves first: the other one is told and keeps what was typed.
	page := r.get(made.path)
	edit := []string{"version", page.value(t, "version"), "name", "Backup", "base_url", s.Faulty.URL + "/v1", "priority", "1", "model", "good", "enabled", "1"}
	r.post(made.path, edit...).want(t, 200, "Provider saved.")
	edit[3] = "Second tab"
	stale := r.post(made.path, edit...)
	stale.want(t, http.StatusConflict, "Someone changed this meanwhile", `value="Second tab"`)
	edit[1] = stale.value(t, "version")
	r.post(made.path, edit...).want(t, 200, "Provider saved.", "Second tab")
	if r.post(made.path+"/test", "base_url", s.Faulty.URL+"/v1", "model", "good").want(t, 200, "Connected."); s.lastKey() != "Bearer sk-of-backup" {
		t.Errorf("after edits without a key the provider was sent %q", s.lastKey())
	}
}

// lastKey is what the provider was sent last.
func (s *site) lastKey() string {
	calls := s.Faulty.Calls()
	return calls[len(calls)-1].Header.Get("Authorization")
}

func TestProviderFormSaysWhatIsWrong(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	bad := r.post("/providers", "name", "", "base_url", "https://10.1.2.3/v1", "models", "a = b, max x", "priority", "0")
	bad.want(t, 422, "is no model", `a = b, max x`)
	bad = r.post("/providers", "name", "", "base_url", "https://10.1.2.3/v1", "priority", "x")
	bad.want(t, 422, "whole number from")
	bad = r.post("/providers", "name", "", "base_url", "https://10.1.2.3/v1", "priority", "0", "api_key", "secret-key")
	bad.want(t, 422, "Give it a name.", "10.1.2.3 is a private address", "I know 10.1.2.3:443", "!secret-key")
	r.post("/providers", "name", "GPU", "base_url", "https://10.1.2.3/v1", "allow_private", "10.9.9.9:443").want(t, 422, "is a private address")
	r.post("/providers", "name", "GPU", "base_url", "https://10.1.2.3/v1", "allow_private", "10.1.2.3:443").want(t, 200, "Provider connected.")
	r.lang = "zh"
	r.post("/providers", "name", "x", "base_url", "https://10.1.2.4/v1").want(t, 422, "10.1.2.4 是内网地址", "连接模型服务")
}

func TestProviderPausedResumedDeleted(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	path := "/providers/" + s.Provider.PublicID
	s.must(s.DB.SetProviderPaused(t.Context(), s.Owner, s.Provider, "provider_key_refused"))
	r.get("/providers").want(t, 200, "Paused", "It refused the key.")
	r.get(path).want(t, 200, "Latchkey paused this provider", "Resume", "Support Bot")
	r.get("/bots").want(t, 200, "No answer")
	r.part = true
	r.post(path+"/resume").want(t, 200, "<tr", "Active", "Provider resumed.", "!Paused")
	r.post(path+"/disable").want(t, 200, "<tr", "Disabled")
	r.part = false
	r.post(path+"/enable").want(t, 200, "Provider enabled.")

	r.post(path+"/delete").want(t, http.StatusConflict, "1 bots ask this provider")
	ask := r.get(path + "/delete")
	ask.want(t, 200, "1 bot asks it.", "Delete Acme models?")
	r.post(path+"/delete", "confirmed", ask.value(t, "confirmed")).want(t, 200, "Provider deleted.")
	r.get(path).want(t, 404)
	r.get("/bots/"+s.Bot.PublicID).want(t, 200, "was deleted", "Present model, no longer listed", "gpt-4o-mini")
}
