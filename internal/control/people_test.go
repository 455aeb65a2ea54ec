package control

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
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

func TestNames(t *testing.T) {
	for name, code := range map[string]string{
		"mei": "", "Mei Tanaka": "", "mei.tanaka@acme.example": "", "林薇": "", "Lin 林薇": "", "Ольга": "", "Ωmega": "username_mixed",
		"": "name_missing", "  ": "name_missing", strings.Repeat("x", 101): "name_long", "a\nb": "name_characters", "a\x00b": "name_characters",
		"a\u200bb": "username_hidden", "a\u00adb": "username_hidden", "a\ufe0fb": "username_hidden", "\u202eabc": "name_characters", "\u3164": "username_hidden",
		"pаypal": "username_mixed", "αdmin": "username_mixed", "...": "username_empty", "ａｄｍin": "",
	} {
		got := ""
		if _, err := checkUsername(name); err != nil {
			got = access.Problems(err)[0].Code
		}
		if got != code {
			t.Errorf("%q: %q, want %q", name, got, code)
		}
	}
	for email, fine := range map[string]bool{
		"": true, "mei@acme.example": true, " mei@acme.example ": true, "mei": false, "Mei <mei@acme.example>": false, "mei@acme.example, bo@acme.example": false,
		"mei@аcme.example": false, strings.Repeat("x", 250) + "@acme.example": false,
	} {
		if _, err := checkEmail(email); (err == nil) != fine {
			t.Errorf("%q: %v", email, err)
		}
	}
}

// The doors of foreign contracts have password rules of their own.
func TestPasswordRulesByDoor(t *testing.T) {
	for _, one := range []struct {
		door access.Door
		text string
		code string
	}{
		{access.DoorPage, goodPassword, ""},
		{access.DoorPage, "123456789", "password_short"},
		{access.DoorNative, "1234567890", "password_common"},
		{access.DoorShell, "mei-mei-mei", "password_name"},
		{access.DoorPage, strings.Repeat("long words ", 12), "password_long"},
		{access.DoorRAGFlow, "1", ""},
		{access.DoorRAGFlow, "", "password_short"},
		{access.DoorBotShare, "x", ""},
		{access.DoorNewAPI, "1234567", "password_short"},
		{access.DoorNewAPI, "12345678", ""},
		{access.DoorNewAPI, "123456789012345678901", "password_long"},
	} {
		got := ""
		if err := checkUserPassword(one.text, one.door, "mei"); err != nil {
			got = access.Problems(err)[0].Code
		}
		if got != one.code {
			t.Errorf("%s %q: %q, want %q", one.door, one.text, got, one.code)
		}
	}
}

func TestRegistration(t *testing.T) {
	k := newDesk(t)
	f := UserForm{Username: ptr("new"), Password: ptr(goodPassword), IsAdmin: ptr(true)}
	_, err := k.Register(t.Context(), access.DoorPage, "192.0.2.7", f)
	k.refused(err, "registration_closed")
	k.must(k.DB.SetSetting(t.Context(), shellActor, RegistrationSetting, "open"))
	made, err := k.Register(t.Context(), access.DoorPage, "192.0.2.7", f)
	k.must(err)
	if made.User.IsAdmin || made.User.HomeID == 0 || made.Workspace.PublicID != made.User.PublicID {
		t.Fatalf("%+v", made)
	}
	// RAGFlow's register makes the address the name.
	mail := "rag@acme.example"
	_, err = k.Register(t.Context(), access.DoorRAGFlow, "192.0.2.7", UserForm{Username: &mail, Email: &mail, Password: ptr("1")})
	k.must(err)
	_, err = k.Register(t.Context(), access.DoorRAGFlow, "192.0.2.7", UserForm{Username: &mail, Email: &mail, Password: ptr("1")})
	if access.KindOf(err) != access.Conflict {
		t.Fatal(err)
	}
	if in := k.signIn(strings.ToUpper(mail), "1"); in.User.Email != mail {
		t.Fatalf("%+v", in.User)
	}
	k.RegistrationFixed, k.Registration = true, "closed" // the environment wins
	_, err = k.Register(t.Context(), access.DoorPage, "192.0.2.7", f)
	k.refused(err, "registration_closed")
}

