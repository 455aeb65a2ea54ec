package newapi_test

import (
	"encoding/json"
	"regexp"
	"strconv"
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
	"latchkey/web/wire/newapi"
)

// site is a house with New API's door, and callers of each sort.
type site struct{ *story.Site }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{story.Open(t, access.DoorRAGFlow, func(s *story.Site, r *web.Rooms) {
		r.NewAPI = &newapi.Door{Control: s.Control, Origin: r.Origin, Now: s.Now, Started: s.Now(), Version: "1.0.0", Log: r.Log, Language: lang.English}
	})}
	s.people()
	s.acts()
	s.forms()
	return s
}

// people makes the callers: lin owns Acme, mei another workspace, vera may only
// look at hers, gil has none.
func (s *site) people() {
	s.Helper()
	mei, _ := s.Join(testbed.UserNamed("mei"), "Northwind")
	gil, _ := s.Join(testbed.UserNamed("gil"), "")
	vera, _ := s.JoinAsViewer(testbed.UserNamed("vera"), "Vera's")
	for _, u := range []access.User{s.User, mei, gil, vera} {
		s.Values[u.Username] = strconv.FormatInt(u.ID, 10)
	}
	s.Customer("customer", "maria", s.Workspace.ID)
}

func (s *site) acts() {
	ctx := s.Context()
	s.Acts["revoke"] = func(rest string) {
		number, err := strconv.ParseInt(rest, 10, 64)
		s.Must(err)
		row, err := s.DB.TokenByNumber(ctx, s.Workspace.ID, number)
		s.Must(err)
		s.Must(s.Control.RevokeToken(ctx, s.Owner, row.PublicID))
	}
	s.Acts["make"] = func(rest string) { // a token of Acme that another door made
		var f control.TokenForm
		name := s.Read(rest, &f)
		k := s.Token(s.T, f)
		s.Values[name], s.Values[name+".key"] = strconv.FormatInt(k.Row.ID, 10), k.Secret
	}
	s.Acts["group"] = func(rest string) {
		name, ratio, _ := strings.Cut(rest, " ")
		_, err := s.Control.CreateGroup(ctx, s.Owner, control.GroupForm{Name: &name, Ratio: &ratio})
		s.Must(err)
	}
}

func (s *site) forms() {
	key := story.Matching(regexp.MustCompile(`^sk-lk[0-9A-Za-z]{46}$`))
	s.Forms["$id"] = func(got any) bool { return story.Number(got) && got != json.Number("0") }
	s.Forms["$time"] = story.Recent(s.Now, time.Second)
	s.Forms["$key"] = func(got any) bool { return key(got) && secret.HasChecksum(got.(string)) }
	s.Forms["$text"] = story.Text
	s.Compares["$is"] = func(got any, name string) bool { return got == json.Number(s.Values[name]) } // the number of an earlier value
}

// Each file is a story: requests, and what each is answered.
func TestStories(t *testing.T) {
	story.Tell(t, func(t *testing.T) *story.Teller { return newSite(t).Teller })
}
