package native

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

type userView struct {
	ID          string  `json:"id"`
	Number      int64   `json:"number"`
	Username    string  `json:"username"`
	Email       string  `json:"email"`
	Nickname    string  `json:"nickname"`
	IsAdmin     bool    `json:"is_admin"`
	Status      string  `json:"status"`
	MustChange  bool    `json:"must_change"`
	Language    string  `json:"language"`
	TimeZone    string  `json:"time_zone"`
	LastLoginAt *string `json:"last_login_at"`
	CreatedAt   *string `json:"created_at"`
	Version     int64   `json:"version"`
	Password    string  `json:"password,omitempty"` // one that was made, in the answer that made it
}

func spellUser(u access.User, made string) userView {
	return userView{
		ID: u.PublicID, Number: u.ID, Username: u.Username, Email: u.Email, Nickname: u.Nickname, IsAdmin: u.IsAdmin, Status: string(onOff(u.Enabled)),
		MustChange: u.MustChange, Language: u.Language, TimeZone: u.TimeZone, LastLoginAt: at(u.LastLoginAt), CreatedAt: at(u.CreatedAt),
		Version: u.Version, Password: made,
	}
}

type userBody struct {
	Username Maybe[string] `json:"username"`
	Email    Maybe[string] `json:"email"`
	Nickname Maybe[string] `json:"nickname"`
	Password Maybe[string] `json:"password" note:"One is made for a new user when left out; an edit takes it in a call of its own."`
	IsAdmin  Maybe[bool]   `json:"is_admin"`
	Language Maybe[string] `json:"language"`
	TimeZone Maybe[string] `json:"time_zone"`
}

type newUser struct {
	userBody
	Role Maybe[string] `json:"role"`
}

type editUser struct {
	userBody
	Enabled Maybe[bool]  `json:"enabled"`
	Version Maybe[int64] `json:"version"`
}

func (b userBody) form(r *reader) control.UserForm {
	return control.UserForm{
		Username: take(r, b.Username, "username"), Email: takeOr(b.Email, ""), Nickname: takeOr(b.Nickname, ""),
		IsAdmin: take(r, b.IsAdmin, "is_admin"), Language: takeOr(b.Language, ""), TimeZone: takeOr(b.TimeZone, ""),
	}
}

// Users serves GET users.
func (d *Door) Users(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.StatusEnabled, access.StatusDisabled))
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context, p db.Page) ([]access.User, int64, error) { return d.Control.Users(ctx, by, p) }
	return rows(d, c, l, fetch, func(u access.User) int64 { return u.ID }, func(u access.User) any { return spellUser(u, "") })
}

// CreateUser serves POST users. Without a role the user gets a workspace of their
// own; with one, that role in the workspace of the call instead.
func (d *Door) CreateUser(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b newUser) (any, error) {
		var r reader
		f := b.form(&r)
		f.Password = password(b.Password)
		if err := r.err(); err != nil {
			return nil, err
		}
		if b.Role.Set && !b.Role.Null {
			return d.createUserWithRole(ctx, by, b)
		}
		made, err := d.Control.CreateUser(ctx, by, f)
		return spellUser(made.User, made.Password), err
	})
}

func (d *Door) createUserWithRole(ctx context.Context, by access.Actor, b newUser) (any, error) {
	if by.WorkspaceID == 0 {
		return nil, access.Fail(access.Invalid, "workspace_missing", "Name the workspace in the header %s.", workspaceHeader).At(workspaceHeader)
	}
	for field, set := range map[string]bool{"nickname": b.Nickname.Set, "language": b.Language.Set, "time_zone": b.TimeZone.Set} {
		if set {
			return nil, access.Fail(access.Invalid, "field_alone", "%s is changed in a call of its own.", field).At(field)
		}
	}
	var r reader
	f := newMember{Username: b.Username, Email: b.Email, Password: b.Password, Role: b.Role}.form(&r)
	f.IsAdmin, f.New = b.IsAdmin.Value, true
	if err := r.err(); err != nil {
		return nil, err
	}
	m, err := d.Control.CreateMember(ctx, by, f)
	return spellUser(m.Row.User, m.Password), err
}

// User serves GET users/{id}.
func (d *Door) User(c *fiber.Ctx, by access.Actor) error {
	u, err := d.Control.User(c.UserContext(), by, c.Params("id"))
	return show(c, spellUser(u, ""), err)
}

// EditUser serves PATCH users/{id}. A password, and whether the user is enabled,
// each end sign-ins: they come in a call of their own.
func (d *Door) EditUser(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editUser) (any, error) {
		var r reader
		f := b.form(&r)
		f.Version = r.version(b.Version)
		enabled := take(&r, b.Enabled, "enabled")
		fresh := take(&r, b.Password, "password")
		others := f.Username != nil || f.Email != nil || f.Nickname != nil || f.IsAdmin != nil || f.Language != nil || f.TimeZone != nil || f.Version != 0
		if fresh != nil && (others || enabled != nil) {
			r.refuse(access.Fail(access.Invalid, "field_alone", "%s is changed in a call of its own.", "password").At("password"))
		} else if enabled != nil && others {
			r.refuse(access.Fail(access.Invalid, "field_alone", "%s is changed in a call of its own.", "enabled").At("enabled"))
		}
		if err := r.err(); err != nil {
			return nil, err
		}
		return d.editUser(ctx, by, c.Params("id"), f, fresh, enabled)
	})
}

func (d *Door) editUser(ctx context.Context, by access.Actor, id string, f control.UserForm, fresh *string, enabled *bool) (any, error) {
	var u access.User
	var err error
	switch {
	case fresh != nil:
		var made control.NewAccount
		made, err = d.Control.ResetPassword(ctx, by, id, fresh)
		u = made.User
	case enabled != nil && *enabled:
		u, err = d.Control.EnableUser(ctx, by, id)
	case enabled != nil:
		u, err = d.Control.DisableUser(ctx, by, id)
	default:
		u, err = d.Control.EditUser(ctx, by, id, f)
	}
	return spellUser(u, ""), err
}

// DeleteUser serves DELETE users/{id}.
func (d *Door) DeleteUser(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteUser(c.UserContext(), by, c.Params("id")))
}
