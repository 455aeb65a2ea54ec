package control

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

const masterKey = "master-key-of-the-operator"

func (k *desk) login(name string, door access.Door) SignedIn {
	k.t.Helper()
	a := k.attempt(name, goodPassword)
	a.Door = door
	in, err := k.SignIn(k.t.Context(), a)
	k.must(err)
	return in
}

func (k *desk) bearer(text string, door access.Door, workspace string) (access.Actor, error) {
	return k.ActorOfBearer(k.t.Context(), text, "192.0.2.7", door, workspace)
}

func TestLoginTokenActsAtHome(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	in := k.login("mei", access.DoorRAGFlow)
	for _, door := range []access.Door{access.DoorNative, access.DoorRAGFlow, access.DoorBotShare, access.DoorNewAPI} {
		a, err := k.bearer(in.Value, door, "")
		k.must(err)
		if a.ID != u.ID || a.WorkspaceID != u.HomeID || a.Role != access.Owner || a.Door != door || a.Fresh {
			t.Fatalf("%s: %+v", door, a)
		}
	}
	// Another workspace only where there is a role in it.
	_, err := k.bearer(in.Value, access.DoorNative, k.workspace.PublicID)
	k.refused(err, "workspace_unknown")
	_, err = k.bearer(in.Value, access.DoorNative, strings.Repeat("0", 32))
	k.refused(err, "not_found")
	k.must(k.DB.AddMember(t.Context(), shellActor, k.workspace.ID, u.PublicID, access.Viewer))
	a, err := k.bearer(in.Value, access.DoorNative, strings.ToUpper(k.workspace.PublicID))
	k.must(err)
	if a.WorkspaceID != k.workspace.ID || a.Role != access.Viewer {
		t.Fatalf("%+v", a)
	}
	k.wait(access.LoginTokenLife)
	_, err = k.bearer(in.Value, access.DoorNative, "")
	k.refused(err, "signed_out")
}

func TestUserWithoutAHome(t *testing.T) {
	k := newDesk(t)
	made, err := k.CreateMember(t.Context(), k.owner, MemberForm{Username: "guest", Password: ptr(goodPassword), Role: access.Editor})
	k.must(err)
	in := k.login("guest", access.DoorNative)
	_, err = k.bearer(in.Value, access.DoorNative, "")
	k.refused(err, "workspace_missing")
	a, err := k.bearer(in.Value, access.DoorNewAPI, "")
	k.must(err)
	if a.WorkspaceID != 0 || a.May(access.SeeLists) {
		t.Fatalf("a dialect found a home: %+v", a)
	}
	a, err = k.bearer(in.Value, access.DoorNative, k.workspace.PublicID)
	k.must(err)
	if a.Role != access.Editor {
		t.Fatalf("%+v", a)
	}
	// On the page they begin where they have a role.
	page := k.actor(k.signIn("guest", goodPassword).Value)
	if page.WorkspaceID != k.workspace.ID || page.Role != access.Editor {
		t.Fatalf("%+v", page)
	}
	// A role that is taken away is gone with the next request.
	k.must(k.DeleteMember(t.Context(), k.owner, made.Row.User.PublicID))
	_, err = k.bearer(in.Value, access.DoorNative, k.workspace.PublicID)
	k.refused(err, "workspace_unknown")
}