func TestLastOwnerStays(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	by := k.actor(k.signIn("mei", goodPassword).Value)
	_, err := k.EditMember(t.Context(), by, u.PublicID, access.Editor, 0)
	k.refused(err, "last_owner")
	k.refused(k.DeleteMember(t.Context(), by, u.PublicID), "last_owner")

	bo := k.person("bo")
	_, err = k.CreateMember(t.Context(), by, MemberForm{Username: "BO@acme.example", Role: access.Owner})
	k.must(err)
	_, err = k.CreateMember(t.Context(), by, MemberForm{Username: "bo", Role: access.Viewer})
	k.refused(err, "member_there")
	// A disabled owner is none: the workspace would have nobody.
	_, err = k.DisableUser(t.Context(), shellActor, bo.PublicID)
	k.must(err)
	_, err = k.EditMember(t.Context(), by, u.PublicID, access.Viewer, 0)
	k.refused(err, "last_owner")
	_, err = k.EnableUser(t.Context(), shellActor, bo.PublicID)
	k.must(err)
	_, err = k.EditMember(t.Context(), by, u.PublicID, access.Viewer, 0)
	k.must(err)
	if a := k.actor(k.signIn("mei", goodPassword).Value); a.Role != access.Viewer {
		t.Fatalf("%+v", a)
	}
}

