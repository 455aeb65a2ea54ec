package gateway

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"latchkey/db"
	"latchkey/internal/access"
)

func (t *trial) tryToken() {
	err := t.stale
	if err == nil {
		err = t.token.Usable(t.at)
	}
	t.judge(RuleToken, cmp.Or(errorCode(err), string(access.StatusEnabled)), "", err)
}

func (t *trial) tryQuota() {
	p := t.left[t.purses.Token]
	t.judge(RuleQuota, "", purseText(p), refusedUnless(!p.Exhausted(), func() error {
		return access.Fail(access.Spent, "insufficient_quota", "The budget of this API token is used up. Ask its owner to raise it.")
	}))
}

func (t *trial) tryAddress() {
	allowed := listText(access.FormatAddresses(t.token.Addresses))
	if !t.address.IsValid() {
		t.judged[RuleAddress] = Judged{Allowed: allowed, Known: len(t.token.Addresses) == 0, Passed: len(t.token.Addresses) == 0}
		return
	}
	t.judge(RuleAddress, t.address.String(), allowed, refusedUnless(t.token.AllowsAddress(t.address), func() error {
		return access.Fail(access.Forbidden, "ip_not_allowed", "Your address %s is not on the list of this API token.", t.address)
	}))
}

// tryTarget asks the rules of model, bot and group. The group's is asked about the
// models that the token's own list left, or where it left none, about all.
func (t *trial) tryTarget(ctx context.Context) error {
	if t.asked == "" && t.token.BotID == 0 {
		t.judged[RuleModel] = Judged{Allowed: t.allowedModels()}
		t.judge(RuleBot, "", "", nil)
		t.tryGroup()
		return nil
	}
	err := t.aimAny(ctx)
	if err != nil && !isRefusal(err) {
		return err
	}
	failed := t.refusedAt(err)
	if err == nil && t.other != "" {
		failed, err = RuleBot, anotherBot()
	}
	if failed == RuleBot && t.bot.ID == 0 && t.token.BotID != 0 {
		if t.bot, err = t.ownBot(ctx, err); err != nil && !isRefusal(err) {
			return err
		}
	}
	t.judge(RuleBot, t.botText(failed), t.boundTo(ctx), refusedUnless(failed != RuleBot, func() error { return err }))
	if failed == RuleBot && t.bot.ID != 0 { // the model of the token's own bot can still be judged
		about := *t.call
		if dry := t.aimAtModel(ctx, &about, t.bot.Model, access.ChatModel, t.bot.ProviderID); dry != nil && !isRefusal(dry) {
			return dry
		}
		t.routes = about.routes
	}
	t.tryModel(failed, err)
	t.tryGroup()
	return nil
}

// aimAny aims at a model that chats, or else at one that embeds.
func (t *trial) aimAny(ctx context.Context) error {
	embeds := *t.call
	err := t.aim(ctx, t.call, "")
	if access.KindOf(err) != access.NotFound || t.token.BotID != 0 {
		return err
	}
	embeds.path = Embeddings
	if t.aim(ctx, &embeds, "") == nil {
		*t.call, err = embeds, nil
	}
	return err
}

// refusedAt is the rule that aiming was refused by, "" for none.
func (t *trial) refusedAt(err error) string {
	switch {
	case err == nil:
		return ""
	case len(t.trace) > 0:
		return t.trace[len(t.trace)-1].Rule
	case t.token.BotID != 0 && t.bot.ID == 0:
		return RuleBot
	}
	return RuleModel
}

// ownBot is the bot that the token is bound to; the refusal stays what it was.
func (t *trial) ownBot(ctx context.Context, refusal error) (access.Bot, error) {
	b, err := t.DB.FindBot(ctx, t.token.BotID)
	return b, cmp.Or(realFault(err), refusal)
}

func (t *trial) botText(failed string) string {
	if failed == RuleBot && strings.HasPrefix(t.asked, botPrefix) {
		return t.asked
	}
	return t.bot.Name
}

// boundTo names the bot of the token, "" where it has none.
func (t *trial) boundTo(ctx context.Context) string {
	if t.token.BotID == 0 {
		return ""
	}
	b, err := t.DB.FindBot(ctx, t.token.BotID)
	if err != nil {
		return ""
	}
	return b.Name
}

func (t *trial) allowedModels() string {
	if !t.token.ModelsLimited {
		return ""
	}
	return listText(t.token.Models)
}

