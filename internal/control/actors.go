package control

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// FreshFor is how long a password counts as just given.
const FreshFor = 10 * time.Minute

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

// Bearer is a credential as a program presents it.
type Bearer struct {
	Text      string // without "Bearer "
	Address   string
	Door      access.Door
	Workspace string // public id that X-Latchkey-Workspace names, "" for none
}

// ActorOfBearer returns who stands behind a login token, an API token or the
// master key, and in which workspace it acts: the one that was named if it has
// one there, else a token's own, a user's home, and for the master key at foreign
// doors the oldest. A call of the native API that ends up in none is Invalid; see
// ActorOfInstance.
func (c *Control) ActorOfBearer(ctx context.Context, text, address string, door access.Door, workspace string) (access.Actor, error) {
	a, err := c.ActorOfInstance(ctx, text, address, door, workspace)
	if err == nil && a.WorkspaceID == 0 && door == access.DoorNative {
		return access.Actor{}, access.Fail(access.Invalid, "workspace_missing",
			"Name the workspace in the header X-Latchkey-Workspace.").At("X-Latchkey-Workspace")
	}
	return a, err
}

// ActorOfInstance is ActorOfBearer for routes of the instance as a whole, which
// need no workspace: the actor's WorkspaceID may be 0.
func (c *Control) ActorOfInstance(ctx context.Context, text, address string, door access.Door, workspace string) (access.Actor, error) {
	b := Bearer{Text: text, Address: address, Door: door, Workspace: workspace}
	if secret.Same(b.Text, c.MasterKey) {
		return c.masterActor(ctx, b)
	}
	if !secret.Plausible(b.Text) {
		return access.Actor{}, signedOut()
	}
	login, err := c.DB.FindLoginToken(ctx, secret.HashLogin(b.Text))
	switch {
	case err == nil:
		return c.loginActor(ctx, b, login)
	case access.KindOf(err) != access.NotFound:
		return access.Actor{}, err
	}
	return c.tokenActor(ctx, b)
}

func (c *Control) masterActor(ctx context.Context, b Bearer) (access.Actor, error) {
	a := access.Actor{
		Kind: access.ActorMaster, PublicID: "", Name: "master key", Role: access.Owner, IsAdmin: true, Door: b.Door, Address: b.Address,
	}
	switch {
	case b.Workspace != "":
		w, err := c.DB.WorkspaceByPublicID(ctx, strings.ToLower(b.Workspace))
		a.WorkspaceID = w.ID
		return a, err
	case b.Door == access.DoorNative:
		return a, nil
	}
	w, err := c.DB.OldestWorkspace(ctx)
	if access.KindOf(err) == access.NotFound {
		err = nil
	}
	a.WorkspaceID = w.ID
	return a, err
}

func (c *Control) loginActor(ctx context.Context, b Bearer, login access.LoginToken) (access.Actor, error) {
	// What New API hands out, its cookie and its access token, opens that door alone.
	if (login.Door == access.DoorNewAPIAccess || login.Door == access.DoorNewAPI) && b.Door != access.DoorNewAPI {
		return access.Actor{}, signedOut()
	}
	var a access.Actor
	var err error
	if login.Kind == access.SubjectCustomer {
		a, err = c.customerOfLogin(ctx, b, login)
	} else {
		a, err = c.userOfLogin(ctx, b, login)
	}
	if err != nil {
		return access.Actor{}, err
	}
	a.SessionHash = login.Hash
	if seenLongAgo(login.SeenAt, c.Now()) {
		if err := c.DB.TouchLoginToken(ctx, login.Hash, b.Address); err != nil {
			c.Log.WarnContext(ctx, "the use of a login token could not be written", "error", err)
		}
	}
	return a, nil
}

func (c *Control) customerOfLogin(ctx context.Context, b Bearer, login access.LoginToken) (access.Actor, error) {
	m, err := c.DB.FindCustomer(ctx, login.SubjectID)
	if err != nil {
		return access.Actor{}, asSignedOut(err)
	}
	if m.Deleted || !m.Enabled {
		return access.Actor{}, signedOut()
	}
	return customerActor(m, b.Door, b.Address), nil
}

func (c *Control) userOfLogin(ctx context.Context, b Bearer, login access.LoginToken) (access.Actor, error) {
	u, err := c.DB.FindUser(ctx, login.SubjectID)
	if err != nil {
		return access.Actor{}, asSignedOut(err)
	}
	if !u.Enabled {
		return access.Actor{}, signedOut()
	}
	a := userActor(u, b.Door, b.Address)
	a.WorkspaceID = u.HomeID
	if b.Workspace != "" {
		w, err := c.DB.WorkspaceByPublicID(ctx, strings.ToLower(b.Workspace))
		if err != nil {
			return access.Actor{}, err
		}
		a.WorkspaceID = w.ID
	}
	if a.WorkspaceID == 0 {
		return a, nil
	}
	if a.Role, err = c.DB.RoleIn(ctx, a.WorkspaceID, u.ID); err != nil {
		return access.Actor{}, err
	}
	if a.Role == access.NoRole {
		if b.Workspace != "" {
			return access.Actor{}, unknownWorkspace()
		}
		a.WorkspaceID = 0 // a home that was lost is no home
	}
	return a, nil
}

func unknownWorkspace() error {
	return access.Fail(access.NotFound, "workspace_unknown", "There is no such workspace here.")
}

// tokenActor judges an API token as the gateway does: usable now, and from here.
func (c *Control) tokenActor(ctx context.Context, b Bearer) (access.Actor, error) {
	now := c.Now()
	s, err := c.DB.FindSecret(ctx, secret.Hash(b.Text))
	if err != nil {
		return access.Actor{}, asSignedOut(err)
	}
	if s.Kind != db.TokenSecret || !s.ValidUntil.IsZero() && !s.ValidUntil.After(now) {
		return access.Actor{}, signedOut()
	}
	k, err := c.DB.FindToken(ctx, s.SubjectID)
	if err != nil {
		return access.Actor{}, asSignedOut(err)
	}
	if err := k.Usable(now); err != nil {
		if access.KindOf(err) == access.Expired && k.ExpiredSeenAt.IsZero() {
			if err := c.DB.LatchExpired(ctx, k.ID, k.ExpiresAt); err != nil {
				c.Log.WarnContext(ctx, "an expiry could not be latched", "error", err)
			}
		}
		return access.Actor{}, err
	}
	from, _ := netip.ParseAddr(b.Address)
	if !k.AllowsAddress(from) {
		return access.Actor{}, access.Fail(access.Forbidden, "ip_not_allowed", "This API token may not be used from %s.", b.Address)
	}
	w, err := c.DB.FindWorkspace(ctx, k.WorkspaceID)
	if err != nil {
		return access.Actor{}, asSignedOut(err)
	}
	if b.Workspace != "" && strings.ToLower(b.Workspace) != w.PublicID {
		return access.Actor{}, unknownWorkspace()
	}
	return access.Actor{
		Kind: access.ActorToken, ID: k.ID, PublicID: k.PublicID, Name: k.Name, WorkspaceID: k.WorkspaceID,
		Permissions: k.Permissions, Door: b.Door, Address: b.Address,
	}, nil
}
