package ragflow_test

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
)

// A token that has no beta key gets one when it is first listed, and keeps it, also
// when many list at once. Listing changes nothing else.
func TestBetaIsFilledOnce(t *testing.T) {
	s := newSite(t)
	text := secret.NewToken(rand.Reader)
	k := access.Token{PublicID: secret.NewPublicID(rand.Reader), WorkspaceID: s.Workspace.ID, Name: "old", Hint: secret.Hint(text), PermissionsShape: "array"}
	var err error
	k.Sealed, err = s.Keys.Seal(secret.Place{Table: "api_tokens", Row: k.PublicID, Column: "sealed"}, []byte(text))
	s.Must(err)
	_, err = s.DB.MakeToken(t.Context(), s.Owner, db.NewToken{Token: k, Purse: access.Purse{Unlimited: true}, Hash: secret.Hash(text), Zone: time.UTC})
	s.Must(err)

	// Where lists are masked, none is made.
	s.Control.Reveal = control.RevealNever
	_, v := s.object("lin", "GET", "/v1/system/token_list", "")
	if beta := v["data"].([]any)[0].(map[string]any)["beta"]; beta != "" {
		t.Errorf("masked: %v", beta)
	}
	s.Control.Reveal = control.RevealAlways
	before, err := s.DB.Token(t.Context(), s.Workspace.ID, k.PublicID)
	s.Must(err)
	if before.BetaSealed != nil {
		t.Fatal("a masked list made a beta key")
	}
	betas := make(chan string, 8)
	var all sync.WaitGroup
	for range cap(betas) {
		all.Go(func() {
			resp, err := s.Ask(t.Context(), "!lin", "GET", "/v1/system/token_list", "")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			var v struct {
				Data []struct{ Beta, Token string }
			}
			if err := json.NewDecoder(resp.Body).Decode(&v); err != nil || len(v.Data) != 1 || v.Data[0].Token != text {
				t.Error(err, v)
				return
			}
			betas <- v.Data[0].Beta
		})
	}
	all.Wait()
	close(betas)
	first := <-betas
	if !betaForm(first) || strings.Contains(text, first) {
		t.Fatalf("the beta key is %q", first)
	}
	for beta := range betas {
		if beta != first {
			t.Errorf("%q, and %q", first, beta)
		}
	}
	after, err := s.DB.Token(t.Context(), s.Workspace.ID, k.PublicID)
	s.Must(err)
	if !after.UpdatedAt.Equal(before.UpdatedAt) || after.Version != before.Version {
		t.Errorf("a list edited the token: %+v", after)
	}
	if found, err := s.DB.FindSecret(t.Context(), secret.Hash(first)); err != nil || found.Kind != db.BetaSecret || found.SubjectID != after.ID {
		t.Errorf("%+v, %v", found, err)
	}
	if n := len(s.Told("token.beta")); n != 1 {
		t.Errorf("%d rows of the audit log", n)
	}
}

// A list that spelled tokens stands in the audit log once for a caller and an hour.
func TestListedTokensAreToldOnce(t *testing.T) {
	s := newSite(t)
	s.Token(t, control.TokenForm{})
	s.NextHour()
	for range 3 {
		s.object("lin", "GET", "/v1/system/token_list", "")
		s.object("lin", "GET", "/api/v1/system/keys", "")
	}
	if n := len(s.Told("token.list-secrets")); n != 1 {
		t.Errorf("%d rows in one hour", n)
	}
	s.House.Wait(time.Hour)
	s.Control.Reveal = control.RevealConfirm
	s.object("lin", "GET", "/v1/system/token_list", "")
	if n := len(s.Told("token.list-secrets")); n != 1 {
		t.Errorf("%d rows after a masked list", n)
	}
	s.Control.Reveal = control.RevealAlways
	s.object("lin", "GET", "/v1/system/token_list", "")
	if n := len(s.Told("token.list-secrets")); n != 2 {
		t.Errorf("%d rows in two hours", n)
	}
}

// What one door makes the others show and end; what is deleted here is unknown at
// the gateway at once, its beta key too.
func TestOneStore(t *testing.T) {
	s := newSite(t)
	_, v := s.object("lin", "POST", "/v1/system/new_token?name=from+ragflow", "")
	made := v["data"].(map[string]any)
	key, beta := made["token"].(string), made["beta"].(string)
	rows, err := s.DB.Tokens(t.Context(), s.Workspace.ID, db.Page{Limit: 10})
	s.Must(err)
	if len(rows) != 1 || rows[0].Name != "from ragflow" || !rows[0].Purse.Unlimited || !rows[0].Permissions.Has(access.PermChat) || rows[0].CreatedBy != s.User.ID {
		t.Fatalf("%+v", rows)
	}
	_, v = s.object("lin", "GET", "/api/token/", "")
	if item := v["data"].(map[string]any)["items"].([]any)[0].(map[string]any); item["key"] != key || item["name"] != "from ragflow" || item["unlimited_quota"] != true {
		t.Errorf("New API shows %v", item)
	}
	for _, text := range []string{key, "sk-" + key, strings.TrimPrefix(key, "sk-")} {
		if status := s.Status(text); status != 200 {
			t.Errorf("%s: %d", text, status)
		}
	}
	s.Bearers["beta"] = beta
	for _, at := range []string{"GET /v1/models", "GET /api/latchkey/v1/tokens", "GET /v1/system/token_list", "GET /api/v1/system/tokens", "GET /api/token/", "GET /v1/user/info"} {
		method, path, _ := strings.Cut(at, " ")
		if resp, text := s.call("beta", method, path, ""); resp.StatusCode != 401 {
			t.Errorf("a beta key at %s: %d %s", at, resp.StatusCode, text)
		}
	}
	chat := "/api/v1/chatbots/" + s.Bot.PublicID + "/completions"
	if _, v := s.object("beta", "POST", chat, `{"question":"","stream":false}`); v["code"] != 0.0 {
		t.Fatalf("the beta key opens %v", v)
	}
	s.object("lin", "DELETE", "/v1/system/token/"+strings.TrimPrefix(key, "sk-"), "")
	if status := s.Status(key); status != 401 {
		t.Errorf("deleted, it answers %d", status)
	}
	if _, v := s.object("beta", "POST", chat, `{"question":"","stream":false}`); v["code"] != 102.0 || v["message"] != `Authentication error: API key is invalid!"` {
		t.Errorf("its beta key opens %v", v)
	}
}

// What fails inside is said with the request's id and nothing else.
func TestFaultsAreSaid(t *testing.T) {
	s := newSite(t)
	s.Token(t, control.TokenForm{})
	s.call("nobody", "GET", "/v1/system/public_key", "")
	s.Control.Keys = secret.NewKeys(rand.Reader)
	for _, at := range []string{"GET /v1/system/token_list", "GET /api/v1/system/keys", "GET /v1/system/public_key", `POST /v1/user/login {"email":"lin","password":"x"}`} {
		method, rest, _ := strings.Cut(at, " ")
		path, body, _ := strings.Cut(rest, " ")
		status, v := s.object("lin", method, path, body)
		if status != 200 || v["code"] != 500.0 || v["data"] != false || !faultForm(v["message"]) {
			t.Errorf("%s: %d %v", at, status, v)
		}
	}
}
