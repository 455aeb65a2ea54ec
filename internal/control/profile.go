package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// me refuses whoever is not a user with an account of its own.
func me(by access.Actor) error {
	switch by.Kind {
	case access.ActorUser:
		return nil
	case access.Nobody:
		return signedOut()
	}
	return access.Fail(access.Forbidden, "users_only", "Only a user with an account can do this.")
}

// Profile returns the actor's own account.
func (c *Control) Profile(ctx context.Context, by access.Actor) (access.User, error) {
	if err := me(by); err != nil {
		return access.User{}, err
	}
	return c.DB.FindUser(ctx, by.ID)
}

// EditProfile changes the actor's own names, address, language and time zone.
func (c *Control) EditProfile(ctx context.Context, by access.Actor, f UserForm) (access.User, error) {
	if err := me(by); err != nil {
		return access.User{}, err
	}
	f.IsAdmin, f.Workspace = nil, ""
	change, err := c.editOf(ctx, by.PublicID, f)
	if err != nil {
		return access.User{}, err
	}
	return c.DB.EditUser(ctx, by, by.PublicID, change)
}

// ChangePassword replaces the actor's own password, which takes the present one.
// Unless keepOthers, every other sign-in ends. The answer is the new value of the
// session it came with: the old one is dead.
func (c *Control) ChangePassword(ctx context.Context, by access.Actor, current, plain string, keepOthers bool) (value string, err error) {
	u, err := c.Profile(ctx, by)
	if err != nil {
		return "", err
	}
	if err := c.checkOwnPassword(ctx, by, u, current, "current"); err != nil {
		return "", err
	}
	if err := secret.CheckPassword(plain, secret.MinUser, u.Username, u.Email, u.Nickname); err != nil {
		return "", err
	}
	if plain == current {
		return "", access.Fail(access.Invalid, "password_same", "This is the password you have now. Choose another.").At("password")
	}
	hash, err := c.Passwords.Hash(ctx, plain)
	if err != nil {
		return "", err
	}
	value = secret.NewLogin(c.Random)
	renewed := secret.HashSession(value)
	_, err = c.DB.ChangePassword(ctx, by, u.ID, u.PasswordHash, hash, renewed[:], keepOthers)
	return value, err
}

// ConfirmPassword makes the actor fresh: it takes the password again and answers
// with the new value of the session.
func (c *Control) ConfirmPassword(ctx context.Context, by access.Actor, plain string) (value string, err error) {
	u, err := c.Profile(ctx, by)
	if err != nil {
		return "", err
	}
	if err := c.checkOwnPassword(ctx, by, u, plain, "password"); err != nil {
		return "", err
	}
	return c.renew(ctx, by, c.Now(), 0)
}

// checkOwnPassword judges a password of somebody who is signed in. The account's
// failures count as at sign-in; the session stands for a known device.
func (c *Control) checkOwnPassword(ctx context.Context, by access.Actor, u access.User, plain, field string) error {
	one := userCandidate(u)
	a := Attempt{Name: u.Username, Door: by.Door, Address: by.Address}
	locked, clear, err := c.countTry(ctx, a, &one, true)
	if err != nil {
		return err
	}
	fits, _, err := c.verify(ctx, &one, locked, plain)
	if err != nil {
		return err
	}
	if !fits {
		return access.Fail(access.Invalid, "password_wrong", "This is not your present password, or there were too many tries.").At(field)
	}
	var giveBack []string
	for _, l := range addressLimits(by.Address) {
		giveBack = append(giveBack, l.Key)
	}
	return c.DB.Forgive(ctx, clear, giveBack)
}

// renew gives the actor's session a new value.
func (c *Control) renew(ctx context.Context, by access.Actor, authAt time.Time, workspaceID int64) (value string, err error) {
	value = secret.NewLogin(c.Random)
	hash := secret.HashSession(value)
	_, err = c.DB.RenewSession(ctx, by.SessionHash, hash[:], authAt, workspaceID)
	return value, asSignedOut(err)
}

// RenewSession gives the session a new value, after the role behind it changed.
func (c *Control) RenewSession(ctx context.Context, by access.Actor) (value string, err error) {
	return c.renew(ctx, by, time.Time{}, 0)
}

