package ragflow_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
)

// python is an interpreter that has requests: the first in the path, or the
// system's, for which Debian has the package python3-requests.
func python(t testing.TB) string {
	t.Helper()
	for _, one := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(one, "-c", "import requests").Run() == nil {
			return one
		}
	}
	t.Fatal("these tests need python3 with requests (Debian: python3-requests)")
	return ""
}

// runScript runs a Python script of testdata with other constants and returns its
// last line.
func (s *site) runScript(name string, constants map[string]string) (last, all string) {
	s.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	s.Must(err)
	lines := strings.Split(string(raw), "\n")
	changed := 0
	for i, line := range lines {
		constant, _, ok := strings.Cut(line, " = ")
		if v, there := constants[constant]; ok && there {
			quoted, err := json.Marshal(v) // a text of JSON is one of Python
			s.Must(err)
			lines[i] = constant + " = " + string(quoted)
			changed++
		}
	}
	if changed != len(constants) {
		s.Fatalf("%d constants of %d", changed, len(constants))
	}
	path := filepath.Join(s.TempDir(), name)
	s.Must(os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	out, err := exec.Command(python(s.T), path).CombinedOutput()
	if err != nil {
		s.Fatalf("%v: %s", err, out)
	}
	all = strings.TrimSpace(string(out))
	return all[strings.LastIndexByte(all, '\n')+1:], all
}

// The published script works with the constants alone changed, the first time and
// again, with a plain password and with the constant that RAGFlow's suites send.
func TestPublishedScript(t *testing.T) {
	s := newSite(t)
	s.Register("open")
	keys := map[string]bool{}
	for email, password := range map[string]string{"plain@acme.example": "123", "suite@acme.example": suitePassword} {
		for _, first := range []bool{true, false} {
			constants := map[string]string{"HOST_ADDRESS": s.Base, "EMAIL": email, "PASSWORD": password}
			key, all := s.runScript("get_api_key.py", constants)
			if !secret.HasChecksum(key) || keys[key] {
				t.Fatalf("the key is %q of %s", key, all)
			}
			if said := strings.Contains(all, "has already registered"); said == first {
				t.Errorf("the first time: %v, it says %s", first, all)
			}
			keys[key] = true
			if status := s.Status(key); status != 200 {
				t.Errorf("the gateway answers %d", status)
			}
		}
	}
}

// A registration that is refused stops the script before a key.
func TestPublishedScriptWhereRegistrationIsClosed(t *testing.T) {
	s := newSite(t)
	raw, err := os.ReadFile(filepath.Join("testdata", "get_api_key.py"))
	s.Must(err)
	text := strings.NewReplacer("http://127.0.0.1:9380", s.Base).Replace(string(raw))
	out, err := exec.Command(python(s.T), "-c", text).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "User registration is disabled!") || !strings.Contains(string(out), "is not registered!") {
		t.Errorf("%v: %s", err, out)
	}
}

// suitePassword is what RAGFlow's test suites send for the password 123: it was
// encrypted under a key that is none of ours, and stands there over three lines.
const suitePassword = `ctAseGvejiaSWWZ88T/m4FQVOpQyUvP+x7sXtdv3feqZACiQleuewkUi35E16wSd5C5QcnkkcV9cYc8TKPTRZlxappDuirxghxoOvFcJxFU4ixLsD
fN33jCHRoDUW81IH9zjij/vaw8IbVyb6vuwg6MX6inOEBRRzVbRYxXOu1wkWY6SsI8X70oF9aeLFp/PzQpjoe/YbSqpTq8qqrmHzn9vO+yvyYyvmDsphXe
X8f7fp9c7vUsfOCkM+gHY3PadG+QHa7KI7mzTKgUTZImK6BZtfRBATDTthEUbbaTewY4H0MnWiCeeDhcbeQao6cFy1To8pE3RpmxnGnS8BsBn8w==`

// account registers or signs in and returns the answer's code and message.
func (s *site) account(path, email, password string) (float64, string) {
	s.Helper()
	raw, err := json.Marshal(map[string]string{"email": email, "nickname": "n", "password": password})
	s.Must(err)
	_, v := s.object("nobody", "POST", path, string(raw))
	return v["code"].(float64), v["message"].(string)
}

func encrypt(t *testing.T, public, plain string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(public))
	if block == nil || block.Type != "PUBLIC KEY" {
		t.Fatalf("the key is %s", public)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 it is what the clients do
	out, err := rsa.EncryptPKCS1v15(rand.Reader, key.(*rsa.PublicKey), []byte(base64.StdEncoding.EncodeToString([]byte(plain))))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out)
}

