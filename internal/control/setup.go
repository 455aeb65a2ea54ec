package control

import (
	"context"
	"sync"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// SetupCodeLife is how long a set-up code is good for.
const SetupCodeLife = 30 * time.Minute

// SetupCode guards the making of the first admin: it is printed where only the
// operator reads, held in memory, and used up by success.
type SetupCode struct {
	mu    sync.Mutex
	code  string
	until time.Time
}

// NewSetupCode makes the code of this start.
func NewSetupCode(r secret.Source, now time.Time) *SetupCode {
	return &SetupCode{code: secret.NewSetupCode(r), until: now.Add(SetupCodeLife)}
}

// Code is the code to print, "" once it was used.
func (s *SetupCode) Code() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code
}

// check says whether a typed code is the printed one and still good.
func (s *SetupCode) check(typed string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code == "" || !secret.SameSetupCode(typed, s.code) {
		return access.Fail(access.Forbidden, "setup_code_wrong", "This is not the set-up code that the server printed when it started.").At("code")
	}
	if !now.Before(s.until) {
		return access.Fail(access.Expired, "setup_code_old", "This set-up code was good for 30 minutes. Start the server again; it prints a new one.").At("code")
	}
	return nil
}

func (s *SetupCode) use() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = ""
}

// SetupForm is what the first page of the set-up sends.
type SetupForm struct {
	Code     string
	User     UserForm
	Address  string
	Agent    string
	Device   string
	TimeZone string
}

// SetupCode is the code that this start printed, "" when it was used or none was
// made.
func (c *Control) SetupCode() string {
	if c.FirstCode == nil {
		return ""
	}
	return c.FirstCode.Code()
}

// IsSetUp reports whether the instance has its first admin.
func (c *Control) IsSetUp(ctx context.Context) (bool, error) { return c.DB.AnyAdmin(ctx) }

// Setup makes the first admin of an instance and signs them in. It takes the code
// that the server printed. Of several at once, one succeeds.
func (c *Control) Setup(ctx context.Context, f SetupForm) (SignedIn, error) {
	if there, err := c.IsSetUp(ctx); err != nil {
		return SignedIn{}, err
	} else if there || c.FirstCode == nil {
		return SignedIn{}, db.AlreadySetUp()
	}
	limits := addressLimits(f.Address)
	over, wait, err := c.DB.CountTry(ctx, limits)
	if err != nil {
		return SignedIn{}, err
	}
	if over >= 0 {
		return SignedIn{}, access.Fail(access.Limited, "sign_in_limited", "Too many tries to sign in came from here. Wait a little, then try again.").After(wait)
	}
	if err := c.FirstCode.check(f.Code, c.Now()); err != nil {
		return SignedIn{}, err
	}
	if err := c.DB.Forgive(ctx, nil, []string{limits[0].Key, limits[1].Key}); err != nil {
		return SignedIn{}, err
	}
	by := access.Actor{Name: "set-up", Door: access.DoorPage, Address: f.Address}
	made, err := c.makeAccount(ctx, by, f.User, c.DB.MakeFirstAdmin)
	if err != nil {
		return SignedIn{}, err
	}
	c.FirstCode.use()
	a := Attempt{Door: access.DoorPage, Address: f.Address, Agent: f.Agent, Device: f.Device}
	return c.open(ctx, a, userCandidate(made.User), nil, false, nil)
}

// SetupFromShell makes the first admin without a code, for whoever may read the
// data folder.
func (c *Control) SetupFromShell(ctx context.Context, by access.Actor, f UserForm) (NewAccount, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return NewAccount{}, err
	}
	return c.makeAccount(ctx, by, f, c.DB.MakeFirstAdmin)
}
