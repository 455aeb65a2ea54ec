package native

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// priceView is a price in US dollars per 1,000,000 tokens.
type priceView struct {
	ID         string  `json:"id"`
	Model      string  `json:"model"`
	Prompt     decimal `json:"prompt"`
	Completion decimal `json:"completion"`
	CreatedAt  *string `json:"created_at"`
	Version    int64   `json:"version"`
}

func (d *Door) spellPrice(p access.Price) priceView {
	return priceView{
		ID: p.PublicID, Model: p.Model, Prompt: d.dollars(p.Prompt), Completion: d.dollars(p.Completion), CreatedAt: at(p.CreatedAt), Version: p.Version,
	}
}

type priceBody struct {
	Model      Maybe[string]      `json:"model"`
	Prompt     Maybe[json.Number] `json:"prompt"`
	Completion Maybe[json.Number] `json:"completion"`
}

type editPrice struct {
	priceBody
	Version Maybe[int64] `json:"version"`
}

func (b priceBody) form(r *reader) control.PriceForm {
	return control.PriceForm{
		Model: take(r, b.Model, "model"), Prompt: r.decimal(b.Prompt, "prompt"), Completion: r.decimal(b.Completion, "completion"),
	}
}

// Prices serves GET prices.
func (d *Door) Prices(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, nil)
	if err != nil {
		return err
	}
	found, err := d.Control.Prices(c.UserContext(), by, l.Query)
	if err != nil {
		return err
	}
	all := make([]short, 0, len(found))
	for _, p := range found {
		all = append(all, short{name: p.Model, created: p.CreatedAt, view: d.spellPrice(p)})
	}
	return whole(d, c, l, all)
}

// CreatePrice serves POST prices. A second price of a model is a 409.
func (d *Door) CreatePrice(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b priceBody) (any, error) {
		var r reader
		f := b.form(&r)
		if err := r.err(); err != nil {
			return nil, err
		}
		p, err := d.Control.CreatePrice(ctx, by, f)
		return d.spellPrice(p), err
	})
}

// Price serves GET prices/{id}.
func (d *Door) Price(c *fiber.Ctx, by access.Actor) error {
	p, err := d.Control.Price(c.UserContext(), by, c.Params("id"))
	return show(c, d.spellPrice(p), err)
}

// EditPrice serves PATCH prices/{id}.
func (d *Door) EditPrice(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editPrice) (any, error) {
		var r reader
		f := b.form(&r)
		f.Version = r.version(b.Version)
		if err := r.err(); err != nil {
			return nil, err
		}
		p, err := d.Control.EditPrice(ctx, by, c.Params("id"), f)
		return d.spellPrice(p), err
	})
}

// DeletePrice serves DELETE prices/{id}.
func (d *Door) DeletePrice(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeletePrice(c.UserContext(), by, c.Params("id")))
}
