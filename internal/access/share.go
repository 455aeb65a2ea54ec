package access

import "time"

// Share is a share link: a URL that opens one bot's chat page for customers.
type Share struct {
	ID            int64
	PublicID      string
	WorkspaceID   int64
	BotID         int64
	CreatedBy     int64
	Name          string
	Sealed        []byte
	Hint          string // last four characters
	ExpiresAt     time.Time
	PausedAt      time.Time
	RevokedAt     time.Time
	RevokedBy     int64
	Restricted    bool   // only customers that were named may open it
	MaxCustomers  *int64 // seats, nil: no limit
	RPM           int64  // questions a minute of each customer, 0: no limit
	Allowance     *int64 // of each customer and period, nil: no limit
	AllowanceUnit Unit
	Refill        Refill
	PurseID       int64 // of the link as a whole
	Opens         int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Version       int64
	Deleted       bool
}

// Status derives the link's state in the order of the wire: deleted, revoked,
// expired, paused, enabled.
func (s Share) Status(now time.Time) Status {
	switch {
	case s.Deleted:
		return StatusDeleted
	case !s.RevokedAt.IsZero():
		return StatusRevoked
	case !s.ExpiresAt.IsZero() && !s.ExpiresAt.After(now):
		return StatusExpired
	case !s.PausedAt.IsZero():
		return StatusPaused
	}
	return StatusEnabled
}

// Usable returns nil when the link is open at this moment. The sentences name
// nobody: a page that knows the owner says who to ask.
func (s Share) Usable(now time.Time) error {
	switch s.Status(now) {
	case StatusDeleted:
		return Fail(NotFound, "share_unknown", "This link does not lead anywhere. Check that it was copied whole.")
	case StatusRevoked:
		return Fail(Revoked, "share_revoked", "This link was switched off. Ask for a new one.")
	case StatusExpired:
		return Fail(Expired, "share_expired", "This link has expired. Ask for a new one.")
	case StatusPaused:
		return Fail(Revoked, "share_paused", "This link is paused. Try again later, or ask whoever sent it.")
	}
	return nil
}

// Seat is what one customer has on one share link, or whose an embedded chat is:
// then TokenID and VisitorHash are set, ShareID is 0, and CustomerID only of a
// visitor whom the owner's server vouched for.
type Seat struct {
	ShareID       int64
	CustomerID    int64
	TokenID       int64
	VisitorHash   []byte
	WorkspaceID   int64
	Allowed       bool
	FirstOpenedAt time.Time
	LastOpenedAt  time.Time
	PurseID       int64 // 0 until first opened
}

// Usable returns nil when a customer may use the seat's link: not disabled, and
// named where the link is restricted.
func (s Share) UsableBy(c Customer, seat Seat) error {
	switch {
	case c.Deleted || c.WorkspaceID != s.WorkspaceID:
		return Fail(SignedOut, "signed_out", "Sign in first.")
	case !c.Enabled:
		return Fail(Forbidden, "customer_disabled", "This account is disabled. Ask whoever made it for you.")
	case s.Restricted && !seat.Allowed:
		return Fail(NotFound, "share_not_for_you", "This link is not open to this account. Ask whoever sent it.")
	}
	return nil
}
