package db

import (
	"context"

	"latchkey/internal/access"
)

// Look reads the purses of a call as they stand, with what memory holds counted as
// reserved. It changes nothing: a period that has ended stays as it is, and
// access.Purse.At says what the next one begins with.
func (l *Ledger) Look(ctx context.Context, p Purses) (map[int64]access.Purse, error) {
	out := make(map[int64]access.Purse, 4)
	var err error
	p.each(func(id int64) {
		if err != nil {
			return
		}
		var one access.Purse
		if one, err = scanPurse(l.d.row(ctx, "SELECT "+purseColumns+" FROM purses p WHERE p.id = $1", id)); err == nil {
			l.overlay(&one)
			out[id] = one
		}
	})
	return out, err
}
