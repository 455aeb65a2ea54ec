package ragflow_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
	"latchkey/internal/testbed/story"
	"latchkey/web"
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/newapi"
	"latchkey/web/wire/ragflow"
)

// site is a house with RAGFlow's door and its neighbours, and callers of each sort.
type site struct{ *story.Site }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{story.Open(t, access.DoorRAGFlow, func(s *story.Site, r *web.Rooms) {
		r.NewAPI = &newapi.Door{Control: s.Control, Origin: r.Origin, Now: s.Now, Started: s.Now(), Version: "1.0.0", Log: r.Log, Language: lang.English}
		r.BotShare = &botshare.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: r.Log, Language: lang.English}
		r.RAGFlow = &ragflow.Door{Control: s.Control, Gateway: s.Gateway, Ping: s.DB.Ping, Now: s.Now, Version: "1.0.0", Log: r.Log, Language: lang.English}
	})}
	s.Must(s.DB.KeepKey(t.Context(), s.Keys.Current(), s.Keys.CheckValue(s.Keys.Current())))
	s.people()
	s.acts()
	s.forms()
	return s
}

// people makes the callers: lin owns Acme and runs the instance, mei owns another
// workspace, vera may only look at hers, gil has none.
func (s *site) people() {
	s.Helper()
	mei, _ := s.Join(testbed.UserNamed("mei"), "Northwind")
	gil, _ := s.Join(testbed.UserNamed("gil"), "")
	vera, seen := s.JoinAsViewer(testbed.UserNamed("vera"), "Vera's")
	for _, u := range []access.User{s.User, mei, gil, vera} {
		s.Values[u.Username] = u.PublicID
	}
	s.Values["acme"], s.Values["bot"], s.Values["seen"] = s.Workspace.PublicID, s.Bot.PublicID, seen.Secret
	s.Customer("customer", "maria", s.Workspace.ID)
}

func (s *site) acts() {
	ctx := s.Context()
	s.Acts["revoke"] = func(text string) { s.Must(s.Control.RevokeToken(ctx, s.Owner, s.tokenOf(text).PublicID)) }
	s.Acts["disable-user"] = func(name string) {
		_, err := s.Control.DisableUser(ctx, s.Owner, s.Values[name])
		s.Must(err)
	}
	s.Acts["make"] = func(rest string) { // a token of Acme that another door made
		var f control.TokenForm
		name := s.Read(rest, &f)
		k := s.Token(s.T, f)
		s.Values[name], s.Values[name+".beta"] = k.Secret, k.Beta
	}
	s.Acts["bot"] = func(rest string) { // another one of Acme
		name, kind, _ := strings.Cut(rest, " ")
		b, err := s.Control.CreateBot(ctx, s.Owner, control.BotForm{Name: &name, Kind: &kind, Provider: &s.Provider.PublicID, Model: &testbed.Models[0]})
		s.Must(err)
		s.Values[name] = b.PublicID
	}
	s.Acts["switch-off"] = func(bot string) {
		_, err := s.Control.SetBotEnabled(ctx, s.Owner, bot, false)
		s.Must(err)
	}
}

// tokenOf finds the token of Acme that has a text.
func (s *site) tokenOf(text string) db.TokenRow {
	s.Helper()
	found, err := s.DB.FindSecret(s.Context(), secret.Hash(text))
	s.Must(err)
	row, err := s.DB.TokenByNumber(s.Context(), s.Workspace.ID, found.SubjectID)
	s.Must(err)
	return row
}

var (
	idForm    = story.Matching(regexp.MustCompile(`^[0-9a-f]{32}$`))
	betaForm  = story.Matching(regexp.MustCompile(`^[0-9A-Za-z]{32}$`))
	faultForm = story.Matching(regexp.MustCompile(`^Something broke inside Latchkey\. \(request id: [0-9a-f]{32}\)$`))
)

func (s *site) forms() {
	s.Forms["$id"], s.Forms["$beta"] = idForm, betaForm
	s.Forms["$key"] = story.Matching(regexp.MustCompile(`^sk-lk[0-9A-Za-z]{46}$`))
	s.Forms["$mask"] = story.Matching(regexp.MustCompile(`^(sk-lk)?…[0-9A-Za-z]{4}$`))
	s.Forms["$text"] = story.Text
	s.Forms["$any"] = func(any) bool { return true }
	s.Forms["$time"] = story.Recent(s.Now, time.Millisecond)
	s.Forms["$date"] = func(got any) bool {
		text, is := got.(string)
		day, err := time.Parse(http.TimeFormat, text)
		ago := s.Now().Sub(day)
		return is && err == nil && ago >= 0 && ago < 10*time.Minute
	}
}

// Each file is a story: requests, and what each is answered.
func TestStories(t *testing.T) {
	story.Tell(t, func(t *testing.T) *story.Teller { return newSite(t).Teller })
}

// call sends one request of JSON and returns the answer and its text.
func (s *site) call(who, method, path, body string) (*http.Response, string) {
	s.Helper()
	return s.Send(who, method, path, body, "Content-Type", "application/json")
}

// object is call for an answer in the envelope.
func (s *site) object(who, method, path, body string) (int, map[string]any) {
	s.Helper()
	return s.Object(who, method, path, body, "Content-Type", "application/json")
}

// unasked fails when a call that was refused has reached the provider.
func (s *site) unasked() {
	s.Helper()
	if n := s.Faulty.Started(); n != 0 {
		s.Errorf("%d calls reached the provider", n)
	}
}
