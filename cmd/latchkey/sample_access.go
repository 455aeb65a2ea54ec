package main

import (
	"context"
	"fmt"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// sampleToken is an API token of the sample: how it was made, and what is left of
// its budget while the story is told.
type sampleToken struct {
	name, bot string
	by        func(*sample) access.Actor
	expires   int // days from now, 0: never
	models    []string
	addresses []string
	share     float64       // of its budget that its calls take, 0: no limit; over 1 exhausts it
	refill    access.Refill // of the budget
	rpm       int64
	note      string
	raised    bool // its budget was a little less at first

	row    db.TokenRow
	budget int64 // units
	purse  access.Purse
}

func byLin(s *sample) access.Actor  { return s.owner }
func byZhou(s *sample) access.Actor { return s.zhou }
func byAna(s *sample) access.Actor  { return s.ana }

var sampleTokens = []sampleToken{
	{name: "Support desk widget", bot: "Support Bot", by: byLin, expires: 84, models: []string{sampleSmall}, addresses: []string{"203.0.113.0/24"}, share: 0.42, rpm: 60, note: "The widget on acme.example/help"},
	{name: "客服小程序 · 生产", bot: "客服助手", by: byZhou, expires: 2, share: 0.93, raised: true, note: "微信小程序后端"},
	{name: "Docs search", bot: "Docs Bot", by: byAna},
	{name: "Nightly eval runner", by: byZhou, expires: 30, share: 1.04, note: "Runs at 02:00"},
	{name: "Partner: Northwind", bot: "Sales Bot", by: byLin, expires: 201, share: 0.25, addresses: []string{"192.0.2.77"}},
	{name: "Mobile app v1", bot: "Support Bot", by: byAna, expires: -14, share: 0.96},
	{name: "HR onboarding assistant", bot: "HR Bot", by: byZhou, expires: 55, share: 0.35, refill: access.RefillMonthly, rpm: 30},
	{name: "Data pipeline", by: byLin, expires: 6, models: []string{sampleEmbed}, share: 0.3, note: "Indexes the help centre"},
	{name: "Trade fair kiosk", bot: "Sales Bot", by: byAna, expires: 20, share: 0.5},
}

// planTokens has the tokens issued, each with a budget of which its calls take
// the share it was given.
func (s *sample) planTokens() {
	for i := range sampleTokens {
		k := sampleTokens[i]
		one := &k
		s.tokens[one.name] = one
		if one.share > 0 {
			spent := s.spentBy(one.name, one.refill)
			dollar := s.control.UnitsPerDollar
			one.budget = max(int64(float64(spent)/one.share)/dollar, 1) * dollar
		}
		s.on(60-i/3, 10+i%3, 7*i, func(ctx context.Context) error { return s.makeToken(ctx, one) })
	}
}

func (s *sample) makeToken(ctx context.Context, k *sampleToken) error {
	form := control.TokenForm{Name: &k.name, Note: &k.note, RPM: &k.rpm}
	if k.bot != "" {
		form.Bot = new(s.bots[k.bot].PublicID)
	}
	if k.expires != 0 {
		form.ExpiresAt = new(s.at(-k.expires, 0, 0))
	}
	if k.models != nil {
		form.Models, form.ModelsLimited = &k.models, new(true)
	}
	if k.addresses != nil {
		form.Addresses = &k.addresses
	}
	if k.share > 0 {
		budget := k.budget
		if k.raised {
			budget = k.budget / 20 * 19
		}
		form.Quota = db.QuotaChange{Quota: &budget, Unlimited: new(false)}
		if k.refill != "" {
			form.Quota.Refill = &k.refill
		}
	}
	made, err := s.control.CreateToken(ctx, k.by(s), form)
	k.row, k.purse = made.Row, made.Row.Purse
	k.purse.Quota = max(k.purse.Quota, k.budget) // what is raised later is never reached before
	return err
}

// sampleLink is a share link of the sample.
type sampleLink struct {
	name, bot   string
	by          func(*sample) access.Actor
	expires     int   // days from now, 0: never
	allowance   int64 // messages of each customer and period, 0: no limit
	refill      access.Refill
	named       []string // who may open it, nil: every customer
	madeDaysAgo int

	row    db.ShareRow
	secret string
	seats  map[string]*access.Purse // by customer
}

var sampleLinks = []sampleLink{
	{name: "Acme help desk", bot: "Support Bot", by: byLin, allowance: 20, refill: access.RefillDaily, madeDaysAgo: 59},
	{name: "客服入口", bot: "客服助手", by: byZhou, allowance: 30, refill: access.RefillDaily, madeDaysAgo: 58},
	{name: "Docs for partners", bot: "Docs Bot", by: byAna, allowance: 200, refill: access.RefillMonthly, named: []string{"jonas.weber", "priya.nair", "omar.haddad"}, madeDaysAgo: 55},
	{name: "Beta pilot", bot: "Sales Bot", by: byLin, expires: 1, allowance: 5, refill: access.RefillDaily, madeDaysAgo: 30},
	{name: "HR pilot", bot: "HR Bot", by: byAna, expires: 40, madeDaysAgo: 41},
	{name: "Spring webinar", bot: "Sales Bot", by: byZhou, expires: -5, madeDaysAgo: 35},
	{name: "Trade fair", bot: "Sales Bot", by: byAna, expires: 25, madeDaysAgo: 24},
}

func (s *sample) planLinks() {
	for i := range sampleLinks {
		link := sampleLinks[i]
		one := &link
		one.seats = map[string]*access.Purse{}
		s.links[one.name] = one
		// Named customers must be there before the link that names them.
		s.on(one.madeDaysAgo, 12, 10+i, func(ctx context.Context) error { return s.makeLink(ctx, one) })
	}
}

func (s *sample) makeLink(ctx context.Context, link *sampleLink) error {
	form := control.ShareForm{Name: &link.name, Bot: new(s.bots[link.bot].PublicID)}
	if link.expires != 0 {
		form.ExpiresAt = new(s.at(-link.expires, 9, 0))
	}
	if link.allowance > 0 {
		form.Allowance, form.Refill = new(&link.allowance), &link.refill
	}
	if link.named != nil {
		var ids []string
		for _, name := range link.named {
			ids = append(ids, s.people[name].row.PublicID)
		}
		form.Customers = new(&ids)
	}
	made, err := s.control.CreateShare(ctx, link.by(s), form)
	link.row, link.secret = made.Row, made.Secret
	return err
}

// sampleCustomer is a customer of the sample.
type sampleCustomer struct {
	name, email, note, language string
	daysAgo                     int
	address                     string

	row      db.CustomerRow
	actor    access.Actor
	password string
}

var sampleCustomers = []sampleCustomer{
	{name: sampleGuest, email: "mei.tanaka@northwind.example", note: "Northwind, service desk", daysAgo: 59, address: "198.51.100.81"},
	{name: "jonas.weber", email: "jonas@weber.example", note: "Partner since March", daysAgo: 58, address: "192.0.2.31"},
	{name: "priya.nair", email: "priya.nair@contoso.example", daysAgo: 58, address: "198.51.100.64"},
	{name: "王芳", email: "wang.fang@acme.example", note: "北京办公室", language: "zh", daysAgo: 57, address: "203.0.113.41"},
	{name: "omar.haddad", email: "omar@northwind.example", daysAgo: 56, address: "192.0.2.190"},
	{name: "luc.martin", email: "luc.martin@contoso.example", daysAgo: 44, address: "198.51.100.12"},
	{name: "sofia.rossi", email: "", note: "No e-mail: send the link by phone", daysAgo: 41, address: "192.0.2.55"},
	{name: "李雷", email: "li.lei@acme.example", language: "zh", daysAgo: 40, address: "203.0.113.42"},
	{name: "emma.olsen", email: "emma@olsen.example", daysAgo: 33, address: "198.51.100.7"},
	{name: "tomas.novak", email: "tomas.novak@northwind.example", daysAgo: 29, address: "192.0.2.203"},
	{name: "yuki.sato", email: "yuki@sato.example", daysAgo: 22, address: "198.51.100.140"},
	{name: "nora.klein", email: "nora.klein@contoso.example", note: "Left in autumn", daysAgo: 20, address: "192.0.2.18"},
	{name: "张伟", email: "zhang.wei@acme.example", language: "zh", daysAgo: 12, address: "203.0.113.43"},
	{name: "carlos.ruiz", email: "carlos@ruiz.example", note: "Has not signed in yet", daysAgo: 3, address: "192.0.2.9"},
}

func (s *sample) planCustomers() {
	for i := range sampleCustomers {
		m := sampleCustomers[i]
		one := &m
		s.people[one.name] = one
		s.on(one.daysAgo, 9, 12+3*i, func(ctx context.Context) error { return s.enrol(ctx, one) })
	}
}

func (s *sample) enrol(ctx context.Context, m *sampleCustomer) error {
	form := control.CustomerForm{Username: &m.name, Email: &m.email, Note: &m.note, Language: &m.language}
	if m.name == sampleGuest {
		m.password = s.newPassword()
		s.guestPassword, form.Password = m.password, &m.password
	}
	made, err := s.control.CreateCustomer(ctx, s.owner, form)
	if made.Password != "" {
		m.password = made.Password
	}
	m.row = made.Row
	return err
}

// seat lets a customer in on a link: the first time they sign in and open it.
func (s *sample) seat(ctx context.Context, link *sampleLink, m *sampleCustomer) (*access.Purse, error) {
	if p := link.seats[m.name]; p != nil {
		return p, nil
	}
	if m.actor.ID == 0 {
		in, err := s.control.SignInCustomer(ctx, s.workspace.ID, control.Attempt{
			Name: m.name, Password: m.password, Door: access.DoorPage, Address: m.address, Agent: sampleBrowser,
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		m.actor = in.Actor
	}
	opened, err := s.control.ShareOf(ctx, link.secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", link.name, err)
	}
	guest, err := s.control.EnterShare(ctx, m.actor, opened)
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w", m.name, link.name, err)
	}
	link.seats[m.name] = &guest.Seat.Purse
	return &guest.Seat.Purse, nil
}

const sampleBrowser = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"

// spentBy is what the planned calls of a token would cost: all, or those of the
// period under way where its budget refills.
func (s *sample) spentBy(token string, refill access.Refill) (units int64) {
	since := refill.PeriodStart(s.end, s.zone)
	if refill == access.RefillMonthly {
		since = s.end.Add(-30 * 24 * time.Hour)
	}
	for _, c := range s.calls {
		if c.token == token && c.at.After(since) {
			units += s.charge(c)
		}
	}
	return units
}
