package db

import (
	"bytes"
	"testing"

	"latchkey/internal/access"
)

// The first beta key of a token stays, is found, and is told of once.
func TestKeepBeta(t *testing.T) {
	d, _ := peopleFile(t)
	_, w := makePerson(t, d, "lin")
	_, other := makePerson(t, d, "mei")
	k, err := d.MakeToken(t.Context(), shell, NewToken{
		Token: access.Token{PublicID: hexID(), WorkspaceID: w.ID, Name: "old", Sealed: []byte("s"), PermissionsShape: "array"},
		Purse: access.Purse{Unlimited: true}, Hash: [32]byte{1}, BetaHash: [32]byte{2}, Zone: w.Location(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.FindToken(t.Context(), k.ID); err != nil { // it is cached
		t.Fatal(err)
	}
	if _, err := d.KeepBeta(t.Context(), shell, other.ID, k.PublicID, [32]byte{9}, []byte("theirs")); access.KindOf(err) != access.NotFound {
		t.Errorf("another workspace: %v", err)
	}
	for n, sealed := range [][]byte{[]byte("first"), []byte("second")} {
		kept, err := d.KeepBeta(t.Context(), shell, w.ID, k.PublicID, [32]byte{byte(10 + n)}, sealed)
		if err != nil || string(kept) != "first" {
			t.Errorf("%s: %q, %v", sealed, kept, err)
		}
	}
	if found, err := d.FindSecret(t.Context(), [32]byte{10}); err != nil || found.Kind != BetaSecret || found.SubjectID != k.ID {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := d.FindSecret(t.Context(), [32]byte{11}); access.KindOf(err) != access.NotFound {
		t.Errorf("the second is found: %v", err)
	}
	if now, err := d.FindToken(t.Context(), k.ID); err != nil || !bytes.Equal(now.BetaSealed, []byte("first")) || now.Version != k.Version {
		t.Errorf("%+v, %v", now, err)
	}
	rows, err := d.Audit(t.Context(), w.ID, 0, 50)
	told := 0
	for _, r := range rows {
		if r.Action == "token.beta" {
			told++
		}
	}
	if err != nil || told != 1 {
		t.Errorf("%d rows, %v", told, err)
	}
	if _, err := d.DeleteToken(t.Context(), shell, w.ID, k.PublicID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.KeepBeta(t.Context(), shell, w.ID, k.PublicID, [32]byte{12}, []byte("late")); access.KindOf(err) != access.NotFound {
		t.Errorf("a deleted token: %v", err)
	}
	if _, err := d.FindSecret(t.Context(), [32]byte{10}); access.KindOf(err) != access.NotFound {
		t.Errorf("its beta key is found: %v", err)
	}
}
