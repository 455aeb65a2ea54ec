package newapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/control"
)

// A list that spelled keys stands in the audit log once for a caller and an hour.
func TestListedKeysAreToldOnce(t *testing.T) {
	s := newSite(t)
	s.Token(t, control.TokenForm{})
	told := func() int {
		rows := s.Told("token.list-secrets")
		for _, r := range rows {
			if r.Door != "newapi" || !strings.Contains(r.Actor, "lin") || r.Detail != `{"count":1}` {
				t.Errorf("the row is %+v", r)
			}
		}
		return len(rows)
	}
	s.NextHour()
	for range 3 {
		s.Object("lin", "GET", "/api/token/", "")
		s.Object("lin", "GET", "/api/token/search", "")
	}
	if n := told(); n != 1 {
		t.Errorf("%d rows in one hour", n)
	}
	s.House.Wait(time.Hour)
	s.Object("lin", "GET", "/api/token/", "")
	if n := told(); n != 2 {
		t.Errorf("%d rows in two hours", n)
	}
	// What spells nothing tells nothing.
	s.House.Wait(time.Hour)
	for _, r := range []control.Reveal{control.RevealConfirm, control.RevealNever} {
		s.Control.Reveal = r
		_, v := s.Object("lin", "GET", "/api/token/", "")
		if key := v["data"].(map[string]any)["items"].([]any)[0].(map[string]any)["key"].(string); !strings.HasPrefix(key, "sk-lk…") || len([]rune(key)) != 10 {
			t.Errorf("with %s the key is %s", r, key)
		}
	}
	if n := told(); n != 2 {
		t.Errorf("%d rows after lists without keys", n)
	}
}

// Many tokens: pages meet, a search walks all of them, a long batch is one fact.
func TestManyTokens(t *testing.T) {
	s := newSite(t)
	const many = db.ListMax + 30
	var numbers []string
	for i := range many {
		numbers = append(numbers, fmt.Sprint(s.Token(t, control.TokenForm{Name: new(fmt.Sprintf("bulk %03d", i))}).Row.ID))
	}
	seen := map[any]bool{}
	for p := 1; p <= 3; p++ {
		_, v := s.Object("lin", "GET", fmt.Sprintf("/api/token/?p=%d&size=100", p), "")
		data := v["data"].(map[string]any)
		if data["total"] != float64(many) {
			t.Errorf("total %v", data["total"])
		}
		for _, row := range data["items"].([]any) {
			seen[row.(map[string]any)["id"]] = true
		}
	}
	if len(seen) != many {
		t.Errorf("three pages show %d tokens of %d", len(seen), many)
	}
	for _, query := range []string{"", "?keyword=bulk", "?keyword=k"} {
		if _, v := s.Object("lin", "GET", "/api/token/search"+query, ""); len(v["data"].([]any)) != many {
			t.Errorf("%q finds %d", query, len(v["data"].([]any)))
		}
	}
	if _, v := s.Object("mei", "POST", "/api/token/batch", `{"ids":[`+strings.Join(numbers, ",")+`]}`); v["data"] != 0.0 {
		t.Errorf("a foreigner deleted %v", v)
	}
	if _, v := s.Object("lin", "POST", "/api/token/batch", `{"ids":[`+strings.Join(numbers[1:], ",")+`,77777]}`); v["data"] != float64(many-1) {
		t.Errorf("the batch deleted %v", v)
	}
	if _, v := s.Object("lin", "GET", "/api/token/", ""); v["data"].(map[string]any)["total"] != 1.0 {
		t.Errorf("left: %v", v)
	}
	if _, v := s.Object("lin", "POST", "/api/token/batch/keys", `{"ids":[`+strings.Join(numbers[:101], ",")+`]}`); v["message"] != "参数错误" {
		t.Errorf("101 keys: %v", v)
	}
}
