package dashboard_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

var handoverPath = regexp.MustCompile(`http://[^"]+(/hand-over/[0-9A-Za-z]{32})`)

// handOver makes a one-time link on the page and returns its address.
func (r *reader) handOver(token, life string) string {
	r.t.Helper()
	path := "/tokens/" + token + "/hand-over"
	form := r.get(path)
	made := r.post(path, "workspace", form.value(r.t, "workspace"), "once", form.value(r.t, "once"), "life", life)
	found := handoverPath.FindStringSubmatch(made.body)
	if made.status != 200 || found == nil {
		r.t.Fatalf("no link: %d\n%s", made.status, bodyOf(made.body))
	}
	return found[1]
}

func TestHandOverShowsTheKeyOnce(t *testing.T) {
	s := newSite(t)
	models := []string{"gpt-4o-mini"}
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("Nightly <b>"), Models: &models, ModelsLimited: new(true)})
	s.must(err)
	owner := s.reader(access.Owner)
	page := "/tokens/" + made.Row.PublicID
	path := owner.handOver(made.Row.PublicID, "24")
	owner.get(page).want(t, 200, "Hand-overs", "Not opened yet", "Take back", "!"+path, "!"+made.Secret)
	r := s.stranger()
	for range 2 {
		a := r.get(path)
		a.want(t, 200, "Lin Wei hands you “Nightly &lt;b&gt;”", "Show the key", "!"+made.Secret)
		if a.header.Get("Referrer-Policy") != "strict-origin" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", a.header)
		}
	}
	opened := r.post(path)
	opened.want(t, 200, made.Secret, s.url+"/v1", "gpt-4o-mini", "OPENAI_API_KEY="+made.Secret, "new OpenAI({", "from openai import", s.url+"/key")
	if opened.header.Get("Cache-Control") != "no-store" {
		t.Error("the answer may be kept")
	}
	if got := s.ask(made.Secret, "gpt-4o-mini"); got != http.StatusOK {
		t.Errorf("the key answers %d", got)
	}
	for _, again := range []answer{r.get(path), r.post(path), s.stranger().post(path)} {
		again.want(t, 410, "was opened already", "!"+made.Secret)
	}
	owner.get(page).want(t, 200, "Opened", "!Not opened yet", "!Take back")
	if n := len(s.auditOf(t, "token.take-over")); n != 1 {
		t.Errorf("%d openings in the audit log", n)
	}
	rows, err := s.Control.Handovers(t.Context(), s.Owner, made.Row.PublicID)
	s.must(err)
	if len(rows) != 1 || rows[0].Sealed != nil || rows[0].OpenedAt.IsZero() {
		t.Errorf("%+v", rows)
	}
}