func TestAPITokenActsInItsOwnWorkspace(t *testing.T) {
	k := newDesk(t)
	issued, err := k.CreateToken(t.Context(), k.owner, TokenForm{
		Name: ptr("pipeline"), Permissions: &[]string{"manage"}, Addresses: &[]string{"192.0.2.0/24"}, ExpiresAt: ptr(k.now().Add(time.Hour)),
	})
	k.must(err)
	for _, text := range []string{issued.Secret, strings.TrimPrefix(issued.Secret, "sk-"), "sk-" + issued.Secret} {
		a, err := k.bearer(text, access.DoorNative, "")
		k.must(err)
		if a.Kind != access.ActorToken || a.WorkspaceID != k.workspace.ID || !a.May(access.ChangeAccess) || a.May(access.ChangeProviders) || a.May(access.RunInstance) {
			t.Fatalf("%+v", a)
		}
	}
	_, err = k.bearer(issued.Secret, access.DoorNative, k.workspace.PublicID)
	k.must(err)
	other, err := k.DB.FindWorkspace(t.Context(), k.neighbour.WorkspaceID)
	k.must(err)
	_, err = k.bearer(issued.Secret, access.DoorNative, other.PublicID)
	k.refused(err, "workspace_unknown")
	_, err = k.ActorOfBearer(t.Context(), issued.Secret, "198.51.100.1", access.DoorNative, "")
	k.refused(err, "ip_not_allowed")
	_, err = k.bearer(issued.Beta, access.DoorNative, "")
	k.refused(err, "signed_out")

	k.must(k.DisableToken(t.Context(), k.owner, issued.Row.PublicID))
	_, err = k.bearer(issued.Secret, access.DoorNative, "")
	k.refused(err, "token_disabled")
	k.must(k.EnableToken(t.Context(), k.owner, issued.Row.PublicID))
	k.wait(time.Hour)
	_, err = k.bearer(issued.Secret, access.DoorNative, "")
	k.refused(err, "token_expired")
	k.wait(-2 * time.Hour) // a clock that goes back revives nothing
	_, err = k.bearer(issued.Secret, access.DoorNative, "")
	k.refused(err, "token_expired")
	k.must(k.DeleteToken(t.Context(), k.owner, issued.Row.PublicID))
	_, err = k.bearer(issued.Secret, access.DoorNative, "")
	k.refused(err, "signed_out")
}

func TestMasterKey(t *testing.T) {
	k := newDesk(t)
	k.MasterKey = masterKey
	_, err := k.bearer(masterKey, access.DoorNative, "")
	k.refused(err, "workspace_missing")
	a, err := k.ActorOfInstance(t.Context(), masterKey, "192.0.2.7", access.DoorNative, "")
	k.must(err)
	if !a.May(access.RunInstance) || a.WorkspaceID != 0 {
		t.Fatalf("%+v", a)
	}
	a, err = k.bearer(masterKey, access.DoorNative, k.workspace.PublicID)
	k.must(err)
	if a.Kind != access.ActorMaster || a.WorkspaceID != k.workspace.ID || !a.May(access.ChangeWorkspace) {
		t.Fatalf("%+v", a)
	}
	oldest, err := k.DB.OldestWorkspace(t.Context())
	k.must(err)
	a, err = k.bearer(masterKey, access.DoorBotShare, "")
	k.must(err)
	if a.WorkspaceID != oldest.ID {
		t.Fatalf("%+v", a)
	}
	_, err = k.bearer(masterKey, access.DoorNative, strings.Repeat("0", 32))
	k.refused(err, "not_found")
	for _, wrong := range []string{"", masterKey[:10], masterKey + "x", strings.ToUpper(masterKey)} {
		_, err := k.bearer(wrong, access.DoorNative, k.workspace.PublicID)
		k.refused(err, "signed_out")
	}
	k.MasterKey = ""
	_, err = k.bearer("", access.DoorNative, k.workspace.PublicID)
	k.refused(err, "signed_out")
}

