package whole

import (
	"testing"

	"latchkey/internal/access"
)

// The login token that any door gives out opens every other, and its sign-out at
// one door ends it at all.
func TestLoginTokensAreOneKind(t *testing.T) {
	s := newStore(t)
	// How each door says that the caller is somebody.
	doors := map[string]func(login string) bool{
		"native":   func(k string) bool { return s.Do("GET", api+"/tokens", "", "Authorization", k).Status == 200 },
		"newapi":   func(k string) bool { return s.Do("GET", "/api/user/self", "", "Authorization", k).Status == 200 },
		"ragflow":  func(k string) bool { return s.Do("GET", "/v1/user/info", "", "Authorization", k).Status == 200 },
		"botshare": func(k string) bool { return s.Do("GET", "/api/v1/auth/verify", "", "Authorization", k).Status == 200 },
		"fess": func(k string) bool {
			return s.Do("GET", "/api/admin/accesstoken/settings", "", "Authorization", k).Status == 200
		},
	}
	for _, issuer := range []access.Door{access.DoorNative, access.DoorRAGFlow, access.DoorBotShare} {
		k := s.Login(s.TB, s.User, issuer)
		for name, open := range doors {
			if !open(k) {
				t.Errorf("a login token of %s is nobody at %s", issuer, name)
			}
		}
		if a := s.Do("POST", "/api/v1/auth/logout", "", "Authorization", k); a.Status != 200 {
			t.Errorf("signing out a login token of %s: %d %s", issuer, a.Status, a.Text)
		}
		for name, open := range doors {
			if open(k) {
				t.Errorf("a login token of %s is still somebody at %s", issuer, name)
			}
		}
	}
	// New API's are its own alone.
	k := s.Login(s.TB, s.User, access.DoorNewAPIAccess)
	for name, open := range doors {
		if open(k) != (name == "newapi") {
			t.Errorf("a user access token of New API at %s: %v", name, open(k))
		}
	}
}
