package native

import (
	"context"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// whyBody is a call that was not made. What is left out is not asked.
type whyBody struct {
	Token     Maybe[string] `json:"token"`
	Address   Maybe[string] `json:"address"`
	Model     Maybe[string] `json:"model"`
	Time      Maybe[string] `json:"time"`
	MaxTokens Maybe[int64]  `json:"max_tokens"`
}

// whyView says what would become of it, rule by rule.
type whyView struct {
	Token   *subjectView `json:"token"`
	Address *string      `json:"address"`
	Model   *string      `json:"model"`
	Time    *string      `json:"time"`
	Allowed bool         `json:"allowed"`
	Refusal *refusalView `json:"refusal"`
	Checks  []judgedView `json:"checks"`
	Hold    *holdView    `json:"hold"` // null where no model is known
}

// refusalView is what the caller would be told.
type refusalView struct {
	Rule       string `json:"rule"`
	Code       string `json:"code"`
	Status     int    `json:"status" note:"HTTP status of the answer."`
	Message    string `json:"message"`
	RetryAfter *int64 `json:"retry_after"` // seconds
}

// judgedView is one rule. Result is pass, fail, not_reached or not_asked; passed is
// how the rule judges by itself, null where that cannot be said.
type judgedView struct {
	Rule    string  `json:"rule"`
	Result  string  `json:"result"`
	Passed  *bool   `json:"passed"`
	Code    *string `json:"code"`
	Call    string  `json:"call"`
	Allowed string  `json:"allowed"`
}

// holdView is the worst price of the shortest such call beside what the purses have.
type holdView struct {
	Prompt     int64      `json:"prompt_tokens"`
	Completion *int64     `json:"completion_tokens"` // null: nobody limits the answer
	Units      int64      `json:"units"`
	Dollars    decimal    `json:"dollars"`
	Purses     []roomView `json:"purses"`
}

type roomView struct {
	Of        string `json:"of"`
	Unit      string `json:"unit"`
	Unlimited bool   `json:"unlimited"`
	Quota     int64  `json:"quota"`
	Used      int64  `json:"used"`
	Reserved  int64  `json:"reserved"`
	Remain    *int64 `json:"remain"`
	Needed    int64  `json:"needed"`
	Fits      bool   `json:"fits"`
}

// Why serves POST why: what would become of a call, changing nothing.
func (d *Door) Why(c *fiber.Ctx, by access.Actor) error {
	l := wire.Lang(c, d.Language)
	return change(c, func(ctx context.Context, b whyBody) (any, error) {
		q, err := b.read()
		if err != nil {
			return nil, err
		}
		e, err := d.Gateway.Why(ctx, by, q)
		return d.why(e, l), err
	})
}

func (b whyBody) read() (q gateway.WhatIf, err error) {
	r := &reader{}
	if token := take(r, b.Token, "token"); token != nil {
		q.Token = *token
	}
	if q.Token == "" {
		r.refuse(access.Fail(access.Invalid, "why_token", "Say which API token: its id, or the token itself.").At("token"))
	}
	if b.Address.Value != "" {
		if q.Address, err = netip.ParseAddr(b.Address.Value); err != nil {
			r.refuse(access.Fail(access.Invalid, "why_address", "An address is written like 192.0.2.7 or 2001:db8::7.").At("address"))
		}
		q.Address = q.Address.Unmap()
	}
	q.Model = b.Model.Value
	if at := r.moment(b.Time, "time"); at != nil {
		q.At = *at
	}
	if n := takeOr(b.MaxTokens, 0); n != nil {
		if q.MaxTokens = *n; q.MaxTokens < 1 && !b.MaxTokens.Null {
			r.refuse(access.Fail(access.Invalid, "number_least", "This is a whole number from %d up.", 1).At("max_tokens"))
		}
	}
	return q, r.err()
}

func (d *Door) why(e gateway.Explanation, l lang.Lang) whyView {
	v := whyView{
		Token: subject(e.Token.PublicID, e.Token.Name), Model: orNull(e.Model), Time: at(e.At), Allowed: e.Err == nil,
		Checks: make([]judgedView, 0, len(e.Rules)),
	}
	if e.Address.IsValid() {
		v.Address = orNull(e.Address.String())
	}
	for _, j := range e.Rules {
		one := judgedView{Rule: j.Rule, Result: string(j.Verdict), Code: orNull(codeOf(j.Err)), Call: j.Call, Allowed: j.Allowed}
		if j.Known {
			one.Passed = &j.Passed
		}
		v.Checks = append(v.Checks, one)
		if j.Verdict == gateway.Fails {
			v.Refusal = refusal(j, l)
		}
	}
	if len(e.Rooms) > 0 {
		v.Hold = d.hold(e)
	}
	return v
}

func codeOf(err error) string {
	for _, p := range access.Problems(err) {
		return p.Code
	}
	return ""
}

func refusal(j gateway.Judged, l lang.Lang) *refusalView {
	problems := access.Problems(j.Err)
	v := &refusalView{Rule: j.Rule, Code: codeOf(j.Err), Status: gateway.Status(j.Err), Message: sentence(l, problems[:1])}
	if wait := problems[0].Wait; wait > 0 {
		s := int64((wait + time.Second - 1) / time.Second)
		v.RetryAfter = &s
	}
	return v
}

func (d *Door) hold(e gateway.Explanation) *holdView {
	h := &holdView{Prompt: e.Prompt, Units: e.Worst, Dollars: d.dollars(e.Worst)}
	if e.Answer > 0 {
		h.Completion = &e.Answer
	}
	for _, r := range e.Rooms {
		one := roomView{
			Of: r.Of, Unit: string(r.Purse.Unit), Unlimited: r.Purse.Unlimited, Quota: r.Purse.Quota, Used: r.Purse.Used, Reserved: r.Purse.Reserved,
			Needed: r.Needed, Fits: r.Fits,
		}
		if !r.Purse.Unlimited {
			left := r.Purse.Remain()
			one.Remain = &left
		}
		h.Purses = append(h.Purses, one)
	}
	return h
}
