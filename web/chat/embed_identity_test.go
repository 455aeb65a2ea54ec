package chat_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/upstream/faulty"
)

// signed is what Acme's server signs.
func (s *stall) signed(key string, claims jwt.MapClaims) string {
	s.t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	s.must(err)
	return text
}

func (s *stall) claims(sub string) jwt.MapClaims {
	return jwt.MapClaims{"sub": sub, "name": "Mei Tanaka", "exp": s.Now().Add(time.Minute).Unix(), "jti": secret.NewLogin(s.Control.Random)}
}

// introduce is what our script does with what the page around says.
func (r *reader) introduce(embed, token string) answer {
	r.t.Helper()
	r.part = true
	defer func() { r.part = false }()
	return r.do(http.MethodPost, embed+"/identity", url.Values{"token": {token}})
}

// Visitors whom the owner's server vouches for are named customers, on every
// device the same.
func TestEmbedIdentity(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	key, err := s.Control.MakeIdentityKey(t.Context(), s.Owner, s.bot.PublicID, 0)
	s.must(err)
	r := s.reader()
	nameless := r.get(s.embed())
	s.says(nameless.body, "This chat opens from the pages of Acme Support.", "data-needs-name")
	s.saysNot(nameless.body, `id="composer"`)
	if asked := r.post(s.embed()+"/ask", "question", "Unnamed?"); asked.path != s.embed() || s.Faulty.Started() != 0 {
		t.Errorf("a nameless question: %s", asked.path)
	}
	if got := r.introduce(s.embed(), s.signed(key, s.claims("visitor-7"))); got.status != 204 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	page := r.get(s.embed())
	s.says(page.body, "Hello Mei Tanaka, ask away.", `data-subject="visitor-7"`, "Mei Tanaka")
	asked := r.post(s.embed()+"/ask", "question", "Where is my parcel?")
	device := s.reader()
	if got := device.introduce(s.embed(), s.signed(key, jwt.MapClaims{"sub": "visitor-7", "exp": s.Now().Add(2 * time.Minute).Unix()})); got.status != 204 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	s.says(device.get(asked.path).body, "Where is my parcel?")
	m, err := s.DB.CustomerByName(t.Context(), s.Workspace.ID, "visitor-7")
	s.must(err)
	if m.Note != "Mei Tanaka" || m.MustChange {
		t.Errorf("customer %+v", m)
	}
	talks, err := s.DB.CustomerConversations(t.Context(), s.Owner, s.Workspace.ID, m, db.Page{Limit: 10})
	s.must(err)
	if len(talks) != 1 || talks[0].Title != "Where is my parcel?" {
		t.Errorf("the owner sees %+v", talks)
	}
	// Signing in on the link with that name is no way round the password.
	stranger := s.reader()
	if in := stranger.post(s.base()+"/login", "username", "visitor-7", "password", "visitor-7"); in.status == 200 {
		t.Error("the visitor's account has a password that can be guessed")
	}
	// The page around says that nobody is signed in any more.
	if got := r.post(s.embed() + "/forget"); got.status != 204 {
		t.Errorf("forget: %d", got.status)
	}
	s.says(r.get(s.embed()).body, "This chat opens from the pages of Acme Support.")
	s.must(s.Control.DisableCustomer(t.Context(), s.Owner, m.PublicID))
	s.says(device.get(s.embed()).body, "This chat opens from the pages of")
	if got := device.introduce(s.embed(), s.signed(key, s.claims("visitor-7"))); got.status != 403 || !strings.Contains(got.body, "switched off by Acme Support") {
		t.Errorf("a disabled customer: %d %s", got.status, got.body)
	}
}

