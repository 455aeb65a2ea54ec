package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"latchkey/internal/access"
)

const seatColumns = "c.share_id, c.customer_id, c.workspace_id, c.allowed, c.first_opened_at, c.last_opened_at, COALESCE(c.purse_id, 0)"

// seatScan holds what stands in the row in another spelling than in the noun.
type seatScan struct {
	access.Seat
	first, last moment
}

func (c *seatScan) fields() []any {
	return []any{&c.ShareID, &c.CustomerID, &c.WorkspaceID, &c.Allowed, &c.first, &c.last, &c.PurseID}
}

func (c *seatScan) seat() access.Seat {
	c.FirstOpenedAt, c.LastOpenedAt = c.first.Time, c.last.Time
	return c.Seat
}

func scanSeat(s scanner) (access.Seat, error) {
	var c seatScan
	err := s.Scan(c.fields()...)
	return c.seat(), err
}

// SeatRow is a seat with its purse and the names of both its sides. Purse is
// zero until the link was first opened.
type SeatRow struct {
	access.Seat
	Purse    access.Purse
	Customer access.Customer
	Share    access.Share
	BotName  string
}

// Seat returns what a customer has on a share link, with its purse. A pair that
// has no row answers an empty seat: not named, never opened.
func (d *DB) Seat(ctx context.Context, shareID, customerID int64) (SeatRow, error) {
	r := SeatRow{Seat: access.Seat{ShareID: shareID, CustomerID: customerID}}
	seat, err := scanSeat(d.row(ctx, "SELECT "+seatColumns+
		" FROM share_customers c WHERE c.share_id = $1 AND c.customer_id = $2", shareID, customerID))
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil
	} else if err != nil {
		return r, err
	}
	r.Seat = seat
	if seat.PurseID != 0 {
		r.Purse, err = d.purse(ctx, seat.PurseID)
	}
	return r, err
}

