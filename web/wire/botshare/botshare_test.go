package botshare_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/lang"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
	"latchkey/internal/testbed/story"
	"latchkey/web"
	"latchkey/web/wire/botshare"
	"latchkey/web/wire/ragflow"
)

// site is a house with bot-share's door and RAGFlow's, which share addresses, and
// callers of each sort.
type site struct{ *story.Site }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{story.Open(t, access.DoorBotShare, func(s *story.Site, r *web.Rooms) {
		r.RAGFlow = &ragflow.Door{
			Control: s.Control, Gateway: s.Gateway, Ping: s.DB.Ping, Now: s.Now, Version: "1.0.0", Log: r.Log, Language: lang.English,
		}
		r.BotShare = &botshare.Door{Control: s.Control, Gateway: s.Gateway, Origin: r.Origin, Now: s.Now, Log: r.Log, Language: lang.English}
	})}
	s.people()
	s.acts()
	s.forms()
	return s
}

// people makes the callers: lin owns Acme; mei owns Northwind; vera may only look at Acme; gil has no workspace; ada runs the
// instance and is nowhere a member.
func (s *site) people() {
	s.Helper()
	admin := testbed.UserNamed("ada")
	admin.IsAdmin = true
	ada, _ := s.Join(admin, "")
	mei, northwind := s.Join(testbed.UserNamed("mei"), "Northwind")
	vera, _ := s.Join(testbed.UserNamed("vera"), "")
	gil, _ := s.Join(testbed.UserNamed("gil"), "")
	for _, u := range []access.User{s.User, ada, mei, vera, gil} {
		s.Values[u.Username] = testbed.UUID(u.PublicID)
	}
	s.Must(s.DB.AddMember(s.Context(), s.Owner, s.Workspace.ID, vera.PublicID, access.Viewer))
	s.Values["bot"], s.Values["acme"] = testbed.UUID(s.Bot.PublicID), s.Workspace.PublicID
	s.northwind(mei, northwind)
	s.customer("maria", s.Workspace.ID)
}

// northwind furnishes mei's workspace with a bot and a customer.
func (s *site) northwind(u access.User, w access.Workspace) {
	s.Helper()
	by := access.Actor{Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: u.Username, WorkspaceID: w.ID, Role: access.Owner, Door: access.DoorPage}
	p, err := s.DB.MakeProvider(s.Context(), by, access.Provider{
		PublicID: secret.NewPublicID(s.Control.Random), WorkspaceID: w.ID, Name: "Northwind models", BaseURL: s.Faulty.URL + "/v1", Enabled: true,
		Models: []access.Model{{Name: testbed.Models[0], UpstreamName: testbed.Models[0], Kind: access.ChatModel}},
	})
	s.Must(err)
	b, err := s.DB.MakeBot(s.Context(), by, access.Bot{
		PublicID: secret.NewPublicID(s.Control.Random), WorkspaceID: w.ID, ProviderID: p.ID, Slug: "other", Name: "Other Bot", Kind: access.DialogBot,
		Model: testbed.Models[0], Params: "{}", Settings: "{}", Enabled: true,
	})
	s.Must(err)
	s.Values["other"], s.Values["northwind"] = testbed.UUID(b.PublicID), w.PublicID
	k, err := s.Control.CreateShare(s.Context(), by, control.ShareForm{Bot: &b.PublicID})
	s.Must(err)
	s.Values["foreign"], s.Values["foreign.token"] = testbed.UUID(k.Row.PublicID), k.Secret
	s.customer("nora", w.ID)
}

// customer makes a customer who is signed in.
func (s *site) customer(name string, workspaceID int64) {
	s.Helper()
	s.Values[name] = testbed.UUID(s.Customer(name, name, workspaceID).PublicID)
}

func plain(id string) string { return strings.ReplaceAll(id, "-", "") }

func (s *site) acts() {
	ctx := s.Context()
	s.Acts["customer"] = func(name string) { s.customer(name, s.Workspace.ID) }
	s.Acts["disable"] = func(id string) { s.Must(s.Control.DisableCustomer(ctx, s.Owner, plain(id))) }
	s.Acts["pause"] = func(id string) { s.Must(s.Control.PauseShare(ctx, s.Owner, plain(id))) }
	s.Acts["delete"] = func(id string) { s.Must(s.Control.DeleteShare(ctx, s.Owner, plain(id))) }
	s.Acts["revoke"] = func(id string) { s.Must(s.Control.RevokeToken(ctx, s.Owner, plain(id))) }
	s.Acts["end"] = func(string) { s.Must(s.Control.DeleteBot(ctx, s.Owner, s.Bot.PublicID, true)) }
	s.Acts["link"] = func(rest string) { // of Acme, that another door made
		var f control.ShareForm
		name := s.Read(rest, &f)
		f.Bot = &s.Bot.PublicID
		k, err := s.Control.CreateShare(ctx, s.Owner, f)
		s.Must(err)
		s.Values[name], s.Values[name+".token"] = testbed.UUID(k.Row.PublicID), k.Secret
	}
	s.Acts["edit"] = func(rest string) { // a link
		var f control.ShareForm
		id := s.Read(rest, &f)
		_, err := s.Control.EditShare(ctx, s.Owner, plain(id), f)
		s.Must(err)
	}
	s.Acts["bot"] = func(form string) {
		var f control.BotForm
		s.Must(json.Unmarshal([]byte(form), &f))
		_, err := s.Control.EditBot(ctx, s.Owner, s.Bot.PublicID, f)
		s.Must(err)
	}
	s.Acts["token"] = func(rest string) { // of Acme
		var f control.TokenForm
		name := s.Read(rest, &f)
		k := s.Token(s.T, f)
		s.Bearers[name], s.Values[name] = k.Secret, testbed.UUID(k.Row.PublicID)
	}
}

func (s *site) forms() {
	s.Forms["$id"] = story.Matching(regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`))
	s.Forms["$token"] = story.Matching(regexp.MustCompile(`^[0-9A-Za-z]{32}$`))
	s.Forms["$mask"] = story.Matching(regexp.MustCompile(`^…[0-9A-Za-z]{4}$`))
	s.Forms["$text"], s.Forms["$number"] = story.Text, story.Number
	s.Forms["$now"] = func(got any) bool {
		past, is := s.since(got)
		return is && past >= 0 && past < time.Minute
	}
	s.Forms["$later"] = func(got any) bool { // by a link's life, or nearly
		past, is := s.since(got)
		return is && past < -29*24*time.Hour
	}
}

var momentForm = story.Matching(regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$`))

// since is how long ago a moment was that is spelled as this contract does.
func (s *site) since(got any) (time.Duration, bool) {
	if !momentForm(got) {
		return 0, false
	}
	at, err := time.Parse("2006-01-02T15:04:05.999999-07:00", got.(string))
	return s.Now().Sub(at), err == nil
}

// Each file is a story: requests, and what each is answered.
func TestStories(t *testing.T) {
	story.Tell(t, func(t *testing.T) *story.Teller { return newSite(t).Teller })
}

// object sends one request and returns status and answer, whose numbers may be as
// large as they were sent.
func (s *site) object(who, method, path, body string) (int, map[string]any) {
	s.Helper()
	resp, text := s.Send(who, method, path, body)
	v, err := story.Decode(text)
	o, ok := v.(map[string]any)
	if err != nil || !ok {
		s.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode, o
}
