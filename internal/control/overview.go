package control

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// EndsSoon is how near the end of a token or a link needs attention.
const EndsSoon = 14 * 24 * time.Hour

// overviewDays are shown; as many before are what they are compared with.
const overviewDays = 30

// overviewSlots are the pieces of a day that its lines are drawn from.
const overviewSlots = 48

// Overview is how a workspace stands.
type Overview struct {
	Today, ByNow     db.OverviewDay   // today, and yesterday up to this time of day
	TodayLine        []db.OverviewDay // how today came about, so far
	YesterdayLine    []db.OverviewDay // the same of all of yesterday
	Days             []db.OverviewDay // the last thirty, today last: days without a call are zeros
	Before           db.OverviewDay   // the thirty before, in all
	Faults           []string         // of the ledger, for who runs the instance
	Spent            []db.SpentToken
	Ending           []db.Ending
	Stopped          []access.Provider // switched on, and paused by Latchkey
	Stuck            []StuckBot
	Bots, Providers  int
	Tokens, Shares   int64
	FirstCall        bool  // there has been one within the days shown
	ExpectedRequests int64 // of the whole of today, 0 where nothing is to compare with
	ExpectedUnits    int64
}

// StuckBot is a bot that no provider can answer for.
type StuckBot struct {
	access.Bot
	Provider access.Provider // the bot's own, as far as it is there
}

// Overview says how the actor's workspace stands: what needs attention, today
// against the same time yesterday, and the last thirty days.
func (c *Control) Overview(ctx context.Context, by access.Actor) (Overview, error) {
	var o Overview
	if err := by.Must(access.SeeLists); err != nil {
		return o, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return o, err
	}
	o.Tokens, o.Shares = w.TokenCount, w.ShareCount
	now := c.Now().In(w.Location())
	if err := c.overviewDays(ctx, w, now, &o); err != nil {
		return o, err
	}
	if err := c.overviewLines(ctx, w, now, &o); err != nil {
		return o, err
	}
	if by.May(access.RunInstance) {
		o.Faults = c.DB.Ledger.Findings()
	}
	return o, c.overviewTrouble(ctx, w, now, &o)
}

func (c *Control) overviewDays(ctx context.Context, w access.Workspace, now time.Time, o *Overview) error {
	first := now.AddDate(0, 0, 1-2*overviewDays)
	found, err := c.DB.OverviewDays(ctx, w.ID, first.Format(time.DateOnly), now.Format(time.DateOnly))
	if err != nil {
		return err
	}
	at := map[string]db.OverviewDay{}
	for _, one := range found {
		at[one.Day] = one
	}
	for i := range 2 * overviewDays {
		day := first.AddDate(0, 0, i).Format(time.DateOnly)
		one := at[day]
		one.Day = day
		if i < overviewDays {
			add(&o.Before, one)
			continue
		}
		o.Days = append(o.Days, one)
		o.FirstCall = o.FirstCall || one.Requests+one.Refused > 0
	}
	o.Today = o.Days[overviewDays-1]
	return nil
}

func add(sum *db.OverviewDay, one db.OverviewDay) {
	sum.Requests += one.Requests
	sum.Refused += one.Refused
	sum.Units += one.Units
	sum.Customers += one.Customers
}

// overviewLines adds today and yesterday up by pieces of the day. The pieces end at
// this time of day, so that what yesterday had by now is exact.
func (c *Control) overviewLines(ctx context.Context, w access.Workspace, now time.Time, o *Overview) error {
	y, m, d := now.Date()
	q := db.SlotQuery{
		Today: time.Date(y, m, d, 0, 0, 0, 0, now.Location()), Yesterday: time.Date(y, m, d-1, 0, 0, 0, 0, now.Location()),
		Length: 24 * time.Hour / overviewSlots,
	}
	byNow := now.AddDate(0, 0, -1)
	q.From = byNow.Add(-(byNow.Sub(q.Yesterday)/q.Length + 1) * q.Length)
	slots, err := c.DB.Slots(ctx, w.ID, q)
	if err != nil {
		return err
	}
	so, before := make([]db.OverviewDay, overviewSlots+1), make([]db.OverviewDay, overviewSlots+1)
	for _, s := range slots {
		start, line := q.Yesterday, before
		if s.Today {
			start, line = q.Today, so
		}
		one := db.OverviewDay{Requests: s.Requests, Refused: s.Refused, Units: s.Units, Customers: s.Customers}
		add(&line[pieceOf(s.At.Sub(start), q.Length)], one)
		if !s.Today && s.At.Before(byNow) {
			add(&o.ByNow, one)
		}
	}
	o.TodayLine, o.YesterdayLine = rising(so)[:pieceOf(now.Sub(q.Today), q.Length)+1], rising(before)
	whole := o.YesterdayLine[overviewSlots]
	o.ExpectedRequests = expected(o.Today.Requests, o.ByNow.Requests, whole.Requests)
	o.ExpectedUnits = expected(o.Today.Units, o.ByNow.Units, whole.Units)
	return nil
}

