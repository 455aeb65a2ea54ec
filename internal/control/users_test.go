package control

import (
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
)

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