func TestParallelDemotionsLeaveAnOwner(t *testing.T) {
	k := newDesk(t)
	var all []access.User
	names := []string{"a1", "a2", "a3", "a4"}
	for _, name := range names {
		all = append(all, k.person(name))
	}
	by := k.actor(k.signIn("a1", goodPassword).Value)
	for _, name := range names[1:] {
		_, err := k.CreateMember(t.Context(), by, MemberForm{Username: name, Role: access.Owner})
		k.must(err)
	}
	var wg sync.WaitGroup
	for _, u := range all {
		wg.Go(func() {
			if _, err := k.EditMember(context.Background(), by, u.PublicID, access.Viewer, 0); err != nil && access.KindOf(err) != access.Conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rows, err := k.Members(t.Context(), by)
	k.must(err)
	owners := 0
	for _, m := range rows {
		if m.Role == access.Owner {
			owners++
		}
	}
	if owners != 1 {
		t.Fatalf("%d owners", owners)
	}
}

func TestDeleteUserAndItsWorkspace(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	by := k.actor(k.signIn("mei", goodPassword).Value)
	token, err := k.CreateToken(t.Context(), by, TokenForm{Name: ptr("pipeline"), Permissions: &[]string{"read"}})
	k.must(err)
	_, err = k.bearer(token.Secret, access.DoorNative, "")
	k.must(err)
	bo := k.person("bo")
	_, err = k.CreateMember(t.Context(), by, MemberForm{Username: "bo", Role: access.Editor})
	k.must(err)
	k.refused(k.DeleteUser(t.Context(), shellActor, u.PublicID), "last_owner")
	k.must(k.DeleteMember(t.Context(), by, bo.PublicID))
	k.must(k.DeleteUser(t.Context(), shellActor, u.PublicID))
	_, err = k.bearer(token.Secret, access.DoorNative, "")
	k.refused(err, "signed_out")
	_, err = k.DB.FindWorkspace(t.Context(), by.WorkspaceID)
	k.refused(err, "not_found")
	k.person("mei") // the name is free again
}

func TestLastAdminStays(t *testing.T) {
	k := newDesk(t)
	admin, err := k.CreateUser(t.Context(), shellActor, UserForm{Username: ptr("root"), Password: ptr(goodPassword), IsAdmin: ptr(true)})
	k.must(err)
	users, _, err := k.Users(t.Context(), shellActor, db.Page{Limit: 100})
	k.must(err)
	for _, u := range users {
		if u.IsAdmin && u.ID != admin.User.ID {
			_, err := k.EditUser(t.Context(), shellActor, u.PublicID, UserForm{IsAdmin: ptr(false)})
			k.must(err)
		}
	}
	_, err = k.EditUser(t.Context(), shellActor, admin.User.PublicID, UserForm{IsAdmin: ptr(false)})
	k.refused(err, "last_admin")
	_, err = k.DisableUser(t.Context(), shellActor, admin.User.PublicID)
	k.refused(err, "last_admin")
	k.refused(k.DeleteUser(t.Context(), shellActor, admin.User.PublicID), "last_admin")
}

func TestOwnerTakesAFreshPassword(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	bo := k.person("bo")
	value := k.signIn("mei", goodPassword).Value
	k.wait(FreshFor + time.Second)
	by := k.actor(value)
	_, err := k.CreateMember(t.Context(), by, MemberForm{Username: "bo", Role: access.Owner})
	k.refused(err, "confirm_password")
	_, err = k.CreateMember(t.Context(), by, MemberForm{Username: "bo", Role: access.Editor})
	k.must(err)
	_, err = k.EditMember(t.Context(), by, bo.PublicID, access.Owner, 0)
	k.refused(err, "confirm_password")
	value, err = k.ConfirmPassword(t.Context(), by, goodPassword)
	k.must(err)
	_, err = k.EditMember(t.Context(), k.actor(value), bo.PublicID, access.Owner, 0)
	k.must(err)
}

func TestProfile(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	k.person("bo")
	by := k.actor(k.signIn("mei", goodPassword).Value)
	u, err := k.EditProfile(t.Context(), by, UserForm{Nickname: ptr(" Mei Tanaka "), Language: ptr("zh"), TimeZone: ptr("Asia/Tokyo"), IsAdmin: ptr(true)})
	k.must(err)
	if u.Nickname != "Mei Tanaka" || u.Language != "zh" || u.IsAdmin || u.Username != "mei" || u.Email != "mei@acme.example" {
		t.Fatalf("%+v", u)
	}
	_, err = k.EditProfile(t.Context(), by, UserForm{Nickname: ptr("x"), Version: u.Version - 1})
	k.refused(err, "stale")
	for _, one := range []struct {
		form  UserForm
		codes []string
	}{
		{UserForm{Username: ptr("bo")}, []string{"username_taken"}},
		{UserForm{Email: ptr("bo@acme.example")}, []string{"email_taken"}},
		{UserForm{Username: ptr("bo@acme.example")}, []string{"username_taken"}},
		{UserForm{Email: ptr("x"), Language: ptr("fr"), TimeZone: ptr("Mars/Base")}, []string{"email_invalid", "language_unknown", "time_zone_unknown"}},
		{UserForm{TimeZone: ptr("Local")}, []string{"time_zone_unknown"}},
		{UserForm{TimeZone: ptr("../etc/passwd")}, []string{"time_zone_unknown"}},
	} {
		_, err := k.EditProfile(t.Context(), by, one.form)
		k.refused(err, one.codes...)
	}
	// The own address as username is one name, and may become two again.
	_, err = k.EditProfile(t.Context(), by, UserForm{Username: ptr("mei@acme.example")})
	k.must(err)
	k.signIn("mei@acme.example", goodPassword)
	_, err = k.EditProfile(t.Context(), by, UserForm{Username: ptr("mei")})
	k.must(err)
	k.signIn("mei@acme.example", goodPassword)
	k.signIn("mei", goodPassword)
}

func TestSwitchWorkspace(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	value := k.signIn("mei", goodPassword).Value
	by := k.actor(value)
	_, err := k.SwitchWorkspace(t.Context(), by, k.workspace.PublicID)
	k.refused(err, "workspace_unknown")
	k.must(k.DB.AddMember(t.Context(), shellActor, k.workspace.ID, u.PublicID, access.Viewer))
	next, err := k.SwitchWorkspace(t.Context(), by, k.workspace.PublicID)
	k.must(err)
	k.dead(value)
	a := k.actor(next)
	if a.WorkspaceID != k.workspace.ID || a.Role != access.Viewer {
		t.Fatalf("%+v", a)
	}
	k.must(k.DB.RemoveMember(t.Context(), shellActor, k.workspace.ID, u.PublicID))
	if a := k.actor(next); a.WorkspaceID != u.HomeID || a.Role != access.Owner {
		t.Fatalf("after the role was lost: %+v", a)
	}
}

// Who may do what with people, as kinds: 0 may.
func TestPeopleMatrix(t *testing.T) {
	k := newDesk(t)
	u := k.person("target")
	k.must(k.DB.AddMember(t.Context(), shellActor, k.workspace.ID, u.PublicID, access.Viewer))
	role := func(r access.Role, admin bool) access.Actor {
		a := k.owner
		a.Role, a.IsAdmin = r, admin
		return a
	}
	token := func(p string) access.Actor {
		return access.Actor{Kind: access.ActorToken, PublicID: "t", WorkspaceID: k.workspace.ID, Permissions: access.Permissions{p}, Door: access.DoorNative}
	}
	actors := []struct {
		name  string
		actor access.Actor
	}{
		{"nobody", access.Actor{}},
		{"customer", access.Actor{Kind: access.ActorCustomer, WorkspaceID: k.workspace.ID}},
		{"viewer", role(access.Viewer, false)},
		{"editor", role(access.Editor, false)},
		{"owner", role(access.Owner, false)},
		{"admin elsewhere", role(access.NoRole, true)},
		{"token admin", token("admin")},
		{"token manage", token("manage")},
	}
	const (
		may = access.Kind(0)
		out = access.SignedOut
		no  = access.Forbidden
	)
	for _, one := range []struct {
		act  string
		do   func(by access.Actor) error
		want [8]access.Kind
	}{
		{"list members", func(by access.Actor) error { _, err := k.Members(t.Context(), by); return err }, [8]access.Kind{out, no, no, no, may, no, no, no}},
		{"change a role", func(by access.Actor) error {
			_, err := k.EditMember(t.Context(), by, u.PublicID, access.Viewer, 0)
			return err
		}, [8]access.Kind{out, no, no, no, may, no, no, no}},
		{"edit the workspace", func(by access.Actor) error {
			_, err := k.EditWorkspace(t.Context(), by, WorkspaceForm{Name: ptr("Acme")})
			return err
		}, [8]access.Kind{out, no, no, no, may, no, no, no}},
		{"choose its group", func(by access.Actor) error {
			_, err := k.EditWorkspace(t.Context(), by, WorkspaceForm{Group: ptr("default")})
			return err
		}, [8]access.Kind{out, no, no, no, no, may, no, no}},
		{"list users", func(by access.Actor) error {
			_, _, err := k.Users(t.Context(), by, db.Page{Limit: 1})
			return err
		}, [8]access.Kind{out, no, no, no, no, may, no, no}},
		{"reset a password", func(by access.Actor) error { _, err := k.ResetPassword(t.Context(), by, u.PublicID, nil); return err }, [8]access.Kind{out, no, no, no, no, may, no, no}},
		{"list workspaces", func(by access.Actor) error {
			_, _, err := k.Workspaces(t.Context(), by, db.Page{Limit: 1})
			return err
		}, [8]access.Kind{out, no, no, no, no, may, no, no}},
	} {
		for i, a := range actors {
			if got := access.KindOf(one.do(a.actor)); got != one.want[i] {
				t.Errorf("%s by %s: %v, want %v", one.act, a.name, got, one.want[i])
			}
		}
	}
}

func TestBrandAndZone(t *testing.T) {
	k := newDesk(t)
	_, err := k.EditWorkspace(t.Context(), k.owner, WorkspaceForm{Name: ptr(""), TimeZone: ptr("x"), Brand: &Brand{Colour: "red"}})
	k.refused(err, "name_missing", "time_zone_unknown", "colour_invalid")
	w, err := k.EditWorkspace(t.Context(), k.owner, WorkspaceForm{TimeZone: ptr("Asia/Shanghai"), Brand: &Brand{Name: "Acme", Colour: "#0a7d4b", NoCredit: true}})
	k.must(err)
	if b := brandOf(w); b.Name != "Acme" || b.Colour != "#0a7d4b" || !b.NoCredit || w.Location().String() != "Asia/Shanghai" {
		t.Fatalf("%+v %+v", b, w)
	}
	_, err = k.EditWorkspace(t.Context(), k.owner, WorkspaceForm{Name: ptr("x"), Version: w.Version - 1})
	k.refused(err, "stale")
}

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
	for _, broken := range []string{"", "x", cookie[1:], "-" + cookie[1:], strings.Repeat("A", 2000), "...."} {
		if k.device(broken, access.SubjectUser, ids[5]) != "" {
			t.Errorf("%q is a proof", broken)
		}
	}
	k.Keys = secret.NewKeys(k.Random)
	if k.device(cookie, access.SubjectUser, ids[5]) != "" {
		t.Error("a proof under a lost key")
	}
}
