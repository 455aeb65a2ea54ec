package dashboard_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

func TestBotIsMadeAndEdited(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Editor)
	form := r.get("/bots/new")
	form.want(t, 200, "Acme models", "qwen-max", "Create bot")
	model := s.Provider.PublicID + ":qwen-max"
	r.post("/bots", "name", "", "model", model, "system_prompt", "Be <b>kind</b>.").want(t, 422, "Give it a name.", "Be &lt;b&gt;kind&lt;/b&gt;.")
	made := r.post("/bots", "once", form.value(t, "once"), "name", "Order desk", "model", model, "welcome", "Hi\r\nthere")
	made.want(t, 200, "Bot created.", "bot:order-desk", "Try it")
	if again := r.post("/bots", "once", form.value(t, "once"), "name", "Order desk", "model", model); again.path != made.path {
		t.Errorf("the same form sent twice led to %s and %s", made.path, again.path)
	}

	version := made.value(t, "version")
	fields := []string{
		"version", version, "name", "Order desk", "model", model, "slug", "order-desk", "kind", "agent", "suggested_questions", "Where is it?\r\n\r\nReturn it",
		"temperature", "0.3", "max_tokens", "500", "params", `{"top_p": 0.9}`, "keep", "days", "keep_days", "30",
		"allowed_origins", "https://www.acme.example", "settings", "", "enabled", "1", "system_prompt", "x", "welcome", "Hi",
	}
	r.post(made.path, fields...).want(t, 200, "Bot saved.", `value="0.3"`, `value="500"`, `{&#34;top_p&#34;:0.9}`, "Where is it?")
	b := s.bot(strings.TrimPrefix(made.path, "/bots/"))
	if b.Params != `{"top_p":0.9,"temperature":0.3,"max_tokens":500}` || b.RetentionDays == nil || *b.RetentionDays != 30 || b.Kind != access.AgentBot || len(b.SuggestedQuestions) != 2 {
		t.Errorf("the bot is %+v", b.Bot)
	}
	r.post(made.path, fields...).want(t, http.StatusConflict, "Someone changed this meanwhile")
	fields[1] = r.get(made.path).value(t, "version")
	fields[13] = "3"
	r.post(made.path, fields...).want(t, 422, "temperature is a number from 0 to 2.", `value="3"`)
	fields[13], fields[21] = "0.3", ""
	r.post(made.path, fields...).want(t, 422, "kept for 0 to 3650 days")
	r.get("/bots?q=ORDER").want(t, 200, "Order desk", "!Support Bot")
	r.get("/bots?q=nothing").want(t, 200, "No bot fits")
}

func TestManyBotsAreLightPages(t *testing.T) {
	s := newSite(t)
	for range 60 {
		_, err := s.Control.CreateBot(t.Context(), s.Owner, control.BotForm{
			Name: ptr("HR onboarding assistant 人事"), Provider: &s.Provider.PublicID, Model: ptr("gpt-4o-mini"),
		})
		s.must(err)
	}
	r := s.reader(access.Owner)
	page := r.get("/bots")
	page.want(t, 200, "61 bots", "Next page")
	rows := strings.Count(page.body, `id="bot-`)
	if perRow := len(page.body) / rows; 50*perRow > 60<<10 {
		t.Errorf("%d rows in %d bytes: fifty would be over 60 KiB", rows, len(page.body))
	}
	next := regexp.MustCompile(`href="(/bots\?from=[^"]+)"`).FindStringSubmatch(page.body)
	if next == nil {
		t.Fatal("no way to the next page")
	}
	if more := strings.Count(r.get(next[1]).body, `id="bot-`); rows+more != 61 {
		t.Errorf("two pages have %d and %d rows, want 61 together", rows, more)
	}
}

func (s *site) bot(id string) db.BotRow {
	s.t.Helper()
	row, err := s.Control.Bot(s.t.Context(), s.Owner, id)
	s.must(err)
	return row
}

