package fess_test

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
	"latchkey/web/wire/fess"
)

// site is a house with Fess's door, and callers of each sort.
type site struct{ *story.Site }

func newSite(t *testing.T, pageBase int) *site {
	t.Helper()
	s := &site{story.Open(t, access.DoorRAGFlow, func(s *story.Site, r *web.Rooms) {
		r.Fess = &fess.Door{Control: s.Control, Gateway: s.Gateway, PageBase: pageBase, Now: s.Now, Log: r.Log, Language: lang.English}
	})}
	s.Own = []string{"role", "group", "user"} // permissions begin with them
	s.Wrap = func(answer any) any { return map[string]any{"response": answer} }
	s.people()
	s.acts()
	s.forms()
	return s
}

// people makes the callers: admin is an access token of Acme with the permission
// admin, lin owns Acme, vera may look at it, mei owns another workspace, gil has
// none.
func (s *site) people() {
	s.Helper()
	s.make("admin", s.Owner, control.TokenForm{Permissions: &[]string{"admin"}})
	_, northwind := s.Join(testbed.UserNamed("mei"), "Northwind")
	s.make("foreign", access.Actor{Kind: access.ActorMaster, WorkspaceID: northwind.ID}, control.TokenForm{Permissions: &[]string{"admin"}})
	vera, _ := s.Join(testbed.UserNamed("vera"), "")
	s.Must(s.DB.AddMember(s.Context(), s.Owner, s.Workspace.ID, vera.PublicID, access.Viewer))
	s.Join(testbed.UserNamed("gil"), "")
	s.Customer("customer", "maria", s.Workspace.ID)
	s.Values["workspace"], s.Values["bot"] = s.Workspace.PublicID, s.Bot.PublicID
}

// make issues an API token and remembers its id, its text and its beta key.
func (s *site) make(name string, by access.Actor, f control.TokenForm) {
	s.Helper()
	if f.Name == nil {
		f.Name = &name
	}
	k, err := s.Control.CreateToken(s.Context(), by, f)
	s.Must(err)
	s.Bearers[name], s.Values[name], s.Values[name+".text"], s.Values[name+".beta"] = k.Secret, k.Row.PublicID, k.Secret, k.Beta
}

func (s *site) acts() {
	ctx := s.Context()
	s.Acts["revoke"] = func(id string) { s.Must(s.Control.RevokeToken(ctx, s.Owner, id)) }
	s.Acts["disable"] = func(id string) { s.Must(s.Control.DisableToken(ctx, s.Owner, id)) }
	s.Acts["zone"] = func(name string) {
		_, err := s.Control.EditWorkspace(ctx, s.Owner, control.WorkspaceForm{TimeZone: &name})
		s.Must(err)
	}
	s.Acts["make"] = func(rest string) { // a token of Acme that another door made
		var f control.TokenForm
		name := s.Read(rest, &f)
		s.make(name, s.Owner, f)
	}
}

func (s *site) forms() {
	text := story.Matching(regexp.MustCompile(`^sk-lk[0-9A-Za-z]{46}$`))
	broken := story.Matching(regexp.MustCompile(`^error_code:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} `))
	s.Forms["$id"] = story.Matching(regexp.MustCompile(`^[0-9a-f]{32}$`))
	s.Forms["$text"] = func(got any) bool { return text(got) && secret.HasChecksum(got.(string)) }
	s.Forms["$masked"] = story.Matching(regexp.MustCompile(`^sk-lk…[0-9A-Za-z]{4}$`))
	s.Forms["$time"] = story.Recent(s.Now, time.Millisecond)
	s.Forms["$spent"] = func(got any) bool {
		number, _ := got.(json.Number)
		n, err := number.Float64()
		return err == nil && n >= 0 && n < 60
	}
	s.Compares["$begins"] = func(got any, with string) bool {
		said, is := got.(string)
		return is && strings.HasPrefix(said, with)
	}
	s.Compares["$broken"] = func(got any, why string) bool { // an error code, then what was wrong
		return broken(got) && strings.HasSuffix(got.(string), " "+why)
	}
}

// Each file is a story: requests, and what each is answered.
func TestStories(t *testing.T) {
	story.Tell(t, func(t *testing.T) *story.Teller { return newSite(t, 0).Teller })
}

// object sends one request and returns status and the answer's object.
func (s *site) object(who, method, path, body string) (int, map[string]any) {
	s.Helper()
	status, v := s.Object(who, method, path, body)
	inner, ok := v["response"].(map[string]any)
	if !ok || len(v) != 1 {
		s.Fatalf("%s %s: %d %v", method, path, status, v)
	}
	return status, inner
}