func (t *trial) tryModel(failed string, err error) {
	if failed == RuleModel {
		t.judge(RuleModel, t.asked, t.allowedModels(), err)
		return
	}
	if len(t.routes) == 0 { // the bot is gone: no model to look at
		t.judged[RuleModel] = Judged{Allowed: t.allowedModels()}
		return
	}
	names, all := t.names(), t.routes
	t.narrow(func(m access.Model) bool { return t.token.AllowsModel(m.UpstreamName) })
	t.judge(RuleModel, names, t.allowedModels(), refusedUnless(len(t.routes) > 0, t.modelRefused))
	if len(t.routes) == 0 {
		t.routes = all
	}
}

func (t *trial) tryGroup() {
	if t.group.Enabled && len(t.routes) == 0 {
		allowed := listText(t.group.Models)
		if t.group.AllModels {
			allowed = ""
		}
		t.judged[RuleGroup] = Judged{Allowed: allowed, Known: t.group.AllModels, Passed: t.group.AllModels}
		return
	}
	all, about := t.routes, *t.call
	about.trace = nil
	err := t.admitGroup(&about)
	last := about.trace[len(about.trace)-1]
	t.judge(RuleGroup, last.Call, last.Allowed, err)
	if t.routes = about.routes; len(t.routes) == 0 {
		t.routes = all
	}
}

// tryPace looks at the limits without taking a place in them. At another moment
// than now nothing has been counted yet.
func (t *trial) tryPace() {
	k := t.paced()
	seen := minute{at: t.at.Unix()}
	if t.q.At.IsZero() {
		seen = t.limits.look(k.key)
	}
	requests, tokens := seen.sums()
	over := seen.over(k.pace, t.estimate)
	counts := overrunText(k.pace, requests+1, tokens+t.estimate)
	t.judge(RuleRate, counts, paceText(k.pace), refusedUnless(over == nil, func() error { return over.refusal(k.pace) }))
	at := ""
	if k.pace.concurrent > 0 {
		at = fmt.Sprint(seen.running + 1)
	}
	t.judge(RuleConcurrent, at, countText(k.pace.concurrent), refusedUnless(k.pace.concurrent == 0 || seen.running < k.pace.concurrent, func() error {
		return overrun{concurrent: true, wait: concurrentWait}.refusal(k.pace)
	}))
}

// overrunText spells what a call would make of the counts that are limited.
func overrunText(p pace, requests, tokens int64) string {
	var parts []string
	if p.rpm > 0 {
		parts = append(parts, fmt.Sprintf("%d requests", requests))
	}
	if p.tpm > 0 {
		parts = append(parts, fmt.Sprintf("%d tokens", tokens))
	}
	return strings.Join(parts, " and ")
}

// look is what a subject did in the last minute, changing nothing.
func (l *limits) look(key limitKey) minute {
	l.mu.Lock()
	defer l.mu.Unlock()
	second := l.now().Unix()
	m := minute{at: second}
	if known := l.seen[key]; known != nil {
		m = *known
		m.advance(second)
	}
	return m
}

// tryHold compares the purses with what the shortest such call could cost.
func (t *trial) tryHold(ctx context.Context) error {
	if len(t.routes) == 0 {
		return nil
	}
	m := t.routes[0].model
	if err := t.findPrice(ctx, t.call, m); err != nil {
		return err
	}
	least, limited := access.UnitsMax, false
	for _, p := range t.left {
		if !p.Unlimited && p.Unit == access.Units {
			least, limited = min(least, p.Remain()), true
		}
	}
	t.limitOutput(m, least, limited)
	t.hold = t.makeHold(t.at, limited)
	var short *db.Short
	for _, one := range []struct {
		of string
		id int64
	}{{"token", t.purses.Token}, {"workspace", t.purses.Workspace}} {
		p, ok := t.left[one.id]
		if !ok {
			continue
		}
		r := Room{Of: one.of, Purse: p, Needed: t.hold.Units}
		if p.Unit == access.Messages {
			r.Needed = 1
		}
		r.Fits = p.Unlimited || r.Needed <= p.Remain()
		if !r.Fits && short == nil {
			short = &db.Short{Purse: p}
		}
		t.rooms = append(t.rooms, r)
	}
	allowed := ""
	if short != nil {
		allowed = purseText(short.Purse)
	} else if len(t.rooms) > 0 {
		allowed = purseText(t.rooms[0].Purse)
	}
	t.judge(RuleHold, countText(t.hold.Units), allowed, refusedUnless(short == nil, func() error { return t.shortOf(t.call, short) }))
	return nil
}