// pieceOf is the place of a piece in its day's line: the one that midnight falls
// into is the first.
func pieceOf(since, length time.Duration) int {
	return min(max(int((since+length-1)/length), 0), overviewSlots)
}

// rising turns pieces into how much there was by the end of each.
func rising(pieces []db.OverviewDay) []db.OverviewDay {
	for i := 1; i < len(pieces); i++ {
		add(&pieces[i], pieces[i-1])
	}
	return pieces
}

// expected is what a day comes to if the rest of it goes as yesterday's did, in
// the measure of today so far.
func expected(soFar, byNow, yesterday int64) int64 {
	if soFar == 0 || byNow == 0 || yesterday <= byNow {
		return 0
	}
	return int64(float64(soFar) * float64(yesterday) / float64(byNow))
}

func (c *Control) overviewTrouble(ctx context.Context, w access.Workspace, now time.Time, o *Overview) (err error) {
	week := now.AddDate(0, 0, -6).Format(time.DateOnly)
	spent, err := c.DB.SpentTokens(ctx, w.ID, week, o.Today.Day)
	if err != nil {
		return err
	}
	for _, t := range spent {
		if t.Purse.At(now, w.Location()).Exhausted() {
			o.Spent = append(o.Spent, t)
		}
	}
	if o.Ending, err = c.DB.Endings(ctx, w.ID, now.Add(EndsSoon), week); err != nil {
		return err
	}
	providers, err := c.DB.FindProviders(ctx, w.ID)
	if err != nil {
		return err
	}
	bots, err := c.DB.LiveBots(ctx, w.ID)
	if err != nil {
		return err
	}
	o.Bots, o.Providers = len(bots), len(providers)
	for _, p := range providers {
		if p.Enabled && !p.PausedAt.IsZero() {
			o.Stopped = append(o.Stopped, p)
		}
	}
	for _, b := range bots {
		if b.Enabled && !served(b, providers) {
			o.Stuck = append(o.Stuck, StuckBot{Bot: b, Provider: own(b, providers)})
		}
	}
	return nil
}

// served reports whether some provider can answer for the bot.
func served(b access.Bot, providers []access.Provider) bool {
	return slices.ContainsFunc(providers, func(p access.Provider) bool {
		_, has := p.Model(b.Model)
		return has && p.Serving()
	})
}

func own(b access.Bot, providers []access.Provider) access.Provider {
	for _, p := range providers {
		if p.ID == b.ProviderID {
			return p
		}
	}
	return access.Provider{}
}

// FailingProviders is the workspace's providers that calls may go to, for whoever
// knows how they do.
func (c *Control) FailingProviders(ctx context.Context, by access.Actor, failing func(access.Provider) bool) ([]access.Provider, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	all, err := c.DB.FindProviders(ctx, by.WorkspaceID)
	if err != nil {
		return nil, err
	}
	var out []access.Provider
	for _, p := range all {
		if p.Serving() && failing(p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// DefaultPriced says of each model, as callers named it, whether its calls cost
// the default price: neither it nor what it stands for has one of its own.
func (c *Control) DefaultPriced(ctx context.Context, by access.Actor, models []string) (map[string]bool, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	providers, err := c.DB.FindProviders(ctx, by.WorkspaceID)
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(models))
	for _, name := range models {
		if _, known := out[name]; known || name == "" {
			continue
		}
		if out[name], err = c.defaultPriced(ctx, by, name, providers); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *Control) defaultPriced(ctx context.Context, by access.Actor, name string, providers []access.Provider) (bool, error) {
	model := name
	if slug, isBot := strings.CutPrefix(name, "bot:"); isBot {
		b, err := c.DB.BotByAny(ctx, by.WorkspaceID, slug)
		if access.KindOf(err) == access.NotFound {
			return false, nil
		} else if err != nil {
			return false, err
		}
		model = b.Model
	}
	names := []string{model}
	for _, p := range providers {
		if m, ok := p.Model(model); ok {
			names = append(names, m.UpstreamName)
		}
	}
	for _, one := range names {
		if p, err := c.DB.FindPrice(ctx, one); err != nil || !p.Default {
			return false, err
		}
	}
	return true, nil
}
