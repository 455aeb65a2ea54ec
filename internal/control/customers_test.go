package control

import (
	"context"
	"strings"
	"testing"

	"latchkey/internal/access"
)

func TestCustomerMatrix(t *testing.T) {
	o := newOffice(t)
	made, err := o.CreateCustomer(t.Context(), o.owner, CustomerForm{Username: ptr("mei.tanaka")})
	o.must(err)
	id := made.Row.PublicID
	share := o.share(func(f *ShareForm) { f.Customers = ptr(&[]string{}) }).Row.PublicID
	o.matrix([]act{
		{"Customer", func(ctx context.Context, by access.Actor) error { _, err := o.Customer(ctx, by, id); return err }, access.SeeLists},
		{"CustomerReach", func(ctx context.Context, by access.Actor) error { _, err := o.CustomerReach(ctx, by, id); return err }, access.SeeLists},
		{"CustomerLinks", func(ctx context.Context, by access.Actor) error { _, err := o.CustomerLinks(ctx, by, id); return err }, access.SeeLists},
		{"CustomerSessions", func(ctx context.Context, by access.Actor) error {
			_, err := o.CustomerSessions(ctx, by, id)
			return err
		}, access.SeeLists},
		{"EditCustomer", func(ctx context.Context, by access.Actor) error {
			_, err := o.EditCustomer(ctx, by, id, CustomerForm{Note: ptr("x")})
			return err
		}, access.ChangeAccess},
		{"DisableCustomer", func(ctx context.Context, by access.Actor) error { return o.DisableCustomer(ctx, by, id) }, access.ChangeAccess},
		{"EnableCustomer", func(ctx context.Context, by access.Actor) error { return o.EnableCustomer(ctx, by, id) }, access.ChangeAccess},
		{"EndCustomerSessions", func(ctx context.Context, by access.Actor) error { return o.EndCustomerSessions(ctx, by, id) }, access.ChangeAccess},
		{"EndCustomerSession", func(ctx context.Context, by access.Actor) error {
			return o.EndCustomerSession(ctx, by, id, []byte("none"))
		}, access.ChangeAccess},
		{"ResetCustomerPassword", func(ctx context.Context, by access.Actor) error {
			_, err := o.ResetCustomerPassword(ctx, by, id, CustomerForm{})
			return err
		}, access.ChangeAccess},
		{"GiveLink", func(ctx context.Context, by access.Actor) error { return o.GiveLink(ctx, by, share, id) }, access.ChangeAccess},
		{"TakeLink", func(ctx context.Context, by access.Actor) error { return o.TakeLink(ctx, by, share, id) }, access.ChangeAccess},
		{"CustomerUse", func(ctx context.Context, by access.Actor) error { _, err := o.CustomerUse(ctx, by, id, 30); return err }, access.SeeLists},
		{"DeleteCustomer", func(ctx context.Context, by access.Actor) error { return o.DeleteCustomer(ctx, by, id) }, access.ChangeAccess},
	})
	for name, by := range map[string]access.Actor{"viewer": o.as(access.Viewer), "token read": o.token("read"), "nobody": {}} {
		if _, err := o.CreateCustomer(t.Context(), by, CustomerForm{Username: ptr("x")}); err == nil {
			t.Errorf("%s enrolled a customer", name)
		}
	}
}

func TestCreateCustomer(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	made, err := o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr(" Mei.Tanaka "), Email: ptr("mei@example.com"), Note: ptr("calls on Mondays")})
	o.must(err)
	row := made.Row
	if row.Username != "Mei.Tanaka" || row.UsernameKey != "mei.tanaka" || !row.MustChange || len(made.Password) != 19 || row.MadeBy != "lin.wei" {
		t.Fatalf("enrolled %+v with %q", row, made.Password)
	}
	if ok, _, err := o.Passwords.Verify(ctx, row.PasswordHash, made.Password); err != nil || !ok {
		t.Fatalf("the password that was shown does not fit: %v", err)
	}
	_, err = o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("ＭＥＩ.tanaka")})
	o.refused(err, "customer_taken")
	_, err = o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("lin.wei")})
	o.refused(err, "customer_taken")

	chosen, err := o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("jonas"), Password: ptr("correct horse battery")})
	o.must(err)
	if chosen.Password != "" || chosen.Row.MustChange {
		t.Fatalf("a chosen password is answered (%q) or must be changed", chosen.Password)
	}
}

func TestCustomerFormSaysAllThatIsWrong(t *testing.T) {
	o := newOffice(t)
	_, err := o.CreateCustomer(t.Context(), o.owner, CustomerForm{
		Username: ptr("  "), Email: ptr("not an address"), Note: ptr(strings.Repeat("x", access.NoteMax+1)), Language: ptr("fr"), Password: ptr("short"),
	})
	o.refused(err, "name_missing", "email_invalid", "text_long", "language_unknown", "password_short")
	_, err = o.CreateCustomer(t.Context(), o.owner, CustomerForm{Username: ptr("mei"), Password: ptr("mei12345")})
	o.refused(err, "password_name")
}

func TestCustomerLenient(t *testing.T) {
	o := newOffice(t)
	made, err := o.CreateCustomer(t.Context(), o.owner, CustomerForm{Username: ptr(" mei "), Email: ptr("whatever"), Password: ptr("1"), Lenient: true})
	o.must(err)
	if made.Row.Username != " mei " || made.Row.UsernameKey != "mei" || made.Row.Email != "whatever" {
		t.Fatalf("enrolled %+v", made.Row)
	}
	_, err = o.CreateCustomer(t.Context(), o.owner, CustomerForm{Username: ptr("jonas"), Password: ptr(""), Lenient: true})
	o.refused(err, "password_missing")
}

func TestResetCustomerPassword(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	made, err := o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("mei.tanaka"), Password: ptr("correct horse battery")})
	o.must(err)
	reset, err := o.ResetCustomerPassword(ctx, o.owner, made.Row.PublicID, CustomerForm{})
	o.must(err)
	if reset.Password == "" || !reset.Row.MustChange || reset.Row.PasswordHash == made.Row.PasswordHash {
		t.Fatalf("reset to %q: %+v", reset.Password, reset.Row)
	}
	given, err := o.ResetCustomerPassword(ctx, o.owner, made.Row.PublicID, CustomerForm{Password: ptr("another good one")})
	o.must(err)
	if given.Password != "" || given.Row.MustChange {
		t.Fatalf("given: %q, must change: %v", given.Password, given.Row.MustChange)
	}
	if row := o.lastAudit(); row.Action != "customer.reset-password" || strings.Contains(row.Detail, "another") {
		t.Errorf("the audit log tells %s %s", row.Action, row.Detail)
	}
}
