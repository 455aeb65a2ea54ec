package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// Settlement ends a call that was answered, whole or in part.
type Settlement struct {
	Hold     *Hold
	Request  access.Request // the row of the request log; its Units are the charge
	Question *QuestionEnd   // the chat's question that this answers, if any
	Empty    bool           // nothing was delivered: it takes no message of an allowance
}

// settling is a settlement on its way to the disk.
type settling struct {
	Settlement
	excess int64
	trace  string
}

// Settle charges a call: it gives the hold back, adds the charge to every purse,
// and writes the request log, the day's usage and the chat's answer, all in one
// transaction. A charge above the hold is cut to it and marked as excess, so used
// never passes quota. Settling a request twice changes nothing.
//
// Settlements that wait together are written together, each purse once.
func (l *Ledger) Settle(ctx context.Context, s Settlement) error {
	one := &settling{Settlement: s, excess: max(0, s.Request.Units-s.Hold.Units)}
	one.Request.Units -= one.excess
	one.trace = spellTrace(s.Request)
	err := l.settling.write(ctx, l.d, one, l.settleAll)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(s.Hold)
	return err
}

// settleAll writes settlements in one transaction.
func (l *Ledger) settleAll(t *Tx, all []*settling) error {
	sums := map[int64]charge{}
	days := map[usageKey]*usageSum{}
	used := map[int64]bool{}
	for _, s := range all {
		first, err := t.endHold(s)
		if err != nil {
			return err
		}
		if !first {
			continue
		}
		// What straddles the end of a period is charged to the new one.
		if err := l.startDue(t, s.Hold.Purses, s.Hold.Zone); err != nil {
			return err
		}
		l.addCharges(sums, s.Hold, s.Request.Units, s.Empty)
		usageOf(days, keyOf(s.Request, t.day(s.Hold.Zone))).add(s.Request, s.Empty)
		if s.Request.TokenID != 0 {
			used[s.Request.TokenID] = true
		}
		if s.Question != nil {
			if err := t.endQuestion(*s.Question); err != nil {
				return err
			}
		}
	}
	return l.writeSums(t, sums, days, used)
}

func (l *Ledger) writeSums(t *Tx, sums map[int64]charge, days map[usageKey]*usageSum, used map[int64]bool) error {
	for id, c := range sums {
		if _, err := t.exec("UPDATE purses SET used = used + $1, reserved = reserved - $2 WHERE id = $3", c.charge, c.reserved, id); err != nil {
			return err
		}
	}
	for key, sum := range days {
		if err := t.addUsage(key, *sum); err != nil {
			return err
		}
	}
	for id := range used {
		if _, err := t.exec("UPDATE api_tokens SET used_at = $1 WHERE id = $2", t.now(), id); err != nil {
			return err
		}
	}
	t.after(func() { l.charged(sums) })
	return nil
}

// usageKey is one row of usage_days.
type usageKey struct {
	workspaceID, tokenID, shareID, customerID, botID int64
	day, model                                       string
}

func keyOf(r access.Request, day string) usageKey {
	return usageKey{r.WorkspaceID, r.TokenID, r.ShareID, r.CustomerID, r.BotID, day, r.Model}
}

// usageSum is what a row of usage_days counts: calls that were answered at least
// in part, how many of them delivered something, those that were refused or failed,
// and what they took.
type usageSum struct{ requests, messages, refused, prompt, completion, units int64 }

// usageOf is the sum of a row, begun where there is none yet.
func usageOf(days map[usageKey]*usageSum, key usageKey) *usageSum {
	if days[key] == nil {
		days[key] = &usageSum{}
	}
	return days[key]
}

// add counts an answered request; empty is one that delivered nothing.
func (sum *usageSum) add(r access.Request, empty bool) {
	sum.requests++
	if !empty {
		sum.messages++
	}
	sum.prompt += r.Usage.Prompt
	sum.completion += r.Usage.Completion
	sum.units += r.Units
}

func (t *Tx) day(zone *time.Location) string { return dayOf(t.at, zone) }

