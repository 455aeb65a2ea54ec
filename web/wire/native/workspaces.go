package native

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

type workspaceView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	TimeZone  string    `json:"time_zone"`
	Group     string    `json:"group"`
	Brand     brandView `json:"brand"`
	Tokens    int64     `json:"tokens" note:"How many there are."`
	Shares    int64     `json:"shares" note:"How many there are."`
	Customers int64     `json:"customers" note:"How many there are."`
	CreatedAt *string   `json:"created_at"`
	Version   int64     `json:"version"`
}

type brandView struct {
	Name     string `json:"name"` // as customers see it
	Colour   string `json:"colour"`
	NoCredit bool   `json:"no_credit"`
}

// oneWorkspace is a workspace with its budget as a whole, which lists leave out.
type oneWorkspace struct {
	workspaceView
	Role      *string `json:"role"` // the caller's, null: none
	Quota     int64   `json:"quota"`
	Used      int64   `json:"used"`
	Reserved  int64   `json:"reserved"`
	Remain    *int64  `json:"remain"` // null: unlimited
	Unlimited bool    `json:"unlimited"`
	Refill    string  `json:"refill"`
}

func spellWorkspace(w access.Workspace) workspaceView {
	var b brandView
	if json.Unmarshal([]byte(w.Brand), &b) != nil {
		b = brandView{} // what cannot be read is not branded
	}
	return workspaceView{
		ID: w.PublicID, Name: w.Name, TimeZone: w.TimeZone, Group: w.GroupName, Brand: b,
		Tokens: w.TokenCount, Shares: w.ShareCount, Customers: w.CustomerCount, CreatedAt: at(w.CreatedAt), Version: w.Version,
	}
}

func (d *Door) workspace(ctx context.Context, by access.Actor) (any, error) {
	w, err := d.Control.WorkspaceRow(ctx, by)
	if err != nil {
		return nil, err
	}
	return oneWorkspace{
		workspaceView: spellWorkspace(w.Workspace), Role: orNull(string(w.Role)), Quota: w.Purse.Quota, Used: w.Purse.Used, Reserved: w.Purse.Reserved,
		Remain: remain(w.Purse), Unlimited: w.Purse.Unlimited, Refill: string(w.Purse.Refill),
	}, nil
}

// Workspaces serves GET workspaces: those that the caller may know of.
func (d *Door) Workspaces(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, nil)
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context, p db.Page) ([]access.Workspace, int64, error) {
		return d.Control.VisibleWorkspaces(ctx, by, p)
	}
	return rows(d, c, l, fetch, func(w access.Workspace) int64 { return w.ID }, func(w access.Workspace) any { return spellWorkspace(w) })
}

type newWorkspace struct {
	Name     Maybe[string] `json:"name"`
	TimeZone Maybe[string] `json:"time_zone"`
	OwnerID  Maybe[string] `json:"owner_id"`
}

// CreateWorkspace serves POST workspaces: a further one, which the caller or the
// named user owns.
func (d *Door) CreateWorkspace(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b newWorkspace) (any, error) {
		var r reader
		f := control.WorkspaceForm{Name: take(&r, b.Name, "name"), TimeZone: take(&r, b.TimeZone, "time_zone")}
		if err := r.err(); err != nil {
			return nil, err
		}
		w, err := d.Control.CreateWorkspace(ctx, by, f, *takeOr(orAbsent(b.OwnerID), ""))
		if err != nil {
			return nil, err
		}
		in, err := d.Control.InWorkspace(ctx, by, w.PublicID)
		if err != nil {
			return nil, err
		}
		return d.workspace(ctx, in)
	})
}

// Workspace serves GET workspaces/{id}.
func (d *Door) Workspace(c *fiber.Ctx, by access.Actor) error {
	v, err := d.workspace(c.UserContext(), by)
	return show(c, v, err)
}

type editWorkspace struct {
	budgetBody
	Name     Maybe[string]    `json:"name"`
	TimeZone Maybe[string]    `json:"time_zone"`
	Group    Maybe[string]    `json:"group"`
	Brand    Maybe[brandBody] `json:"brand"`
	Version  Maybe[int64]     `json:"version"`
}

type brandBody struct {
	Name     string `json:"name"`
	Colour   string `json:"colour"`
	NoCredit bool   `json:"no_credit"`
}

// EditWorkspace serves PATCH workspaces/{id}: name, zone and brand by its owners,
// group and budget by an instance admin.
func (d *Door) EditWorkspace(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editWorkspace) (any, error) {
		var r reader
		f := control.WorkspaceForm{
			Name: take(&r, b.Name, "name"), TimeZone: take(&r, b.TimeZone, "time_zone"), Group: take(&r, b.Group, "group"),
			Quota: b.budgetBody.form(&r), Version: r.version(b.Version),
		}
		if brand := takeOr(b.Brand, brandBody{}); brand != nil {
			f.Brand = &control.Brand{Name: brand.Name, Colour: brand.Colour, NoCredit: brand.NoCredit}
		}
		if err := r.err(); err != nil {
			return nil, err
		}
		if _, err := d.Control.EditWorkspace(ctx, by, f); err != nil {
			return nil, err
		}
		return d.workspace(ctx, by)
	})
}

// DeleteWorkspace serves DELETE workspaces/{id}.
func (d *Door) DeleteWorkspace(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteWorkspace(c.UserContext(), by, c.Params("id")))
}
