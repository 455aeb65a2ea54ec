package control

import (
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

func TestDeviceCookie(t *testing.T) {
	k := newDesk(t)
	cookie := ""
	var ids []string
	for range devicesMax + 2 {
		id := secret.NewPublicID(k.Random)
		ids = append(ids, id)
		var err error
		cookie, err = k.rememberDevice(cookie, access.SubjectUser, id)
		k.must(err)
	}
	for i, id := range ids {
		if known := k.device(cookie, access.SubjectUser, id) != ""; known != (i >= 2) {
			t.Errorf("account %d known: %v", i, known)
		}
		if k.device(cookie, access.SubjectCustomer, id) != "" {
			t.Error("a user's proof is a customer's")
		}
	}
	same, err := k.rememberDevice(cookie, access.SubjectUser, ids[5])
	k.must(err)
	if same != cookie {
		t.Error("a known device changed")
	}
	// The newest proof stands first.
	other := "-"
	if cookie[0] == '-' {
		other = "A"
	}
	for _, broken := range []string{"", "x", cookie[1:], other + cookie[1:], strings.Repeat("A", 2000), "...."} {
		if k.device(broken, access.SubjectUser, ids[5]) != "" {
			t.Errorf("%q is a proof", broken)
		}
	}
	k.Keys = secret.NewKeys(k.Random)
	if k.device(cookie, access.SubjectUser, ids[5]) != "" {
		t.Error("a proof under a lost key")
	}
}
