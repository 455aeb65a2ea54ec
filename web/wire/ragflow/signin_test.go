package ragflow_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/testbed"
)

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

// Who may not sign in hears so in the contract's words: disabled with the right
// password, locked as if it were wrong, and slowed down with a time.
func TestSignInIsGuarded(t *testing.T) {
	s := newSite(t)
	s.StopClock()
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
	s.StopClock()
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