func (d *DB) purse(ctx context.Context, id int64) (access.Purse, error) {
	p, err := scanPurse(d.row(ctx, "SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id))
	d.Ledger.overlay(&p)
	return p, err
}

// OpenShare seats a customer on a link that is open to them. The first opening
// makes the purse of the pair and takes one of the link's seats; when none is left
// it is a Conflict `seats_taken`. Every opening counts.
func (d *DB) OpenShare(ctx context.Context, shareID, customerID int64, zone *time.Location) (SeatRow, error) {
	err := d.change(ctx, func(t *Tx) error {
		s, err := scanShare(t.row("SELECT "+shareColumns+" FROM shares s WHERE s.id = $1", shareID))
		if err != nil {
			return orNotFound(err, "share link")
		}
		m, err := scanCustomer(t.row("SELECT "+customerColumns+" FROM customers m WHERE m.id = $1", customerID))
		if err != nil {
			return orNotFound(err, "customer")
		}
		c, err := scanSeat(t.row("SELECT "+seatColumns+" FROM share_customers c WHERE c.share_id = $1 AND c.customer_id = $2", s.ID, m.ID))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := errors.Join(s.Usable(d.Now()), s.UsableBy(m, c)); err != nil {
			return access.Problems(err)[0]
		}
		if err := t.takeSeat(s, m, c, zone); err != nil {
			return err
		}
		t.after(func() { d.caches.shares.drop(s.ID) })
		_, err = t.exec("UPDATE shares SET opens = opens + 1 WHERE id = $1", s.ID)
		return err
	})
	if err != nil {
		return SeatRow{}, err
	}
	return d.Seat(ctx, shareID, customerID)
}

// takeSeat counts a first opening under the link's limit in the statement that
// writes it, so that no two customers take the last seat.
func (t *Tx) takeSeat(s access.Share, m access.Customer, c access.Seat, zone *time.Location) error {
	n, err := t.exec(`UPDATE share_customers SET last_opened_at = $1
		WHERE share_id = $2 AND customer_id = $3 AND first_opened_at IS NOT NULL`, t.now(), s.ID, m.ID)
	if err != nil || n == 1 {
		return err
	}
	purse, err := t.makePurse(seatPurse(s), zone)
	if err != nil {
		return err
	}
	n, err = t.exec(`INSERT INTO share_customers (share_id, customer_id, workspace_id, allowed, first_opened_at, last_opened_at, purse_id)
		SELECT s.id, $1, s.workspace_id, $2, $3, $3, $4 FROM shares s WHERE s.id = $5 AND (s.max_customers IS NULL OR
			(SELECT COUNT(*) FROM share_customers o WHERE o.share_id = s.id AND o.first_opened_at IS NOT NULL) < s.max_customers)
		ON CONFLICT (share_id, customer_id) DO UPDATE SET first_opened_at = excluded.first_opened_at,
			last_opened_at = excluded.last_opened_at, purse_id = excluded.purse_id`,
		m.ID, flag(c.Allowed), t.now(), purse, s.ID)
	if err == nil && n == 0 {
		err = access.Fail(access.Conflict, "seats_taken", "All places on this link are taken. Ask whoever sent it for another.")
	}
	return err
}

// seatPurse is the purse of a pair at its first opening.
func seatPurse(s access.Share) access.Purse {
	return access.Purse{
		WorkspaceID: s.WorkspaceID, Unit: s.AllowanceUnit, Quota: deref(s.Allowance), Unlimited: s.Allowance == nil, Refill: s.Refill,
	}
}

// nameCustomers makes the list of a restricted link: these public ids and no
// other. Who opened it before keeps the seat.
func (t *Tx) nameCustomers(s access.Share, publicIDs []string) error {
	if _, err := t.exec("UPDATE share_customers SET allowed = 0 WHERE share_id = $1 AND allowed = 1", s.ID); err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM share_customers WHERE share_id = $1 AND allowed = 0 AND first_opened_at IS NULL", s.ID); err != nil {
		return err
	}
	for _, id := range publicIDs {
		n, err := t.exec(`INSERT INTO share_customers (share_id, customer_id, workspace_id, allowed)
			SELECT $1, m.id, m.workspace_id, 1 FROM customers m WHERE m.workspace_id = $2 AND m.public_id = $3 AND m.deleted_at IS NULL
			ON CONFLICT (share_id, customer_id) DO UPDATE SET allowed = 1`, s.ID, s.WorkspaceID, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return access.Fail(access.Invalid, "customer_unknown", "There is no such customer here. Choose from the list.").At("customers")
		}
	}
	return nil
}

// NamedCustomers returns the public ids on a restricted link's list.
func (d *DB) NamedCustomers(ctx context.Context, workspaceID, shareID int64) ([]string, error) {
	var out []string
	err := d.rows(ctx, list(&out, func(s scanner) (id string, err error) { return id, s.Scan(&id) }),
		`SELECT m.public_id FROM share_customers c JOIN customers m ON m.id = c.customer_id AND m.deleted_at IS NULL
		WHERE c.workspace_id = $1 AND c.share_id = $2 AND c.allowed = 1 ORDER BY m.id`, workspaceID, shareID)
	return out, err
}

// SeatsOfShare lists who opened a link or is named on it, the last to open first.
func (d *DB) SeatsOfShare(ctx context.Context, workspaceID, shareID int64, limit int) ([]SeatRow, error) {
	return d.seats(ctx, limit, " FROM share_customers c JOIN customers m ON m.id = c.customer_id JOIN shares s ON s.id = c.share_id",
		" WHERE c.workspace_id = $1 AND c.share_id = $2", workspaceID, shareID)
}

// LinksOfCustomer lists the live links that a customer may open or has opened, the
// last opened first. A link that was not opened has no purse.
func (d *DB) LinksOfCustomer(ctx context.Context, workspaceID, customerID int64, limit int) ([]SeatRow, error) {
	return d.seats(ctx, limit, ` FROM customers m JOIN shares s ON s.workspace_id = m.workspace_id AND s.deleted_at IS NULL
		LEFT JOIN share_customers c ON c.share_id = s.id AND c.customer_id = m.id`,
		` WHERE m.workspace_id = $1 AND m.id = $2 AND (s.restricted = 0 AND s.revoked_at IS NULL OR c.allowed = 1 OR c.first_opened_at IS NOT NULL)`,
		workspaceID, customerID)
}

// seats reads pairs. What stands in share_customers may be missing where from
// joins it loosely.
func (d *DB) seats(ctx context.Context, limit int, from, where string, workspaceID, id int64) ([]SeatRow, error) {
	var out []SeatRow
	err := d.rows(ctx, list(&out, scanSeatRow), "SELECT "+looseSeatColumns+", "+customerColumns+", "+shareColumns+`, COALESCE(b.name, ''),
		COALESCE(p.id, 0), COALESCE(p.workspace_id, 0), COALESCE(p.unit, ''), COALESCE(p.quota, 0), COALESCE(p.used, 0), COALESCE(p.reserved, 0),
		COALESCE(p.unlimited, 0), COALESCE(p.opening, 0), COALESCE(p.refill, ''), p.period_at`+
		from+" LEFT JOIN bots b ON b.id = s.bot_id LEFT JOIN purses p ON p.id = c.purse_id"+where+
		" ORDER BY COALESCE(c.last_opened_at, 0) DESC, s.id DESC, m.id DESC LIMIT $3",
		workspaceID, id, min(max(limit, 1), ListMax))
	for i := range out {
		d.Ledger.overlay(&out[i].Purse)
	}
	return out, err
}

const looseSeatColumns = "s.id, m.id, s.workspace_id, COALESCE(c.allowed, 0), c.first_opened_at, c.last_opened_at, COALESCE(c.purse_id, 0)"

// AllowCustomer puts a customer on the list of a restricted link, or takes them
// off. Who opened it before keeps the seat, and gets in again only when named.
func (d *DB) AllowCustomer(ctx context.Context, by access.Actor, workspaceID int64, sharePublicID, customerPublicID string, allowed bool) error {
	return d.change(ctx, func(t *Tx) error {
		s, err := scanShare(t.row("SELECT "+shareColumns+` FROM shares s
			WHERE s.workspace_id = $1 AND s.public_id = $2 AND s.deleted_at IS NULL`, workspaceID, sharePublicID))
		if err != nil {
			return orNotFound(err, "share link")
		}
		if !s.Restricted {
			return access.Fail(access.Conflict, "share_open_to_all", "This link is open to every customer. Edit the link to name who may open it.")
		}
		m, err := scanCustomer(t.row("SELECT "+customerColumns+` FROM customers m
			WHERE m.workspace_id = $1 AND m.public_id = $2 AND m.deleted_at IS NULL`, workspaceID, customerPublicID))
		if err != nil {
			return orNotFound(err, "customer")
		}
		if _, err := t.exec(`INSERT INTO share_customers (share_id, customer_id, workspace_id, allowed) VALUES ($1, $2, $3, $4)
			ON CONFLICT (share_id, customer_id) DO UPDATE SET allowed = excluded.allowed`, s.ID, m.ID, s.WorkspaceID, flag(allowed)); err != nil {
			return err
		}
		action := "share.disallow"
		if allowed {
			action = "share.allow"
		}
		t.after(func() { d.caches.shares.drop(s.ID) })
		return t.tell(by, event{workspaceID, action, object("share", s.PublicID, s.Name), map[string]any{"customer": m.PublicID, "username": m.Username}})
	})
}

func scanSeatRow(from scanner) (SeatRow, error) {
	var c seatScan
	var m customerScan
	var s shareScan
	var r SeatRow
	var period moment
	into := append(append(c.fields(), m.fields()...), s.fields()...)
	into = append(append(into, &r.BotName), purseFields(&r.Purse, &period)...)
	err := from.Scan(into...)
	r.Seat, r.Customer, r.Share, r.Purse.PeriodAt = c.seat(), m.customer(), s.share(), period.Time
	return r, err
}