// Each fault of a signed text has its code for whoever builds the page, one
// sentence for the visitor, and opens nothing.
func TestEmbedIdentityRefused(t *testing.T) {
	s := newStall(t, faulty.Good, control.TokenForm{})
	old, err := s.Control.MakeIdentityKey(t.Context(), s.Owner, s.bot.PublicID, 0)
	s.must(err)
	before := s.reader()
	if got := before.introduce(s.embed(), s.signed(old, s.claims("early.bird"))); got.status != 204 {
		t.Fatalf("%d", got.status)
	}
	key, err := s.Control.MakeIdentityKey(t.Context(), s.Owner, s.bot.PublicID, 0)
	s.must(err)
	s.says(before.get(s.embed()).body, "This chat opens from the pages of") // what the old key opened is shut
	good := s.signed(key, s.claims("visitor-1"))
	if got := s.reader().introduce(s.embed(), good); got.status != 204 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	now := s.Now().Unix()
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, s.claims("visitor-2")).SignedString(jwt.UnsafeAllowNoneSignatureType)
	s.must(err)
	longer, err := jwt.NewWithClaims(jwt.SigningMethodHS512, s.claims("visitor-2")).SignedString([]byte(key))
	s.must(err)
	for name, one := range map[string]struct{ token, code string }{
		"nothing":         {"", "identity_empty"},
		"a word":          {"hello", "identity_shape"},
		"too long":        {strings.Repeat("a", 5000), "identity_long"},
		"no base64":       {"a.b.c", "identity_malformed"},
		"replayed":        {good, "identity_replayed"},
		"respelled":       {respelled(good), "identity_malformed"},
		"none":            {none, "identity_algorithm"},
		"HS512":           {longer, "identity_algorithm"},
		"another key":     {s.signed(old, s.claims("visitor-2")), "identity_signature"},
		"an empty key":    {s.signed("", s.claims("visitor-2")), "identity_signature"},
		"no end":          {s.signed(key, jwt.MapClaims{"sub": "visitor-2"}), "identity_no_end"},
		"run out":         {s.signed(key, jwt.MapClaims{"sub": "visitor-2", "exp": now - 60}), "identity_expired"},
		"for an hour":     {s.signed(key, jwt.MapClaims{"sub": "visitor-2", "exp": now + 3600}), "identity_late_end"},
		"in ms":           {s.signed(key, jwt.MapClaims{"sub": "visitor-2", "exp": now * 1000}), "identity_late_end"},
		"not yet":         {s.signed(key, jwt.MapClaims{"sub": "visitor-2", "exp": now + 60, "nbf": now + 50}), "identity_early"},
		"no subject":      {s.signed(key, jwt.MapClaims{"exp": now + 60}), "identity_no_subject"},
		"a hidden name":   {s.signed(key, jwt.MapClaims{"sub": "vis\u200bitor", "exp": now + 60}), "identity_subject"},
		"a long name":     {s.signed(key, jwt.MapClaims{"sub": "visitor-2", "name": strings.Repeat("x", 200), "exp": now + 60}), "identity_name"},
		"a user's name":   {s.signed(key, jwt.MapClaims{"sub": "lin", "exp": now + 60}), "customer_taken"},
		"exp is a word":   {s.signed(key, jwt.MapClaims{"sub": "visitor-2", "exp": "soon"}), "identity_malformed"},
		"sub is a number": {s.signed(key, jwt.MapClaims{"sub": 7, "exp": now + 60}), "identity_malformed"},
	} {
		r := s.reader()
		r.get(s.embed())
		got := r.introduce(s.embed(), one.token)
		if code := got.header.Get("X-Reason"); code != one.code || got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %s, want %s", name, got.status, code, one.code)
		}
		if want := "The site around this chat could not say who you are."; got.body != want {
			t.Errorf("%s: the visitor reads %q", name, got.body)
		}
		s.saysNot(r.get(s.embed()).body, `id="composer"`)
	}
	if m, err := s.DB.CustomerByName(t.Context(), s.Workspace.ID, "visitor-2"); access.KindOf(err) != access.NotFound {
		t.Errorf("a customer was made: %+v %v", m, err)
	}
	// Where no signature is asked for none is taken either.
	s.must(s.Control.DropIdentityKey(t.Context(), s.Owner, s.bot.PublicID, 0))
	if got := s.reader().introduce(s.embed(), s.signed(key, s.claims("visitor-2"))); got.header.Get("X-Reason") != "identity_no_key" {
		t.Errorf("without a key: %s", got.header.Get("X-Reason"))
	}
	s.says(s.reader().get(s.embed()).body, `id="composer"`)
}

// respelled has the same signature in other letters: its last two bits mean nothing.
func respelled(token string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(digits, token[len(token)-1])
	return token[:len(token)-1] + string(digits[last^1])
}
