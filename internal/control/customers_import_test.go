package control

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// file is a CSV as a spreadsheet of another country writes it: a byte order mark,
// semicolons, its own order of columns, an empty line.
const file = "\ufeffPassword;Username;E-mail;Note\n;mei.tanaka;mei@example.com;\"calls; on Mondays\"\na good long one;王芳;;\n\n;'+49 151;;\n"

// importFile begins an import and works it off.
func (o *office) importFile(text string, skip bool) Progress {
	o.t.Helper()
	_, j, begun, err := o.ImportCustomers(o.t.Context(), o.owner, []byte(text), skip)
	o.must(err)
	if !begun {
		o.t.Fatal("nobody is enrolled")
	}
	o.must(o.WorkOff(o.t.Context()))
	p, err := o.Job(o.t.Context(), o.owner, j.PublicID)
	o.must(err)
	return p
}

func TestImportCustomers(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	dry, err := o.CheckImport(ctx, o.owner, []byte(file))
	o.must(err)
	if len(dry.Lines) != 3 || dry.Bad != 0 || dry.Lines[2].Line != 5 {
		t.Fatalf("the dry run found %+v", dry)
	}
	if n, err := o.DB.CountCustomers(ctx, o.workspace.ID, db.Page{}); err != nil || n != 0 {
		t.Fatalf("the dry run made %d customers (%v)", n, err)
	}
	p := o.importFile(file, false)
	if p.State != db.JobDone || p.Done != 3 || p.Total != 3 || p.LeftOut != 0 || !p.Result {
		t.Fatalf("it ended as %+v", p)
	}
	// The file as it was kept meanwhile is gone; the passwords are there once.
	if strings.Contains(p.Detail, "mei") {
		t.Errorf("the job tells %s", p.Detail)
	}
	_, err = o.JobResult(ctx, o.neighbour, p.PublicID)
	o.refused(err, "not_found")
	result, err := o.JobResult(ctx, o.owner, p.PublicID)
	o.must(err)
	_, err = o.JobResult(ctx, o.owner, p.PublicID)
	o.refused(err, "not_found")
	names, err := ImportedNames(result)
	o.must(err)
	if len(names) != 3 || names[0][1] == "" || names[1][1] != "" {
		t.Fatalf("the result is %v", names)
	}
	for n, want := range []struct{ name, note, password string }{
		{"mei.tanaka", "calls; on Mondays", names[0][1]}, {"王芳", "", "a good long one"}, {"+49 151", "", names[2][1]},
	} {
		m, err := o.DB.CustomerByName(ctx, o.workspace.ID, fold(want.name))
		o.must(err)
		if ok, _, err := o.Passwords.Verify(ctx, m.PasswordHash, want.password); err != nil || !ok || m.Username != want.name || m.Note != want.note || names[n][0] != want.name {
			t.Errorf("%s became %+v, its password fits: %v", want.name, m, ok)
		}
		if m.MustChange != (want.name != "王芳") {
			t.Errorf("%s must change the password: %v", m.Username, m.MustChange)
		}
	}
}

// With anything wrong nobody is made, and every line says what is wrong with it;
// then the others can be enrolled without those lines.
func TestImportNamesEveryLine(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	_, err := o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("jonas")})
	o.must(err)
	bad := "mei\nMEI\nlin.wei\njonas\n,nameless@example.com\nana,nowhere\nbo,,,short\ncy"
	i, _, begun, err := o.ImportCustomers(ctx, o.owner, []byte(bad), false)
	o.must(err)
	if begun || i.Bad != 6 {
		t.Fatalf("%d bad lines, begun: %v", i.Bad, begun)
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
	p := o.importFile(bad, true)
	if p.Done != 2 || p.LeftOut != 6 || p.Refused != 0 || p.Why[1].Line != 3 || p.Why[1].Code != "customer_taken" {
		t.Errorf("without them it ended as %+v", p)
	}
}

