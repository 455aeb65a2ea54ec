package control

import (
	"context"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// FreshFor is how long a password counts as just given.
const FreshFor = 10 * time.Minute

// fresh asks for a password that was just given, of whoever acts on a page.
func fresh(by access.Actor) error {
	if by.Door == access.DoorPage && !by.Fresh {
		return access.Fail(access.Forbidden, "confirm_password", "Confirm your password first; then do this again.")
	}
	return nil
}

// signedOut is what a credential that opens nothing answers, whatever is wrong
// with it.
func signedOut() error { return access.Fail(access.SignedOut, "signed_out", "Sign in first.") }

// asSignedOut makes a missing row a credential that opens nothing.
func asSignedOut(err error) error {
	if access.KindOf(err) == access.NotFound {
		return signedOut()
	}
	return err
}

// Visit returns the user behind a session's value. A session that has run out,
// was ended, or whose account is disabled or deleted is SignedOut.
func (c *Control) Visit(ctx context.Context, value, address string) (access.Visit, error) {
	if !secret.Plausible(value) {
		return access.Visit{}, signedOut()
	}
	s, err := c.DB.FindUserSession(ctx, secret.HashSession(value))
	if err != nil {
		return access.Visit{}, asSignedOut(err)
	}
	v := access.Visit{Session: s.Session, User: s.User, Actor: userActor(s.User, access.DoorPage, address)}
	v.Actor.WorkspaceID, v.Actor.Role = s.Session.WorkspaceID, s.Role
	if s.Role == access.NoRole {
		// The workspace in view is gone, or the role in it: another one is.
		if v.Actor.WorkspaceID, v.Actor.Role, err = c.firstWorkspace(ctx, s.User); err != nil {
			return access.Visit{}, err
		}
	}
	c.seen(ctx, &v, access.UserIdle, address)
	return v, nil
}

// ActorOfSession is Visit for doors that need no account.
func (c *Control) ActorOfSession(ctx context.Context, value, address string) (access.Actor, access.Session, error) {
	v, err := c.Visit(ctx, value, address)
	return v.Actor, v.Session, err
}

// CustomerVisit returns the customer of a workspace behind a session's value. The
// session of another workspace's customer, or of a user, is SignedOut here.
func (c *Control) CustomerVisit(ctx context.Context, workspaceID int64, value, address string) (access.Visit, error) {
	if !secret.Plausible(value) {
		return access.Visit{}, signedOut()
	}
	s, err := c.DB.FindCustomerSession(ctx, workspaceID, secret.HashSession(value))
	if err != nil {
		return access.Visit{}, asSignedOut(err)
	}
	m, err := c.DB.FindCustomer(ctx, s.SubjectID)
	if err != nil {
		return access.Visit{}, asSignedOut(err)
	}
	if m.Deleted || !m.Enabled || m.WorkspaceID != workspaceID {
		return access.Visit{}, signedOut()
	}
	v := access.Visit{Session: s, Customer: m, Actor: customerActor(m, access.DoorChat, address)}
	c.seen(ctx, &v, access.CustomerIdle, address)
	return v, nil
}

// seen moves the idle limit of a session that was used, once a minute, and fills
// in what the actor has from the session.
func (c *Control) seen(ctx context.Context, v *access.Visit, idle time.Duration, address string) {
	now := c.Now()
	since := now.Sub(v.Session.AuthAt)
	v.Actor.SessionHash, v.Actor.Fresh = v.Session.Hash, since >= 0 && since <= FreshFor
	if !seenLongAgo(v.Session.SeenAt, now) {
		return
	}
	until := now.Add(idle)
	if until.After(v.Session.ExpiresAt) {
		until = v.Session.ExpiresAt
	}
	// Pages are read also while the disk takes no writes.
	if err := c.DB.TouchSession(ctx, v.Session.Hash, until, address); err != nil {
		c.Log.WarnContext(ctx, "the use of a session could not be written", "error", err)
	}
}

// seenLongAgo reports whether a use is worth a write. A clock that went back
// counts as long ago.
func seenLongAgo(seen, now time.Time) bool {
	return now.Sub(seen) >= time.Minute || seen.Sub(now) >= time.Minute
}

func userActor(u access.User, door access.Door, address string) access.Actor {
	return access.Actor{
		Kind: access.ActorUser, ID: u.ID, PublicID: u.PublicID, Name: u.Username, IsAdmin: u.IsAdmin, Door: door, Address: address,
	}
}

func customerActor(m access.Customer, door access.Door, address string) access.Actor {
	return access.Actor{
		Kind: access.ActorCustomer, ID: m.ID, PublicID: m.PublicID, Name: m.Username, WorkspaceID: m.WorkspaceID, Door: door, Address: address,
	}
}

// firstWorkspace is where a user begins: at home, else in the first workspace
// with a role, else nowhere.
func (c *Control) firstWorkspace(ctx context.Context, u access.User) (int64, access.Role, error) {
	all, err := c.DB.Memberships(ctx, u.ID)
	if err != nil || len(all) == 0 {
		return 0, access.NoRole, err
	}
	return all[0].Workspace.ID, all[0].Role, nil
}

// actorOf is the actor of an account that is about to sign in.
func (c *Control) actorOf(ctx context.Context, one candidate, door access.Door, address string) (access.Actor, error) {
	if one.kind == access.SubjectCustomer {
		return customerActor(one.customer, door, address), nil
	}
	a := userActor(one.user, door, address)
	var err error
	if door == access.DoorPage {
		a.WorkspaceID, a.Role, err = c.firstWorkspace(ctx, one.user)
		return a, err
	}
	// A dialect called with a user's credential acts at home or nowhere.
	a.WorkspaceID = one.user.HomeID
	if a.WorkspaceID != 0 {
		if a.Role, err = c.DB.RoleIn(ctx, a.WorkspaceID, a.ID); a.Role == access.NoRole {
			a.WorkspaceID = 0
		}
	}
	return a, err
}
