package access

import (
	"slices"
	"testing"
)

var permissions = []Permission{PermChat, PermRead, PermManage, PermAdmin}

// Every spelling of the manual, and what it grants.
func TestPermissions(t *testing.T) {
	chat, read := []Permission{PermChat}, []Permission{PermRead}
	manage, admin := []Permission{PermRead, PermManage}, []Permission{PermRead, PermManage, PermAdmin}
	for _, c := range []struct {
		names   Permissions
		granted []Permission
	}{
		{nil, chat},
		{Permissions{}, chat},
		{Permissions{"chat"}, chat},
		{Permissions{"guest"}, chat},
		{Permissions{"user"}, chat},
		{Permissions{"read"}, read},
		{Permissions{"manage"}, manage},
		{Permissions{"editor"}, manage},
		{Permissions{"admin"}, admin},
		{Permissions{"admin-accesstoken"}, admin},
		{Permissions{"admin-searchlist"}, admin},
		{Permissions{"{role}admin-api"}, admin},
		{Permissions{"Radmin-api"}, admin},
		{Permissions{"chat", "read"}, []Permission{PermChat, PermRead}},
		{Permissions{"guest", "Radmin-api"}, permissions},
		{Permissions{"unheard-of", "read"}, read},
		// What is none of these grants nothing, and makes the list no empty one.
		{Permissions{""}, nil},
		{Permissions{"Chat"}, nil},
		{Permissions{"ADMIN"}, nil},
		{Permissions{"administrator"}, nil},
		{Permissions{" admin"}, nil},
		{Permissions{"Gadmin-api"}, nil},
		{Permissions{"{role}guest"}, nil},
		{Permissions{"viewer", "owner", "reader"}, nil},
	} {
		for _, p := range permissions {
			if got, want := c.names.Has(p), slices.Contains(c.granted, p); got != want {
				t.Errorf("%q grants %s: %t, want %t", c.names, p, got, want)
			}
		}
	}
}

// The table "who may do what", whole: every kind of actor against every act.
func TestWhoMayDoWhat(t *testing.T) {
	all := Acts()
	viewer := []Act{SeeLists}
	editor := []Act{SeeLists, ChangeAccess, AskBots}
	owner := []Act{SeeLists, ChangeAccess, ReadConversations, ReadAudit, ChangeProviders, ChangeWorkspace, AskBots}
	admin := []Act{SeeLists, ChangeAccess, ReadConversations, ReadAudit, ChangeProviders}
	token := func(names ...string) Actor { return Actor{Kind: ActorToken, ID: 1, Permissions: names} }
	user := func(role Role, admin bool) Actor { return Actor{Kind: ActorUser, ID: 1, Role: role, IsAdmin: admin} }
	for _, c := range []struct {
		name  string
		actor Actor
		may   []Act
	}{
		{"nobody", Actor{}, nil},
		{"nobody with a role", Actor{Role: Owner, IsAdmin: true, Permissions: Permissions{"admin"}}, nil},
		{"an unknown kind", Actor{Kind: 99, Role: Owner, IsAdmin: true}, nil},
		{"customer", Actor{Kind: ActorCustomer, ID: 1}, nil},
		{"customer with a role", Actor{Kind: ActorCustomer, ID: 1, Role: Owner, IsAdmin: true, Permissions: Permissions{"admin"}}, nil},
		{"user without a role", user(NoRole, false), nil},
		{"user of an unknown role", user("Owner", false), nil},
		{"viewer", user(Viewer, false), viewer},
		{"editor", user(Editor, false), editor},
		{"owner", user(Owner, false), owner},
		{"admin who is no member", user(NoRole, true), []Act{RunInstance}},
		{"admin who views", user(Viewer, true), append(slices.Clone(viewer), RunInstance)},
		{"admin who edits", user(Editor, true), append(slices.Clone(editor), RunInstance)},
		{"admin who owns", user(Owner, true), all},
		{"user whose permissions say more", Actor{Kind: ActorUser, Role: Viewer, Permissions: Permissions{"admin"}}, viewer},
		{"token of no list", token(), []Act{AskBots}},
		{"token chat", token("chat"), []Act{AskBots}},
		{"token read", token("read"), viewer},
		{"token manage", token("manage"), []Act{SeeLists, ChangeAccess}},
		{"token admin", token("admin"), admin},
		{"token admin and chat", token("admin", "chat"), append(slices.Clone(admin), AskBots)},
		{"token of unknown names", token("viewer"), nil},
		{"token whose role says more", Actor{Kind: ActorToken, Role: Owner, IsAdmin: true, Permissions: Permissions{"read"}}, viewer},
		{"master key", Actor{Kind: ActorMaster}, all},
		{"shell", Actor{Kind: ActorShell}, all},
		{"upkeep", Actor{Kind: ActorUpkeep}, all},
	} {
		for _, act := range all {
			want := slices.Contains(c.may, act)
			if got := c.actor.May(act); got != want {
				t.Errorf("%s, act %d: %t, want %t", c.name, act, got, want)
			}
			if err := c.actor.Must(act); (err == nil) != want {
				t.Errorf("%s, act %d: %v, and may is %t", c.name, act, err, want)
			} else if kind := KindOf(err); !want && kind != Forbidden && (kind != SignedOut || c.actor.Kind != Nobody) {
				t.Errorf("%s, act %d: refused as %v", c.name, act, kind)
			}
		}
		for _, none := range []Act{0, 99} {
			if k := c.actor.Kind; c.actor.May(none) && k != ActorMaster && k != ActorShell && k != ActorUpkeep {
				t.Errorf("%s may do what is no act", c.name)
			}
		}
	}
	if err := (Actor{}).Must(SeeLists); KindOf(err) != SignedOut {
		t.Errorf("nobody is refused with %v", err)
	}
}

