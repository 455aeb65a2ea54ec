package chat_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// stall is a site whose bot stands in the pages of www.acme.example, opened by the
// beta key of a token.
type stall struct {
	*site
	token control.Issued
}

const around = "https://www.acme.example"

func newStall(t *testing.T, fault faulty.Fault, f control.TokenForm) *stall {
	t.Helper()
	s := &stall{site: newSite(t, fault, control.ShareForm{})}
	origins := []string{around}
	_, err := s.Control.EditBot(t.Context(), s.Owner, s.bot.PublicID, control.BotForm{AllowedOrigins: &origins})
	s.must(err)
	f.Bot = &s.bot.PublicID
	s.token = s.Token(t, f)
	t.Cleanup(func() { s.saysNot(s.log.String(), s.token.Beta) })
	return s
}

func (s *stall) embed() string { return "/embed/" + s.token.Beta }

func ancestors(a answer) string {
	_, after, _ := strings.Cut(a.header.Get("Content-Security-Policy"), "frame-ancestors ")
	return after
}

// A visitor asks without an account, and is known again by the cookie alone.
func TestEmbedAsks(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	r := s.reader()
	page := r.get(s.embed())
	if page.status != 200 || ancestors(page) != around || page.header.Get("X-Frame-Options") != "" || page.header.Get("Referrer-Policy") != "same-origin" {
		t.Fatalf("%d %v", page.status, page.header)
	}
	s.says(page.body, "Hello, ask away.", `data-origins="`+around+`"`, `target="_blank"`, s.embed()+"/language", "/static/frame.")
	s.saysNot(page.body, "/logout", "/account", "mei.tanaka", "{name}")
	asked := r.post(s.embed()+"/ask", "question", "Where is my parcel?", "key", "k1")
	if asked.status != 200 || !strings.HasPrefix(asked.path, s.embed()+"/c/") || ancestors(asked) != around {
		t.Fatalf("%d at %s", asked.status, asked.path)
	}
	testbed.Eventually(t, "the answer is whole", func() bool {
		return !strings.Contains(r.get(asked.path).body, `http-equiv="refresh"`)
	})
	s.says(r.get(s.embed()).body, "Where is my parcel?")
	r.part = true
	s.says(r.get(s.embed()+"/history?q=parcel").body, "Where is my parcel?")
	// Neither another visitor nor a customer of the link finds it.
	other, customer := s.reader(), s.customer("mei.tanaka")
	s.saysNot(other.get(s.embed()).body, "parcel")
	id := asked.path[strings.LastIndex(asked.path, "/")+1:]
	for what, got := range map[string]answer{
		"another visitor": other.get(asked.path), "a customer": customer.get(s.base() + "/c/" + id), "the visitor on the link": r.get(s.base() + "/c/" + id),
	} {
		if strings.Contains(got.body, "parcel") {
			t.Errorf("%s reads it", what)
		}
	}
}

// What an embedded chat spends is the token's, under every limit of the token.
func TestEmbedObeysTheToken(t *testing.T) {
	rpm := int64(1)
	s := newStall(t, faulty.Good, control.TokenForm{RPM: &rpm})
	s.StopClock() // one a minute
	r := s.reader()
	r.get(s.embed())
	whole := func(question string) string {
		page := r.post(s.embed()+"/ask", "question", question)
		testbed.Eventually(t, "the answer has ended", func() bool {
			return !strings.Contains(r.get(page.path).body, `http-equiv="refresh"`)
		})
		return r.get(page.path).body
	}
	s.saysNot(whole("One?"), "There is no answer")
	row, err := s.DB.Token(t.Context(), s.Workspace.ID, s.token.Row.PublicID)
	s.must(err)
	if row.Purse.Used == 0 {
		t.Error("the token's purse was not drawn on")
	}
	s.says(whole("Two?"), "There is no answer", "Those were many questions in one minute.")
	s.must(s.Control.DisableToken(t.Context(), s.Owner, s.token.Row.PublicID))
	dead := r.get(s.embed())
	if dead.status != http.StatusGone || ancestors(dead) != around {
		t.Errorf("a disabled token: %d %s", dead.status, ancestors(dead))
	}
	s.says(dead.body, "This chat was switched off by Acme Support.")
}

// A question that the token's minute can never hold is not told to wait for it.
func TestEmbedQuestionThatNeverFits(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{TPM: new(int64(200))})
	r := s.reader()
	r.get(s.embed())
	asked := r.post(s.embed()+"/ask", "question", strings.Repeat("Where is my parcel? ", 100), "key", "k1")
	testbed.Eventually(t, "it has ended", func() bool {
		return !strings.Contains(r.get(asked.path).body, `http-equiv="refresh"`)
	})
	body := r.get(asked.path).body
	s.says(body, "This is longer than", "allows at once. Shorten it, or begin a new conversation.")
	s.saysNot(body, "Wait a moment")
	r.lang = "zh"
	s.says(r.get(asked.path).body, "允许的单次长度")
}

