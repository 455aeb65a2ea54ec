package native

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

type settingsView struct {
	Registration         string      `json:"registration"`
	DefaultPrice         amountsView `json:"default_price"`
	PrivateHosts         []string    `json:"private_hosts"`
	OperatorHosts        []string    `json:"operator_private_hosts"` // the environment's, beside the others
	RequestRetentionDays *int64      `json:"request_retention_days"` // null: for ever
	Language             string      `json:"language"`
	Fixed                []string    `json:"fixed"` // settings that the environment decides
}

// amountsView are US dollars per 1,000,000 tokens.
type amountsView struct {
	Prompt     decimal `json:"prompt"`
	Completion decimal `json:"completion"`
}

func (d *Door) spellSettings(s control.InstanceSettings) settingsView {
	v := settingsView{
		Registration: s.Registration, DefaultPrice: amountsView{d.dollars(s.DefaultPrice.Prompt), d.dollars(s.DefaultPrice.Completion)},
		PrivateHosts: nonNil(s.PrivateHosts), OperatorHosts: nonNil(s.OperatorHosts), RequestRetentionDays: s.RequestRetentionDays,
		Language: s.Language, Fixed: []string{},
	}
	if s.RegistrationFixed {
		v.Fixed = append(v.Fixed, "registration")
	}
	if s.LanguageFixed {
		v.Fixed = append(v.Fixed, "language")
	}
	return v
}

// Settings serves GET settings.
func (d *Door) Settings(c *fiber.Ctx, by access.Actor) error {
	s, err := d.Control.InstanceSettings(c.UserContext(), by)
	return show(c, d.spellSettings(s), err)
}

type settingsBody struct {
	Registration         Maybe[string]      `json:"registration"`
	DefaultPrice         Maybe[amountsBody] `json:"default_price"`
	PrivateHosts         Maybe[[]string]    `json:"private_hosts"`
	RequestRetentionDays Maybe[int64]       `json:"request_retention_days"`
	Language             Maybe[string]      `json:"language"`
}

type amountsBody struct {
	Prompt     Maybe[json.Number] `json:"prompt"`
	Completion Maybe[json.Number] `json:"completion"`
}

// EditSettings serves PATCH settings.
func (d *Door) EditSettings(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b settingsBody) (any, error) {
		var r reader
		f := control.SettingsForm{
			Registration: take(&r, b.Registration, "registration"), PrivateHosts: takeOr(b.PrivateHosts, nil),
			RequestRetentionDays: takeNil(b.RequestRetentionDays), Language: take(&r, b.Language, "language"),
		}
		if p := take(&r, b.DefaultPrice, "default_price"); p != nil {
			f.Prompt, f.Completion = r.decimal(p.Prompt, "default_price.prompt"), r.decimal(p.Completion, "default_price.completion")
		}
		if err := r.err(); err != nil {
			return nil, err
		}
		s, err := d.Control.EditInstanceSettings(ctx, by, f)
		return d.spellSettings(s), err
	})
}
