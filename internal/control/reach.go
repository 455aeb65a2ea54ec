package control

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// reachSpan is how far back the calls are counted that a token would lose.
const reachSpan = 24 * time.Hour

// TokenReach says what a token that is revoked, disabled or deleted takes with it.
func (c *Control) TokenReach(ctx context.Context, by access.Actor, publicID string) (db.TokenReach, error) {
	row, err := c.Token(ctx, by, publicID)
	if err != nil {
		return db.TokenReach{}, err
	}
	return c.DB.TokenReach(ctx, by.WorkspaceID, row.ID, c.Now().Add(-reachSpan))
}

// TokenUse returns what a token took on each of the last days.
func (c *Control) TokenUse(ctx context.Context, by access.Actor, publicID string, days int) ([]db.DayUse, error) {
	row, err := c.Token(ctx, by, publicID)
	if err != nil {
		return nil, err
	}
	return c.useOf(ctx, by, db.Subject{Token: row.ID}, days)
}

// OldSecrets lists the texts of a token that were replaced and still work, with
// the calls that came with each since.
func (c *Control) OldSecrets(ctx context.Context, by access.Actor, row db.TokenRow) ([]db.OldSecret, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	return c.DB.OldSecrets(ctx, by.WorkspaceID, row.ID)
}

// ShareUse returns what a share link took on each of the last days.
func (c *Control) ShareUse(ctx context.Context, by access.Actor, publicID string, days int) ([]db.DayUse, error) {
	row, err := c.Share(ctx, by, publicID)
	if err != nil {
		return nil, err
	}
	return c.useOf(ctx, by, db.Subject{Share: row.ID}, days)
}

// CustomerUse returns what a customer took on each of the last days.
func (c *Control) CustomerUse(ctx context.Context, by access.Actor, publicID string, days int) ([]db.DayUse, error) {
	row, err := c.Customer(ctx, by, publicID)
	if err != nil {
		return nil, err
	}
	return c.useOf(ctx, by, db.Subject{Customer: row.ID}, days)
}

func (c *Control) useOf(ctx context.Context, by access.Actor, of db.Subject, days int) ([]db.DayUse, error) {
	w, err := c.workspace(ctx, by)
	if err != nil {
		return nil, err
	}
	return c.DB.UseOf(ctx, w.ID, of, days, w.Location())
}

// allThere reports whether a page holds every row of its list, so that nothing is
// left to count.
func allThere(p db.Page, rows int) bool {
	return p.Before == 0 && rows < min(max(p.Limit, 1), db.ListMax)
}

// Cursor spells where a page of one of the workspace's lists ends. It opens in
// that list and workspace alone; a list that is sorted is one of its own.
func (c *Control) Cursor(by access.Actor, list string, at db.Place) string {
	return c.Keys.SignCursor(cursorScope(by, list), append(binary.BigEndian.AppendUint64(nil, uint64(at.Number)), at.Key...))
}

// OpenCursor returns the place of a Cursor, the zero Place for none.
func (c *Control) OpenCursor(by access.Actor, list, text string) (db.Place, error) {
	if text == "" {
		return db.Place{}, nil
	}
	plain, err := c.Keys.OpenCursor(cursorScope(by, list), text)
	if err == nil && len(plain) < 8 {
		err = access.Fail(access.Invalid, "cursor_invalid",
			"This cursor does not belong to this list. Leave it out to start from the beginning.").At("cursor")
	}
	if err != nil {
		return db.Place{}, err
	}
	return db.Place{Number: int64(binary.BigEndian.Uint64(plain)), Key: string(plain[8:])}, nil
}

func cursorScope(by access.Actor, list string) string {
	return list + " " + strconv.FormatInt(by.WorkspaceID, 10)
}
