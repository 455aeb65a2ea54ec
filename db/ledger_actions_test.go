package db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"latchkey/internal/access"
)

// What can happen in the life of a ledger. Each does it to the real one and to
// the model, and compares what both answer. Where a thing cannot happen yet, the
// one before it happens instead: no step is idle.

var (
	refills = rapid.SampledFrom([]access.Refill{access.RefillNone, access.RefillNone, access.RefillDaily, access.RefillWeekly, access.RefillMonthly})
	unitsOf = rapid.SampledFrom([]access.Unit{access.Units, access.Messages})
	amounts = rapid.Int64Range(0, 80)
	quotas  = rapid.Int64Range(0, 300)
)

// perhaps draws a value or nil.
func perhaps[T any](t *rapid.T, from *rapid.Generator[T], name string) *T {
	if rapid.Bool().Draw(t, "with "+name) {
		return ptr(from.Draw(t, name))
	}
	return nil
}

func (l *life) keep(p *modelPurse, id int64) *modelPurse {
	p.id = id
	l.purses[id] = p
	return p
}

func (l *life) MakeToken(t *rapid.T) {
	if len(l.tokens) == 4 {
		l.EditToken(t)
		return
	}
	opening := int64(0)
	p := access.Purse{Unit: access.Units, Quota: quotas.Draw(t, "quota"), Unlimited: rapid.Bool().Draw(t, "unlimited"), Refill: refills.Draw(t, "refill")}
	if p.Refill == access.RefillNone { // as an import brings it
		opening = min(p.Quota, rapid.SampledFrom([]int64{0, 0, 7}).Draw(t, "opening"))
	}
	p.Opening, p.Used = opening, opening
	id := hexID()
	k, err := l.d.MakeToken(context.Background(), l.owner, NewToken{
		Token: access.Token{PublicID: id, WorkspaceID: l.workspace.ID, Name: fmt.Sprintf("token %d", len(l.tokens)), Hint: "9KaB", PermissionsShape: "array"},
		Purse: p, Hash: sha256.Sum256([]byte(id)), BetaHash: sha256.Sum256([]byte("beta " + id)), Zone: modelZone,
	})
	need(t, err)
	l.tokens = append(l.tokens, k)
	l.keep(newModelPurse(p, l.now()), k.PurseID)
}

func (l *life) MakeShare(t *rapid.T) {
	if len(l.shares) == 2 {
		l.EditShare(t)
		return
	}
	id, most := hexID(), perhaps(t, quotas, "cap")
	s := access.Share{
		PublicID: id, WorkspaceID: l.workspace.ID, BotID: 1, Name: fmt.Sprintf("share %d", len(l.shares)), Sealed: []byte("-"), Hint: "9KaB",
		Allowance: perhaps(t, rapid.Int64Range(0, 6), "allowance"), AllowanceUnit: unitsOf.Draw(t, "unit"), Refill: refills.Draw(t, "refill"),
	}
	s, err := l.d.MakeShare(context.Background(), l.owner, NewShare{Share: s, Cap: most, Hash: sha256.Sum256([]byte(id)), Zone: modelZone})
	need(t, err)
	l.shares = append(l.shares, s)
	l.keep(newModelPurse(access.Purse{Unit: access.Units, Quota: deref(most), Unlimited: most == nil, Refill: s.Refill}, l.now()), s.PurseID)
}

// OpenShare seats a customer, or seats one again.
func (l *life) OpenShare(t *rapid.T) {
	if len(l.shares) == 0 {
		l.MakeShare(t)
		return
	}
	s, m := rapid.SampledFrom(l.shares).Draw(t, "share"), rapid.SampledFrom(l.customers).Draw(t, "customer")
	row, err := l.d.OpenShare(context.Background(), s.ID, m, modelZone)
	need(t, err)
	if i := slices.IndexFunc(l.seats, func(x *modelSeat) bool { return x.share == s.ID && x.customer == m }); i >= 0 {
		if l.seats[i].purse.id != row.PurseID {
			t.Fatalf("a second opening made purse %d", row.PurseID)
		}
		return
	}
	p := newModelPurse(access.Purse{Unit: s.AllowanceUnit, Quota: deref(s.Allowance), Unlimited: s.Allowance == nil, Refill: s.Refill}, l.now())
	l.seats = append(l.seats, &modelSeat{share: s.ID, customer: m, purse: l.keep(p, row.PurseID)})
}

// Hold begins a call of a token or of a seat.
func (l *life) Hold(t *rapid.T) {
	if len(l.tokens)+len(l.seats) == 0 {
		l.MakeToken(t)
		return
	}
	h := &Hold{RequestID: hexID(), WorkspaceID: l.workspace.ID, Zone: modelZone, Units: amounts.Draw(t, "units")}
	h.Deadline = l.now().Add(rapid.SampledFrom([]time.Duration{20 * time.Minute, 60 * 24 * time.Hour}).Draw(t, "deadline"))
	h.Request = access.Request{
		RequestID: h.RequestID, At: l.now(), WorkspaceID: l.workspace.ID, BotID: 1, Model: "demo", Door: access.DoorGateway, Outcome: access.Answered, Status: 200,
	}
	h.Purses.Workspace = l.workspace.PurseID
	purses := []*modelPurse{l.purses[l.workspace.PurseID]}
	if i := rapid.IntRange(0, len(l.tokens)+len(l.seats)-1).Draw(t, "caller"); i < len(l.tokens) {
		h.Purses.Token, h.Request.TokenID = l.tokens[i].PurseID, l.tokens[i].ID
		purses = append(purses, l.purses[h.Purses.Token])
	} else {
		seat := l.seats[i-len(l.tokens)]
		h.Request.ShareID, h.Request.CustomerID = seat.share, seat.customer
		h.Purses.Customer = seat.purse.id
		h.Purses.Share = l.share(seat.share).PurseID
		purses = append(purses, seat.purse, l.purses[h.Purses.Share])
	}
	err := l.d.Ledger.Hold(context.Background(), h)
	short := (*Short)(nil)
	if took := take(purses, h.Units, l.now()); took != (err == nil) || !took && !errors.As(err, &short) {
		t.Fatalf("holding %d: %v, the model says %t", h.Units, err, took)
	}
	if err == nil {
		l.calls = append(l.calls, &modelCall{hold: h, purses: purses, state: "memory"})
	}
}

