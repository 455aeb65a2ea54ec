package access

import (
	"net/netip"
	"slices"
	"time"
)

// Limits of an API token's fields.
const (
	NameMax       = 100 // characters of any name
	NoteMax       = 500 // characters of a note
	ModelsMax     = 200 // entries of a model list
	AddressesMax  = 200 // entries of an address list
	ParameterMax  = 50  // characters of a query parameter's name
	PermissionMax = 50  // entries of a permission list

	WideNameMax = 1_000  // characters of a token's name, where a contract allows that many
	WideMax     = 10_000 // characters or entries of its other fields there
)

// Token is an API token: the secret string a program presents, without the
// secret. Its quota stands in its purse.
type Token struct {
	ID               int64
	PublicID         string
	WorkspaceID      int64
	CreatedBy        int64
	Name             string
	Note             string
	BotID            int64 // 0: not bound
	Sealed           []byte
	BetaSealed       []byte
	Hint             string // last four characters
	Enabled          bool
	ExpiresAt        time.Time // zero: never
	ExpiredSeenAt    time.Time // latched, so that a clock set back revives nothing
	RevokedAt        time.Time
	RevokedBy        int64
	Deleted          bool
	PurseID          int64
	ModelsLimited    bool
	Models           []string
	Addresses        []netip.Prefix // empty: any
	GroupName        string         // "": the workspace's
	Permissions      Permissions
	PermissionsShape string // "array" or "string": as Fess clients sent it
	ParameterName    string
	RPM              int64 // requests a minute, 0: no limit
	TPM              int64 // tokens a minute, 0: no limit
	Concurrent       int64 // calls at once, 0: no limit
	ShowOnce         bool
	CreatedAt        time.Time
	UpdatedAt        time.Time
	UsedAt           time.Time
	Version          int64
}

// Status is what a token, link, customer or provider is right now. It is always
// derived, never stored.
type Status string

const (
	StatusDeleted   Status = "deleted"
	StatusRevoked   Status = "revoked"
	StatusDisabled  Status = "disabled"
	StatusPaused    Status = "paused"
	StatusExpired   Status = "expired"
	StatusExhausted Status = "exhausted"
	StatusEnabled   Status = "enabled"
)

// Status derives the token's state: deleted, revoked, disabled, expired,
// exhausted, enabled, the first that holds.
func (t Token) Status(p Purse, now time.Time) Status {
	switch {
	case t.Deleted:
		return StatusDeleted
	case !t.RevokedAt.IsZero():
		return StatusRevoked
	case !t.Enabled:
		return StatusDisabled
	case t.Expired(now):
		return StatusExpired
	case p.Exhausted():
		return StatusExhausted
	}
	return StatusEnabled
}

// Expired reports whether the token's time is up, or ever was seen to be.
func (t Token) Expired(now time.Time) bool {
	return !t.ExpiredSeenAt.IsZero() || !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(now)
}

// Usable returns nil when the token may be used at all at this moment, before
// any question of quota, address or model.
func (t Token) Usable(now time.Time) error {
	switch t.Status(Purse{Unlimited: true}, now) {
	case StatusDeleted:
		return Fail(SignedOut, "invalid_api_key", "This API token is not known here. Check that it was copied whole.")
	case StatusRevoked:
		return Fail(Revoked, "token_revoked", "This API token was revoked. Ask its owner for a new one.")
	case StatusDisabled:
		return Fail(Revoked, "token_disabled", "This API token is disabled. Ask its owner to enable it.")
	case StatusExpired:
		return Fail(Expired, "token_expired", "This API token has expired. Ask its owner to extend it.")
	}
	return nil
}

// AllowsAddress reports whether a call may come from the address. An empty list
// allows any; an address that could not be read is allowed only then.
func (t Token) AllowsAddress(from netip.Addr) bool {
	return AllowsAddress(t.Addresses, from)
}

// AllowsModel reports whether the token's own list allows the name that goes to
// the provider.
func (t Token) AllowsModel(upstreamName string) bool {
	return !t.ModelsLimited || slices.Contains(t.Models, upstreamName)
}

// AllowsBot reports whether the token may ask the bot.
func (t Token) AllowsBot(botID int64) bool { return t.BotID == 0 || t.BotID == botID }

// Group is a named class of API tokens.
type Group struct {
	ID          int64
	PublicID    string
	Name        string
	RatioPPM    int64 // price ratio in millionths; 1,000,000 is 1
	RPM         int64 // requests a minute for each token, 0: no limit
	TPM         int64 // tokens a minute for each token, 0: no limit
	Models      []string
	AllModels   bool
	Description string
	Enabled     bool
	CreatedAt   time.Time
	Version     int64
}

// AllowsModel reports whether the group allows the name that goes to the provider.
func (g Group) AllowsModel(upstreamName string) bool {
	return g.AllModels || slices.Contains(g.Models, upstreamName)
}
