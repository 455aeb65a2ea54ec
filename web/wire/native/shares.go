package native

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

type shareView struct {
	ID            string  `json:"id"`
	WorkspaceID   string  `json:"workspace_id"`
	BotID         string  `json:"bot_id"`
	Name          string  `json:"name"`
	Status        string  `json:"status"`
	Hint          string  `json:"hint"`
	ExpiresAt     *string `json:"expires_at"`
	MaxCustomers  *int64  `json:"max_customers"`
	RPM           int64   `json:"rpm"`
	Allowance     *int64  `json:"allowance"`
	AllowanceUnit string  `json:"allowance_unit"`
	Refill        string  `json:"refill"`
	Cap           *int64  `json:"cap"`
	Used          int64   `json:"used"`
	Reserved      int64   `json:"reserved"`
	Remain        *int64  `json:"remain"` // of the cap, null: none
	Restricted    bool    `json:"restricted"`
	Named         int64   `json:"named"`  // customers on the list of a restricted link
	Opened        int64   `json:"opened"` // customers who opened it
	CreatedBy     *string `json:"created_by"`
	CreatedAt     *string `json:"created_at"`
	UpdatedAt     *string `json:"updated_at"`
	PausedAt      *string `json:"paused_at"`
	RevokedAt     *string `json:"revoked_at"`
	Version       int64   `json:"version"`
}

// oneShare is a link with the list of who may open it, which lists of links leave
// out.
type oneShare struct {
	shareView
	Customers *[]string `json:"customers"`
	Secret    string    `json:"secret,omitempty"`
	URL       string    `json:"url,omitempty"`
}

func (s scene) share(r db.ShareRow) shareView {
	v := shareView{
		ID: r.PublicID, WorkspaceID: s.workspace.PublicID, BotID: r.BotPublicID, Name: r.Name, Status: string(r.Status(s.now)), Hint: r.Hint,
		ExpiresAt: at(r.ExpiresAt), MaxCustomers: r.MaxCustomers, RPM: r.RPM, Allowance: r.Allowance, AllowanceUnit: string(r.AllowanceUnit),
		Refill: string(r.Refill), Used: r.Purse.Used, Reserved: r.Purse.Reserved, Remain: remain(r.Purse), Restricted: r.Restricted,
		Named: r.Named, Opened: r.Customers, CreatedBy: orNull(r.MadeBy), CreatedAt: at(r.CreatedAt), UpdatedAt: at(r.UpdatedAt),
		PausedAt: at(r.PausedAt), RevokedAt: at(r.RevokedAt), Version: r.Version,
	}
	if !r.Purse.Unlimited {
		v.Cap = &r.Purse.Quota
	}
	return v
}

type shareBody struct {
	BotID         Maybe[string]        `json:"bot_id"`
	Name          Maybe[string]        `json:"name"`
	ExpiresAt     Maybe[string]        `json:"expires_at"`
	MaxCustomers  Maybe[int64]         `json:"max_customers"`
	RPM           Maybe[int64]         `json:"rpm"`
	Allowance     Maybe[int64]         `json:"allowance"`
	AllowanceUnit Maybe[access.Unit]   `json:"allowance_unit"`
	Refill        Maybe[access.Refill] `json:"refill"`
	Cap           Maybe[int64]         `json:"cap"`
	Customers     Maybe[[]string]      `json:"customers"`
}

type editShare struct {
	shareBody
	Version Maybe[int64] `json:"version"`
}

func (b shareBody) form(r *reader) control.ShareForm {
	f := control.ShareForm{
		Bot: take(r, b.BotID, "bot_id"), Name: takeOr(b.Name, ""), ExpiresAt: r.moment(b.ExpiresAt, "expires_at"),
		MaxCustomers: takeNil(b.MaxCustomers), RPM: takeOr(b.RPM, 0), Allowance: takeNil(b.Allowance),
		AllowanceUnit: take(r, b.AllowanceUnit, "allowance_unit"), Refill: takeOr(b.Refill, access.RefillNone), Cap: takeNil(b.Cap),
		Customers: takeNil(b.Customers),
	}
	return f
}

// Shares serves GET shares.
func (d *Door) Shares(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.StatusEnabled, access.StatusPaused, access.StatusExpired, access.StatusRevoked))
	if err != nil {
		return err
	}
	s, err := d.scene(c.UserContext(), by)
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context, p db.Page) ([]db.ShareRow, int64, error) {
		return d.Control.Shares(ctx, by, p)
	}
	return rows(d, c, l, fetch, func(r db.ShareRow) int64 { return r.ID }, func(r db.ShareRow) any { return s.share(r) })
}

// CreateShare serves POST shares. Its answer holds the link.
func (d *Door) CreateShare(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b shareBody) (any, error) {
		var r reader
		f := b.form(&r)
		if err := r.err(); err != nil {
			return nil, err
		}
		made, err := d.Control.CreateShare(ctx, by, f)
		if err != nil {
			return nil, err
		}
		v, err := d.spellShare(ctx, by, made.Row)
		v.Secret, v.URL = made.Secret, d.link(c, made.Secret)
		return v, err
	})
}

// link is the address that a customer opens.
func (d *Door) link(c *fiber.Ctx, text string) string { return d.Origin(c) + "/s/" + text }

// Share serves GET shares/{id}.
func (d *Door) Share(c *fiber.Ctx, by access.Actor) error {
	v, err := d.share(c.UserContext(), by, c.Params("id"))
	return show(c, v, err)
}

func (d *Door) share(ctx context.Context, by access.Actor, id string) (any, error) {
	row, err := d.Control.Share(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return d.spellShare(ctx, by, row)
}

func (d *Door) spellShare(ctx context.Context, by access.Actor, row db.ShareRow) (oneShare, error) {
	s, err := d.scene(ctx, by)
	if err != nil {
		return oneShare{}, err
	}
	customers, err := d.Control.ShareCustomers(ctx, by, row.Share)
	return oneShare{shareView: s.share(row), Customers: customers}, err
}

// EditShare serves PATCH shares/{id}.
func (d *Door) EditShare(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editShare) (any, error) {
		var r reader
		f := b.form(&r)
		f.Version = r.version(b.Version)
		if err := r.err(); err != nil {
			return nil, err
		}
		row, err := d.Control.EditShare(ctx, by, c.Params("id"), f)
		if err != nil {
			return nil, err
		}
		return d.spellShare(ctx, by, row)
	})
}

// DeleteShare serves DELETE shares/{id}.
func (d *Door) DeleteShare(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteShare(c.UserContext(), by, c.Params("id")))
}

// shareVerb serves POST shares/{id}/… for an act without fields.
func (d *Door) shareVerb(act verb) Handler {
	return func(c *fiber.Ctx, by access.Actor) error {
		return change(c, func(ctx context.Context, _ nothing) (any, error) {
			if err := act(ctx, by, c.Params("id")); err != nil {
				return nil, err
			}
			return d.share(ctx, by, c.Params("id"))
		})
	}
}

// RevealShare serves POST shares/{id}/reveal.
func (d *Door) RevealShare(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, _ nothing) (any, error) {
		text, err := d.Control.RevealShare(ctx, by, c.Params("id"))
		return struct {
			ID     string `json:"id"`
			Secret string `json:"secret"`
			URL    string `json:"url"`
		}{c.Params("id"), text, d.link(c, text)}, err
	})
}
