package native

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

type groupView struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Ratio       decimal  `json:"ratio"`
	RPM         int64    `json:"rpm"`
	TPM         int64    `json:"tpm"`
	Models      []string `json:"models" manual:"null"` // null: all
	Description string   `json:"description"`
	Enabled     bool     `json:"enabled"`
	Tokens      int64    `json:"tokens"`
	Workspaces  int64    `json:"workspaces"`
	CreatedAt   *string  `json:"created_at"`
	Version     int64    `json:"version"`
}

func spellGroup(r db.GroupRow) groupView {
	v := groupView{
		ID: r.PublicID, Name: r.Name, Ratio: decimal(access.FormatDecimal(r.RatioPPM, access.RatioOne)), RPM: r.RPM, TPM: r.TPM,
		Description: r.Description, Enabled: r.Enabled, Tokens: r.Tokens, Workspaces: r.Workspaces, CreatedAt: at(r.CreatedAt), Version: r.Version,
	}
	if !r.AllModels {
		v.Models = nonNil(r.Models)
	}
	return v
}

type groupBody struct {
	Name        Maybe[string]      `json:"name"`
	Ratio       Maybe[json.Number] `json:"ratio"`
	RPM         Maybe[int64]       `json:"rpm"`
	TPM         Maybe[int64]       `json:"tpm"`
	Models      Maybe[[]string]    `json:"models"`
	Description Maybe[string]      `json:"description"`
	Enabled     Maybe[bool]        `json:"enabled"`
}

type editGroup struct {
	groupBody
	Version Maybe[int64] `json:"version"`
}

func (b groupBody) form(r *reader) control.GroupForm {
	f := control.GroupForm{
		Name: take(r, b.Name, "name"), Ratio: r.decimal(b.Ratio, "ratio"), RPM: takeOr(b.RPM, 0), TPM: takeOr(b.TPM, 0),
		Models: takeOr(b.Models, nil), Description: takeOr(b.Description, ""), Enabled: take(r, b.Enabled, "enabled"),
	}
	if b.Models.Set {
		f.AllModels = &b.Models.Null
	}
	return f
}

// Groups serves GET groups.
func (d *Door) Groups(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.StatusEnabled, access.StatusDisabled))
	if err != nil {
		return err
	}
	found, err := d.Control.Groups(c.UserContext(), by)
	if err != nil {
		return err
	}
	all := make([]short, 0, len(found))
	for _, r := range found {
		all = append(all, short{r.Name, onOff(r.Enabled), r.CreatedAt, spellGroup(r)})
	}
	return whole(d, c, l, all)
}

// CreateGroup serves POST groups.
func (d *Door) CreateGroup(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b groupBody) (any, error) {
		var r reader
		f := b.form(&r)
		if err := r.err(); err != nil {
			return nil, err
		}
		row, err := d.Control.CreateGroup(ctx, by, f)
		return spellGroup(row), err
	})
}

// Group serves GET groups/{id}.
func (d *Door) Group(c *fiber.Ctx, by access.Actor) error {
	row, err := d.Control.Group(c.UserContext(), by, c.Params("id"))
	return show(c, spellGroup(row), err)
}

// EditGroup serves PATCH groups/{id}.
func (d *Door) EditGroup(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editGroup) (any, error) {
		var r reader
		f := b.form(&r)
		f.Version = r.version(b.Version)
		if err := r.err(); err != nil {
			return nil, err
		}
		row, err := d.Control.EditGroup(ctx, by, c.Params("id"), f)
		return spellGroup(row), err
	})
}

// DeleteGroup serves DELETE groups/{id}.
func (d *Door) DeleteGroup(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteGroup(c.UserContext(), by, c.Params("id")))
}
