package native

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/control"
)

// all walks a list to its end and returns a value of each row.
func (w *world) all(path, key string) []any {
	w.Helper()
	var out []any
	next := ""
	for range 100 {
		p := path
		if next != "" {
			p += "&cursor=" + url.QueryEscape(next)
		}
		l := w.owner(200, "GET", p, "")
		for i := range l.items() {
			out = append(out, l.at("items", i, key))
		}
		cursor, more := l.at("next_cursor").(string)
		if !more {
			return out
		}
		next = cursor
	}
	w.Fatal("the list has no end")
	return nil
}

func TestLists(t *testing.T) {
	w := newWorld(t)
	var made []any // whose names hold more than the four signs of a key that lists search
	for i := range 6 {
		w.owner(201, "POST", "/tokens", fmt.Sprintf(`{"name":"the row %d"}`, i))
		made = append(made, fmt.Sprintf("the row %d", i))
		w.owner(201, "POST", "/groups", fmt.Sprintf(`{"name":"the row %d"}`, i))
	}
	newest := slices.Clone(made)
	slices.Reverse(newest)
	for _, limit := range []int{1, 2, 3, 5, 6, 7} {
		for path, want := range map[string][]any{
			"/tokens?q=the%20row":                    newest,
			"/tokens?q=the%20row&sort=-created_at":   newest,
			"/tokens?q=the%20row&sort=created_at":    made,
			"/tokens?q=the%20row&status=enabled":     newest,
			"/groups?q=the%20row":                    made,
			"/groups?q=the%20row&sort=-created_at":   newest,
			"/groups?q=THE%20ROW&status=enabled":     made,
			"/tokens?q=the%20row&status=revoked":     nil,
			"/groups?q=the%20row&status=disabled":    nil,
			"/tokens?q=the%20row%200&status=enabled": {"the row 0"},
		} {
			if got := w.all(fmt.Sprintf("%s&limit=%d", path, limit), "name"); !slices.Equal(got, want) {
				t.Errorf("%s by %d: %v, want %v", path, limit, got, want)
			}
		}
	}
	w.owner(200, "GET", "/tokens?q=the%20row&limit=2", "").has("total", 6)
	w.owner(200, "GET", "/tokens?q=the%20row&limit=6", "").has("next_cursor", nil)
	w.owner(200, "GET", "/tokens?q=%25", "").has("total", 0)

	// A cursor opens the list it was made for and no other.
	cursor := url.QueryEscape(w.owner(200, "GET", "/tokens?q=the%20row&limit=2", "").at("next_cursor").(string))
	w.owner(200, "GET", "/tokens?q=the%20row&limit=4&cursor="+cursor, "").has("next_cursor", nil)
	for _, other := range []string{"/tokens?q=ro&limit=2", "/tokens?limit=2", "/tokens?q=the%20row&status=enabled", "/tokens?q=the%20row&sort=created_at", "/groups?q=the%20row", "/customers?q=the%20row"} {
		w.call("owner", "GET", other+"&cursor="+cursor, "").refused(400, "cursor_invalid")
	}
	w.call("foreigner", "GET", "/tokens?q=the%20row&limit=2&cursor="+cursor, "").refused(400, "cursor_invalid")
	w.call("owner", "GET", "/tokens?q=the%20row&limit=2&cursor="+cursor[1:], "").refused(400, "cursor_invalid")
}

// Beyond a thousand the total is not counted.
func TestTotal(t *testing.T) {
	if total(1000) == nil || *total(1000) != 1000 || total(1001) != nil {
		t.Errorf("total of 1000 is %v, of 1001 %v", total(1000), total(1001))
	}
}