// A name that is taken while the job runs is left out and said; a job that is cut
// short goes on where it stood, and nobody's password is lost.
func TestImportGoesOn(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	var text strings.Builder
	for n := range importBatch + 5 {
		fmt.Fprintf(&text, "guest-%02d\n", n)
	}
	_, j, begun, err := o.ImportCustomers(ctx, o.owner, []byte(text.String()), false)
	o.must(err)
	_, err = o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("Guest-03")})
	o.must(err)
	if !begun {
		t.Fatal("nothing is begun")
	}
	taken, ok, err := o.DB.TakeJob(ctx)
	o.must(err)
	if !ok || taken.PublicID != j.PublicID {
		t.Fatalf("the job %+v waits", taken)
	}
	// The process ends after the first batch: what is in memory is lost.
	var d jobDetail
	o.must(json.Unmarshal([]byte(taken.Detail), &d))
	kept, err := o.Keys.Open(jobPlace(taken.PublicID), taken.Sealed)
	o.must(err)
	var rows []importRow
	o.must(json.Unmarshal(kept, &rows))
	o.must(o.importSome(ctx, o.owner, &taken, &d, rows))
	half, err := o.Job(ctx, o.owner, j.PublicID)
	o.must(err)
	if half.State != db.JobRunning || half.Done != importBatch || half.LeftOut != 1 {
		t.Fatalf("after the cut it stands at %+v", half)
	}
	o.must(o.DB.RequeueJobs(ctx))
	o.must(o.WorkOff(ctx))
	p, err := o.Job(ctx, o.owner, j.PublicID)
	o.must(err)
	if p.State != db.JobDone || p.Done != importBatch+5 || p.LeftOut != 1 || p.Refused != 1 || p.Why[0].Line != 4 || p.Why[0].Error().Code != "customer_taken" {
		t.Fatalf("it ended as %+v", p)
	}
	result, err := o.JobResult(ctx, o.owner, j.PublicID)
	o.must(err)
	names, err := ImportedNames(result)
	o.must(err)
	if len(names) != importBatch+4 {
		t.Fatalf("%d names", len(names))
	}
	for _, n := range []int{0, len(names) - 1} {
		m, err := o.DB.CustomerByName(ctx, o.workspace.ID, names[n][0])
		o.must(err)
		if ok, _, err := o.Passwords.Verify(ctx, m.PasswordHash, names[n][1]); err != nil || !ok {
			t.Errorf("the password of %s does not fit", names[n][0])
		}
	}
}

// Whoever lost the right meanwhile changes nothing any more.
func TestJobOfSomebodyWhoIsGone(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	u, err := o.DB.MakeMember(ctx, o.owner, o.workspace.ID, access.User{
		PublicID: secret.NewPublicID(rand.Reader), Username: "mei", UsernameKey: "mei", PasswordHash: "x", Enabled: true,
	}, access.Editor)
	o.must(err)
	editor := o.as(access.Editor)
	editor.ID, editor.PublicID = u.ID, u.PublicID
	_, j, _, err := o.ImportCustomers(ctx, editor, []byte("jonas"), false)
	o.must(err)
	o.must(o.DB.EditMember(ctx, o.owner, o.workspace.ID, u.PublicID, access.Viewer, 0))
	o.must(o.WorkOff(ctx))
	p, err := o.Job(ctx, editor, j.PublicID)
	o.must(err)
	if p.State != db.JobFailed || p.Failure != "forbidden" || p.Done != 0 {
		t.Errorf("it ended as %+v", p)
	}
}

func TestImportRefusesFiles(t *testing.T) {
	o := newOffice(t)
	most := strings.Builder{}
	for n := range ImportRowsMax {
		fmt.Fprintf(&most, "customer-%d;guest.%d@example.com\n", n, n)
	}
	if i, err := o.CheckImport(t.Context(), o.owner, []byte(most.String())); err != nil || len(i.rows) != ImportRowsMax {
		t.Fatalf("the largest file: %d rows, %v", len(i.rows), err)
	}
	many := strings.Builder{}
	for n := range ImportRowsMax + 1 {
		fmt.Fprintf(&many, "customer-%d\n", n)
	}
	for code, file := range map[string]string{
		"import_empty": "username,email\n\n", "import_rows": many.String(), "import_text": "mei\xff", "import_line": "mei\n\"open quote\n",
		"import_large": strings.Repeat("x", ImportBytesMax+1),
	} {
		_, err := o.CheckImport(t.Context(), o.owner, []byte(file))
		o.refused(err, code)
	}
	for _, by := range []access.Actor{o.as(access.Viewer), o.token("read"), {}} {
		if _, _, _, err := o.ImportCustomers(t.Context(), by, []byte("mei"), true); err == nil {
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