// Acts is the whole list: the numbers from the first to the last, once each.
func TestActsAreComplete(t *testing.T) {
	all := Acts()
	for i, act := range all {
		if act != Act(i+1) {
			t.Errorf("act %d stands at place %d", act, i)
		}
	}
	if last := all[len(all)-1]; last != RunInstance {
		t.Errorf("the last act is %d", last)
	}
	if got := Roles(); !slices.Equal(got, []Role{Viewer, Editor, Owner}) {
		t.Errorf("the roles are %v", got)
	}
}

// A token never gives more than it has, and who may not issue tokens grants none.
func TestMayGrant(t *testing.T) {
	token := func(names ...string) Actor { return Actor{Kind: ActorToken, Permissions: names} }
	for _, c := range []struct {
		name  string
		actor Actor
		may   []Permission
	}{
		{"owner", Actor{Kind: ActorUser, Role: Owner}, permissions},
		{"editor", Actor{Kind: ActorUser, Role: Editor}, []Permission{PermChat, PermRead, PermManage}},
		{"master", Actor{Kind: ActorMaster}, permissions},
		{"shell", Actor{Kind: ActorShell}, permissions},
		{"token admin", token("admin"), permissions},
		{"token {role}admin-api", token("{role}admin-api"), permissions},
		{"token manage", token("manage"), []Permission{PermChat, PermRead, PermManage}},
		{"token editor and chat", token("editor", "chat"), []Permission{PermChat, PermRead, PermManage}},
		{"token read", token("read"), nil},
		{"token chat", token(), nil},
		{"viewer", Actor{Kind: ActorUser, Role: Viewer}, nil},
		{"customer", Actor{Kind: ActorCustomer}, nil},
		{"nobody", Actor{}, nil},
	} {
		for _, p := range permissions {
			if got, want := c.actor.MayGrant(Permissions{"unheard-of", string(p)}), slices.Contains(c.may, p); got != want {
				t.Errorf("%s grants %s: %t, want %t", c.name, p, got, want)
			}
		}
	}
	for _, spelled := range []string{"admin-x", "{role}admin-api", "Radmin-api"} {
		if token("manage").MayGrant(Permissions{"chat", spelled}) {
			t.Errorf("manage grants %s", spelled)
		}
	}
	if !token("manage").MayGrant(nil) {
		t.Error("manage may not give an empty list, which means chat")
	}
}

func TestUserNumber(t *testing.T) {
	if n := (Actor{Kind: ActorUser, ID: 7}).UserNumber(); n != 7 {
		t.Errorf("a user's number is %d", n)
	}
	for _, kind := range []ActorKind{Nobody, ActorCustomer, ActorToken, ActorMaster, ActorShell, ActorUpkeep} {
		if n := (Actor{Kind: kind, ID: 7}).UserNumber(); n != 0 {
			t.Errorf("kind %d has a user's number %d", kind, n)
		}
	}
}