// Only the sites that the bot's owner named may show it, and only it.
func TestEmbedAncestors(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	r := s.reader()
	none := []string{}
	for path, want := range map[string]string{
		s.embed(): around, s.base(): "'none'", "/login": "'none'", "/embed/" + strings.Repeat("A", 32): "'none'", "/embed/" + s.share.Secret: "'none'",
		"/s/" + s.token.Beta: "'none'", "/embed/" + s.token.Secret: "'none'", s.embed() + "/c/" + strings.Repeat("a", 32): around,
	} {
		if got := ancestors(r.get(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	two := []string{"http://127.0.0.1:9000", around}
	_, err := s.Control.EditBot(t.Context(), s.Owner, s.bot.PublicID, control.BotForm{AllowedOrigins: &two})
	s.must(err)
	if got := ancestors(r.get(s.embed())); got != strings.Join(two, " ") {
		t.Errorf("two sites: %s", got)
	}
	_, err = s.Control.EditBot(t.Context(), s.Owner, s.bot.PublicID, control.BotForm{AllowedOrigins: &none})
	s.must(err)
	if got := ancestors(r.get(s.embed())); got != "'none'" {
		t.Errorf("no site: %s", got)
	}
}

// RAGFlow's address leads to ours; a token of no bot opens the one that it names.
func TestEmbedByRAGFlowsAddress(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	r := s.reader()
	got := r.get("/chat/share?shared_id=" + s.bot.PublicID + "&from=agent&auth=" + s.token.Beta + "&locale=zh&visible_avatar=1")
	if got.status != 200 || got.path != s.embed() {
		t.Fatalf("%d at %s", got.status, got.path)
	}
	s.says(got.body, `lang="zh-Hans"`, "faceless", "在新标签页中打开")
	s.says(r.get(s.embed()).body, `lang="zh-Hans"`, "faceless") // and it stays so
	if got := r.post(s.embed()+"/language", "lang", "en", "next", s.embed()); !strings.Contains(got.body, `lang="en"`) || !strings.Contains(got.body, "faceless") {
		t.Errorf("the language was not changed: %d at %s", got.status, got.path)
	}
	free := s.Token(t, control.TokenForm{})
	for path, status := range map[string]int{
		"/chat/share?from=chat&auth=" + free.Beta:                                           404,
		"/chat/share?from=chat&auth=" + free.Beta + "&shared_id=" + strings.Repeat("b", 32): 404,
		"/chat/share?shared_id=" + s.bot.PublicID + "&from=chat&auth=" + free.Secret:        404,
		"/chat/share?shared_id=" + s.bot.PublicID + "&from=chat&auth=":                      404,
		"/chat/share": 404,
		"/chat/share?shared_id=" + s.bot.PublicID + "&from=chat&auth=" + free.Beta: 200,
	} {
		if got := r.get(path); got.status != status {
			t.Errorf("%s: %d, want %d", path, got.status, status)
		}
	}
	got = r.get("/chat/share?shared_id=" + s.bot.PublicID + "&auth=" + free.Beta)
	if want := "/embed/" + free.Beta + "/bots/" + s.bot.PublicID; got.path != want {
		t.Fatalf("at %s, want %s", got.path, want)
	}
	if asked := r.post(got.path+"/ask", "question", "Here?"); !strings.HasPrefix(asked.path, got.path+"/c/") {
		t.Errorf("asked at %s", asked.path)
	}
}

// A question from a browser that keeps no cookie is not lost in silence.
func TestEmbedWithoutCookies(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	r := s.reader()
	r.client.Jar = nil
	if got := r.get(s.embed() + "/visitor"); got.status != 403 {
		t.Errorf("probe: %d", got.status)
	}
	got := r.post(s.embed()+"/ask", "question", "Lost?")
	s.says(got.body, "This chat cannot be kept here.", `target="_blank"`, "Open in a new tab")
	r.part = true
	if got := r.post(s.embed()+"/ask", "question", "Lost?"); got.status != 403 || got.header.Get("X-Dead") != "" {
		t.Errorf("part: %d", got.status)
	}
	if s.Faulty.Started() != 0 {
		t.Error("the provider was asked")
	}
	kept := s.reader()
	kept.get(s.embed())
	if got := kept.get(s.embed() + "/visitor"); got.status != 204 {
		t.Errorf("probe with cookies: %d", got.status)
	}
}

// Nothing is changed for a page of another site, whatever cookies come along.
func TestEmbedCrossSite(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	r := s.reader()
	r.get(s.embed())
	for _, path := range []string{"/ask", "/identity", "/forget", "/language"} {
		request := r.request(http.MethodPost, s.embed()+path, url.Values{"question": {"Forged?"}})
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		request.Header.Set("Origin", around)
		got, err := r.client.Do(request)
		s.must(err)
		got.Body.Close()
		if got.StatusCode != 403 {
			t.Errorf("%s from elsewhere: %d", path, got.StatusCode)
		}
	}
	if s.Faulty.Started() != 0 {
		t.Error("the provider was asked")
	}
}

// Revoking the token ends a running answer at once.
func TestEmbedIsShutOutWhileStreaming(t *testing.T) {
	s := newStall(t, faulty.Stepped, control.TokenForm{})
	r := s.reader()
	r.get(s.embed())
	r.part = true
	asked := r.post(s.embed()+"/ask", "question", "How long?")
	events := r.follow(s.followOf(asked.body), "")
	call := s.Faulty.Call(0)
	call.Send("It goes on and on.")
	events.until("grow")
	s.must(s.Control.RevokeToken(t.Context(), s.Owner, s.token.Row.PublicID))
	end := events.until("end") // the provider says nothing more
	s.says(end[len(end)-1].data, "This chat was switched off by Acme Support.")
	call.WaitGone()
}

func TestEmbedScript(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	got := s.reader().get("/embed.js")
	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/javascript") || got.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	if len(got.body) > 5<<10 {
		t.Errorf("it weighs %d bytes", len(got.body))
	}
	if strings.Contains(got.header.Get("Cache-Control"), "immutable") {
		t.Error("its address stays, and its text may not")
	}
}
