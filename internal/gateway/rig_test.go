package gateway_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream"
)

// rig is a gateway of its own on a house, with its own patience and a memory of
// nobody's health.
type rig struct {
	*testbed.House
	gate *gateway.Gateway
	t    *testing.T
}

func newRig(t *testing.T, h *testbed.House, s upstream.Settings) *rig {
	t.Helper()
	if s.PrivateHosts == nil {
		s.PrivateHosts = h.Faulty.Private
	}
	s.Now, s.FirstEvent = h.Now, time.Minute // a busy machine sends no long line in a second
	up := upstream.New(s)
	g := gateway.New(gateway.Parts{DB: h.DB, Upstream: up, Keys: h.Keys, Now: h.Now, Random: h.Control.Random, Log: h.Log})
	t.Cleanup(func() { g.Close(); up.Close() })
	return &rig{House: h, gate: g, t: t}
}

// result is what came of a call.
type result struct {
	text   string // that was handed on
	events int
	asked  bool // Ask itself was good
	err    error
	answer *gateway.Answer
}

// call asks and reads to the end.
func (r *rig) call(ctx context.Context, q gateway.Question) (out result) {
	r.t.Helper()
	a, err := r.gate.Ask(ctx, q)
	if err != nil {
		return result{err: err}
	}
	defer a.Close()
	out = result{asked: true, answer: a}
	if a.Body != nil {
		out.text = a.Text
		return out
	}
	var events []gateway.Event
	for {
		events, err = a.Next(events[:0])
		out.events += len(events)
		for _, e := range events {
			out.text += string(e.Text)
		}
		switch {
		case errors.Is(err, gateway.ErrQuiet), err == nil:
		case err == io.EOF: // only the bare one is a good end
			return out
		default:
			out.err = err
			return out
		}
	}
}

// logged is the one row of the request log of a token.
func (r *rig) logged(tokenID int64) db.RequestRow {
	r.t.Helper()
	r.gate.Flush()
	rows, err := r.DB.Requests(r.t.Context(), r.Workspace.ID, db.RequestPage{TokenID: tokenID, Limit: 10})
	if err != nil || len(rows) != 1 {
		r.t.Fatalf("%d rows in the request log, %v", len(rows), err)
	}
	return rows[0]
}

func rowOf(r *rig, k control.Issued) db.TokenRow { return row(r.t, r.House, k.Row.PublicID) }
