package gateway_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/testbed"
)

func why(t testing.TB, h *testbed.House, q gateway.WhatIf) gateway.Explanation {
	t.Helper()
	e, err := h.Gateway.Why(t.Context(), h.Owner, q)
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, j := range e.Rules {
		rules = append(rules, j.Rule)
	}
	if !slices.Equal(rules, gateway.Rules()) {
		t.Fatalf("rules %v", rules)
	}
	return e
}

// judged spells an explanation: each rule with its verdict, and in brackets how it
// judges by itself where it was not reached.
func judged(e gateway.Explanation) string {
	var parts []string
	for _, j := range e.Rules {
		text := j.Rule + ":" + string(j.Verdict)
		if j.Verdict == gateway.NotReached && j.Known {
			text += map[bool]string{true: "(pass)", false: "(fail)"}[j.Passed]
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func codeOf(err error) string {
	for _, p := range access.Problems(err) {
		return p.Code
	}
	return ""
}

// facts spells the books: every token with its purse, and the request log.
func facts(t testing.TB, h *testbed.House) string {
	t.Helper()
	h.Gateway.Flush()
	tokens, err := h.DB.Tokens(t.Context(), h.Workspace.ID, db.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := h.DB.Requests(t.Context(), h.Workspace.ID, db.RequestPage{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, k := range tokens {
		fmt.Fprintf(&b, "%s %+v %s\n", k.PublicID, k.Purse, k.UsedAt)
	}
	return fmt.Sprintf("%s%d requests", &b, len(rows))
}

// What Why says of a call is what happens when the call is made, and asking it
// leaves no trace at all.
func TestWhyForetellsTheCall(t *testing.T) {
	h := testbed.New(t)
	past, one, two := h.Now().Add(time.Hour), int64(1), int64(2)
	models, addresses, read, yes := []string{"qwen-max"}, []string{"10.0.0.0/8"}, []string{"read"}, true
	group, err := h.Control.CreateGroup(t.Context(), h.Owner, control.GroupForm{Name: new("partners"), Models: &models, AllModels: new(false)})
	if err != nil {
		t.Fatal(err)
	}
	expired := h.Token(t, control.TokenForm{ExpiresAt: &past})
	h.Wait(2 * time.Hour)
	on := func(do func(context.Context, access.Actor, string) error) control.Issued {
		k := h.Token(t, control.TokenForm{})
		if err := do(t.Context(), h.Owner, k.Row.PublicID); err != nil {
			t.Fatal(err)
		}
		return k
	}
	bot := "bot:" + h.Bot.Slug
	for _, c := range []struct {
		name  string
		token control.Issued
		model string
		max   int64
	}{
		{"nothing in the way", h.Token(t, control.TokenForm{}), "gpt-4o-mini", 0},
		{"a bot", h.Token(t, control.TokenForm{}), bot, 0},
		{"revoked", on(h.Control.RevokeToken), "gpt-4o-mini", 0},
		{"disabled", on(h.Control.DisableToken), "gpt-4o-mini", 0},
		{"expired", expired, "gpt-4o-mini", 0},
		{"spent", h.Token(t, control.TokenForm{Quota: quota(0)}), "gpt-4o-mini", 0},
		{"too little left", h.Token(t, control.TokenForm{Quota: quota(50)}), "gpt-4o-mini", 0},
		{"too long an answer", h.Token(t, control.TokenForm{Quota: quota(5000)}), "gpt-4o-mini", 6000},
		{"an answer that fits", h.Token(t, control.TokenForm{Quota: quota(5000)}), "gpt-4o-mini", 500},
		{"what fits is taken", h.Token(t, control.TokenForm{Quota: quota(5000)}), "gpt-4o-mini", 0},
		{"address", h.Token(t, control.TokenForm{Addresses: &addresses}), "gpt-4o-mini", 0},
		{"model", h.Token(t, control.TokenForm{Models: &models, ModelsLimited: &yes}), "gpt-4o-mini", 0},
		{"model allowed", h.Token(t, control.TokenForm{Models: &models, ModelsLimited: &yes}), "qwen-max", 0},
		{"model unknown", h.Token(t, control.TokenForm{}), "no-such", 0},
		{"bot unknown", h.Token(t, control.TokenForm{}), "bot:no-such", 0},
		{"bound", h.Token(t, control.TokenForm{Bot: &h.Bot.PublicID}), "qwen-max", 0},
		{"bound, another bot", h.Token(t, control.TokenForm{Bot: &h.Bot.PublicID}), "bot:other", 0},
		{"bound, model, another bot", h.Token(t, control.TokenForm{Bot: &h.Bot.PublicID, Models: &models, ModelsLimited: &yes}), "bot:other", 0},
		{"permission", h.Token(t, control.TokenForm{Permissions: &read}), "gpt-4o-mini", 0},
		{"group", h.Token(t, control.TokenForm{Group: &group.Name}), "gpt-4o-mini", 0},
		{"group allows", h.Token(t, control.TokenForm{Group: &group.Name}), "qwen-max", 0},
		{"rate free", h.Token(t, control.TokenForm{RPM: &two, Concurrent: &one}), "gpt-4o-mini", 0},
	} {
		q := gateway.WhatIf{Token: c.token.Row.PublicID, Address: testbed.Loopback, Model: c.model, MaxTokens: c.max}
		before, dump := h.Faulty.Started(), facts(t, h)
		e := why(t, h, q)
		if now := facts(t, h); now != dump || h.Faulty.Started() != before {
			t.Errorf("%s: asking why changed something:\n%s\n%s", c.name, dump, now)
		}
		more := ""
		if c.max > 0 {
			more = fmt.Sprintf(`,"max_tokens":%d`, c.max)
		}
		_, err := h.Gateway.Ask(t.Context(), question(t, c.token.Secret, c.model, more))
		if codeOf(err) != codeOf(e.Err) || (err == nil) != (e.Err == nil) || err != nil && gateway.Status(err) != gateway.Status(e.Err) {
			t.Errorf("%s: the call got %v, Why said %v: %s", c.name, err, e.Err, judged(e))
		}
	}
}

// Every rule is judged, also behind the one that refuses, with what it compares.
func TestWhyJudgesEveryRule(t *testing.T) {
	h := testbed.New(t)
	one, yes, models, addresses := int64(1), true, []string{"qwen-max"}, []string{"10.0.0.0/8"}
	k := h.Token(t, control.TokenForm{Addresses: &addresses, Models: &models, ModelsLimited: &yes, RPM: &one, Concurrent: &one, Quota: quota(50)})
	ask := func(q gateway.WhatIf, want string) gateway.Explanation {
		t.Helper()
		q.Token = k.Row.PublicID
		e := why(t, h, q)
		if got := judged(e); got != want {
			t.Errorf("%+v:\n got %s\nwant %s", q, got, want)
		}
		return e
	}
	ten := netip.MustParseAddr("10.1.2.3")
	e := ask(gateway.WhatIf{Address: testbed.Loopback, Model: "gpt-4o-mini"},
		"token:pass quota:pass address:fail model:not_reached(fail) bot:not_reached(pass) permission:not_reached(pass) group:not_reached(pass)"+
			" rate:not_reached(pass) concurrent:not_reached(pass) hold:not_reached(fail)")
	if j := e.Rules[2]; j.Call != "127.0.0.1" || j.Allowed != "10.0.0.0/8" || codeOf(e.Err) != "ip_not_allowed" {
		t.Errorf("address: %+v, %v", j, e.Err)
	}
	if j := e.Rules[3]; j.Call != "gpt-4o-mini" || j.Allowed != "qwen-max" || codeOf(j.Err) != "model_not_allowed" {
		t.Errorf("model: %+v", j)
	}
	e = ask(gateway.WhatIf{Address: ten, Model: "qwen-max"},
		"token:pass quota:pass address:pass model:pass bot:pass permission:pass group:pass rate:pass concurrent:pass hold:fail")
	if len(e.Rooms) != 2 || e.Rooms[0].Fits || e.Rooms[0].Needed != e.Worst || e.Rooms[0].Purse.Remain() != 50 || e.Worst <= 50 || !e.Rooms[1].Fits || codeOf(e.Err) != "quota_too_low" {
		t.Errorf("rooms %+v, worst %d, %v", e.Rooms, e.Worst, e.Err)
	}
	if j := e.Rules[7]; j.Call != "1 requests" || j.Allowed != "1 requests a minute" {
		t.Errorf("rate: %+v", j)
	}
	ask(gateway.WhatIf{Address: ten},
		"token:pass quota:pass address:pass model:not_asked bot:pass permission:pass group:pass rate:pass concurrent:pass hold:not_asked")
	ask(gateway.WhatIf{},
		"token:pass quota:pass address:not_asked model:not_asked bot:pass permission:pass group:pass rate:pass concurrent:pass hold:not_asked")
	ask(gateway.WhatIf{Address: ten, Model: "no-such"},
		"token:pass quota:pass address:pass model:fail bot:not_reached(pass) permission:not_reached(pass) group:not_reached(pass)"+
			" rate:not_reached(pass) concurrent:not_reached(pass) hold:not_reached")

	raise := control.TokenForm{Quota: quota(1_000_000), Addresses: &[]string{}}
	if _, err := h.Control.EditToken(t.Context(), h.Owner, k.Row.PublicID, raise); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Gateway.Ask(t.Context(), question(t, k.Secret, "qwen-max", "")); err != nil {
		t.Fatal(err)
	}
	e = ask(gateway.WhatIf{Address: ten, Model: "qwen-max"},
		"token:pass quota:pass address:pass model:pass bot:pass permission:pass group:pass rate:fail concurrent:not_reached(pass) hold:not_reached(pass)")
	if j := e.Rules[7]; j.Call != "2 requests" || codeOf(e.Err) != "rate_limit_exceeded" || access.Problems(e.Err)[0].Wait <= 0 {
		t.Errorf("rate: %+v, %v", j, e.Err)
	}
	ask(gateway.WhatIf{Address: ten, Model: "qwen-max", At: h.Now().Add(time.Hour)},
		"token:pass quota:pass address:pass model:pass bot:pass permission:pass group:pass rate:pass concurrent:pass hold:pass")
}

// At another moment the token's end and its refill are those of that moment, and
// the row stays as it is.
func TestWhyAtAnotherTime(t *testing.T) {
	h := testbed.New(t)
	end, daily := h.Now().AddDate(0, 0, 3), access.RefillDaily
	q := quota(20_000)
	q.Refill = &daily
	k := h.Token(t, control.TokenForm{ExpiresAt: &end, Quota: q})
	for {
		if _, err := h.Gateway.Ask(t.Context(), question(t, k.Secret, "gpt-4o-mini", "")); err != nil {
			if codeOf(err) != "quota_too_low" {
				t.Fatal(err)
			}
			break
		}
	}
	used := row(t, h, k.Row.PublicID).Purse.Used
	for _, c := range []struct {
		in   time.Duration
		code string
	}{{0, "quota_too_low"}, {25 * time.Hour, ""}, {80 * time.Hour, "token_expired"}} {
		w := gateway.WhatIf{Token: k.Row.PublicID, Model: "gpt-4o-mini", MaxTokens: 2000}
		if c.in > 0 {
			w.At = h.Now().Add(c.in)
		}
		if e := why(t, h, w); codeOf(e.Err) != c.code {
			t.Errorf("in %s: %v, want %q", c.in, e.Err, c.code)
		}
	}
	if now := row(t, h, k.Row.PublicID); now.Purse.Used != used || !now.ExpiredSeenAt.IsZero() {
		t.Errorf("the token has changed: %+v", now)
	}
}

// Who does not hold a token's workspace learns nothing of the token; who does may
// name it by its secret.
func TestWhyIsForItsOwners(t *testing.T) {
	h := testbed.New(t)
	k := h.Token(t, control.TokenForm{})
	if e := why(t, h, gateway.WhatIf{Token: k.Secret}); e.Token.ID != k.Row.ID {
		t.Errorf("by its secret: %+v", e.Token)
	}
	turned, err := h.Control.RotateToken(t.Context(), h.Owner, k.Row.PublicID, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	h.Wait(2 * time.Minute)
	if e := why(t, h, gateway.WhatIf{Token: k.Secret}); codeOf(e.Err) != "token_expired" || e.Rules[0].Verdict != gateway.Fails {
		t.Errorf("by its old secret: %v", e.Err)
	}
	if e := why(t, h, gateway.WhatIf{Token: turned.Secret}); e.Err != nil {
		t.Errorf("by its new secret: %v", e.Err)
	}
	stranger := h.Owner
	stranger.WorkspaceID++
	for _, name := range []string{k.Row.PublicID, turned.Secret, turned.Beta, k.Beta, "nobody", ""} {
		if _, err := h.Gateway.Why(t.Context(), stranger, gateway.WhatIf{Token: name}); access.KindOf(err) != access.NotFound {
			t.Errorf("a stranger asks about %q: %v", name, err)
		}
	}
	nobody := access.Actor{Kind: access.ActorUser, WorkspaceID: h.Workspace.ID}
	if _, err := h.Gateway.Why(t.Context(), nobody, gateway.WhatIf{Token: k.Row.PublicID}); access.KindOf(err) != access.Forbidden {
		t.Errorf("without a role: %v", err)
	}
}