// SwitchWorkspace brings another workspace into view, one that the actor has a
// role in. The role changes with it, and so does the session's value.
func (c *Control) SwitchWorkspace(ctx context.Context, by access.Actor, publicID string) (value string, err error) {
	if err := me(by); err != nil {
		return "", err
	}
	w, err := c.DB.WorkspaceByPublicID(ctx, publicID)
	if err != nil {
		return "", err
	}
	role, err := c.DB.RoleIn(ctx, w.ID, by.ID)
	if err != nil {
		return "", err
	}
	if role == access.NoRole {
		return "", unknownWorkspace()
	}
	return c.renew(ctx, by, time.Time{}, w.ID)
}

// SaveSession replaces what the actor's session keeps for its pages.
func (c *Control) SaveSession(ctx context.Context, by access.Actor, data string) error {
	return asSignedOut(c.DB.SaveSession(ctx, by.SessionHash, data))
}

// SignOut ends the session or login token that the actor came with. One that has
// ended already is no error.
func (c *Control) SignOut(ctx context.Context, by access.Actor) error {
	kind := access.SubjectUser
	switch by.Kind {
	case access.ActorCustomer:
		kind = access.SubjectCustomer
	case access.ActorUser:
	default:
		return signedOut()
	}
	end := c.DB.EndLoginToken
	if by.Door == access.DoorPage || by.Door == access.DoorChat {
		end = c.DB.EndSession
	}
	err := end(ctx, by, kind, by.ID, by.SessionHash)
	if access.KindOf(err) == access.NotFound {
		return nil
	}
	return err
}

// ReplaceAccessToken gives the actor's account the one access token that New API
// knows of a user, and ends the one before. The text is kept nowhere.
func (c *Control) ReplaceAccessToken(ctx context.Context, by access.Actor) (string, error) {
	if err := me(by); err != nil {
		return "", err
	}
	text := secret.NewLogin(c.Random)
	return text, c.DB.ReplaceAccessToken(ctx, by, by.ID, secret.HashLogin(text))
}

// SignInRow is one sign-in that is alive: a session in a browser, or a login token
// of a program.
type SignInRow struct {
	ID      string // hex of the hash: opens nothing
	Door    access.Door
	Current bool // the one that asks
	Since   time.Time
	SeenAt  time.Time
	Address string
	Agent   string // as the browser named itself, "" for a program
}

// SignIns lists where the actor's account is signed in, the last used first.
func (c *Control) SignIns(ctx context.Context, by access.Actor) ([]SignInRow, error) {
	if err := me(by); err != nil {
		return nil, err
	}
	sessions, err := c.DB.Sessions(ctx, access.SubjectUser, by.ID)
	if err != nil {
		return nil, err
	}
	tokens, err := c.DB.LoginTokens(ctx, access.SubjectUser, by.ID)
	if err != nil {
		return nil, err
	}
	rows := make([]SignInRow, 0, len(sessions)+len(tokens))
	for _, s := range sessions {
		rows = append(rows, SignInRow{
			ID: hex.EncodeToString(s.Hash), Door: access.DoorPage, Current: bytes.Equal(s.Hash, by.SessionHash),
			Since: s.ExpiresAt.Add(-access.UserLifetime), SeenAt: s.SeenAt, Address: s.Address, Agent: s.Agent,
		})
	}
	for _, l := range tokens {
		rows = append(rows, SignInRow{
			ID: hex.EncodeToString(l.Hash), Door: l.Door, Current: bytes.Equal(l.Hash, by.SessionHash),
			Since: l.CreatedAt, SeenAt: l.SeenAt, Address: l.Address,
		})
	}
	slices.SortStableFunc(rows, func(a, b SignInRow) int { return cmp.Compare(b.SeenAt.UnixMilli(), a.SeenAt.UnixMilli()) })
	return rows, nil
}

// EndSignIn ends one of the actor's own sign-ins.
func (c *Control) EndSignIn(ctx context.Context, by access.Actor, id string) error {
	if err := me(by); err != nil {
		return err
	}
	hash, err := hex.DecodeString(id)
	if err != nil {
		return access.Fail(access.NotFound, "not_found", "There is no such %s here.", "session")
	}
	err = c.DB.EndSession(ctx, by, access.SubjectUser, by.ID, hash)
	if access.KindOf(err) == access.NotFound {
		err = c.DB.EndLoginToken(ctx, by, access.SubjectUser, by.ID, hash)
	}
	return err
}

// EndOtherSignIns ends every sign-in of the actor's account but the present one.
func (c *Control) EndOtherSignIns(ctx context.Context, by access.Actor) error {
	if err := me(by); err != nil {
		return err
	}
	return c.DB.EndSessions(ctx, by, access.SubjectUser, by.ID, by.SessionHash)
}