// A credential of one kind opens no door of another.
func TestCredentialsDoNotMix(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	session, login := k.signIn("mei", goodPassword).Value, k.login("mei", access.DoorNative).Value
	made, err := k.CreateCustomer(t.Context(), k.owner, CustomerForm{Username: ptr("jun"), Password: ptr(goodPassword)})
	k.must(err)
	chat := k.attempt("jun", goodPassword)
	chat.Door = access.DoorChat
	customer, err := k.SignInCustomer(t.Context(), k.workspace.ID, chat)
	k.must(err)
	chat.Door = access.DoorBotShare
	customerLogin, err := k.SignInCustomer(t.Context(), k.workspace.ID, chat)
	k.must(err)

	k.dead(login)
	k.dead(customer.Value)
	k.dead(customerLogin.Value)
	for _, value := range []string{session, customer.Value} {
		_, err := k.bearer(value, access.DoorNative, "")
		k.refused(err, "signed_out")
	}
	for _, value := range []string{session, login, customerLogin.Value} {
		_, err := k.CustomerVisit(t.Context(), k.workspace.ID, value, "192.0.2.7")
		k.refused(err, "signed_out")
	}
	_, err = k.CustomerVisit(t.Context(), k.neighbour.WorkspaceID, customer.Value, "192.0.2.7")
	k.refused(err, "signed_out")
	v, err := k.CustomerVisit(t.Context(), k.workspace.ID, customer.Value, "192.0.2.7")
	k.must(err)
	if v.Actor.Kind != access.ActorCustomer || v.Customer.ID != made.Row.ID {
		t.Fatalf("%+v", v.Actor)
	}
	for _, act := range access.Acts() {
		if v.Actor.May(act) {
			t.Errorf("a customer may %d", act)
		}
	}
	a, err := k.bearer(customerLogin.Value, access.DoorBotShare, "")
	k.must(err)
	if a.Kind != access.ActorCustomer {
		t.Fatalf("%+v", a)
	}
	_, err = k.Profile(t.Context(), a)
	k.refused(err, "users_only")

	// Disabled: gone with the next request, whatever the cache holds.
	_, err = k.DB.SetCustomerEnabled(t.Context(), k.owner, k.workspace.ID, made.Row.PublicID, false)
	k.must(err)
	_, err = k.CustomerVisit(t.Context(), k.workspace.ID, customer.Value, "192.0.2.7")
	k.refused(err, "signed_out")
	_, err = k.bearer(customerLogin.Value, access.DoorBotShare, "")
	k.refused(err, "signed_out")
}

func TestSignInAnyone(t *testing.T) {
	k := newDesk(t)
	u := k.person("mei")
	for i, by := range []access.Actor{k.owner, k.neighbour} {
		_, err := k.CreateCustomer(t.Context(), by, CustomerForm{Username: ptr("jun"), Password: ptr(goodPassword + string(rune('0'+i)))})
		k.must(err)
	}
	for _, one := range []struct {
		name, password string
		kind           access.ActorKind
		workspace      int64
	}{
		{"mei", goodPassword, access.ActorUser, u.HomeID},
		{"jun", goodPassword + "0", access.ActorCustomer, k.owner.WorkspaceID},
		{"JUN", goodPassword + "1", access.ActorCustomer, k.neighbour.WorkspaceID},
	} {
		a := k.attempt(one.name, one.password)
		a.Door = access.DoorBotShare
		in, err := k.SignInAnyone(t.Context(), a)
		k.must(err)
		if in.Actor.Kind != one.kind || in.Actor.WorkspaceID != one.workspace {
			t.Fatalf("%s: %+v", one.name, in.Actor)
		}
	}
	for _, name := range []string{"jun", "mei", "nobody"} {
		a := k.attempt(name, "wrong")
		a.Door = access.DoorBotShare
		_, err := k.SignInAnyone(t.Context(), a)
		k.refused(err, "sign_in_refused")
	}
}

// New API's user access token opens its own door alone, and the next one ends it.
func TestAccessToken(t *testing.T) {
	k := newDesk(t)
	k.person("mei")
	by := k.login("mei", access.DoorNewAPI).Actor
	var last string
	for range 2 {
		text := secret.NewLogin(k.Random)
		k.must(k.DB.ReplaceAccessToken(t.Context(), by, by.ID, secret.HashLogin(text)))
		if last != "" {
			_, err := k.bearer(last, access.DoorNewAPI, "")
			k.refused(err, "signed_out")
		}
		last = text
	}
	k.wait(2 * access.LoginTokenLife)
	_, err := k.bearer(last, access.DoorNewAPI, "")
	k.must(err)
	_, err = k.bearer(last, access.DoorNative, "")
	k.refused(err, "signed_out")
}

func TestChosenSecretOfATokenHasALeastLength(t *testing.T) {
	k := newDesk(t)
	_, err := k.CreateToken(t.Context(), k.owner, TokenForm{Name: ptr("x"), Secret: "a"})
	k.refused(err, "secret_short")
	_, err = k.CreateToken(t.Context(), k.owner, TokenForm{Name: ptr("x"), Secret: "abcdefgh", SecretMin: 8})
	k.must(err)
}
