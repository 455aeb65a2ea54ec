package gateway

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// The rules of a token, in the order in which they are looked at. The names stand
// in traces and refusals.
const (
	RuleToken      = "token"      // presented, known, not revoked, disabled or expired
	RuleQuota      = "quota"      // something is left
	RuleAddress    = "address"    // the call comes from an allowed address
	RuleModel      = "model"      // named, served here, allowed by the token
	RuleBot        = "bot"        // allowed by the binding
	RulePermission = "permission" // the token may ask
	RuleGroup      = "group"      // exists, enabled, allows the model
	RuleRate       = "rate"       // requests and tokens a minute
	RuleConcurrent = "concurrent" // calls at once
	RuleHold       = "hold"       // the worst price fits into every purse
	RuleShare      = "share"      // the link is open
	RuleCustomer   = "customer"   // the account may use the link
	RuleRole       = "role"       // a user's role allows asking
)

// Rules lists the rules of a token in their order.
func Rules() []string {
	return []string{RuleToken, RuleQuota, RuleAddress, RuleModel, RuleBot, RulePermission, RuleGroup, RuleRate, RuleConcurrent, RuleHold}
}

func newRequestID(now time.Time, random io.Reader) string {
	var b [16]byte
	ms := now.UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (8 * (5 - i)))
	}
	if _, err := io.ReadFull(random, b[6:]); err != nil {
		panic("the system's random source failed: " + err.Error())
	}
	return hex.EncodeToString(b[:])
}

func unknownKey() error {
	return access.Fail(access.SignedOut, "invalid_api_key", "This API token is not known here. Check that it was copied whole.")
}

// admitToken finds out whose secret was presented, and looks at the rules that
// need no model.
func (g *Gateway) admitToken(ctx context.Context, c *call, text string) error {
	if err := g.identify(ctx, c, text); err != nil {
		c.check(RuleToken, false, "", errorCode(err))
		if c.token.ID != 0 { // known, and not to be used: its owner may look the refusal up
			if around := g.company(ctx, c); around != nil && isRefusal(err) && !isRefusal(around) {
				return around
			}
		}
		return err
	}
	c.check(RuleToken, true, string(access.StatusEnabled), "")
	if err := g.company(ctx, c); err != nil {
		return err
	}
	if err := g.admitBudget(ctx, c); err != nil {
		return err
	}
	if !c.check(RuleAddress, c.token.AllowsAddress(c.address), c.address.String(), listText(access.FormatAddresses(c.token.Addresses))) {
		return access.Fail(access.Forbidden, "ip_not_allowed", "Your address %s is not on the list of this API token.", c.address)
	}
	return nil
}

func (g *Gateway) admitBudget(ctx context.Context, c *call) error {
	left, err := g.DB.Ledger.Remain(ctx, c.purses, c.workspace.Location())
	if err != nil {
		return err
	}
	c.atHand = left
	p := left.Of(c.purses.Token)
	if !c.check(RuleQuota, !p.Exhausted(), "", purseText(p)) {
		return access.Fail(access.Spent, "insufficient_quota", "The budget of this API token is used up. Ask its owner to raise it.")
	}
	return nil
}

// identify looks the secret up, and judges the token it leads to.
func (g *Gateway) identify(ctx context.Context, c *call, text string) error {
	if text == "" {
		return access.Fail(access.SignedOut, "missing_api_key", "Send an API token: Authorization: Bearer sk-…")
	}
	if !secret.Plausible(text) {
		return unknownKey()
	}
	c.secret = secret.Hash(text)
	return g.findToken(ctx, c)
}

func (g *Gateway) findToken(ctx context.Context, c *call) error {
	s, err := g.DB.FindSecret(ctx, c.secret)
	if access.KindOf(err) == access.NotFound || err == nil && s.Kind != c.secretKind() {
		return unknownKey()
	}
	if err != nil {
		return err
	}
	now := g.Now()
	if !s.ValidUntil.IsZero() && !s.ValidUntil.After(now) {
		return access.Fail(access.Expired, "token_expired", "This secret was replaced and its time has run out. Use the new one.")
	}
	if c.token, err = g.DB.FindToken(ctx, s.SubjectID); err != nil {
		return err
	}
	err = c.token.Usable(now)
	if access.KindOf(err) == access.Expired && c.token.ExpiredSeenAt.IsZero() {
		if latch := g.DB.LatchExpired(ctx, c.token.ID, c.token.ExpiresAt); latch != nil {
			return latch
		}
	}
	if err == nil && !s.ValidUntil.IsZero() {
		g.refusals.calledWithOld(c.secret)
	}
	return err
}

// company fills in what stands around the token.
func (g *Gateway) company(ctx context.Context, c *call) error {
	w, err := g.DB.FindWorkspace(ctx, c.token.WorkspaceID)
	if access.KindOf(err) == access.NotFound {
		return unknownKey()
	}
	if err != nil {
		return err
	}
	c.workspace = w
	c.purses = db.Purses{Token: c.token.PurseID, Workspace: w.PurseID}
	name := c.token.GroupName
	if name == "" {
		name = w.GroupName
	}
	c.group, err = g.DB.FindGroup(ctx, name)
	if access.KindOf(err) == access.NotFound {
		c.group, err = access.Group{Name: name}, nil
	}
	return err
}

