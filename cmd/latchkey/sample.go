package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/control"
)

// sampleCmd fills an empty data folder with a workspace that has been in use for
// two months: bots on the demo model, API tokens and share links in every state,
// customers with conversations, and the calls of each day. Everything is written
// through the acts and facts that the product itself uses, under a clock that is
// led through those months, so that every sum and the audit chain hold.
type sampleCmd struct {
	PasswordStdin bool   `name:"password-stdin" help:"Read the owner's password from standard input."`
	Seed          uint64 `default:"1" help:"The same seed at the same time makes the same calls."`
	TimeZone      string `name:"time-zone" default:"UTC" help:"IANA name of the workspace's time zone."`
}

// sampleDays is how many days before the present one the sample begins with calls.
const sampleDays = 60

func (s *sampleCmd) Run(sh *shell, basic *config.Basic) error {
	cfg, err := basic.Validate()
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return usage(fmt.Errorf("--time-zone: there is no zone %q", s.TimeZone))
	}
	password := ""
	if s.PasswordStdin {
		text, err := sh.readSecret("--password-stdin")
		if err != nil {
			return err
		}
		password = text.Reveal()
	}
	folder, err := openFolder(cfg.Data, alone)
	if err != nil {
		return err
	}
	defer folder.Close()
	if _, err := os.Lstat(folder.file(databaseName)); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("sample data needs a data folder without a database; %s has one", cfg.Data), err)
	}
	end := sh.now().Truncate(time.Millisecond)
	clock := &sampleClock{at: end.AddDate(0, 0, -sampleDays-2)}
	past := *sh
	past.now = clock.now
	h, err := past.openHouse(context.Background(), cfg, newLog(sh.stderr, max(cfg.Log, slog.LevelWarn)))
	if err != nil {
		return err
	}
	story := &sample{
		house: h, clock: clock, end: end, zone: zone, rnd: rand.New(rand.NewPCG(s.Seed, 2026)),
		bots: map[string]db.BotRow{}, tokens: map[string]*sampleToken{}, links: map[string]*sampleLink{}, people: map[string]*sampleCustomer{},
	}
	err = story.tell(context.Background(), password)
	if err := errors.Join(plainError(err), h.Close()); err != nil {
		return fmt.Errorf("the sample data is not complete; remove %s and try again: %w", folder.file(databaseName), err)
	}
	fmt.Fprintf(sh.stdout, "Sample data is in %s\nSign in as %s with the password: %s\n", cfg.Data, story.owner.Name, story.password)
	fmt.Fprintf(sh.stdout, "A customer's chat: /s/%s as %s with the password: %s\n", story.links["Acme help desk"].secret, sampleGuest, story.guestPassword)
	return nil
}

// sampleClock is the clock of the story: it stands until it is moved, and never
// goes back.
type sampleClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *sampleClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *sampleClock) to(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.at) {
		c.at = at
	}
}

// sample is the story while it is told.
type sample struct {
	*house
	clock *sampleClock
	end   time.Time // the present
	zone  *time.Location
	rnd   *rand.Rand

	owner, zhou, ana access.Actor
	password         string
	guestPassword    string
	workspace        access.Workspace
	bots             map[string]db.BotRow
	tokens           map[string]*sampleToken
	links            map[string]*sampleLink
	people           map[string]*sampleCustomer

	events []sampleEvent
	calls  []*sampleCall // planned, in the order of time
	done   int           // of calls, how many are written
}

// sampleEvent is something that somebody did at a moment of the story.
type sampleEvent struct {
	at time.Time
	do func(context.Context) error
}

// on plans what happens at an hour of a day before the present one; what lies in
// the future does not happen.
func (s *sample) on(daysAgo, hour, minute int, do func(context.Context) error) {
	s.events = append(s.events, sampleEvent{s.at(daysAgo, hour, minute), do})
}

// at is a moment of the workspace's clock.
func (s *sample) at(daysAgo, hour, minute int) time.Time {
	y, m, d := s.end.In(s.zone).Date()
	return time.Date(y, m, d-daysAgo, hour, minute, 0, 0, s.zone)
}

// tell makes the first people, plans the rest, and lets it happen in order: what
// people do at its moment, the calls of a day at its end.
func (s *sample) tell(ctx context.Context, password string) error {
	if err := s.begin(ctx, password); err != nil {
		return err
	}
	s.plan()
	for day := sampleDays; day >= 0; day-- {
		at := s.at(day-1, 0, 0).Add(-time.Second)
		if at.After(s.end) {
			at = s.end
		}
		s.events = append(s.events, sampleEvent{at, s.writeCalls})
	}
	slices.SortStableFunc(s.events, func(a, b sampleEvent) int { return a.at.Compare(b.at) })
	for _, e := range s.events {
		if e.at.After(s.end) {
			break
		}
		s.clock.to(e.at)
		if err := e.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", e.at.Format(time.DateTime), err)
		}
	}
	return nil
}

// begin makes the owner with the workspace, and the people who help.
func (s *sample) begin(ctx context.Context, password string) error {
	form := control.UserForm{
		Username: new("lin"), Email: new("lin@acme.example"), Nickname: new("Lin Wei"), Workspace: "Acme Support", TimeZone: new(s.zone.String()),
	}
	if password == "" {
		password = s.newPassword()
	}
	form.Password = &password
	made, err := s.control.SetupFromShell(ctx, operator(), form)
	if err != nil {
		return err
	}
	s.password, s.workspace = password, made.Workspace
	s.owner = s.actor(made.User, access.Owner, "198.51.100.20")
	s.owner.IsAdmin = true
	s.clock.to(s.clock.now().Add(7 * time.Minute))
	if s.zhou, err = s.member(ctx, "zhou.ming", "Zhou Ming", "203.0.113.66"); err != nil {
		return err
	}
	s.ana, err = s.member(ctx, "ana.souza", "Ana Souza", "192.0.2.14")
	return err
}

func (s *sample) actor(u access.User, role access.Role, address string) access.Actor {
	return access.Actor{
		Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: u.Username, WorkspaceID: s.workspace.ID, Role: role,
		Door: access.DoorPage, Address: address, Fresh: true,
	}
}

func (s *sample) member(ctx context.Context, name, nickname, address string) (access.Actor, error) {
	m, err := s.control.CreateMember(ctx, s.owner, control.MemberForm{Username: name, Email: new(name + "@acme.example"), Role: access.Editor})
	if err != nil {
		return access.Actor{}, err
	}
	s.clock.to(s.clock.now().Add(2 * time.Minute))
	u, err := s.control.EditUser(ctx, s.owner, m.Row.User.PublicID, control.UserForm{Nickname: &nickname})
	return s.actor(u, access.Editor, address), err
}
