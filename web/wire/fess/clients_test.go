package fess_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// A client of Fess itself counts pages from 1; a setting says so.
func TestPagesFromOne(t *testing.T) {
	s := newSite(t, 1)
	const more = 10
	for i := range more {
		s.make(fmt.Sprintf("t%02d", i), s.Owner, control.TokenForm{})
	}
	names := func(query string) (names []string) {
		t.Helper()
		status, v := s.object("admin", "GET", "/api/admin/accesstoken/settings"+query, "")
		if status != 200 || fmt.Sprint(v["total"]) != fmt.Sprint(more+1) {
			t.Fatal(status, v)
		}
		for _, one := range v["settings"].([]any) {
			names = append(names, one.(map[string]any)["name"].(string))
		}
		return names
	}
	if all := names("?page=1&size=100"); len(all) != more+1 || !slices.IsSorted(all) {
		t.Errorf("page 1 of 100: %v", all)
	}
	seen := map[string]bool{}
	for page := 1; page <= more+1; page++ {
		for _, name := range names(fmt.Sprintf("?page=%d&size=1", page)) {
			seen[name] = true
		}
	}
	if len(seen) != more+1 {
		t.Errorf("pages 1 to %d show %d tokens", more+1, len(seen))
	}
	for _, query := range []string{"?page=0&size=1", "?page=-3&size=1", "?size=1"} {
		if got := names(query); !slices.Equal(got, []string{"admin"}) {
			t.Errorf("%s: %v", query, got)
		}
	}
	if got := names(fmt.Sprintf("?page=%d&size=1", more+2)); len(got) != 0 {
		t.Errorf("past the end: %v", got)
	}
}

// Tokens of one name stand in the order in which they were made, and deleted ones
// nowhere.
func TestOrderOfOneName(t *testing.T) {
	s := newSite(t, 0)
	var want []string
	for i := range 4 {
		key := fmt.Sprint("same", i)
		s.make(key, s.Owner, control.TokenForm{Name: new("same")})
		want = append(want, s.Values[key])
	}
	s.Must(s.Control.DeleteToken(t.Context(), s.Owner, want[1]))
	want = slices.Delete(want, 1, 2)
	_, v := s.object("admin", "GET", "/api/admin/accesstoken/settings?size=1000", "")
	var got []string
	for _, one := range v["settings"].([]any) {
		if one := one.(map[string]any); one["name"] == "same" {
			got = append(got, one["id"].(string))
		}
	}
	if !slices.Equal(got, want) || fmt.Sprint(v["total"]) != "4" {
		t.Errorf("%v of %v, want %v", got, v["total"], want)
	}
}

func TestLimits(t *testing.T) {
	s := newSite(t, 0)
	const path = "/api/admin/accesstoken/setting"
	long := func(n int) string { return strings.Repeat("名", n) }
	permissions := func(n int) string { return `"` + strings.Repeat(`x\n`, n) + `"` }
	for _, c := range []struct{ name, body, want string }{
		{"a name of 1000", `{"name":"` + long(1000) + `"}`, ""},
		{"a name of 1001", `{"name":"` + long(1001) + `"}`, "The size of Name must be between 0 and 1000."},
		{"a parameter of 10000", `{"name":"x","parameterName":"` + long(10_000) + `"}`, ""},
		{"a parameter of 10001", `{"name":"x","parameterName":"` + long(10_001) + `"}`, "The size of Parameter Name must be between 0 and 10000."},
		{"permissions of 10000", `{"name":"x","permissions":"` + long(10_000) + `"}`, ""},
		{"permissions of 10001", `{"name":"x","permissions":"` + long(10_001) + `"}`, "The size of Permissions must be between 0 and 10000."},
		{"a list of 10001", `{"name":"x","permissions":["` + long(9_000) + `","` + long(1_001) + `"]}`, "The size of Permissions must be between 0 and 10000."},
		{"5000 lines", `{"name":"x","permissions":` + permissions(5000) + `}`, ""},
		{"a token of 257", `{"name":"x","token":"abcdefgh` + strings.Repeat("i", 249) + `"}`, "A chosen token may have at most 256 characters; this one has 257."},
		{"a token of 10001", `{"name":"x","token":"` + strings.Repeat("i", 10_001) + `"}`, "The size of Token must be between 0 and 10000."},
	} {
		status, v := s.object("admin", "POST", path, c.body)
		if c.want == "" && (status != 200 || v["created"] != true) || c.want != "" && (status != 400 || v["message"] != c.want || v["status"] != 1.0) {
			t.Errorf("%s: %d %v", c.name, status, v)
		}
	}
	status, v := s.object("admin", "PUT", path, `{"id":"`+long(1001)+`","name":"x"}`)
	if status != 400 || v["message"] != "The size of ID must be between 0 and 1000." {
		t.Errorf("an id of 1001: %d %v", status, v)
	}
}

// Bodies that are no JSON of ours, whatever they are, end in the envelope.
func TestBrokenBodies(t *testing.T) {
	s := newSite(t, 0)
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"deep", `{"name":"x","permissions":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`, 400},
		{"not UTF-8", "{\"name\":\"\xff\"}", 400},
		{"huge", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
		{"a bare text", `"x"`, 400},
		{"NaN", `{"name":"x","expiredTime":NaN}`, 400},
		{"infinite", `{"name":"x","expiredTime":1e999}`, 400},
	} {
		for _, call := range []struct{ method, path string }{
			{"POST", "/api/admin/accesstoken/setting"}, {"PUT", "/api/admin/accesstoken/setting"},
		} {
			status, v := s.object("admin", call.method, call.path, c.body)
			if status != c.status || v["status"] != 1.0 || v["version"] != "15.5.0" || v["message"] == "" {
				t.Errorf("%s by %s: %d %v", c.name, call.method, status, v)
			}
		}
	}
	if _, v := s.object("admin", "GET", "/api/admin/accesstoken/settings", ""); fmt.Sprint(v["total"]) != "1" {
		t.Errorf("something was made: %v", v["total"])
	}
}

