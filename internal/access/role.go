package access

import (
	"slices"
	"strings"
)

// Role is what a user may do in a workspace.
type Role string

const (
	NoRole Role = ""
	Viewer Role = "viewer"
	Editor Role = "editor"
	Owner  Role = "owner"
)

// Roles lists the roles a member can have, least first.
func Roles() []Role { return []Role{Viewer, Editor, Owner} }

// Door is the way a call came in: the page, the native API, a dialect.
type Door string

const (
	DoorPage     Door = "page"
	DoorChat     Door = "chat"
	DoorNative   Door = "native"
	DoorGateway  Door = "gateway"
	DoorRAGFlow  Door = "ragflow"
	DoorBotShare Door = "bot-share"
	DoorNewAPI   Door = "newapi"
	// DoorNewAPIAccess is of the one login token without an end that New API calls
	// a user access token.
	DoorNewAPIAccess Door = "newapi-access"
	DoorFess         Door = "fess"
	DoorShell        Door = "shell"
	DoorUpkeep       Door = "upkeep"
)

// Permission is one power of an API token. Names that are none of these are kept
// and returned, and grant nothing.
type Permission string

const (
	PermChat   Permission = "chat"
	PermRead   Permission = "read"
	PermManage Permission = "manage"
	PermAdmin  Permission = "admin"
)

// Permissions is what an API token was given, as written by whoever made it.
type Permissions []string

// Has reports whether the written names grant p. An empty list means chat;
// admin and manage include read, admin includes manage; none but its own names
// includes chat.
func (ps Permissions) Has(p Permission) bool {
	if len(ps) == 0 {
		return p == PermChat
	}
	for _, name := range ps {
		granted := meaning(name)
		if granted == p || granted == PermAdmin && p != PermChat || granted == PermManage && p == PermRead {
			return true
		}
	}
	return false
}

// meaning maps the spellings of operations.md to a permission, or "".
func meaning(name string) Permission {
	switch {
	case name == "chat" || name == "guest" || name == "user":
		return PermChat
	case name == "read":
		return PermRead
	case name == "manage" || name == "editor":
		return PermManage
	case name == "admin" || strings.HasPrefix(name, "admin-") || name == "{role}admin-api" || name == "Radmin-api":
		return PermAdmin
	}
	return ""
}

// Act is something that a role or a permission allows.
type Act uint8

const (
	SeeLists          Act = iota + 1 // lists, usage, requests
	ChangeAccess                     // bots, shares, customers, tokens: change; reveal, copy
	ReadConversations                // of customers
	ReadAudit
	ChangeProviders
	ChangeWorkspace // members and workspace settings
	AskBots         // ask a bot, try it
	RunInstance     // users, groups, prices, settings, backups
)

// Acts lists every act, for tables that must be exhaustive.
func Acts() []Act {
	return []Act{SeeLists, ChangeAccess, ReadConversations, ReadAudit, ChangeProviders, ChangeWorkspace, AskBots, RunInstance}
}

// ActorKind says what sort of credential stands behind an Actor.
type ActorKind uint8

const (
	Nobody ActorKind = iota
	ActorUser
	ActorCustomer
	ActorToken
	ActorMaster
	ActorShell
	ActorUpkeep
	ActorVisitor // of an embedded chat, without a name
)

// Actor is who acts, in which workspace, with which powers. A zero Actor may do
// nothing.
type Actor struct {
	Kind        ActorKind
	ID          int64  // of the user, customer or token
	PublicID    string // of the same
	Name        string // for the audit log
	WorkspaceID int64
	Role        Role // of a user in that workspace
	IsAdmin     bool // of the instance
	Permissions Permissions
	Door        Door
	Address     string // as seen behind trusted proxies
	SessionHash []byte // of the session or login token it came with, if any
	Fresh       bool   // a password was given within the last ten minutes
}

// UserNumber is the row number of the user behind the actor, or 0.
func (a Actor) UserNumber() int64 {
	if a.Kind == ActorUser {
		return a.ID
	}
	return 0
}

// May reports whether the actor may do the act in its workspace: the table "who
// may do what" of the data model. An instance admin who is not a member may run
// the instance and nothing inside a workspace; the master key and the shell are
// admin and owner everywhere.
func (a Actor) May(act Act) bool {
	switch a.Kind {
	case ActorMaster, ActorShell, ActorUpkeep:
		return true
	case ActorUser:
		if act == RunInstance {
			return a.IsAdmin
		}
		return roleMay(a.Role, act)
	case ActorToken:
		return tokenMay(a.Permissions, act)
	}
	return false
}

func roleMay(role Role, act Act) bool {
	switch act {
	case SeeLists:
		return role == Owner || role == Editor || role == Viewer
	case ChangeAccess, AskBots:
		return role == Owner || role == Editor
	case ReadConversations, ReadAudit, ChangeProviders, ChangeWorkspace:
		return role == Owner
	}
	return false
}

func tokenMay(ps Permissions, act Act) bool {
	switch act {
	case AskBots:
		return ps.Has(PermChat)
	case SeeLists:
		return ps.Has(PermRead)
	case ChangeAccess:
		return ps.Has(PermManage)
	case ReadConversations, ReadAudit, ChangeProviders:
		return ps.Has(PermAdmin)
	}
	return false
}

// Must returns nil when the actor may do the act, and otherwise the error that
// says so.
func (a Actor) Must(act Act) error {
	if a.May(act) {
		return nil
	}
	if a.Kind == Nobody {
		return Fail(SignedOut, "signed_out", "Sign in first.")
	}
	return Fail(Forbidden, "forbidden", "Your role here does not allow this. Ask an owner of the workspace.")
}

// MayGrant reports whether the actor may issue or edit a token with these
// permissions: whoever may change API tokens at all, and nobody gives more than
// they have. An editor and a token with manage may give chat, read and manage, an
// owner and a token with admin any.
func (a Actor) MayGrant(ps Permissions) bool {
	if !a.May(ChangeAccess) {
		return false
	}
	return a.May(ChangeProviders) || !slices.ContainsFunc(ps, func(name string) bool { return meaning(name) == PermAdmin })
}