// Usage is paged by its sums, greatest first, and a sum of all stands beside.
func TestUsagePages(t *testing.T) {
	w := newWorld(t)
	models := []string{"model-0", "model-1", "model-2", "model-3", "model-4"}
	w.AddProvider(w.T, "Five models", w.Faulty.URL+"/v1", models...)
	k := w.Token(w.T, control.TokenForm{})
	for i, m := range models {
		w.Price(w.T, m, int64(i)*1_000_000, 0)
		w.must(w.ask(k.Secret, m))
	}
	want := []any{"model-4", "model-3", "model-2", "model-1", "model-0"}
	for _, limit := range []int{1, 2, 5, 50} {
		if got := w.all(fmt.Sprintf("/usage?by=model&limit=%d", limit), "model"); !slices.Equal(got, want) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
	w.owner(200, "GET", "/usage?by=model&limit=1", "").has("total", 5, "sum.requests", 5, "sum.units", 10, "sum.prompt_tokens", 5)
	if a := w.owner(200, "GET", "/usage?by=token", ""); a.items() != 1 || a.at("items", 0, "id") != k.Row.PublicID || !strings.Contains(a.text, `"dollars":0.00002`) {
		t.Errorf("usage of the token: %s", a.text)
	}
	if a := w.owner(200, "GET", "/usage?by=share", ""); a.items() != 1 || a.at("items", 0, "id") != nil {
		t.Errorf("usage of no share: %s", a.text)
	}
	ids := w.all("/requests?limit=2", "id")
	if len(ids) != 5 {
		t.Fatalf("requests: %v", ids)
	}
	if a := w.owner(200, "GET", "/requests?q="+ids[1].(string), ""); a.items() != 1 || a.at("items", 0, "model") != "model-3" {
		t.Errorf("one request: %s", a.text)
	}
	ahead := url.QueryEscape(w.Now().Add(time.Hour).Format(time.RFC3339))
	w.owner(200, "GET", "/requests?from="+ahead, "").has("total", 0)
	w.owner(200, "GET", "/requests?to="+ahead, "").has("total", 5)
	w.call("foreigner", "GET", "/usage?by=model", "").is(200).has("total", 0, "sum.units", 0)
}

func TestCreatesAreSentOnce(t *testing.T) {
	w := newWorld(t)
	once := func(who, path, body, key string) answer {
		return w.call(who, "POST", path, body, "Idempotency-Key", key)
	}
	first := once("owner", "/tokens", `{"name":"a"}`, "key-1").is(201)
	again := once("owner", "/tokens", `{"name":"a"}`, "key-1").is(201)
	if again.text != first.text || again.headers["Idempotency-Replayed"] == nil || first.headers["Idempotency-Replayed"] != nil {
		t.Errorf("%s, then %s", first.text, again.text)
	}
	once("owner", "/tokens", `{"name":"b"}`, "key-1").refused(422, "key_reused")
	once("owner", "/customers", `{"username":"a"}`, "key-1").refused(422, "key_reused")
	w.owner(200, "GET", "/tokens?q=a&sort=created_at", "")
	if other := once("plain editor", "/tokens", `{"name":"a"}`, "key-1").is(201); other.id() == first.id() {
		t.Error("a caller got another caller's answer")
	}
	once("owner", "/tokens", `{"name":""}`, "key-2").refused(400, "name_missing")
	once("owner", "/tokens", `{"name":"now right"}`, "key-2").is(201)
	once("owner", "/tokens", `{"name":"a"}`, strings.Repeat("k", 256)).refused(400, "key_malformed")
	once("owner", "/tokens", `{"name":"a"}`, "two words").refused(400, "key_malformed")
	w.Wait(25 * time.Hour)
	if late := once("owner", "/tokens", `{"name":"a"}`, "key-1").is(201); late.id() == first.id() {
		t.Error("a key was kept for more than a day")
	}
}

// Of many copies at once one creates; the others get its answer or are told to
// wait.
func TestCopiesAtOnce(t *testing.T) {
	w := newWorld(t)
	var wait sync.WaitGroup
	answers := make([]answer, 8)
	for i := range answers {
		wait.Go(func() {
			answers[i] = w.call("owner", "POST", "/customers", `{"username":"one"}`, "Idempotency-Key", "k")
		})
	}
	wait.Wait()
	made := map[any]bool{}
	for _, a := range answers {
		switch a.status {
		case 201:
			made[a.at("id")] = true
		case 409:
			if a.at("error", "code") != "call_running" || a.headers["Retry-After"] == nil {
				t.Errorf("%s %v", a.text, a.headers)
			}
		default:
			t.Errorf("%d %s", a.status, a.text)
		}
	}
	if len(made) != 1 {
		t.Errorf("%d were made", len(made))
	}
	w.owner(200, "GET", "/customers?q=one", "").has("total", 1)
}