// admitTarget looks at the rules that need the model and the bot.
func (g *Gateway) admitTarget(c *call) error {
	names := c.names()
	c.narrow(func(m access.Model) bool { return c.token.AllowsModel(m.UpstreamName) })
	allowed := listText(c.token.Models)
	if !c.token.ModelsLimited {
		allowed = ""
	}
	if !c.check(RuleModel, len(c.routes) > 0, names, allowed) {
		return c.modelRefused()
	}
	if c.other != "" {
		c.check(RuleBot, false, c.other, c.bot.Name)
		return anotherBot()
	}
	if !c.check(RuleBot, c.token.AllowsBot(c.bot.ID), c.bot.Name, "") {
		return anotherBot()
	}
	if !c.check(RulePermission, c.token.Permissions.Has(access.PermChat), string(access.PermChat), listText(c.token.Permissions)) {
		return access.Fail(access.Forbidden, "permission_denied", "This API token may not ask bots: it lacks the permission chat.")
	}
	return g.admitGroup(c)
}

func anotherBot() error {
	return access.Fail(access.Forbidden, "bot_not_allowed", "This API token belongs to another bot.")
}

func (g *Gateway) admitGroup(c *call) error {
	allowed := listText(c.group.Models)
	if c.group.AllModels {
		allowed = ""
	}
	if !c.group.Enabled {
		c.check(RuleGroup, false, c.group.Name, "")
		return access.Fail(access.Forbidden, "group_not_allowed", "The group %s is not in use any more.", c.group.Name)
	}
	names := c.names()
	c.narrow(func(m access.Model) bool { return c.group.AllowsModel(m.UpstreamName) })
	if !c.check(RuleGroup, len(c.routes) > 0, names, allowed) {
		return access.Fail(access.Forbidden, "group_not_allowed", "The group %s may not use the model %s.", c.group.Name, c.asked)
	}
	return nil
}

func (g *Gateway) keepPace(c *call, key limitKey, limit pace) error {
	leave, over := g.limits.enter(key, limit, c.estimate)
	switch {
	case over == nil:
		c.check(RuleRate, true, "", paceText(limit))
		c.check(RuleConcurrent, true, "", countText(limit.concurrent))
		c.leave = append(c.leave, leave)
		return nil
	case over.concurrent:
		c.check(RuleRate, true, "", paceText(limit))
		c.check(RuleConcurrent, false, fmt.Sprint(limit.concurrent+1), countText(limit.concurrent))
		return over.refusal(limit)
	}
	c.check(RuleRate, false, over.text(), paceText(limit))
	return over.refusal(limit)
}

// still reports why a running call may not go on, nil while it may. It is asked
// several times a second and answers from caches that changes drop.
func (g *Gateway) still(ctx context.Context, c *call) error {
	switch {
	case c.token.ID != 0:
		now := *c
		if err := g.findToken(ctx, &now); err != nil {
			return err
		}
		if c.embedded {
			return g.stillWelcome(ctx, &now)
		}
		if !now.token.AllowsAddress(c.address) {
			return access.Fail(access.Forbidden, "ip_not_allowed", "Your address %s is not on the list of this API token.", c.address)
		}
	case c.share.ID != 0:
		return g.stillOpen(ctx, c)
	case c.actor.Kind == access.ActorUser:
		return g.stillMember(ctx, c)
	}
	return nil
}

func errorCode(err error) string {
	for _, p := range access.Problems(err) {
		return p.Code
	}
	return ""
}

func purseText(p access.Purse) string {
	if p.Unlimited {
		return ""
	}
	b := make([]byte, 0, 96)
	b = strconv.AppendInt(append(b, `{"quota":`...), p.Quota, 10)
	b = strconv.AppendInt(append(b, `,"reserved":`...), p.Reserved, 10)
	b = append(append(b, `,"unit":"`...), p.Unit...)
	b = strconv.AppendInt(append(b, `","used":`...), p.Used, 10)
	return string(append(b, '}'))
}

func listText(entries []string) string { return strings.Join(entries, ", ") }

func countText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func paceText(p pace) string {
	var parts []string
	if p.rpm > 0 {
		parts = append(parts, fmt.Sprintf("%d requests", p.rpm))
	}
	if p.tpm > 0 {
		parts = append(parts, fmt.Sprintf("%d tokens", p.tpm))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " and ") + " a minute"
}

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// least is the tighter of two limits, where 0 is none.
func least(a, b int64) int64 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

func (c *call) modelRefused() error {
	if c.token.ModelsLimited && len(c.token.Models) == 0 {
		return access.Fail(access.Forbidden, "model_not_allowed", "This API token may use no model at all.")
	}
	return access.Fail(access.Forbidden, "model_not_allowed", "This API token may not use the model %s.", c.asked)
}