func TestDeletingABotShowsItsReach(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	id := s.Bot.PublicID
	issued := s.Token(t, control.TokenForm{Bot: &id})
	path := "/bots/" + id
	r.get(path+"/tokens").want(t, 200, "Data pipeline", "!"+issued.Secret)
	r.get(path+"/links").want(t, 200, "No share link yet")
	r.post(path+"/delete").want(t, http.StatusConflict, "still work")
	ask := r.get(path + "/delete")
	ask.want(t, 200, "1 API token.", "revoked with it", "Disable instead")
	r.post(path+"/disable").want(t, 200, "Bot disabled.")
	r.post(path+"/delete", "confirmed", ask.value(t, "confirmed")).want(t, 200, "Bot deleted.")
	token, err := s.Control.Token(t.Context(), s.Owner, issued.Row.PublicID)
	s.must(err)
	if token.RevokedAt.IsZero() {
		t.Error("the deleted bot's token still works")
	}
}

func TestTryBot(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	path := "/bots/" + s.Bot.PublicID
	r.get(path).want(t, 200, "Try it", "Hello, ask away.")

	// Without script the page comes back with the whole answer, and with what was
	// said, for the next question.
	first := r.post(path+"/try", "question", "Where is <my> order?")
	first.want(t, 200, "Where is &lt;my&gt; order?", "Well, here is an answer.", "first word after", "tokens")
	turns := regexp.MustCompile(`name="turn" value="([^"]*)"`).FindAllStringSubmatch(first.body, -1)
	if len(turns) != 2 {
		t.Fatalf("the page remembers %v", turns)
	}
	r.post(path+"/try", "question", "", "question", "A suggested one").want(t, 200, "A suggested one")
	r.post(path+"/try", "turn", "Where?", "turn", "There.", "question", "And then?").want(t, 200, "There.", "And then?")
	if body := string(s.Faulty.Calls()[len(s.Faulty.Calls())-1].Body); !strings.Contains(body, `"content":"There."`) || !strings.Contains(body, `"role":"assistant"`) {
		t.Errorf("the provider was asked %s", body)
	}

	// With script it streams as parts.
	r.part = true
	stream := r.post(path+"/try", "question", "Where?")
	stream.want(t, 200, "data: <hx-partial", "Where?", "/try/stop", "!<main")
	if kind := stream.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		t.Errorf("the answer is %s", kind)
	}
	r.post(path+"/try", "question", " ").want(t, 422)
	s.Faulty.Stop()
	r.post(path+"/try", "question", "Where?").want(t, 200, "could not be reached")
}

