package control

import (
	"context"
	"errors"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// NewAccount is a user with the password that was made for it; Password is empty
// where the caller chose it. It is kept nowhere in clear.
type NewAccount struct {
	User      access.User
	Workspace access.Workspace
	Password  string
}

// User returns a user of the instance.
func (c *Control) User(ctx context.Context, by access.Actor, publicID string) (access.User, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.User{}, err
	}
	return c.DB.User(ctx, publicID)
}

// UserNamed returns the user who signs in with a name or an address.
func (c *Control) UserNamed(ctx context.Context, by access.Actor, name string) (access.User, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.User{}, err
	}
	return c.DB.UserByName(ctx, fold(name))
}

// Users lists the users of the instance, and how many there are in all pages.
func (c *Control) Users(ctx context.Context, by access.Actor, p db.Page) ([]access.User, int64, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return nil, 0, err
	}
	rows, err := c.DB.Users(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	n, err := c.DB.CountUsers(ctx, p)
	return rows, n, err
}

// CreateUser makes a user with a home workspace.
func (c *Control) CreateUser(ctx context.Context, by access.Actor, f UserForm) (NewAccount, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return NewAccount{}, err
	}
	if err := mayMakeAdmin(by, f.IsAdmin); err != nil {
		return NewAccount{}, err
	}
	return c.makeAccount(ctx, by, f, c.DB.MakeUser)
}

// mayMakeAdmin asks for a fresh password on the page before somebody becomes an
// admin.
func mayMakeAdmin(by access.Actor, admin *bool) error {
	if deref(admin) {
		return fresh(by)
	}
	return nil
}

// UserReach says what a user who is disabled or deleted takes along.
func (c *Control) UserReach(ctx context.Context, by access.Actor, publicID string) (db.UserReach, error) {
	u, err := c.User(ctx, by, publicID)
	if err != nil {
		return db.UserReach{}, err
	}
	return c.DB.UserReach(ctx, u.ID)
}

// Register makes a user for somebody who asks for an account, where the instance
// allows it.
func (c *Control) Register(ctx context.Context, door access.Door, address string, f UserForm) (NewAccount, error) {
	open, err := c.RegistrationOpen(ctx)
	if err != nil {
		return NewAccount{}, err
	}
	if !open {
		return NewAccount{}, access.Fail(access.Forbidden, "registration_closed", "Nobody can sign up here. Ask whoever runs this server for an account.")
	}
	over, wait, err := c.DB.CountTry(ctx, addressLimits(address))
	if err != nil {
		return NewAccount{}, err
	}
	if over >= 0 {
		return NewAccount{}, access.Fail(access.Limited, "sign_in_limited", "Too many tries to sign in came from here. Wait a little, then try again.").After(wait)
	}
	f.IsAdmin = nil
	by := access.Actor{Name: "registration", Door: door, Address: address}
	made, err := c.makeAccount(ctx, by, f, c.DB.MakeUser)
	if err == nil {
		// The address stays counted, so that one cannot register without end.
		err = c.DB.Forgive(ctx, nil, []string{"server"})
	}
	return made, err
}

// RegistrationSetting is the key of the stored choice: "open" or "closed".
const RegistrationSetting = "registration"

// RegistrationOpen reports whether strangers may sign up: what the environment
// says, else what is stored.
func (c *Control) RegistrationOpen(ctx context.Context) (bool, error) {
	if c.RegistrationFixed {
		return c.Registration == "open", nil
	}
	value, err := c.DB.FindSetting(ctx, RegistrationSetting)
	return value == "open", err
}

type maker func(context.Context, access.Actor, db.NewUser) (access.User, access.Workspace, error)

