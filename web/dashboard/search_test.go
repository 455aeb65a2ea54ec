package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

func TestSearchEverywhere(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Viewer)
	r.get("/search").want(t, 200, "What are you looking for?", `name="q"`)
	made := s.Token(t, control.TokenForm{Name: ptr("Desk <b>key"), Bot: &s.Bot.PublicID})
	link, err := s.Control.CreateShare(t.Context(), s.Owner, control.ShareForm{Bot: &s.Bot.PublicID, Name: ptr("Help desk 客服")})
	s.must(err)
	_, err = s.Control.CreateCustomer(t.Context(), s.Owner, control.CustomerForm{Username: ptr("desk.user"), Email: ptr("desk@acme.example")})
	s.must(err)
	for range 8 {
		s.Token(t, control.TokenForm{Name: ptr("Desk again")})
	}
	all := r.get("/search?q=DESK")
	all.want(t, 200, "Search: DESK", "Desk again", "Help desk 客服", "desk.user", `href="/tokens?q=DESK"`, `value="DESK"`, "!Desk &lt;b&gt;key")
	if strings.Contains(all.body, made.Secret) || strings.Contains(all.body, link.Secret) {
		t.Error("the page holds a secret")
	}
	r.get("/search?q=客服").want(t, 200, "Help desk 客服", "!Desk again")
	r.get("/search?q="+made.Row.Hint).want(t, 200, "Desk &lt;b&gt;key")
	r.get("/search?q=support+bot").want(t, 200, "Support Bot", "Help desk 客服")
	r.get("/search?q=nowhere").want(t, 200, "Nothing was found", "!<tr")
	r.get("/search?q=%3Cscript%3E").want(t, 200, "&lt;script&gt;", "!<script>")
	r.part, r.at = true, "/search"
	r.get("/search?q=desk.user").want(t, 200, `<div id="search"`, "desk.user", "!<main")
}

// A replaced key lives on for the chosen time, on the same token; its page counts
// who still uses it.
func TestReplacedKeyIsCounted(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Owner)
	made := s.Token(t, control.TokenForm{Name: ptr("Pipeline")})
	path := "/tokens/" + made.Row.PublicID
	models := func(key string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/models", nil)
		s.must(err)
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := testbed.Client().Do(request)
		s.must(err)
		response.Body.Close()
		return response.StatusCode
	}
	r.get(path).want(t, 200, "!Replaced key")
	fresh := keyText.FindString(r.post(path+"/rotate", "keep_old", "24h").body)
	if fresh == "" || fresh == made.Secret {
		t.Fatal("no new key")
	}
	for range 3 {
		if status := models(made.Secret); status != http.StatusOK {
			t.Fatalf("the old key answers %d", status)
		}
	}
	if status := models(fresh); status != http.StatusOK {
		t.Fatalf("the new key answers %d", status)
	}
	r.get(path).want(t, 200, "Replaced key", "ends in 24 hours", "3 calls still used it since")
	s.Wait(25 * time.Hour)
	if status := models(made.Secret); status != http.StatusUnauthorized {
		t.Errorf("after its time the old key answers %d", status)
	}
	r = s.signIn(access.Owner)
	r.get(path).want(t, 200, "!Replaced key")
}
