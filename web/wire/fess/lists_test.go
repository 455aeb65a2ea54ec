package fess_test

import (
	"fmt"
	"slices"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
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
