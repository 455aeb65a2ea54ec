package botshare_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// link makes a link of Acme's bot.
func (s *site) link(f control.ShareForm) control.IssuedShare {
	s.Helper()
	f.Bot, f.Lenient = &s.Bot.PublicID, true
	k, err := s.Control.CreateShare(s.Context(), s.Owner, f)
	s.Must(err)
	return k
}

// A list that spelled share tokens stands in the audit log once for a caller and
// an hour.
func TestListedTokensAreToldOnce(t *testing.T) {
	s := newSite(t)
	s.link(control.ShareForm{})
	told := func() int {
		rows := s.Told("share.list-secrets")
		for _, r := range rows {
			if r.Door != "bot-share" || r.Detail != `{"count":1}` {
				t.Errorf("the row is %+v", r)
			}
		}
		return len(rows)
	}
	path := "/api/v1/bots/" + s.Values["bot"] + "/share-tokens"
	s.NextHour()
	for range 3 {
		s.object("lin", "GET", path, "")
	}
	s.object("master", "GET", path, "")
	if n := told(); n != 2 {
		t.Errorf("%d rows of two callers in one hour", n)
	}
	s.House.Wait(time.Hour)
	s.Control.Reveal = control.RevealNever
	s.object("lin", "GET", path, "")
	if n := told(); n != 2 {
		t.Errorf("%d rows after a list that spelled nothing", n)
	}
	s.Control.Reveal = control.RevealAlways
	s.object("lin", "GET", path, "")
	if n := told(); n != 3 {
		t.Errorf("%d rows in two hours", n)
	}
}

// What the master key makes is the bot's owner's.
func TestMasterMakesForTheOwner(t *testing.T) {
	s := newSite(t)
	status, v := s.object("master", "POST", "/api/v1/bots/"+s.Values["bot"]+"/share-tokens", "{}")
	if status != 200 {
		t.Fatal(status, v)
	}
	row, err := s.Control.Share(t.Context(), s.Owner, plain(v["id"].(string)))
	s.Must(err)
	if row.MadeBy != "lin" {
		t.Errorf("made by %q", row.MadeBy)
	}
	if status, v := s.object("master", "GET", "/api/v1/end-users", ""); status != 200 || len(v["items"].([]any)) != 2 {
		t.Errorf("the master key sees %v", v)
	}
	if status, v := s.object("master", "POST", "/api/v1/end-users", `{"username":"new","password":"x"}`); status != 200 {
		t.Error(v)
	}
	if _, err := s.DB.CustomerByName(t.Context(), s.Workspace.ID, "new"); err != nil {
		t.Errorf("in the oldest workspace: %v", err)
	}
}

// An editor of two workspaces acts in both.
func TestTwoWorkspaces(t *testing.T) {
	s := newSite(t)
	s.Must(s.DB.AddMember(t.Context(), s.Owner, s.Workspace.ID, plain(s.Values["mei"]), access.Editor))
	for _, bot := range []string{"bot", "other"} {
		if status, v := s.object("mei", "POST", "/api/v1/bots/"+s.Values[bot]+"/share-tokens", `{}`); status != 200 {
			t.Errorf("%s: %d %v", bot, status, v)
		}
	}
	_, v := s.object("mei", "GET", "/api/v1/end-users", "")
	if n := len(v["items"].([]any)); n != 2 {
		t.Errorf("%d customers: %v", n, v)
	}
	// What she makes is made at home.
	if status, v := s.object("mei", "POST", "/api/v1/end-users", `{"username":"new","password":"x"}`); status != 200 {
		t.Fatal(v)
	}
	all, err := s.DB.CustomersNamed(t.Context(), "new", 4)
	s.Must(err)
	if len(all) != 1 || all[0].WorkspaceID == s.Workspace.ID {
		t.Errorf("made in %+v", all)
	}
	if status, v := s.object("mei", "DELETE", "/api/v1/end-users/"+s.Values["maria"], ""); status != 200 {
		t.Error(v)
	}
	if status, _ := s.object("maria", "GET", "/api/v1/auth/verify", ""); status != 401 {
		t.Errorf("maria after her deletion: %d", status)
	}
}

// Two customers who come at once do not both take the last seat.
func TestLastSeat(t *testing.T) {
	s := newSite(t)
	one := new(int64(1))
	k := s.link(control.ShareForm{MaxCustomers: &one})
	const many = 8
	for i := range many {
		s.customer(fmt.Sprintf("c%d", i), s.Workspace.ID)
	}
	var mu sync.Mutex
	seen := map[int]int{}
	var wait sync.WaitGroup
	for i := range many {
		wait.Go(func() {
			status, _ := s.object(fmt.Sprintf("c%d", i), "GET", "/api/v1/public/bot-share/"+k.Secret, "")
			mu.Lock()
			defer mu.Unlock()
			seen[status]++
		})
	}
	wait.Wait()
	if seen[200] != 1 || seen[403] != many-1 {
		t.Errorf("answers: %v", seen)
	}
}

// Many links and customers come in one list, newest first.
func TestWholeLists(t *testing.T) {
	s := newSite(t)
	const many = db.ListMax + 30
	for i := range many {
		s.link(control.ShareForm{Name: new(fmt.Sprint(i))})
		s.customer(fmt.Sprintf("bulk%03d", i), s.Workspace.ID)
	}
	_, v := s.object("lin", "GET", "/api/v1/bots/"+s.Values["bot"]+"/share-tokens", "")
	links := v["items"].([]any)
	if len(links) != many || links[0].(map[string]any)["name"] != fmt.Sprint(many-1) || links[many-1].(map[string]any)["name"] != "0" {
		t.Errorf("%d links", len(links))
	}
	_, v = s.object("lin", "GET", "/api/v1/end-users", "")
	all := v["items"].([]any)
	if len(all) != many+1 || all[0].(map[string]any)["username"] != fmt.Sprintf("bulk%03d", many-1) || all[many].(map[string]any)["username"] != "maria" {
		t.Errorf("%d customers", len(all))
	}
}

// A picture of the bot's own is found where its page has it.
func TestPicture(t *testing.T) {
	s := newSite(t)
	s.Must(s.DB.SetBotAvatar(t.Context(), s.Owner, s.Workspace.ID, s.Bot.PublicID, &db.Blob{PublicID: plain(s.Values["mei"]), ContentType: "image/png", Body: []byte("png")}))
	k := s.link(control.ShareForm{})
	status, v := s.object("maria", "GET", "/api/v1/public/bot-share/"+k.Secret, "")
	if status != 200 || v["avatar_url"] != s.Base+"/s/"+k.Secret+"/face" {
		t.Errorf("%d %v", status, v)
	}
}
