package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// ShareChange is an owner's edit of a link. Nil leaves a field as it is; where a
// field may be without a limit, a pointer to nil takes the limit away.
type ShareChange struct {
	Name          *string
	ExpiresAt     *time.Time // the zero time: never
	MaxCustomers  **int64
	RPM           *int64
	Allowance     **int64
	AllowanceUnit *access.Unit
	Refill        *access.Refill
	Cap           **int64
	Restricted    *bool
	Named         *[]string // public ids; what a restricted link's list becomes
	Version       int64     // the version it was based on, 0: any
}

// Apply returns the link with the change made to it.
func (c ShareChange) Apply(s access.Share) access.Share {
	set(&s.Name, c.Name)
	set(&s.ExpiresAt, c.ExpiresAt)
	set(&s.MaxCustomers, c.MaxCustomers)
	set(&s.RPM, c.RPM)
	set(&s.Allowance, c.Allowance)
	set(&s.AllowanceUnit, c.AllowanceUnit)
	set(&s.Refill, c.Refill)
	set(&s.Restricted, c.Restricted)
	return s
}

// EditShare changes what c names. A new allowance sets the purse of every seat to
// the new one, or to what is used and reserved where that is more.
func (d *DB) EditShare(ctx context.Context, by access.Actor, workspaceID int64, publicID string, c ShareChange, zone *time.Location) error {
	return d.change(ctx, func(t *Tx) error {
		old, err := scanShare(t.row("SELECT "+shareColumns+` FROM shares s
			WHERE s.workspace_id = $1 AND s.public_id = $2 AND s.deleted_at IS NULL`, workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "share link")
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		s := c.Apply(old)
		if err := d.Ledger.setCap(t, s.PurseID, c, zone); err != nil {
			return err
		}
		if err := d.Ledger.setAllowances(t, old, s, zone); err != nil {
			return err
		}
		if c.Named != nil {
			if err := t.nameCustomers(s, *c.Named); err != nil {
				return err
			}
		}
		if err := t.keepShort("shares_short", s.ID, s.Name, s.Hint); err != nil {
			return err
		}
		t.after(func() { d.caches.shares.drop(s.ID) })
		if _, err := t.exec(`UPDATE shares SET name = $1, expires_at = $2, restricted = $3, max_customers = $4, rpm = $5, allowance = $6,
			allowance_unit = $7, refill = $8, updated_at = $9, version = version + 1 WHERE id = $10`,
			s.Name, ms(s.ExpiresAt), flag(s.Restricted), s.MaxCustomers, s.RPM, s.Allowance, s.AllowanceUnit, s.Refill, t.now(), s.ID); err != nil {
			return err
		}
		before, after := shareFacts(old), shareFacts(s)
		if c.Cap != nil {
			after["cap"] = shown(*c.Cap)
		}
		if c.Named != nil {
			after["customers"] = *c.Named
		}
		return t.tell(by, event{workspaceID, "share.edit", object("share", s.PublicID, s.Name), changed(before, after)})
	})
}