func TestHandOverThatLeadsNowhere(t *testing.T) {
	s := newSite(t)
	owner := s.reader(access.Owner)
	token := func(name string) control.Issued {
		made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: &name})
		s.must(err)
		return made
	}
	r := s.stranger()
	r.get("/hand-over/"+strings.Repeat("0", 32)).want(t, 404, "nothing behind this link")
	r.post("/hand-over/x").want(t, 404)

	revoked, rotated, deleted, late, back := token("revoked"), token("rotated"), token("deleted"), token("late"), token("back")
	paths := map[string]string{}
	for name, k := range map[string]control.Issued{"revoked": revoked, "rotated": rotated, "deleted": deleted, "late": late, "back": back} {
		paths[name] = owner.handOver(k.Row.PublicID, "24")
	}
	s.must(s.Control.RevokeToken(t.Context(), s.Owner, revoked.Row.PublicID))
	r.post(paths["revoked"]).want(t, 410, "was revoked", "!"+revoked.Secret)
	_, err := s.Control.RotateToken(t.Context(), s.Owner, rotated.Row.PublicID, time.Hour)
	s.must(err)
	r.post(paths["rotated"]).want(t, 410, "was replaced after this link", "!"+rotated.Secret)
	s.must(s.Control.DeleteToken(t.Context(), s.Owner, deleted.Row.PublicID))
	r.get(paths["deleted"]).want(t, 404)
	r.post(paths["deleted"]).want(t, 404, "!"+deleted.Secret)
	page := owner.get("/tokens/" + back.Row.PublicID)
	take := regexp.MustCompile(`/tokens/[0-9a-f]{32}/hand-over/[0-9a-f]{32}/delete`).FindString(page.body)
	owner.post(take, "workspace", owner.get("/settings/profile").value(t, "workspace")).want(t, 200, "taken back")
	r.post(paths["back"]).want(t, 404)
	s.Wait(25 * time.Hour)
	r.get(paths["late"]).want(t, 410, "has run out")
	r.post(paths["late"]).want(t, 410, "has run out", "!"+late.Secret)
	s.must(s.DB.ForgetExpired(t.Context()))
	rows, err := s.Control.Handovers(t.Context(), s.Owner, late.Row.PublicID)
	s.must(err)
	if len(rows) != 1 || rows[0].Sealed != nil {
		t.Error("a key is kept for a link that has run out")
	}
	// Its secret opens no other door.
	if got := s.ask(strings.TrimPrefix(paths["rotated"], "/hand-over/"), "gpt-4o-mini"); got != http.StatusUnauthorized {
		t.Errorf("the gateway answers %d to a link", got)
	}
}

func TestHandOverRefusals(t *testing.T) {
	s := newSite(t)
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("CI")})
	s.must(err)
	once, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("Once"), ShowOnce: true})
	s.must(err)
	owner := s.reader(access.Owner)
	path := "/tokens/" + made.Row.PublicID + "/hand-over"
	form := owner.get(path)
	for _, life := range []string{"", "0", "-1", "999999", "x"} {
		owner.post(path, "workspace", form.value(t, "workspace"), "once", form.value(t, "once"), "life", life).want(t, 422, "at most 7 days")
	}
	owner.post("/tokens/"+once.Row.PublicID+"/hand-over", "workspace", form.value(t, "workspace"), "life", "24").want(t, 409, "shown once", "!"+once.Secret)
	owner.get("/tokens/"+once.Row.PublicID).want(t, 200, "!Hand over…")
	viewer := s.reader(access.Viewer)
	viewer.get(path).want(t, 403)
	viewer.post(path, "life", "24").want(t, 403)
	viewer.post(path+"/text").want(t, 403, "!"+made.Secret)
	text := owner.post(path+"/text", "workspace", form.value(t, "workspace"))
	plain := html.UnescapeString(regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(text.body, ""))
	for _, want := range []string{"“CI” of ", "Key: " + made.Secret, "Base URL: " + s.url + "/v1", "# Python", "# Node", "Authorization: Bearer " + made.Secret} {
		if !strings.Contains(plain, want) {
			t.Errorf("no %q in the text", want)
		}
	}
	s.Control.Reveal = control.RevealConfirm
	s.Wait(11 * time.Minute)
	if a := owner.post(path+"/text", "workspace", form.value(t, "workspace")); a.path != "/confirm" {
		t.Errorf("shown without a fresh password, at %s", a.path)
	}
}

// Of two who open a link at the same moment one sees the key.
func TestHandOverIsOpenedByOne(t *testing.T) {
	s := newSite(t)
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("CI")})
	s.must(err)
	text, _, err := s.Control.HandOver(t.Context(), s.Owner, made.Row.PublicID, time.Hour)
	s.must(err)
	var wait sync.WaitGroup
	var mu sync.Mutex
	seen := 0
	for range 8 {
		wait.Go(func() {
			h, err := s.Control.OpenHandover(t.Context(), text, "203.0.113.9")
			mu.Lock()
			defer mu.Unlock()
			if err == nil && h.Key == made.Secret {
				seen++
			} else if access.KindOf(err) != access.Revoked {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if seen != 1 {
		t.Errorf("%d saw the key", seen)
	}
}
