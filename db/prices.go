package db

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/access"
)

// Settings that hold what a model without a price of its own costs, in units per
// 1,000,000 tokens.
const (
	DefaultPricePrompt     = "default_price_prompt"
	DefaultPriceCompletion = "default_price_completion"
)

const priceColumns = "c.id, c.public_id, c.model, c.prompt, c.completion, c.created_at, c.version"

// priceReturning spells the columns without the alias, which RETURNING does not know.
var priceReturning = " RETURNING " + strings.ReplaceAll(priceColumns, "c.", "")

func scanPrice(s scanner) (access.Price, error) {
	var p access.Price
	var created moment
	err := s.Scan(&p.ID, &p.PublicID, &p.Model, &p.Prompt, &p.Completion, &created, &p.Version)
	p.CreatedAt = created.Time
	return p, err
}

// FindPrice returns what a model costs: its own price, or the default one, marked
// as such. It is cached.
func (d *DB) FindPrice(ctx context.Context, model string) (access.Price, error) {
	p, err := d.caches.prices.get(model, func() (access.Price, error) {
		p, err := scanPrice(d.row(ctx, "SELECT "+priceColumns+" FROM prices c WHERE c.model = $1", model))
		if errors.Is(err, sql.ErrNoRows) {
			return access.Price{Model: model, Default: true}, nil
		}
		return p, err
	})
	if err != nil || !p.Default {
		return p, err
	}
	fallback, err := d.DefaultPrice(ctx)
	fallback.Model = model
	return fallback, err
}

// DefaultPrice returns what a model without a price of its own costs.
func (d *DB) DefaultPrice(ctx context.Context) (access.Price, error) {
	p := access.Price{Prompt: access.DefaultPrice, Completion: access.DefaultPrice, Default: true}
	for key, into := range map[string]*int64{DefaultPricePrompt: &p.Prompt, DefaultPriceCompletion: &p.Completion} {
		text, err := d.FindSetting(ctx, key)
		if err != nil {
			return p, err
		}
		if text == "" {
			continue
		}
		if *into, err = strconv.ParseInt(text, 10, 64); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Prices lists the prices of models, by model name, those that hold q.
func (d *DB) Prices(ctx context.Context, q string) ([]access.Price, error) {
	var out []access.Price
	err := d.rows(ctx, list(&out, scanPrice), "SELECT "+priceColumns+` FROM prices c
		WHERE c.model LIKE $1 ESCAPE '\' ORDER BY c.model`, "%"+likeText(q)+"%")
	return out, err
}

// Price returns a price by its public id.
func (d *DB) Price(ctx context.Context, publicID string) (access.Price, error) {
	p, err := scanPrice(d.row(ctx, "SELECT "+priceColumns+" FROM prices c WHERE c.public_id = $1", publicID))
	return p, orNotFound(err, "price")
}

// MakePrice gives a model a price. A second one of the same model is a Conflict.
func (d *DB) MakePrice(ctx context.Context, by access.Actor, p access.Price) (access.Price, error) {
	err := d.change(ctx, func(t *Tx) error {
		p.CreatedAt, p.Version = time.UnixMilli(t.now()).UTC(), 1
		var err error
		p.ID, err = t.insert("INSERT INTO prices (public_id, model, prompt, completion, created_at) VALUES ($1, $2, $3, $4, $5)",
			p.PublicID, p.Model, p.Prompt, p.Completion, ms(p.CreatedAt))
		if err != nil {
			return priceTaken(err)
		}
		t.after(func() { d.caches.prices.drop(p.Model) })
		return t.tell(by, event{0, "price.create", object("price", p.PublicID, p.Model), priceFacts(p)})
	})
	return p, err
}

func priceTaken(err error) error {
	if columns, taken := isTaken(err); taken && strings.Contains(columns, "model") {
		return access.Fail(access.Conflict, "price_taken", "This model has a price already. Change that one instead.").At("model")
	}
	return err
}

func priceFacts(p access.Price) map[string]any {
	return map[string]any{"model": p.Model, "prompt": p.Prompt, "completion": p.Completion}
}

// PriceChange is an admin's edit of a price. Nil leaves a field as it is.
type PriceChange struct {
	Model              *string
	Prompt, Completion *int64
	Version            int64 // the version it was based on, 0: any
}

// EditPrice changes what c names.
func (d *DB) EditPrice(ctx context.Context, by access.Actor, publicID string, c PriceChange) error {
	return d.change(ctx, func(t *Tx) error {
		old, err := scanPrice(t.row("SELECT "+priceColumns+" FROM prices c WHERE c.public_id = $1", publicID))
		if err != nil {
			return orNotFound(err, "price")
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		p := old
		set(&p.Model, c.Model)
		set(&p.Prompt, c.Prompt)
		set(&p.Completion, c.Completion)
		t.after(func() { d.caches.prices.drop(old.Model); d.caches.prices.drop(p.Model) })
		if _, err := t.exec("UPDATE prices SET model = $1, prompt = $2, completion = $3, version = version + 1 WHERE id = $4",
			p.Model, p.Prompt, p.Completion, p.ID); err != nil {
			return priceTaken(err)
		}
		return t.tell(by, event{0, "price.edit", object("price", p.PublicID, p.Model), changed(priceFacts(old), priceFacts(p))})
	})
}

// DeletePrice removes a model's price: the default one holds from now on.
func (d *DB) DeletePrice(ctx context.Context, by access.Actor, publicID string) error {
	return d.change(ctx, func(t *Tx) error {
		p, err := scanPrice(t.row("DELETE FROM prices WHERE public_id = $1"+priceReturning, publicID))
		if err != nil {
			return orNotFound(err, "price")
		}
		t.after(func() { d.caches.prices.drop(p.Model) })
		return t.tell(by, event{0, "price.delete", object("price", p.PublicID, p.Model), priceFacts(p)})
	})
}
