package control

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// PriceForm is what an admin sends to create or edit a price. Amounts are US
// dollars per 1,000,000 tokens as decimal numbers. Nil leaves a field as it is.
type PriceForm struct {
	Model              *string
	Prompt, Completion *string
	Version            int64
}

// Prices lists the prices of models whose name holds q.
func (c *Control) Prices(ctx context.Context, by access.Actor, q string) ([]access.Price, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return nil, err
	}
	return c.DB.Prices(ctx, q)
}

// Price returns one price.
func (c *Control) Price(ctx context.Context, by access.Actor, publicID string) (access.Price, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.Price{}, err
	}
	return c.DB.Price(ctx, publicID)
}

// CreatePrice gives a model a price. A second one of a model is a Conflict.
func (c *Control) CreatePrice(ctx context.Context, by access.Actor, f PriceForm) (access.Price, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.Price{}, err
	}
	change, err := c.checkPrice(f, true)
	if err != nil {
		return access.Price{}, err
	}
	return c.DB.MakePrice(ctx, by, access.Price{
		PublicID: secret.NewPublicID(c.Random), Model: *change.Model, Prompt: *change.Prompt, Completion: *change.Completion,
	})
}

// EditPrice changes the fields that the form names.
func (c *Control) EditPrice(ctx context.Context, by access.Actor, publicID string, f PriceForm) (access.Price, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.Price{}, err
	}
	change, err := c.checkPrice(f, false)
	if err != nil {
		return access.Price{}, err
	}
	if err := c.DB.EditPrice(ctx, by, publicID, change); err != nil {
		return access.Price{}, err
	}
	return c.DB.Price(ctx, publicID)
}

// DeletePrice removes a price: the model costs the default one from now on.
func (c *Control) DeletePrice(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.RunInstance); err != nil {
		return err
	}
	return c.DB.DeletePrice(ctx, by, publicID)
}

// SetDefaultPrice says what a model without a price of its own costs. Version is
// DefaultPriceAt's, 0: any.
func (c *Control) SetDefaultPrice(ctx context.Context, by access.Actor, prompt, completion string, version int64) error {
	if err := by.Must(access.RunInstance); err != nil {
		return err
	}
	p, wrongPrompt := c.parsePrice(prompt, "prompt")
	q, wrongCompletion := c.parsePrice(completion, "completion")
	if err := errors.Join(wrongPrompt, wrongCompletion); err != nil {
		return err
	}
	return c.DB.SetSettings(ctx, by, map[string]string{
		db.DefaultPricePrompt: strconv.FormatInt(p, 10), db.DefaultPriceCompletion: strconv.FormatInt(q, 10),
	}, version)
}

// DefaultPriceAt is DefaultPrice with its version, for a form that changes it.
func (c *Control) DefaultPriceAt(ctx context.Context) (p access.Price, version int64, err error) {
	// The version first: what changes between the two is told as a conflict.
	if version, err = c.DB.SettingsVersion(ctx, db.DefaultPricePrompt, db.DefaultPriceCompletion); err != nil {
		return p, 0, err
	}
	p, err = c.DefaultPrice(ctx)
	return p, version, err
}

// DefaultPrice returns what a model without a price of its own costs.
func (c *Control) DefaultPrice(ctx context.Context) (access.Price, error) {
	return c.DB.DefaultPrice(ctx)
}

func (c *Control) checkPrice(f PriceForm, creating bool) (db.PriceChange, error) {
	change := db.PriceChange{Version: f.Version}
	var wrong []error
	if f.Model != nil || creating {
		model := strings.TrimSpace(deref(f.Model))
		if model == "" || len([]rune(model)) > ModelNameMax || !plain(model, false) {
			wrong = append(wrong, access.Fail(access.Invalid, "model_name", "A model's name has 1 to %d characters and no line breaks.", ModelNameMax).At("model"))
		}
		change.Model = &model
	}
	for _, one := range []struct {
		text  *string
		field string
		into  **int64
	}{{f.Prompt, "prompt", &change.Prompt}, {f.Completion, "completion", &change.Completion}} {
		if one.text == nil && !creating {
			continue
		}
		units, err := c.parsePrice(deref(one.text), one.field)
		wrong = append(wrong, err)
		*one.into = &units
	}
	return change, errors.Join(wrong...)
}

// parsePrice reads dollars per million tokens as units per million tokens,
// exactly.
func (c *Control) parsePrice(text, field string) (int64, error) {
	units, err := access.ParseDecimal(text, c.UnitsPerDollar)
	if e, ok := errors.AsType[*access.Error](err); ok {
		return 0, e.At(field)
	}
	return units, err
}

// Dollars spells units as a decimal number of dollars, the way prices are typed.
func (c *Control) Dollars(units int64) string { return access.FormatDecimal(units, c.UnitsPerDollar) }
