package control

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// emptyInstance is a control on a file that nobody has used yet.
func emptyInstance(t *testing.T) *desk {
	t.Helper()
	k := newDesk(t)
	fresh := newOfficeFile(t, k.office)
	k.DB = fresh
	k.FirstCode = NewSetupCode(k.Random, k.now())
	return k
}

func newOfficeFile(t *testing.T, o *office) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{Path: t.TempDir() + "/fresh.db", Now: o.now, Random: o.Random, BootID: "boot"})
	o.must(err)
	d.UseAuditKey(int64(o.Keys.Current()), o.Keys.AuditMAC)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (k *desk) setupForm(name string) SetupForm {
	return SetupForm{
		Code:    k.SetupCode(),
		User:    UserForm{Username: &name, Email: ptr(name + "@acme.example"), Password: ptr(goodPassword)},
		Address: "192.0.2.7",
	}
}

func TestSetup(t *testing.T) {
	k := emptyInstance(t)
	there, err := k.IsSetUp(t.Context())
	k.must(err)
	if there {
		t.Fatal("set up already")
	}
	f := k.setupForm("lin")
	for code, want := range map[string]string{"": "setup_code_wrong", "AAAA-AAAA": "setup_code_wrong"} {
		wrong := f
		wrong.Code = code
		_, err := k.Setup(t.Context(), wrong)
		k.refused(err, want)
	}
	bad := f
	bad.User.Password = ptr("short")
	bad.User.Email = ptr("nowhere")
	_, err = k.Setup(t.Context(), bad)
	k.refused(err, "email_invalid", "password_short") // and the code is still good

	f.Code = " " + strings.ToLower(strings.ReplaceAll(f.Code, "-", " ")) + " "
	in, err := k.Setup(t.Context(), f)
	k.must(err)
	a := k.actor(in.Value)
	if !a.IsAdmin || a.Role != access.Owner || !a.May(access.RunInstance) {
		t.Fatalf("%+v", a)
	}
	w, err := k.Workspace(t.Context(), a)
	k.must(err)
	if w.PublicID != in.User.PublicID || w.Name != "lin" {
		t.Fatalf("%+v", w)
	}
	if k.SetupCode() != "" {
		t.Fatal("the code was not used up")
	}
	_, err = k.Setup(t.Context(), f)
	k.refused(err, "already_set_up")
	_, err = k.SetupFromShell(t.Context(), shellActor, f.User)
	k.refused(err, "already_set_up")
}

func TestSetupCodeEnds(t *testing.T) {
	k := emptyInstance(t)
	f := k.setupForm("lin")
	k.wait(SetupCodeLife - time.Second)
	wrong := f
	wrong.User.Password = ptr("short")
	_, err := k.Setup(t.Context(), wrong)
	k.refused(err, "password_short")
	k.wait(time.Second)
	_, err = k.Setup(t.Context(), f)
	k.refused(err, "setup_code_old")
}

func TestSetupCodeCannotBeGuessed(t *testing.T) {
	k := emptyInstance(t)
	f := k.setupForm("lin")
	guess := f
	guess.Code = "AAAA-AAAA"
	for range triesPerAddress {
		_, err := k.Setup(t.Context(), guess)
		k.refused(err, "setup_code_wrong")
	}
	_, err := k.Setup(t.Context(), f)
	k.refused(err, "sign_in_limited")
	f.Address = "198.51.100.2"
	_, err = k.Setup(t.Context(), f)
	k.must(err)
}

func TestParallelSetupsMakeOneAdmin(t *testing.T) {
	k := emptyInstance(t)
	const many = 8
	var wg sync.WaitGroup
	results := make([]error, many)
	for i := range many {
		f := k.setupForm("admin" + string(rune('a'+i)))
		wg.Go(func() { _, results[i] = k.Setup(context.Background(), f) })
	}
	wg.Wait()
	made := 0
	for _, err := range results {
		switch {
		case err == nil:
			made++
		case access.KindOf(err) == access.Conflict, access.KindOf(err) == access.Forbidden: // set up, or the code is used
		default:
			t.Error(err)
		}
	}
	users, _, err := k.Users(t.Context(), shellActor, db.Page{Limit: 100})
	k.must(err)
	if made != 1 || len(users) != 1 || !users[0].IsAdmin {
		t.Fatalf("%d made, users %+v", made, users)
	}
}
