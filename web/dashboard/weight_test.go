package dashboard_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
)

// listMost is what a list page of fifty rows may weigh, in bytes of HTML.
const listMost = 60 << 10

// Every list stays light with fifty rows in which every column is filled, in both
// languages, for who may do everything.
func TestListsOfFiftyAreLightPages(t *testing.T) {
	s := newSite(t)
	s.StopClock()
	s.fillLists(51)
	s.Wait(40 * time.Minute) // longer words than "just now"
	english := s.signIn(access.Owner)
	chinese := *english
	chinese.lang = "zh"
	for _, c := range []struct{ path, row string }{
		{"/tokens", `<tr id="k`},
		{"/shares", `<tr id="s`},
		{"/customers", `<tr id="c`},
		{"/requests", `href="/requests/0`},
		{"/audit", `href="/audit/`},
		{"/settings/users", `href="/settings/users/`},
	} {
		for _, r := range []*reader{english, &chinese} {
			page := r.get(c.path)
			if rows := strings.Count(page.body, c.row); rows < 50 {
				t.Errorf("%s has %d rows, want 50", c.path, rows)
			}
			if size := len(page.body); size > listMost {
				t.Errorf("%s in %s weighs %d bytes", c.path, r.lang, size)
			}
		}
	}
}

// fillLists makes n of each noun as a busy workspace has them: long names in both
// scripts, notes, limits, uses and refusals.
func (s *site) fillLists(n int) {
	s.t.Helper()
	ctx := s.t.Context()
	for i := range n {
		name, note := fmt.Sprintf("Support widget for acme.example, production %03d", i), "Asked for by the billing team in March; ends with their contract. Call Mei before it is changed."
		if i%2 == 1 {
			name, note = fmt.Sprintf("客服小程序（正式环境，华东区）第 %03d 号", i), "财务部三月申请，合同到期即停用。修改之前请先联系美玲，电话在通讯录里。"
		}
		k := s.Token(s.t, control.TokenForm{
			Name: &name, Note: &note, Bot: &s.Bot.PublicID, Models: &[]string{"gpt-4o-mini", "qwen-max"}, ModelsLimited: new(true),
			Quota: db.QuotaChange{Quota: new(int64(50_000_000))}, ExpiresAt: new(s.Now().Add(90 * 24 * time.Hour)), RPM: new(int64(60)),
		})
		change := func(r *access.Request) { r.Stream = true }
		if i%3 == 2 {
			change = refuse("model_not_allowed", 403)
		}
		s.call(k, s.Now(), 12_345, change)
		share, err := s.Control.CreateShare(ctx, s.Owner, control.ShareForm{
			Name: &name, Bot: &s.Bot.PublicID, ExpiresAt: new(s.Now().Add(30 * 24 * time.Hour)), MaxCustomers: new(new(int64(100))),
			RPM: new(int64(20)), Allowance: new(new(int64(30))), AllowanceUnit: new(access.Messages), Refill: new(access.RefillDaily),
		})
		s.must(err)
		login := fmt.Sprintf("mei.tanaka-support.%03d", i)
		m, err := s.DB.MakeCustomer(ctx, s.Owner, access.Customer{
			PublicID: secret.NewPublicID(rand.Reader), WorkspaceID: s.Workspace.ID, Username: login, UsernameKey: login,
			Email: login + "@customers.acme.example", Note: note, PasswordHash: testbed.NoPassword, Enabled: true,
		})
		s.must(err)
		s.LoginCustomer(s.t, m, access.DoorPage)
		_, err = s.DB.OpenShare(ctx, share.Row.ID, m.ID, s.Workspace.Location())
		s.must(err)
		person := fmt.Sprintf("alexandra.schmidt.%03d", i)
		u, _, err := s.DB.MakeUser(ctx, s.Owner, db.NewUser{User: access.User{
			PublicID: secret.NewPublicID(rand.Reader), Username: person, UsernameKey: person, Email: person + "@acme.example", EmailKey: person + "@acme.example",
			Nickname: "亚历山德拉·施密特 Schmidt", PasswordHash: testbed.NoPassword, Enabled: true,
		}, Workspace: name, TimeZone: "UTC"})
		s.must(err)
		s.Login(s.t, u, access.DoorPage)
	}
}
