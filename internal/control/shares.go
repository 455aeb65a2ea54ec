package control

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// namedMax bounds the list of a restricted link.
const namedMax = 5000

// shareTextMax bounds a presented share token, before any work is done for it.
const shareTextMax = 512

// ShareForm is what a door sends to create or edit a share link. Nil leaves a
// field as it is, or at its default when creating; where a field may be without
// a limit, a pointer to nil takes the limit away.
type ShareForm struct {
	Bot           *string // public id; a link keeps the bot it was made for
	Name          *string
	ExpiresAt     *time.Time // the zero time: never
	MaxCustomers  **int64
	RPM           *int64
	Allowance     **int64 // of each customer and period
	AllowanceUnit *access.Unit
	Refill        *access.Refill
	Cap           **int64    // units of the link as a whole, in the same period
	Customers     **[]string // public ids of who may open it, nil: every customer
	Lenient       bool       // of a foreign contract: a name of any length, an expiry that has passed
	ForOwner      bool       // of a foreign contract: what no user makes is its first owner's
	Version       int64
}

// IssuedShare is a new share link with its secret in clear: the only answer
// besides RevealShare that holds it.
type IssuedShare struct {
	Row    db.ShareRow
	Secret string
}

// CreateShare issues a share link.
func (c *Control) CreateShare(ctx context.Context, by access.Actor, f ShareForm) (IssuedShare, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return IssuedShare{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return IssuedShare{}, err
	}
	bot, wrong := c.shareBot(ctx, by, f.Bot)
	change, err := c.checkShare(f, true)
	if err := errors.Join(wrong, err); err != nil {
		return IssuedShare{}, err
	}
	maker, err := c.shareMaker(ctx, by, f)
	if err != nil {
		return IssuedShare{}, err
	}
	text := secret.NewShare(c.Random)
	s := change.Apply(access.Share{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: w.ID, BotID: bot, CreatedBy: maker, Hint: secret.Hint(text),
		AllowanceUnit: access.Messages, Refill: access.RefillNone,
	})
	if s.Sealed, err = c.Keys.Seal(sharePlace(s.PublicID), []byte(text)); err != nil {
		return IssuedShare{}, err
	}
	n := db.NewShare{Share: s, Hash: secret.Hash(text), Zone: w.Location(), Named: deref(change.Named)}
	if f.Cap != nil {
		n.Cap = *f.Cap
	}
	if s, err = c.DB.MakeShare(ctx, by, n); err != nil {
		return IssuedShare{}, err
	}
	row, err := c.DB.Share(ctx, w.ID, s.PublicID)
	return IssuedShare{Row: row, Secret: text}, err
}

// shareMaker is the number of the user who is shown as the maker of a link.
func (c *Control) shareMaker(ctx context.Context, by access.Actor, f ShareForm) (int64, error) {
	if by.UserNumber() != 0 || !f.ForOwner {
		return by.UserNumber(), nil
	}
	u, err := c.DB.FirstOwner(ctx, by.WorkspaceID)
	if access.KindOf(err) == access.NotFound {
		err = nil
	}
	return u.ID, err
}

func sharePlace(publicID string) secret.Place {
	return secret.Place{Table: "shares", Row: publicID, Column: "sealed"}
}

// shareBot finds the bot of a new link.
func (c *Control) shareBot(ctx context.Context, by access.Actor, publicID *string) (int64, error) {
	if deref(publicID) == "" {
		return 0, access.Fail(access.Invalid, "bot_missing", "Choose the bot that this link opens.").At("bot_id")
	}
	b, err := c.DB.Bot(ctx, by.WorkspaceID, *publicID)
	if access.KindOf(err) == access.NotFound {
		return 0, access.Fail(access.Invalid, "bot_unknown", "There is no such bot here. Choose one of the list.").At("bot_id")
	}
	return b.ID, err
}

// checkShare checks every field that was sent and reports all that is wrong.
func (c *Control) checkShare(f ShareForm, creating bool) (db.ShareChange, error) {
	change := db.ShareChange{
		Name: f.Name, ExpiresAt: f.ExpiresAt, MaxCustomers: f.MaxCustomers, RPM: f.RPM, Allowance: f.Allowance,
		AllowanceUnit: f.AllowanceUnit, Refill: f.Refill, Cap: f.Cap, Version: f.Version,
	}
	var wrong []error
	if name := deref(f.Name); f.Lenient {
		wrong = append(wrong, checkText(name, "name", utf8.RuneCountInString(name)))
	} else if name != "" {
		name, err := checkName(name, "name")
		change.Name, wrong = &name, append(wrong, err)
	}
	if at := deref(f.ExpiresAt); creating && !f.Lenient && !at.IsZero() && !at.After(c.Now()) {
		wrong = append(wrong, access.Fail(access.Invalid, "expiry_past", "This moment has passed. Choose one in the future.").At("expires_at"))
	}
	if f.Customers != nil {
		named := compact(deref(*f.Customers))
		restricted := *f.Customers != nil
		change.Named, change.Restricted = &named, &restricted
		if len(named) > namedMax {
			wrong = append(wrong, access.Fail(access.Invalid, "customers_too_many", "At most %d customers fit in one list.", namedMax).At("customers"))
		}
	}
	return change, errors.Join(append(wrong, checkShareNumbers(f))...)
}

