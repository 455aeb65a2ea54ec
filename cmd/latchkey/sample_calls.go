package main

import (
	"context"
	"encoding/hex"
	"math"
	"slices"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// sampleCaller is something that asks again and again: a program with a token, or
// a customer on a link.
type sampleCaller struct {
	token        string
	link, person string
	bot, model   string
	perDay       float64 // on a working day of the present
	weekend      float64 // of that, on Saturday and Sunday
	first, last  int     // hours of its day
	since, until int     // days before now
	prompt, said int     // tokens of a call, about
	stream       bool
	address      string
}

// sampleCall is one call: planned, then written at the end of its day.
type sampleCall struct {
	*sampleCaller
	at        time.Time
	model     string
	address   string
	usage     access.Usage
	rule      string // that refuses it, or the fault's code
	outcome   access.Outcome
	status    int
	requestID string
}

var samplePrograms = []sampleCaller{
	{token: "Support desk widget", bot: "Support Bot", model: sampleLarge, perDay: 95, weekend: 0.5, first: 7, last: 21, since: 60, prompt: 720, said: 230, stream: true, address: "203.0.113.24"},
	{token: "客服小程序 · 生产", bot: "客服助手", model: sampleLarge, perDay: 70, weekend: 0.8, first: 1, last: 15, since: 59, prompt: 610, said: 190, stream: true, address: "203.0.113.90"},
	{token: "Docs search", bot: "Docs Bot", model: sampleSmall, perDay: 48, weekend: 0.3, first: 8, last: 19, since: 59, prompt: 1500, said: 320, address: "198.51.100.33"},
	{token: "Nightly eval runner", model: sampleLarge, perDay: 42, weekend: 1, first: 2, last: 4, since: 58, prompt: 3100, said: 780, address: "203.0.113.5"},
	{token: "Partner: Northwind", bot: "Sales Bot", model: sampleLarge, perDay: 24, weekend: 0.2, first: 8, last: 18, since: 58, until: 9, prompt: 540, said: 210, stream: true, address: "192.0.2.77"},
	{token: "Mobile app v1", bot: "Support Bot", model: sampleLarge, perDay: 36, weekend: 1.2, first: 6, last: 23, since: 58, until: 15, prompt: 480, said: 160, stream: true, address: "192.0.2.201"},
	{token: "HR onboarding assistant", bot: "HR Bot", model: sampleSmall, perDay: 14, weekend: 0, first: 8, last: 17, since: 57, prompt: 900, said: 260, address: "203.0.113.12"},
	{token: "Data pipeline", model: sampleEmbed, perDay: 60, weekend: 1, first: 0, last: 23, since: 57, prompt: 5200, said: 0, address: "203.0.113.5"},
	{token: "Trade fair kiosk", bot: "Sales Bot", model: sampleLarge, perDay: 26, weekend: 0.9, first: 9, last: 18, since: 24, until: 3, prompt: 420, said: 180, stream: true, address: "198.51.100.240"},
}

var sampleVisits = []sampleCaller{
	{link: "Acme help desk", person: sampleGuest, perDay: 4, since: 58},
	{link: "Acme help desk", person: "luc.martin", perDay: 2.5, since: 43},
	{link: "Acme help desk", person: "sofia.rossi", perDay: 2, since: 40},
	{link: "Acme help desk", person: "emma.olsen", perDay: 3.5, since: 32},
	{link: "Acme help desk", person: "tomas.novak", perDay: 2, since: 28},
	{link: "客服入口", person: "王芳", perDay: 5, since: 56},
	{link: "客服入口", person: "李雷", perDay: 3, since: 39},
	{link: "客服入口", person: "张伟", perDay: 4, since: 11},
	{link: "Docs for partners", person: "jonas.weber", perDay: 5, since: 54},
	{link: "Docs for partners", person: "priya.nair", perDay: 3, since: 52},
	{link: "Docs for partners", person: "omar.haddad", perDay: 2, since: 50},
	{link: "Beta pilot", person: "yuki.sato", perDay: 4.5, since: 21},
	{link: "Beta pilot", person: sampleGuest, perDay: 2, since: 29},
	{link: "HR pilot", person: "nora.klein", perDay: 2, since: 19, until: 7},
	{link: "Spring webinar", person: "emma.olsen", perDay: 3, since: 31, until: 6},
	{link: "Trade fair", person: "tomas.novak", perDay: 3, since: 23, until: 3},
}

// planCalls draws every call of the past days. What a caller asks follows the
// hours of its day, the week, and a slow growth.
func (s *sample) planCalls() {
	for i := range samplePrograms {
		s.planCaller(&samplePrograms[i])
	}
	for i := range sampleVisits {
		v := sampleVisits[i]
		for _, l := range sampleLinks {
			if l.name == v.link {
				v.bot = l.bot
			}
		}
		for _, b := range sampleBots {
			if b.name == v.bot {
				v.model = b.model
			}
		}
		for _, m := range sampleCustomers {
			if m.name == v.person {
				v.address = m.address
			}
		}
		v.weekend, v.first, v.last, v.prompt, v.said, v.stream = 0.35, 7, 22, 520, 240, true
		s.planCaller(&v)
		s.planSeat(&v)
	}
	// A program was set up with the wrong model, and asked for it all afternoon.
	wrong := samplePrograms[7]
	for range 190 {
		at := s.at(4, 13, 0).Add(time.Duration(s.rnd.IntN(4*3600)) * time.Second)
		s.calls = append(s.calls, &sampleCall{sampleCaller: &wrong, at: at, model: sampleSmall, address: wrong.address, rule: "model_not_allowed"})
	}
	s.sortCalls()
}

func (s *sample) sortCalls() {
	slices.SortStableFunc(s.calls, func(a, b *sampleCall) int { return a.at.Compare(b.at) })
}

func (s *sample) planCaller(c *sampleCaller) {
	for day := c.since; day >= c.until; day-- {
		much := c.perDay * (1.1 - 0.008*float64(day)) * (0.8 + 0.4*s.rnd.Float64())
		if w := s.at(day, 12, 0).Weekday(); w == time.Saturday || w == time.Sunday {
			much *= c.weekend
		}
		calls := int(much)
		if s.rnd.Float64() < much-math.Floor(much) {
			calls++
		}
		for range calls {
			s.planCall(c, day)
		}
	}
}

func (s *sample) planCall(c *sampleCaller, day int) {
	// Two draws meet in the middle of the day more often than at its edges.
	span := float64(c.last-c.first) * 3600
	within := span * (s.rnd.Float64() + s.rnd.Float64()) / 2
	at := s.at(day, c.first, 0).Add(time.Duration(within * float64(time.Second))).Truncate(time.Millisecond)
	if at.After(s.end) {
		return
	}
	spread := func(n int) int64 { return int64(float64(n) * (0.4 + 1.2*s.rnd.Float64())) }
	call := &sampleCall{sampleCaller: c, at: at, model: c.model, address: c.address, usage: access.Usage{Prompt: spread(c.prompt), Completion: spread(c.said)}}
	switch luck := s.rnd.IntN(1000); {
	case luck < 6:
		call.rule, call.outcome, call.status = "provider_first_byte", access.Broken, 504
	case luck < 12 && c.stream:
		call.rule, call.outcome = "caller_left", access.Partial
		call.usage.Completion, call.usage.Estimated = call.usage.Completion/3, true
	case luck < 18 && c.token == "Support desk widget":
		call.rule, call.address = "ip_not_allowed", "198.51.100.77"
	case luck < 26 && c.token != "":
		call.rule = "rate_limit_exceeded"
	}
	s.calls = append(s.calls, call)
}

// planSeat has a customer open a link before the first question on it.
func (s *sample) planSeat(v *sampleCaller) {
	first := time.Time{}
	for _, c := range s.calls {
		if c.sampleCaller == v && (first.IsZero() || c.at.Before(first)) {
			first = c.at
		}
	}
	if first.IsZero() {
		return
	}
	s.events = append(s.events, sampleEvent{first.Add(-40 * time.Second), func(ctx context.Context) error {
		_, err := s.seat(ctx, s.links[v.link], s.people[v.person])
		return err
	}})
}

// charge is what a call costs, in units.
func (s *sample) charge(c *sampleCall) int64 {
	dollars := map[string][2]int64{sampleLarge: {10_000, 30_000}, sampleSmall: {2_000, 2_000}, sampleEmbed: {100, 0}}[c.model] // thousandths a million tokens
	per := s.control.UnitsPerDollar
	return access.Charge(c.usage, access.Price{Prompt: dollars[0] * per / 1000, Completion: dollars[1] * per / 1000}, access.RatioOne)
}

// writeCalls writes the calls up to the present moment of the story as history.
func (s *sample) writeCalls(ctx context.Context) error {
	const batch = 500
	var all []db.PastCall
	for s.done < len(s.calls) && !s.calls[s.done].at.After(s.clock.now()) {
		c := s.calls[s.done]
		s.done++
		all = append(all, s.past(c))
		if len(all) == batch {
			if err := s.db.Ledger.MakeHistory(ctx, s.zone, all); err != nil {
				return err
			}
			all = nil
		}
	}
	return s.db.Ledger.MakeHistory(ctx, s.zone, all)
}

// past decides how a call went and spells it for the request log.
func (s *sample) past(c *sampleCall) db.PastCall {
	r := access.Request{
		RequestID: s.requestID(c), At: c.at, WorkspaceID: s.workspace.ID, BotID: s.bots[c.bot].ID, Model: c.model, Stream: c.stream,
		Door: access.DoorGateway, Address: c.address, Usage: c.usage, Units: s.charge(c), Outcome: access.Answered, Status: 200,
	}
	if c.link != "" {
		r.Model = "bot:" + s.bots[c.bot].Slug // as the gateway names what a chat asks
	}
	p := db.Purses{Workspace: s.workspace.PurseID}
	purse := s.draw(c, &r, &p)
	if c.rule != "" {
		r.Rule, r.Outcome, r.Status = c.rule, c.outcome, c.status
	}
	if r.Outcome == "" {
		r.Outcome, r.Status = access.Refused, sampleStatuses[r.Rule]
	}
	if r.Outcome == access.Answered || r.Outcome == access.Partial {
		s.answer(c, &r, purse)
	} else {
		r.Units, r.Usage, r.Total = 0, access.Usage{}, time.Duration(1+s.rnd.IntN(3))*time.Millisecond
	}
	if r.Outcome == access.Partial {
		r.Status = 200
	}
	if r.Outcome != access.Refused {
		r.ProviderID = s.bots["Support Bot"].ProviderID
	}
	r.Trace = s.trace(c, r, purse)
	return db.PastCall{Request: r, Purses: p}
}

var sampleStatuses = map[string]int{
	"ip_not_allowed": 403, "model_not_allowed": 403, "rate_limit_exceeded": 429, "insufficient_quota": 401, "allowance_used": 403,
}

// draw finds who asks and what they draw on; a purse with nothing left refuses.
func (s *sample) draw(c *sampleCall, r *access.Request, p *db.Purses) *access.Purse {
	if c.token != "" {
		k := s.tokens[c.token]
		r.TokenID, p.Token = k.row.ID, k.row.PurseID
		k.purse = k.purse.At(c.at, s.zone)
		if c.rule == "" && k.purse.Exhausted() {
			c.rule = "insufficient_quota"
		}
		return &k.purse
	}
	link, m := s.links[c.link], s.people[c.person]
	seat := link.seats[c.person]
	r.ShareID, r.CustomerID, r.Door = link.row.ID, m.row.ID, access.DoorChat
	p.Share, p.Customer = link.row.PurseID, seat.ID
	*seat = seat.At(c.at, s.zone)
	if c.rule == "" && seat.Exhausted() {
		c.rule = "allowance_used"
	}
	return seat
}

// answer charges a call in the story's own books, as the ledger will: what is
// left bounds the last answer.
func (s *sample) answer(c *sampleCall, r *access.Request, purse *access.Purse) {
	if purse.Unit == access.Messages {
		purse.Used++
	} else {
		r.Units = min(r.Units, purse.Remain())
		purse.Used += r.Units
	}
	said := time.Duration(r.Usage.Completion) * 11 * time.Millisecond
	first := time.Duration(180+s.rnd.IntN(420)) * time.Millisecond
	r.FirstByte, r.Total = first, first+said
}

func (s *sample) requestID(c *sampleCall) string {
	if c.requestID == "" {
		var b [16]byte
		ms := c.at.UnixMilli()
		for i := range b {
			b[i] = byte(s.rnd.Uint32())
			if i < 6 {
				b[i] = byte(ms >> (8 * (5 - i)))
			}
		}
		c.requestID = hex.EncodeToString(b[:])
	}
	return c.requestID
}
