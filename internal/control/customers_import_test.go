package control

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
)

func TestImportCustomers(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	file := "\ufeffPassword;Username;E-mail;Note\n;mei.tanaka;mei@example.com;\"calls; on Mondays\"\na good long one;王芳;;\n\n;'+49 151;;\n"
	dry, err := o.ImportCustomers(ctx, o.owner, []byte(file), true)
	o.must(err)
	if len(dry.Lines) != 3 || dry.Bad != 0 || dry.Made {
		t.Fatalf("the dry run found %+v", dry)
	}
	if n, err := o.DB.CountCustomers(ctx, o.workspace.ID, db.Page{}); err != nil || n != 0 {
		t.Fatalf("the dry run made %d customers (%v)", n, err)
	}
	made, err := o.ImportCustomers(ctx, o.owner, []byte(file), false)
	o.must(err)
	if !made.Made || made.Lines[0].Password == "" || made.Lines[1].Password != "" || made.Lines[2].Line != 5 {
		t.Fatalf("made %+v", made)
	}
	for n, want := range []struct{ name, note, password string }{
		{"mei.tanaka", "calls; on Mondays", made.Lines[0].Password}, {"王芳", "", "a good long one"}, {"+49 151", "", made.Lines[2].Password},
	} {
		row, err := o.Customer(ctx, o.owner, made.Lines[n].PublicID)
		o.must(err)
		if ok, _, err := o.Passwords.Verify(ctx, row.PasswordHash, want.password); err != nil || !ok || row.Username != want.name || row.Note != want.note {
			t.Errorf("line %d became %+v, its password fits: %v", made.Lines[n].Line, row, ok)
		}
		if row.MustChange != (want.name != "王芳") {
			t.Errorf("%s must change the password: %v", row.Username, row.MustChange)
		}
	}
}

// Anything wrong: nothing is made, and every line says what is wrong with it.
func TestImportIsAllOrNothing(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	_, err := o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("jonas")})
	o.must(err)
	i, err := o.ImportCustomers(ctx, o.owner, []byte("mei\nMEI\nlin.wei\njonas\n,nameless@example.com\nana,nowhere\nbo,,,short\ncy"), false)
	o.must(err)
	if i.Made || i.Bad != 6 {
		t.Fatalf("%d bad lines, made: %v", i.Bad, i.Made)
	}
	for n, code := range []string{"", "customer_twice", "customer_taken", "customer_taken", "name_missing", "email_invalid", "password_short", ""} {
		if code == "" {
			o.must(i.Lines[n].Wrong)
		} else {
			o.refused(i.Lines[n].Wrong, code)
		}
	}
	if n, err := o.DB.CountCustomers(ctx, o.workspace.ID, db.Page{}); err != nil || n != 1 {
		t.Fatalf("%d customers (%v), want the one before", n, err)
	}
}

func TestImportRefusesFiles(t *testing.T) {
	o := newOffice(t)
	many := strings.Builder{}
	for n := range ImportRowsMax + 1 {
		fmt.Fprintf(&many, "customer-%d\n", n)
	}
	for code, file := range map[string]string{
		"import_empty": "username,email\n\n", "import_rows": many.String(), "import_text": "mei\xff", "import_line": "mei\n\"open quote\n",
		"import_large": strings.Repeat("x", ImportBytesMax+1),
	} {
		_, err := o.ImportCustomers(t.Context(), o.owner, []byte(file), true)
		o.refused(err, code)
	}
	for _, by := range []access.Actor{o.as(access.Viewer), o.token("read"), {}} {
		if _, err := o.ImportCustomers(t.Context(), by, []byte("mei"), true); err == nil {
			t.Errorf("%v may import", by.Role)
		}
	}
}

func FuzzReadCustomers(f *testing.F) {
	f.Add([]byte("username,email\nmei,mei@example.com\n"))
	f.Add([]byte("\ufeff用户名;密码\n王芳;x\n"))
	f.Add([]byte("'=1+1\t\"a\nb\"\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, err := readCustomers(file)
		if err != nil && access.KindOf(err) != access.Invalid {
			t.Fatalf("%v", err)
		}
		for _, l := range lines {
			if l.Line < 1 || l.Form.Username == nil && l.Form.Email == nil && l.Form.Note == nil && l.Form.Password == nil {
				t.Fatalf("a line is %+v", l)
			}
		}
	})
}