// However a client sends a password, it is one password: plain, encrypted under the
// server's key or the operator's, again and again.
func TestPasswordsHaveOneForm(t *testing.T) {
	s := newSite(t)
	s.Register("open")
	_, ours := s.call("nobody", "GET", "/v1/system/public_key", "")
	if _, again := s.call("nobody", "GET", "/api/v1/system/public_key/", ""); again != ours {
		t.Errorf("another key: %s", again)
	}
	der, err := secret.NewRSAKey(rand.Reader)
	s.Must(err)
	operators, err := secret.ParseRSAKey(der)
	s.Must(err)
	s.Control.PasswordKeys = (*secret.RSAKeys)(nil).With(operators)
	theirs, err := secret.PublicPEM(operators)
	s.Must(err)

	const plain = "Grüße 123"
	forms := map[string]func() string{
		"plain": func() string { return plain }, "ours": func() string { return encrypt(t, ours, plain) }, "the operator's": func() string { return encrypt(t, theirs, plain) },
	}
	for first, register := range forms {
		email := strings.NewReplacer(" ", "", "'", "").Replace(first) + "@acme.example"
		if code, message := s.account("/v1/user/register", email, register()); code != 0 {
			t.Fatalf("%s: %v %s", first, code, message)
		}
		for then, login := range forms {
			if code, message := s.account("/v1/user/login", email, login()); code != 0 {
				t.Errorf("%s, then %s: %v %s", first, then, code, message)
			}
		}
		if code, message := s.account("/v1/user/login", email, encrypt(t, ours, "another")); code != 109 || message != "Email and password do not match!" {
			t.Errorf("another password: %v %s", code, message)
		}
	}
	// The page knows the same password, and the key stands sealed.
	_, err = s.Control.SignIn(t.Context(), control.Attempt{Name: "ours@acme.example", Password: plain, Door: access.DoorPage, Address: "127.0.0.1"})
	s.Must(err)
	stored, err := s.DB.FindSetting(t.Context(), "password_key")
	s.Must(err)
	sealed, err := base64.StdEncoding.DecodeString(stored)
	s.Must(err)
	if _, err := x509.ParsePKCS8PrivateKey(sealed); err == nil || len(sealed) < 1000 {
		t.Error("the private key stands in the file as it is")
	}
}

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
			r, err := http.NewRequest("GET", s.Base+"/v1/system/token_list", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", s.Bearers["lin"])
			resp, err := http.DefaultClient.Do(r)
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

// Who may not sign in hears so in the contract's words: disabled with the right
// password, locked as if it were wrong, and slowed down with a time.
func TestSignInIsGuarded(t *testing.T) {
	s := newSite(t)
	u, err := s.Control.CreateUser(t.Context(), s.Owner, control.UserForm{Username: new("ann"), Email: new("ann@acme.example"), Password: new(testbed.Password + " 2")})
	s.Must(err)
	_, err = s.Control.DisableUser(t.Context(), s.Owner, u.User.PublicID)
	s.Must(err)
	for password, want := range map[string]string{
		testbed.Password + " 2": "403 This account has been disabled, please contact the administrator!", "wrong": "109 Email and password do not match!",
	} {
		if code, message := s.account("/v1/user/login", "ann@acme.example", password); fmt.Sprint(code, " ", message) != want {
			t.Errorf("%s: %v %s", password, code, message)
		}
	}
	for range 11 {
		s.account("/v1/user/login", "lin@acme.example", "wrong")
	}
	if code, message := s.account("/v1/user/login", "lin@acme.example", testbed.Password); code != 109 || message != "Email and password do not match!" {
		t.Errorf("locked: %v %s", code, message)
	}
	for range 30 {
		resp, text := s.call("nobody", "POST", "/v1/user/login", `{"email":"lin@acme.example","password":"wrong"}`)
		if resp.StatusCode == 429 {
			if resp.Header.Get("Retry-After") == "" || !strings.Contains(text, `"code":103`) || !strings.Contains(text, `"data":false`) {
				t.Errorf("%s, %v", text, resp.Header)
			}
			return
		}
	}
	t.Error("the address was never slowed down")
}

// One address cannot register without end.
func TestRegistrationIsSlowedDown(t *testing.T) {
	s := newSite(t)
	s.Register("open")
	for n := range 40 {
		resp, text := s.call("nobody", "POST", "/v1/user/register", fmt.Sprintf(`{"email":"user%d@acme.example","nickname":"n","password":"1"}`, n))
		if resp.StatusCode == 429 {
			if n < 20 || resp.Header.Get("Retry-After") == "" || !strings.HasPrefix(text, `{"code":103,`) {
				t.Errorf("the %d-th: %s", n+1, text)
			}
			return
		}
	}
	t.Error("40 accounts were made")
}

// A sign-in of somebody who is no admin leaves nothing behind at the admin's door.
func TestOnlyAdminsSignInThere(t *testing.T) {
	s := newSite(t)
	_, err := s.Control.CreateUser(t.Context(), s.Owner, control.UserForm{Username: new("ann"), Password: new(testbed.Password + " 2")})
	s.Must(err)
	resp, text := s.call("nobody", "POST", "/api/v1/admin/login", `{"email":"ann","password":"`+testbed.Password+` 2"}`)
	if resp.StatusCode != 403 || text != `{"code":403,"message":"Not admin","data":null}` || resp.Header.Get("Authorization") != "" {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	u, err := s.Control.UserNamed(t.Context(), s.Owner, "ann")
	s.Must(err)
	if left, err := s.DB.LoginTokens(t.Context(), access.SubjectUser, u.ID); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
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
