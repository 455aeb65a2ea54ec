package dashboard

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/views"
)

// tokenChoices fills in what there is to choose from.
func (d *Dashboard) tokenChoices(c *fiber.Ctx, f tokenDraft, v *views.TokenFormView) error {
	ctx, by, w := c.UserContext(), d.actor(c), d.words(c)
	bots, err := d.Control.BotChoices(ctx, by)
	if err != nil {
		return err
	}
	v.Bots = []views.OptionView{{Label: w.T("tokens.any_bot"), Chosen: f.bot == ""}}
	for _, b := range bots {
		v.Bots = append(v.Bots, views.OptionView{Value: b.PublicID, Label: b.Name, Chosen: f.bot == b.PublicID})
	}
	groups, err := d.Control.GroupChoices(ctx, by)
	if err != nil {
		return err
	}
	own := d.workspace(c).GroupName
	v.Groups = []views.OptionView{{Label: w.T("tokens.group_own", own), Chosen: f.group == ""}}
	for _, name := range groups {
		v.Groups = append(v.Groups, views.OptionView{Value: name, Label: name, Chosen: f.group == name})
	}
	if g, err := d.Control.GroupNamed(ctx, by, or(f.group, own)); err == nil {
		v.GroupHelp = w.rates(g)
	}
	models, err := d.Control.ModelChoices(ctx, by)
	for _, name := range f.models {
		if !contains(models, name) {
			models = append(models, name)
		}
	}
	for _, name := range models {
		v.Models = append(v.Models, views.OptionView{Value: name, Label: name, Chosen: contains(f.models, name)})
	}
	return err
}

func (w words) rates(g access.Group) string {
	switch {
	case g.RPM > 0 && g.TPM > 0:
		return w.T("tokens.group_rates", w.Number(g.RPM), w.Number(g.TPM))
	case g.RPM > 0:
		return w.N("tokens.group_requests", g.RPM)
	case g.TPM > 0:
		return w.N("tokens.group_tokens", g.TPM)
	}
	return w.T("tokens.group_free")
}
