package dashboard

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

const apiPath = "/settings/api"

// apiTokens is how many tokens are offered to be filled in.
const apiTokens = 100

// API shows how programs reach this server, with calls to try. No key is in it.
func (d *Dashboard) API(c *fiber.Ctx) error {
	v, err := d.apiView(c, "", "")
	if err != nil {
		return err
	}
	return page.Show(c, views.APIPage(v))
}

// FillAPI shows the same with the key of one of the workspace's tokens in the
// calls; the audit log knows first.
func (d *Dashboard) FillAPI(c *fiber.Ctx) error {
	id, status, problem := field(c, "token"), fiber.StatusOK, ""
	key, _, err := d.Control.RevealToken(c.UserContext(), d.actor(c), id)
	if refused(err) {
		id, status, problem = "", page.StatusOf(err), page.Say(c, err)
	} else if err != nil {
		return freshPassword(c, err, apiPath)
	}
	v, err := d.apiView(c, id, key)
	if err != nil {
		return err
	}
	v.Problem = problem
	return page.StatusOrPart(c, status, views.APIPage(v), views.APISnippets(v))
}

// apiView draws the page. id names the token that is chosen, key what is filled in.
func (d *Dashboard) apiView(c *fiber.Ctx, id, key string) (views.APIView, error) {
	w, by := d.words(c), d.actor(c)
	v := views.APIView{Bases: d.bases(c)}
	if !page.IsPart(c) {
		v.Settings = d.settings(c, apiPath)
	}
	rows, err := d.fillable(c)
	if err != nil {
		return v, err
	}
	switch {
	case !by.May(access.ChangeAccess):
		v.Why = w.T("api.may_not")
	case d.Control.Reveal == control.RevealNever:
		v.Why = w.T("api.never")
	case len(rows) == 0:
		v.Why = w.T("api.no_token")
	}
	s := sample{origin: d.Origin(c), key: key}
	chosen := access.Token{}
	first := max(slices.IndexFunc(rows, func(r db.TokenRow) bool { return r.BotPublicID != "" }), 0)
	for i, row := range rows {
		isChosen := row.PublicID == id || id == "" && i == first
		if isChosen {
			chosen, s.bot = row.Token, row.BotPublicID
		}
		if key != "" && isChosen {
			v.Token = row.Name
		}
		v.Tokens = append(v.Tokens, views.OptionView{Value: row.PublicID, Label: row.Name + " · " + control.KeyMask + row.Hint, Chosen: isChosen})
	}
	if s.model, err = d.Control.ModelToTry(c.UserContext(), by, chosen); err != nil {
		return v, err
	}
	if s.bot == "" {
		if s.bot, err = d.anyBot(c); err != nil {
			return v, err
		}
	}
	v.Snippets = w.apiSnippets(s)
	return v, nil
}

// fillable lists the tokens whose key the reader may see, their own first.
func (d *Dashboard) fillable(c *fiber.Ctx) ([]db.TokenRow, error) {
	by := d.actor(c)
	if !by.May(access.ChangeAccess) || d.Control.Reveal == control.RevealNever {
		return nil, nil
	}
	rows, _, err := d.Control.Tokens(c.UserContext(), by, db.Page{Status: access.StatusEnabled, Limit: apiTokens})
	rows = slices.DeleteFunc(rows, func(r db.TokenRow) bool { return !d.copyable(c, r) })
	slices.SortStableFunc(rows, func(a, b db.TokenRow) int {
		mine := func(r db.TokenRow) int {
			if r.CreatedBy == by.UserNumber() {
				return 0
			}
			return 1
		}
		return mine(a) - mine(b)
	})
	return rows, err
}

// anyBot is a bot to ask where the token names none.
func (d *Dashboard) anyBot(c *fiber.Ctx) (string, error) {
	bots, err := d.Control.BotChoices(c.UserContext(), d.actor(c))
	for _, b := range bots {
		if b.Enabled {
			return b.PublicID, err
		}
	}
	return "", err
}

func (d *Dashboard) bases(c *fiber.Ctx) []views.BaseView {
	w, origin := d.words(c), d.Origin(c)
	var all []views.BaseView
	for _, one := range []struct{ key, path string }{
		{"openai", "/v1"}, {"ragflow", ""}, {"newapi", ""}, {"fess", ""}, {"botshare", ""}, {"native", "/api/latchkey/v1"}, {"key", "/key"},
	} {
		all = append(all, views.BaseView{
			ID: "base-" + one.key, Name: w.T("api.base." + one.key), Text: w.T("api.base." + one.key + "_text"), URL: origin + one.path,
		})
	}
	return all
}

func (w words) apiSnippets(s sample) []views.SnippetTextView {
	var all []views.SnippetTextView
	for _, one := range snippets {
		v := views.SnippetTextView{ID: one.key, Name: one.text, Text: w.T("api.for." + one.key)}
		if one.key == "curl" && s.embeds() {
			v.Text = w.T("api.for.embeddings")
		}
		switch {
		case one.chats && s.embeds():
			v.Missing = w.T("api.no_chat")
		case one.bot && s.bot == "":
			v.Missing = w.T("api.no_bot")
		default:
			v.Code = s.text(one.key)
		}
		all = append(all, v)
	}
	return all
}
