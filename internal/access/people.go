package access

import "time"

// Workspace is the tenant: it owns providers, bots, API tokens, share links and
// customers. The counts are of rows that are not deleted.
type Workspace struct {
	ID            int64
	PublicID      string
	Name          string
	TimeZone      string // IANA name; refills and usage days follow it
	GroupName     string // of API tokens that name no group of their own
	PurseID       int64
	Brand         string // JSON
	TokenCount    int64
	ShareCount    int64
	CustomerCount int64
	CreatedAt     time.Time
	Version       int64
}

// Location returns the workspace's zone, UTC when it names none that exists.
func (w Workspace) Location() *time.Location {
	if zone, err := time.LoadLocation(w.TimeZone); err == nil {
		return zone
	}
	return time.UTC
}

// User signs in to the dashboard and has a role in one or more workspaces.
// UsernameKey and EmailKey hold the folded text that is compared.
type User struct {
	ID           int64
	PublicID     string
	Username     string
	UsernameKey  string
	Email        string
	EmailKey     string
	Nickname     string
	PasswordHash string
	IsAdmin      bool
	Enabled      bool
	MustChange   bool // a generated password: the page insists on a new one
	TwoFactor    bool // signing in takes a code of an app as well
	HomeID       int64
	Language     string
	TimeZone     string
	LastLoginAt  time.Time
	CreatedAt    time.Time
	Version      int64
}

// Shown is the name that pages print.
func (u User) Shown() string {
	if u.Nickname != "" {
		return u.Nickname
	}
	return u.Username
}

// Member is a user's role in a workspace.
type Member struct {
	WorkspaceID int64
	UserID      int64
	Role        Role
	CreatedAt   time.Time
	Version     int64
}

// Customer is an end user: an account of one workspace that can only open share
// links and chat.
type Customer struct {
	ID           int64
	PublicID     string
	WorkspaceID  int64
	Username     string
	UsernameKey  string
	Email        string
	Note         string
	PasswordHash string
	Enabled      bool
	MustChange   bool
	Language     string
	CreatedBy    int64
	LastLoginAt  time.Time
	CreatedAt    time.Time
	Version      int64
	Deleted      bool
}

// SubjectKind says whose a session, a login token or a reset code is.
type SubjectKind string

const (
	SubjectUser     SubjectKind = "user"
	SubjectCustomer SubjectKind = "customer"
)

// Session limits (checklist C05 and C10). Both limits are kept by the server.
const (
	UserIdle        = 12 * time.Hour
	UserLifetime    = 7 * 24 * time.Hour
	CustomerIdle    = 30 * 24 * time.Hour
	CustomerLife    = 90 * 24 * time.Hour
	LoginTokenLife  = 30 * 24 * time.Hour
	SessionsPerUser = 20 // the oldest goes first
)

// Session is one sign-in on one device. Hash is of the cookie's value; the value
// itself is kept nowhere.
type Session struct {
	Hash        []byte
	Kind        SubjectKind
	SubjectID   int64
	WorkspaceID int64 // the one in view
	Data        string
	AuthAt      time.Time // last time a password was given
	SeenAt      time.Time
	IdleUntil   time.Time
	ExpiresAt   time.Time
	Address     string
	Agent       string
}

// LoginToken is what a sign-in over an API returned.
type LoginToken struct {
	Hash      []byte
	Kind      SubjectKind
	SubjectID int64
	Door      Door
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time // zero: never
	Address   string
}

// Visit is who stands behind a session: the actor, and the account itself for the
// page. User or Customer is filled, as the session's kind says.
type Visit struct {
	Actor    Actor
	Session  Session
	User     User
	Customer Customer
}
