package control

import (
	"context"
	"net/netip"
	"strings"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

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

// LoginDoor is the door that issued a login token. A text that is none, or has
// ended, is NotFound.
func (c *Control) LoginDoor(ctx context.Context, text string) (access.Door, error) {
	if !secret.Plausible(text) {
		return "", access.Fail(access.NotFound, "not_found", "There is no such login token here.")
	}
	l, err := c.DB.FindLoginToken(ctx, secret.HashLogin(text))
	return l.Door, err
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