func (l *life) share(id int64) *access.Share {
	return &l.shares[slices.IndexFunc(l.shares, func(s access.Share) bool { return s.ID == id })]
}

// call draws a call that stands somewhere. Where there is none, one begins, and
// nil is returned.
func (l *life) call(t *rapid.T, states ...string) *modelCall {
	var fit []*modelCall
	for _, c := range l.calls {
		if slices.Contains(states, c.state) {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		l.Hold(t)
		return nil
	}
	return rapid.SampledFrom(fit).Draw(t, "call")
}

func (l *life) Stream(t *rapid.T) {
	c := l.call(t, "memory")
	if c == nil {
		return
	}
	floor := amounts.Draw(t, "floor")
	if c.hold.Deadline.Before(l.now()) {
		c.hold.Deadline = l.now().Add(time.Minute)
	}
	need(t, l.d.Ledger.Stream(context.Background(), c.hold, floor))
	c.stream(floor)
}

func (l *life) Checkpoint(t *rapid.T) {
	c := l.call(t, "streaming")
	if c == nil {
		return
	}
	units := rapid.Int64Range(0, 120).Draw(t, "units")
	l.d.Ledger.Checkpoint(c.hold.RequestID, units)
	need(t, l.d.settled())
	c.checkpoint = max(c.checkpoint, min(units, c.hold.Units))
}

func (l *life) settlement(c *modelCall, units int64) Settlement {
	r := c.hold.Request
	r.Units, r.Usage = units, access.Usage{Prompt: 1, Completion: units}
	return Settlement{Hold: c.hold, Request: r}
}

// Settle ends a call, also for more than it held.
func (l *life) Settle(t *rapid.T) {
	c := l.call(t, "memory", "streaming")
	if c == nil {
		return
	}
	units := rapid.Int64Range(0, 120).Draw(t, "units")
	s := l.settlement(c, units)
	s.Empty = rapid.Bool().Draw(t, "empty")
	need(t, l.d.Ledger.Settle(context.Background(), s))
	c.settle(units, s.Empty, l.now())
}

// EndAgain does to a call that is over whatever can be done to one.
func (l *life) EndAgain(t *rapid.T) {
	c := l.call(t, "over")
	if c == nil {
		return
	}
	c.lingers = false
	if c.charged < 0 || rapid.Bool().Draw(t, "release") {
		l.d.Ledger.Release(c.hold)
		need(t, l.d.Ledger.Withdraw(context.Background(), c.hold))
		return
	}
	l.d.Ledger.Checkpoint(c.hold.RequestID, 70)
	need(t, l.d.Ledger.Settle(context.Background(), l.settlement(c, rapid.Int64Range(0, 120).Draw(t, "units"))))
}

func (l *life) Release(t *rapid.T) {
	c := l.call(t, "memory")
	if c == nil {
		return
	}
	l.d.Ledger.Release(c.hold)
	c.release()
}

// Withdraw ends a stream that got no answer.
func (l *life) Withdraw(t *rapid.T) {
	c := l.call(t, "streaming")
	if c == nil {
		return
	}
	need(t, l.d.Ledger.Withdraw(context.Background(), c.hold))
	c.release()
}

// quotaChange draws an owner's edit.
func quotaChange(t *rapid.T) QuotaChange {
	c := QuotaChange{Least: rapid.Bool().Draw(t, "least")}
	switch rapid.IntRange(0, 6).Draw(t, "edit") {
	case 0:
		c.Quota = ptr(quotas.Draw(t, "quota"))
	case 1:
		c.Remain = ptr(quotas.Draw(t, "remain"))
	case 2:
		c.Unlimited = ptr(rapid.Bool().Draw(t, "unlimited"))
	case 3:
		c.Refill = ptr(refills.Draw(t, "refill"))
	case 4:
		c.Quota, c.Unlimited = ptr(quotas.Draw(t, "quota")), ptr(false)
	case 5:
		c.Refill, c.Remain, c.Unlimited = ptr(refills.Draw(t, "refill")), ptr(quotas.Draw(t, "remain")), ptr(false)
	case 6:
		c.Quota = ptr(rapid.SampledFrom([]int64{-1, access.UnitsMax, access.UnitsMax + 1}).Draw(t, "quota"))
	}
	return c
}

func (l *life) EditToken(t *rapid.T) {
	if len(l.tokens) == 0 {
		l.MakeToken(t)
		return
	}
	k, c := rapid.SampledFrom(l.tokens).Draw(t, "token"), quotaChange(t)
	code := l.purses[k.PurseID].edit(c, l.now())
	refusedWith(t, l.d.EditToken(context.Background(), l.owner, l.workspace.ID, k.PublicID, TokenChange{Quota: c}, modelZone), code)
}

func (l *life) EditWorkspace(t *rapid.T) {
	c := quotaChange(t)
	code := l.purses[l.workspace.PurseID].edit(c, l.now())
	_, err := l.d.EditWorkspace(context.Background(), l.owner, l.workspace.ID, WorkspaceChange{Quota: c})
	refusedWith(t, err, code)
}