func checkShareNumbers(f ShareForm) error {
	var wrong []error
	for _, n := range []struct {
		value **int64
		least int64
		field string
	}{{f.MaxCustomers, 1, "max_customers"}, {f.Allowance, 0, "allowance"}, {f.Cap, 0, "cap"}, {pointed(f.RPM), 0, "rpm"}} {
		if n.value != nil && *n.value != nil && (**n.value < n.least || **n.value > access.UnitsMax) {
			wrong = append(wrong, access.Fail(access.Invalid, "number_least", "This is a whole number from %d up.", n.least).At(n.field))
		}
	}
	if u := f.AllowanceUnit; u != nil && *u != access.Messages && *u != access.Units {
		wrong = append(wrong, access.Fail(access.Invalid, "unit_unknown", "An allowance counts messages or units.").At("allowance_unit"))
	}
	if f.Refill != nil && !f.Refill.Valid() {
		wrong = append(wrong, access.Fail(access.Invalid, "refill_unknown", "A budget refills none, daily, weekly or monthly.").At("refill"))
	}
	return errors.Join(wrong...)
}

func pointed(n *int64) **int64 {
	if n == nil {
		return nil
	}
	return &n
}

// Share returns one of the workspace's share links.
func (c *Control) Share(ctx context.Context, by access.Actor, publicID string) (db.ShareRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return db.ShareRow{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return db.ShareRow{}, err
	}
	row, err := c.DB.Share(ctx, w.ID, publicID)
	row.Purse = row.Purse.At(c.Now(), w.Location())
	return row, err
}

// Shares lists the workspace's share links, and how many there are in all pages
// (up to db.CountMax + 1).
func (c *Control) Shares(ctx context.Context, by access.Actor, p db.Page) ([]db.ShareRow, int64, error) {
	rows, err := c.SharePage(ctx, by, p)
	if err != nil || allThere(p, len(rows)) {
		return rows, int64(len(rows)), err
	}
	n, err := c.DB.CountShares(ctx, by.WorkspaceID, p)
	return rows, n, err
}

// SharePage is Shares without the count, for whoever reads page after page.
func (c *Control) SharePage(ctx context.Context, by access.Actor, p db.Page) ([]db.ShareRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return nil, err
	}
	rows, err := c.DB.Shares(ctx, w.ID, p)
	for i := range rows {
		rows[i].Purse = rows[i].Purse.At(c.Now(), w.Location())
	}
	return rows, err
}

// ShareSeats lists who opened a link or is named on it, with what is left to each.
func (c *Control) ShareSeats(ctx context.Context, by access.Actor, publicID string) ([]db.SeatRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return nil, err
	}
	row, err := c.DB.Share(ctx, w.ID, publicID)
	if err != nil {
		return nil, err
	}
	seats, err := c.DB.SeatsOfShare(ctx, w.ID, row.ID, db.ListMax)
	return c.asOfNow(seats, w), err
}

// asOfNow starts the new period of purses whose old one has ended, as the next
// question will.
func (c *Control) asOfNow(seats []db.SeatRow, w access.Workspace) []db.SeatRow {
	for i := range seats {
		seats[i].Purse = seats[i].Purse.At(c.Now(), w.Location())
	}
	return seats
}

// ShareCustomers returns the public ids of who may open a link, or nil for every
// customer of the workspace.
func (c *Control) ShareCustomers(ctx context.Context, by access.Actor, s access.Share) (*[]string, error) {
	if err := by.Must(access.SeeLists); err != nil || !s.Restricted {
		return nil, err
	}
	named, err := c.DB.NamedCustomers(ctx, by.WorkspaceID, s.ID)
	if named == nil {
		named = []string{}
	}
	return &named, err
}

// ShareReach says what a link that is revoked or deleted takes with it.
func (c *Control) ShareReach(ctx context.Context, by access.Actor, publicID string) (db.ShareReach, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return db.ShareReach{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return db.ShareReach{}, err
	}
	row, err := c.DB.Share(ctx, w.ID, publicID)
	if err != nil {
		return db.ShareReach{}, err
	}
	return c.DB.ShareReach(ctx, w.ID, row.ID, w.Location())
}

// EditShare changes the fields that the form names. A link keeps its bot, since
// its conversations are with that one.
func (c *Control) EditShare(ctx context.Context, by access.Actor, publicID string, f ShareForm) (db.ShareRow, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return db.ShareRow{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return db.ShareRow{}, err
	}
	old, err := c.DB.Share(ctx, w.ID, publicID)
	if err != nil {
		return db.ShareRow{}, err
	}
	change, wrong := c.checkShare(f, false)
	if f.Bot != nil && *f.Bot != old.BotPublicID {
		wrong = errors.Join(wrong, access.Fail(access.Invalid, "share_bot_fixed", "A link keeps its bot. Make a new link for another one.").At("bot_id"))
	}
	if wrong != nil {
		return db.ShareRow{}, wrong
	}
	if err := c.DB.EditShare(ctx, by, w.ID, publicID, change, w.Location()); err != nil {
		return db.ShareRow{}, err
	}
	return c.Share(ctx, by, publicID)
}
