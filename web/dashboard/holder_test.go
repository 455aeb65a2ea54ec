package dashboard_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// ask calls the gateway with a key, over the app.
func (s *site) ask(key, model string) int {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/v1/chat/completions",
		strings.NewReader(`{"model":"`+model+`","messages":[{"role":"user","content":"Hello"}]}`))
	s.must(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := testbed.Client().Do(request)
	s.must(err)
	response.Body.Close()
	return response.StatusCode
}

func TestHolderLooksTheTokenUp(t *testing.T) {
	s := newSite(t)
	models, quota, limited := []string{"gpt-4o-mini"}, int64(50_000_000), false
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{
		Name: new("Nightly <b>report</b>"), Models: &models, ModelsLimited: new(true),
		Quota: db.QuotaChange{Quota: &quota, Unlimited: &limited, Refill: new(access.RefillMonthly)},
	})
	s.must(err)
	if got := s.ask(made.Secret, "gpt-4o-mini"); got != http.StatusOK {
		t.Fatalf("asking: %d", got)
	}
	if got := s.ask(made.Secret, "qwen-max"); got != http.StatusForbidden {
		t.Fatalf("asking the other model: %d", got)
	}
	r := s.stranger()
	r.get("/key").want(t, 200, "Look up an API token", `name="key"`, `action="/key"`)
	r.get("/key?key="+made.Secret).want(t, 200, "!Nightly")
	for _, spelled := range []string{made.Secret, " Bearer " + made.Secret + "\n", strings.TrimPrefix(made.Secret, "sk-")} {
		a := r.post("/key", "key", spelled)
		a.want(t, 200, "Nightly &lt;b&gt;report&lt;/b&gt;", "Active", "of $100", "Starts afresh", "model not allowed", "model_not_allowed", "qwen-max",
			"!"+made.Secret, "!"+strings.TrimPrefix(made.Secret, "sk-"))
		if a.header.Get("Cache-Control") != "no-store" {
			t.Error("the page may be kept")
		}
	}
	r.lang = "zh"
	r.post("/key", "key", made.Secret).want(t, 200, "剩余额度", "被拒绝的调用")
	r.lang = "en"

	s.must(s.Control.DisableToken(t.Context(), s.Owner, made.Row.PublicID))
	r.post("/key", "key", made.Secret).want(t, 200, "Disabled", "This API token is disabled. Ask its owner to enable it.")
	s.must(s.Control.RevokeToken(t.Context(), s.Owner, made.Row.PublicID))
	r.post("/key", "key", made.Secret).want(t, 200, "Revoked", "This API token was revoked.")
	s.must(s.Control.DeleteToken(t.Context(), s.Owner, made.Row.PublicID))
	r.post("/key", "key", made.Secret).want(t, 401, "not known here", "!Nightly")
}

func TestHolderOfAnotherSecretSeesNothing(t *testing.T) {
	s := newSite(t)
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("Nightly report")})
	s.must(err)
	_, beta, err := s.Control.RevealToken(t.Context(), s.Owner, made.Row.PublicID)
	s.must(err)
	r := s.stranger()
	for _, wrong := range []string{"x", beta, made.Secret[:len(made.Secret)-1], strings.Repeat("k", 600), "<script>"} {
		r.post("/key", "key", wrong).want(t, 401, "not known here", "!Nightly", "!<script>\"")
	}
	r.post("/key", "key", "  ").want(t, 422, "Paste the token first.")

	far := []string{netip.MustParsePrefix("203.0.113.0/24").String()}
	_, err = s.Control.EditToken(t.Context(), s.Owner, made.Row.PublicID, control.TokenForm{Addresses: &far})
	s.must(err)
	r.post("/key", "key", made.Secret).want(t, 403, "127.0.0.1 is not on the list", "!Nightly")
}

func TestHolderOfAReplacedKey(t *testing.T) {
	s := newSite(t)
	made, err := s.Control.CreateToken(t.Context(), s.Owner, control.TokenForm{Name: new("Nightly report")})
	s.must(err)
	_, err = s.Control.RotateToken(t.Context(), s.Owner, made.Row.PublicID, time.Hour)
	s.must(err)
	r := s.stranger()
	r.post("/key", "key", made.Secret).want(t, 200, "Nightly report", "This key was replaced by a newer one. It works until")
	s.Wait(2 * time.Hour)
	r.post("/key", "key", made.Secret).want(t, 410, "This secret was replaced", "!Nightly")
}