// A list that shows texts is in the audit log once an hour, one that shows none
// not at all.
func TestListsAreAudited(t *testing.T) {
	s := newSite(t, 0)
	told := func() (n int) {
		t.Helper()
		for _, r := range s.Told("token.list-secrets") {
			if r.Door == string(access.DoorFess) {
				n++
			}
		}
		return n
	}
	s.NextHour()
	for range 3 {
		s.object("admin", "GET", "/api/admin/accesstoken/settings", "")
		s.object("admin", "GET", "/api/admin/accesstoken/setting/"+s.Values["admin"], "")
	}
	if n := told(); n != 1 {
		t.Errorf("%d rows after six calls", n)
	}
	s.object("lin", "GET", "/api/admin/accesstoken/settings", "")
	if n := told(); n != 2 {
		t.Errorf("%d rows after another caller", n)
	}
	s.Control.Reveal = control.RevealNever
	s.object("mei", "GET", "/api/admin/accesstoken/settings", "")
	if n := told(); n != 2 {
		t.Errorf("%d rows after a masked list", n)
	}
}

// The search call is a call like any other: logged with its door, charged once.
func TestSearchIsMetered(t *testing.T) {
	s := newSite(t, 0)
	s.Price(t, "gpt-4o-mini", 1_000_000, 1_000_000)
	s.Faulty.Charge(3, 4)
	units := int64(5000)
	s.make("bound", s.Owner, control.TokenForm{Bot: &s.Bot.PublicID, ParameterName: new("token"), Quota: db.QuotaChange{Quota: &units}})
	status, v := s.object("nobody", "GET", "/json/?q=hello&token="+s.Values["bound.text"], "")
	if status != 200 {
		t.Fatal(status, v)
	}
	row, err := s.DB.Token(t.Context(), s.Workspace.ID, s.Values["bound"])
	s.Must(err)
	if row.Purse.Used != 7 || row.Purse.Reserved != 0 {
		t.Errorf("used %d, reserved %d", row.Purse.Used, row.Purse.Reserved)
	}
	rows, err := s.DB.Requests(t.Context(), s.Workspace.ID, db.RequestPage{Limit: 10})
	s.Must(err)
	if len(rows) != 1 || rows[0].Door != access.DoorFess || rows[0].Outcome != access.Answered || rows[0].Units != 7 {
		t.Errorf("the log says %+v", rows)
	}
}

// A client that leaves before the answer stops the provider, and pays nothing.
func TestSearchStopsWithItsClient(t *testing.T) {
	s := newSite(t, 0)
	p := s.AddProvider(t, "slow", s.Faulty.URL+"/v1", string(faulty.SlowFirst))
	b, err := s.Control.CreateBot(t.Context(), s.Owner, control.BotForm{Name: new("Slow"), Provider: &p.PublicID, Model: new(string(faulty.SlowFirst))})
	s.Must(err)
	s.make("bound", s.Owner, control.TokenForm{Bot: &b.PublicID})
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		resp, err := s.Ask(ctx, "bound", "GET", "/json/?q=hello", "")
		if err == nil {
			resp.Body.Close()
		}
		ended <- err
	}()
	call := s.Faulty.Call(0)
	leave()
	if err := <-ended; err == nil {
		t.Error("the client was answered")
	}
	call.WaitGone()
	testbed.Eventually(t, 5*time.Second, "nothing is reserved", func() bool {
		row, err := s.DB.Token(t.Context(), s.Workspace.ID, s.Values["bound"])
		return err == nil && row.Purse.Reserved == 0 && row.Purse.Used == 0
	})
}

// A provider that fails is a failure here too, and charges nothing.
func TestSearchWithAFailingProvider(t *testing.T) {
	s := newSite(t, 0)
	p := s.AddProvider(t, "broken", s.Faulty.URL+"/v1", string(faulty.HTML))
	b, err := s.Control.CreateBot(t.Context(), s.Owner, control.BotForm{Name: new("Broken"), Provider: &p.PublicID, Model: new(string(faulty.HTML))})
	s.Must(err)
	s.make("bound", s.Owner, control.TokenForm{Bot: &b.PublicID})
	status, v := s.object("bound", "GET", "/json/?q=hello", "")
	if status != 502 || v["status"] != 9.0 || v["message"] == "" {
		t.Errorf("%d %v", status, v)
	}
}

// No slash leads elsewhere.
func TestNoRedirects(t *testing.T) {
	s := newSite(t, 0)
	for _, path := range []string{
		"/json", "/json/", "/api/admin/accesstoken/settings", "/api/admin/accesstoken/settings/", "/api/admin/accesstoken/setting/x",
		"/api/admin/accesstoken/setting/x/", "/api/admin/", "/json/../json/", "/api/admin//accesstoken/settings",
	} {
		resp, _ := s.Send("nobody", "GET", path, "")
		if resp.StatusCode/100 == 3 || resp.Header.Get("Content-Type") != "application/json; charset=utf-8" && strings.HasPrefix(path, "/api") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
	}
}