// makeAccount checks a form and hands it to the fact that makes the user.
func (c *Control) makeAccount(ctx context.Context, by access.Actor, f UserForm, make maker) (NewAccount, error) {
	change, err := checkUser(f, true)
	plain, made, wrong := c.userPassword(f.Password, by.Door, deref(f.Username), deref(f.Email), deref(f.Nickname), f.Workspace)
	if err := errors.Join(err, wrong); err != nil {
		return NewAccount{}, err
	}
	hash, err := c.Passwords.Hash(ctx, plain)
	if err != nil {
		return NewAccount{}, err
	}
	n := db.NewUser{
		User: access.User{
			PublicID: secret.NewPublicID(c.Random), Username: *change.Username, UsernameKey: *change.UsernameKey,
			Email: deref(change.Email), EmailKey: deref(change.EmailKey), Nickname: deref(change.Nickname), PasswordHash: hash,
			IsAdmin: deref(f.IsAdmin), MustChange: made, Language: deref(change.Language), TimeZone: deref(change.TimeZone),
		},
		Workspace: f.Workspace, TimeZone: deref(change.TimeZone),
	}
	if n.Workspace == "" {
		n.Workspace = n.User.Shown()
	}
	out := NewAccount{Password: plain}
	if !made {
		out.Password = ""
	}
	out.User, out.Workspace, err = make(ctx, by, n)
	return out, err
}

// EditUser changes the fields that the form names. A password is set by
// ResetPassword.
func (c *Control) EditUser(ctx context.Context, by access.Actor, publicID string, f UserForm) (access.User, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.User{}, err
	}
	old, err := c.DB.User(ctx, publicID)
	if err == nil && !old.IsAdmin {
		err = mayMakeAdmin(by, f.IsAdmin)
	}
	if err != nil {
		return access.User{}, err
	}
	change, err := c.editOf(ctx, publicID, f)
	if err != nil {
		return access.User{}, err
	}
	return c.DB.EditUser(ctx, by, publicID, change)
}

// editOf checks an edit together with what it leaves as it is: name and address
// are one space of names.
func (c *Control) editOf(ctx context.Context, publicID string, f UserForm) (db.UserChange, error) {
	u, err := c.DB.User(ctx, publicID)
	if err != nil {
		return db.UserChange{}, err
	}
	if f.Username == nil && f.Email != nil {
		f.Username = &u.Username
	} else if f.Username != nil && f.Email == nil {
		f.Email = &u.Email
	}
	return checkUser(f, false)
}

// DisableUser stops a user from signing in and ends every sign-in.
func (c *Control) DisableUser(ctx context.Context, by access.Actor, publicID string) (access.User, error) {
	return c.setUserEnabled(ctx, by, publicID, false)
}

// EnableUser lets a disabled user sign in again.
func (c *Control) EnableUser(ctx context.Context, by access.Actor, publicID string) (access.User, error) {
	return c.setUserEnabled(ctx, by, publicID, true)
}

func (c *Control) setUserEnabled(ctx context.Context, by access.Actor, publicID string, enabled bool) (access.User, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.User{}, err
	}
	return c.DB.SetUserEnabled(ctx, by, publicID, enabled)
}

// DeleteUser removes an account, and the workspaces in which nobody else has a
// role.
func (c *Control) DeleteUser(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.RunInstance); err != nil {
		return err
	}
	return c.DB.DeleteUser(ctx, by, publicID)
}

// ResetPassword gives a user a password, or makes one, and ends every sign-in.
func (c *Control) ResetPassword(ctx context.Context, by access.Actor, publicID string, sent *string) (NewAccount, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return NewAccount{}, err
	}
	u, err := c.DB.User(ctx, publicID)
	if err != nil {
		return NewAccount{}, err
	}
	plain, made, err := c.userPassword(sent, access.DoorPage, u.Username, u.Email, u.Nickname)
	if err != nil {
		return NewAccount{}, err
	}
	hash, err := c.Passwords.Hash(ctx, plain)
	if err != nil {
		return NewAccount{}, err
	}
	out := NewAccount{}
	if made {
		out.Password = plain
	}
	out.User, err = c.DB.ResetPassword(ctx, by, publicID, hash, made)
	return out, err
}