// endHold writes the row that makes a request final. first is false when it was
// final already.
func (t *Tx) endHold(s *settling) (first bool, err error) {
	h, r := s.Hold, s.Request
	if h.durable {
		n, err := t.exec(`UPDATE holds SET state = 'settled', actual = $1, estimated = $2, excess = $3, ended_at = $4
			WHERE request_id = $5 AND state IN ('reserved', 'streaming')`,
			r.Units, flag(r.Usage.Estimated), s.excess, t.now(), h.RequestID)
		if err != nil || n == 0 {
			return false, err
		}
	}
	n, err := t.insertRequest(r, s.trace)
	return n == 1, err
}

// spellTrace spells a trace in a place of its own, into which most fit.
func spellTrace(r access.Request) string {
	return string(access.AppendTrace(make([]byte, 0, 1<<10), r.Trace))
}

type charge struct{ charge, reserved int64 }

// addCharges adds what each purse of a call is charged and gets back.
func (l *Ledger) addCharges(sums map[int64]charge, h *Hold, units int64, empty bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.Purses.each(func(id int64) {
		sum := sums[id]
		if a := l.known[id]; !empty || a.Unit != access.Messages {
			sum.charge += a.amount(units)
		}
		if h.durable {
			sum.reserved += l.known[id].amount(h.Units)
		}
		sums[id] = sum
	})
}

func (l *Ledger) charged(charges map[int64]charge) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range charges {
		a := l.known[id]
		a.Used += c.charge
		a.Reserved -= c.reserved
	}
}

// insertRequest writes a row of the request log, whose trace was spelled already:
// by whoever waits, and not by the one loop that all wait for.
func (t *Tx) insertRequest(r access.Request, trace string) (int64, error) {
	var first any
	if r.FirstByte > 0 {
		first = r.FirstByte.Milliseconds()
	}
	lead := t.mustLead(r)
	n, err := t.exec(`INSERT INTO requests (request_id, at, workspace_id, token_id, share_id, customer_id, bot_id, provider_id,
		model, door, stream, outcome, status, rule, prompt, completion, units, estimated, first_byte_ms, total_ms, address, trace, leads)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
		ON CONFLICT (request_id) DO NOTHING`,
		r.RequestID, ms(r.At), r.WorkspaceID, r.TokenID, r.ShareID, r.CustomerID, r.BotID, r.ProviderID, r.Model, r.Door,
		flag(r.Stream), r.Outcome, r.Status, r.Rule, r.Usage.Prompt, r.Usage.Completion, r.Units, flag(r.Usage.Estimated),
		first, r.Total.Milliseconds(), r.Address, trace, flag(lead))
	if lead && n == 1 {
		l, second := leader{r.WorkspaceID, r.Model}, r.At.Unix()
		t.after(func() { t.d.leads(l, second) })
	}
	return n, err
}

// addUsage adds calls to a row of usage_days.
func (t *Tx) addUsage(k usageKey, sum usageSum) error {
	_, err := t.exec(`INSERT INTO usage_days (workspace_id, day, token_id, share_id, customer_id, bot_id, model,
		requests, messages, refused, prompt, completion, units) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (workspace_id, day, token_id, share_id, customer_id, bot_id, model) DO UPDATE SET
		requests = requests + excluded.requests, messages = messages + excluded.messages, refused = refused + excluded.refused, prompt = prompt + excluded.prompt,
		completion = completion + excluded.completion, units = units + excluded.units`,
		k.workspaceID, k.day, k.tokenID, k.shareID, k.customerID, k.botID, k.model,
		sum.requests, sum.messages, sum.refused, sum.prompt, sum.completion, sum.units)
	return err
}

// Logged is a request that was not charged, and the zone of its workspace.
type Logged struct {
	Request  access.Request
	Zone     *time.Location
	Question *QuestionEnd
}

// LogRequests writes requests that were refused or failed, as one fact.
func (d *DB) LogRequests(ctx context.Context, all []Logged) error {
	return d.change(ctx, func(t *Tx) error {
		for _, one := range all {
			n, err := t.insertRequest(one.Request, spellTrace(one.Request))
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			if err := t.addUsage(keyOf(one.Request, t.day(one.Zone)), usageSum{refused: 1}); err != nil {
				return err
			}
			if one.Question != nil {
				if err := t.endQuestion(*one.Question); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
