package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
	"latchkey/internal/strict"
)

// WhatIf is a call that was not made.
type WhatIf struct {
	Token     string     // public id of the token, or its secret
	Address   netip.Addr // invalid: not asked
	Model     string     // or bot:<id or slug>; "": not asked
	MaxTokens int64      // of the answer, 0: not named
	At        time.Time  // zero: now
}

// Verdict is how a rule judges a call that was not made.
type Verdict string

const (
	Passes     Verdict = "pass"
	Fails      Verdict = "fail"        // and the call ends here
	NotReached Verdict = "not_reached" // an earlier rule refuses
	NotAsked   Verdict = "not_asked"   // the question does not say what the rule looks at
)

// Judged is one rule: its verdict, what it compares, and how it would judge if
// nothing before it refused.
type Judged struct {
	Rule    string
	Verdict Verdict
	Known   bool // Passed says something
	Passed  bool // judged by itself
	Err     error
	Call    string // this call's value
	Allowed string
}

// Room is a purse of the call beside the worst price.
type Room struct {
	Of     string // "token" or "workspace"
	Purse  access.Purse
	Needed int64
	Fits   bool
}

// Explanation is the answer to a WhatIf.
type Explanation struct {
	Token   access.Token
	Address netip.Addr
	Model   string // what would be asked, "" when nobody said
	At      time.Time
	Rules   []Judged // every rule, in the order of Rules
	Err     error    // what the first rule that fails would say, nil: the call would be let in
	Prompt  int64    // tokens that the smallest prompt is bounded by
	Answer  int64    // tokens of answer that would be allowed
	Worst   int64    // units that would be held
	Rooms   []Room   // none where no model is known
}

// Why tries every rule of a token on a call that is not made: each is judged by
// itself, also after the first that would refuse, and the purses are compared with
// the worst price of the shortest such call. Nothing is counted, held or changed.
func (g *Gateway) Why(ctx context.Context, by access.Actor, q WhatIf) (Explanation, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return Explanation{}, err
	}
	t := &trial{Gateway: g, q: q, at: q.At, judged: map[string]Judged{}}
	if t.at.IsZero() {
		t.at = g.Now()
	}
	t.call = &call{began: t.at, door: by.Door, address: q.Address, path: Chat, asked: q.Model, body: &strict.Object{}}
	if err := t.find(ctx, by); err != nil {
		return Explanation{}, err
	}
	if err := g.company(ctx, t.call); err != nil {
		return Explanation{}, err
	}
	if err := t.try(ctx); err != nil {
		return Explanation{}, err
	}
	return t.explain(), nil
}

// trial is a WhatIf under way.
type trial struct {
	*Gateway
	*call
	q      WhatIf
	at     time.Time
	stale  error // the secret that was named has been replaced
	left   map[int64]access.Purse
	rooms  []Room
	judged map[string]Judged
}

// find looks the token up among the asker's own.
func (t *trial) find(ctx context.Context, by access.Actor) error {
	row, err := t.DB.Token(ctx, by.WorkspaceID, t.q.Token)
	if err == nil {
		t.token = row.Token
		return nil
	}
	if access.KindOf(err) != access.NotFound || !secret.Plausible(t.q.Token) {
		return err
	}
	s, unknown := t.DB.FindSecret(ctx, secret.Hash(t.q.Token))
	if unknown != nil || s.Kind != db.TokenSecret {
		return cmp.Or(realFault(unknown), err)
	}
	if t.token, unknown = t.DB.FindToken(ctx, s.SubjectID); unknown != nil || t.token.WorkspaceID != by.WorkspaceID {
		return cmp.Or(realFault(unknown), err)
	}
	if !s.ValidUntil.IsZero() && !s.ValidUntil.After(t.at) {
		t.stale = access.Fail(access.Expired, "token_expired", "This secret was replaced and its time has run out. Use the new one.")
	}
	return nil
}

func realFault(err error) error {
	if isRefusal(err) {
		return nil
	}
	return err
}

func isRefusal(err error) bool { return access.KindOf(err) != 0 }

func asShort(err error) (*db.Short, bool) { return errors.AsType[*db.Short](err) }

// try asks every rule. What it returns is a fault: refusals are verdicts.
func (t *trial) try(ctx context.Context) error {
	left, err := t.DB.Ledger.Look(ctx, t.purses)
	if err != nil {
		return err
	}
	for id, p := range left {
		left[id] = p.At(t.at, t.workspace.Location())
	}
	t.left = left
	t.tryToken()
	t.tryQuota()
	t.tryAddress()
	if err := t.tryTarget(ctx); err != nil {
		return err
	}
	t.judge(RulePermission, string(access.PermChat), listText(t.token.Permissions), refusedUnless(t.token.Permissions.Has(access.PermChat), func() error {
		return access.Fail(access.Forbidden, "permission_denied", "This API token may not ask bots: it lacks the permission chat.")
	}))
	if t.q.MaxTokens > 0 {
		t.body.Set("max_tokens", number(t.q.MaxTokens))
	}
	if err := t.measure(t.defaults()); err != nil { // what the bot prescribes cannot be kept
		t.judge(RuleHold, "", "", err)
		t.routes = nil
	}
	t.tryPace()
	return t.tryHold(ctx)
}

// judge notes how a rule judges by itself.
func (t *trial) judge(rule, called, allowed string, err error) {
	t.judged[rule] = Judged{Rule: rule, Known: true, Passed: err == nil, Err: err, Call: called, Allowed: allowed}
}

func refusedUnless(passed bool, why func() error) error {
	if passed {
		return nil
	}
	return why()
}

// explain puts the verdicts in order: what stands after the first refusal is not
// reached.
func (t *trial) explain() Explanation {
	e := Explanation{Token: t.token, Address: t.address, Model: t.asked, At: t.at, Rooms: t.rooms}
	for _, rule := range Rules() {
		j := t.judged[rule]
		j.Rule = rule
		switch {
		case e.Err != nil:
			j.Verdict = NotReached
		case !j.Known:
			j.Verdict = NotAsked
		case j.Passed:
			j.Verdict = Passes
		default:
			j.Verdict, e.Err = Fails, j.Err
		}
		e.Rules = append(e.Rules, j)
	}
	if len(t.rooms) > 0 {
		e.Prompt, e.Answer, e.Worst = t.prompt, t.cap, t.hold.Units
	}
	return e
}