func TestLeavingATrialStopsTheProvider(t *testing.T) {
	s := newSite(t)
	r := s.reader(access.Owner)
	provider := s.AddProvider(t, "Slow", s.Faulty.URL+"/v1", "silent")
	row, err := s.Control.CreateBot(t.Context(), s.Owner, control.BotForm{Name: ptr("Slow"), Provider: &provider.PublicID, Model: ptr("silent")})
	s.must(err)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/bots/"+row.PublicID+"/try", strings.NewReader("question=Where"))
	s.must(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", s.url)
	request.Header.Set("HX-Request", "true")
	response, err := r.client.Do(request)
	s.must(err)
	defer response.Body.Close()
	if _, err := response.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	leave()
	testbed.Eventually(t, "the provider is told that the reader has left", func() bool { return s.Faulty.Cancelled() == 1 })
	r.part = true
	r.get("/bots/"+row.PublicID+"/try/stop?answer=try-1").want(t, 200, "Send", "Stopped.", "#try-1-end")
	r.get("/bots/"+row.PublicID+"/try/stop?answer=%22%3E").want(t, 200, "Send", "!Stopped.")
}

func ptr[T any](v T) *T { return &v }

func TestPricesAndGroups(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	r.get("/settings/prices").want(t, 200, "Default price", "No price yet", `value="2"`)
	r.post("/settings/prices/default", "prompt", "x", "completion", "1").want(t, 422, "is not a number such as 0.15", `value="x"`)
	r.post("/settings/prices/default", "prompt", "1.5", "completion", "4").want(t, 200, "Prices saved.", `value="1.5"`)
	r.get("/settings/prices/new").want(t, 200, "qwen-max")
	r.post("/settings/prices", "model", "qwen-max", "prompt", "0.15", "completion", "0").want(t, 200, "qwen-max", "$0.15", "free")
	r.post("/settings/prices", "model", "qwen-max", "prompt", "1", "completion", "1").want(t, http.StatusConflict, "has a price already")
	prices, err := s.Control.Prices(t.Context(), s.Owner, "")
	s.must(err)
	path := "/settings/prices/" + prices[0].PublicID
	edit := r.get(path + "/edit")
	r.post(path, "version", edit.value(t, "version"), "model", "qwen-max", "prompt", "0.2", "completion", "0.4").want(t, 200, "$0.20", "$0.40")
	r.post(path, "version", edit.value(t, "version"), "model", "qwen-max", "prompt", "0.3", "completion", "0.4").want(t, http.StatusConflict, "Someone changed this meanwhile", `value="0.3"`)
	r.get(path+"/delete").want(t, 200, "Delete the price of qwen-max?", "$1.50", "$4.00")
	r.post(path+"/delete").want(t, 200, "Price deleted.")

	r.get("/settings/groups").want(t, 200, "default", "× 1", "1 workspace")
	r.post("/settings/groups", "name", "vip", "ratio", "2000").want(t, 422, "from 0 to 1000")
	r.post("/settings/groups", "name", "vip", "ratio", "0.8", "rpm", "60", "which", "some", "models", "qwen-max\nqwen-plus", "enabled", "1").
		want(t, 200, "vip", "× 0.8", "60 requests a minute", "2 models")
	groups, err := s.Control.Groups(t.Context(), s.Owner)
	s.must(err)
	standard, vip := "/settings/groups/"+groups[0].PublicID, "/settings/groups/"+groups[1].PublicID
	r.post(vip, "version", "1", "name", "gold", "ratio", "1", "which", "all", "description", "d").want(t, 200, "gold", "Disabled", "all models")
	r.post(standard, "version", "1", "name", "default", "ratio", "1", "tpm", "5", "which", "all").want(t, 200, "5 tokens a minute")
	r.post(standard, "version", "2", "name", "other", "ratio", "1", "which", "all", "enabled", "1").want(t, http.StatusConflict, "where everything starts")
	r.post(standard+"/delete").want(t, http.StatusConflict, "where everything starts")
	r.post(vip+"/delete").want(t, 200, "Group deleted.")
}

func TestPagesByRole(t *testing.T) {
	s := newSite(t)
	provider, bot := "/providers/"+s.Provider.PublicID, "/bots/"+s.Bot.PublicID
	for _, c := range []struct {
		role   access.Role
		path   string
		status int
		pieces []string
	}{
		{access.Viewer, "/providers", 200, []string{"Acme models", "!New provider"}},
		{access.Viewer, provider, 200, []string{"!Test connection", "!Delete"}},
		{access.Viewer, "/providers/new", 403, nil},
		{access.Viewer, bot, 200, []string{"Support Bot", "!Try it", "!kit.save", "!Delete"}},
		{access.Viewer, "/bots/new", 403, nil},
		{access.Viewer, "/settings/prices", 403, nil},
		{access.Editor, "/providers/new", 403, nil},
		{access.Editor, bot, 200, []string{"Try it", "Save"}},
		{access.Editor, "/settings/groups", 403, nil},
	} {
		r := s.reader(c.role)
		r.get(c.path).want(t, c.status, c.pieces...)
	}
	viewer := s.reader(access.Viewer)
	for _, path := range []string{"/providers", provider, provider + "/test", "/providers/models", provider + "/delete", provider + "/resume", "/bots", bot, bot + "/try", bot + "/delete", "/settings/prices", "/settings/groups"} {
		viewer.post(path, "question", "x", "confirmed", "1").want(t, 403)
	}
}
