package native

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

type customerView struct {
	ID          string  `json:"id"`
	WorkspaceID string  `json:"workspace_id"`
	Username    string  `json:"username"`
	Email       string  `json:"email"`
	Note        string  `json:"note"`
	Language    string  `json:"language"`
	Status      string  `json:"status"`
	MustChange  bool    `json:"must_change"`
	Shares      int64   `json:"shares"`   // links opened
	Sessions    int64   `json:"sessions"` // sign-ins that are alive
	CreatedBy   *string `json:"created_by"`
	CreatedAt   *string `json:"created_at"`
	LastLoginAt *string `json:"last_login_at"`
	Version     int64   `json:"version"`
	Password    string  `json:"password,omitempty"` // one that was made, in the answer that made it
}

func (s scene) customer(r db.CustomerRow) customerView {
	return customerView{
		ID: r.PublicID, WorkspaceID: s.workspace.PublicID, Username: r.Username, Email: r.Email, Note: r.Note, Language: r.Language,
		Status: string(onOff(r.Enabled)), MustChange: r.MustChange, Shares: r.Links, Sessions: r.Sessions, CreatedBy: orNull(r.MadeBy),
		CreatedAt: at(r.CreatedAt), LastLoginAt: at(r.LastLoginAt), Version: r.Version,
	}
}

type customerBody struct {
	Username Maybe[string] `json:"username"`
	Email    Maybe[string] `json:"email"`
	Note     Maybe[string] `json:"note"`
	Language Maybe[string] `json:"language"`
}

type newCustomer struct {
	customerBody
	Password Maybe[string] `json:"password" note:"One is made when left out."`
}

type editCustomer struct {
	customerBody
	Version Maybe[int64] `json:"version"`
}

func (b customerBody) form(r *reader) control.CustomerForm {
	return control.CustomerForm{
		Username: take(r, b.Username, "username"), Email: takeOr(b.Email, ""), Note: takeOr(b.Note, ""), Language: takeOr(b.Language, ""),
	}
}

// password reads a password; null or none asks for one to be made.
func password(m Maybe[string]) *string {
	if !m.Set || m.Null {
		return nil
	}
	return &m.Value
}

// Customers serves GET customers.
func (d *Door) Customers(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.StatusEnabled, access.StatusDisabled))
	if err != nil {
		return err
	}
	s, err := d.scene(c.UserContext(), by)
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context, p db.Page) ([]db.CustomerRow, int64, error) {
		return d.Control.Customers(ctx, by, p)
	}
	return rows(d, c, l, fetch, func(r db.CustomerRow) int64 { return r.ID }, func(r db.CustomerRow) any { return s.customer(r) })
}

// CreateCustomer serves POST customers.
func (d *Door) CreateCustomer(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b newCustomer) (any, error) {
		var r reader
		f := b.form(&r)
		f.Password = password(b.Password)
		if err := r.err(); err != nil {
			return nil, err
		}
		m, err := d.Control.CreateCustomer(ctx, by, f)
		return spelled(ctx, d, by, m, err, scene.enrolled)
	})
}

func (s scene) enrolled(m control.Enrolled) customerView {
	v := s.customer(m.Row)
	v.Password = m.Password
	return v
}

// Customer serves GET customers/{id}.
func (d *Door) Customer(c *fiber.Ctx, by access.Actor) error {
	v, err := d.customer(c.UserContext(), by, c.Params("id"))
	return show(c, v, err)
}

func (d *Door) customer(ctx context.Context, by access.Actor, id string) (any, error) {
	row, err := d.Control.Customer(ctx, by, id)
	return spelled(ctx, d, by, row, err, scene.customer)
}

// EditCustomer serves PATCH customers/{id}.
func (d *Door) EditCustomer(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editCustomer) (any, error) {
		var r reader
		f := b.form(&r)
		f.Version = r.version(b.Version)
		if err := r.err(); err != nil {
			return nil, err
		}
		row, err := d.Control.EditCustomer(ctx, by, c.Params("id"), f)
		return spelled(ctx, d, by, row, err, scene.customer)
	})
}

// DeleteCustomer serves DELETE customers/{id}.
func (d *Door) DeleteCustomer(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteCustomer(c.UserContext(), by, c.Params("id")))
}

// customerVerb serves POST customers/{id}/… for an act without fields.
func (d *Door) customerVerb(act verb) Handler {
	return func(c *fiber.Ctx, by access.Actor) error {
		return change(c, func(ctx context.Context, _ nothing) (any, error) {
			if err := act(ctx, by, c.Params("id")); err != nil {
				return nil, err
			}
			return d.customer(ctx, by, c.Params("id"))
		})
	}
}

type passwordBody struct {
	Password Maybe[string] `json:"password" note:"One is made when left out."`
}

// ResetCustomerPassword serves POST customers/{id}/reset-password.
func (d *Door) ResetCustomerPassword(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b passwordBody) (any, error) {
		m, err := d.Control.ResetCustomerPassword(ctx, by, c.Params("id"), control.CustomerForm{Password: password(b.Password)})
		return spelled(ctx, d, by, m, err, scene.enrolled)
	})
}
