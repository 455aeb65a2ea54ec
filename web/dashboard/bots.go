package dashboard

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// Bots lists the workspace's bots.
func (d *Dashboard) Bots(c *fiber.Ctx) error {
	p, err := d.readListing(c, "bots", botStates...)
	if err != nil {
		return err
	}
	rows, total, err := d.Control.Bots(c.UserContext(), d.actor(c), p.page)
	if err != nil {
		return err
	}
	list, err := d.botList(c, p, rows, total)
	if err != nil {
		return err
	}
	v := views.BotsView{Shell: d.shell(c, "bots", page.Lang(c).T("bots.title")), List: list}
	return page.ShowOrPart(c, views.BotsPage(v), views.BotsBody(list))
}

// Bot is the page of one bot: its settings, and the panel to try it.
func (d *Dashboard) Bot(c *fiber.Ctx) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	form, err := d.botForm(c, row)
	if err != nil {
		return err
	}
	try := d.tryView(row.Bot)
	return d.showBot(c, fiber.StatusOK, row, form, &try, d.botPicture(row))
}

// BotLinks is the tab of a bot's share links.
func (d *Dashboard) BotLinks(c *fiber.Ctx) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	rows, _, err := d.Control.Shares(c.UserContext(), d.actor(c), db.Page{BotID: row.ID, Limit: rowsPerPage})
	if err != nil {
		return err
	}
	v := d.botFrame(c, row, "links")
	hangs := views.BotHangsView{All: "/shares?bot=" + row.PublicID, New: "/shares/new?bot=" + row.PublicID, ReadOnly: v.ReadOnly}
	for _, r := range rows {
		hangs.Links = append(hangs.Links, d.shareRow(c, r))
	}
	return page.Show(c, views.BotLinksPage(v, hangs))
}

// BotTokens is the tab of a bot's API tokens.
func (d *Dashboard) BotTokens(c *fiber.Ctx) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	rows, _, err := d.Control.Tokens(c.UserContext(), d.actor(c), db.Page{BotID: row.ID, Limit: rowsPerPage})
	if err != nil {
		return err
	}
	v := d.botFrame(c, row, "tokens")
	hangs := views.BotHangsView{All: "/tokens?bot=" + row.PublicID, New: "/tokens/new?bot=" + row.PublicID, ReadOnly: v.ReadOnly}
	for _, r := range rows {
		hangs.Tokens = append(hangs.Tokens, d.tokenRow(c, r))
	}
	return page.Show(c, views.BotTokensPage(v, hangs))
}

// BotMenu is the menu of a bot's row.
func (d *Dashboard) BotMenu(c *fiber.Ctx) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	return page.Part(c, views.BotMenu(views.BotMenuView{ID: row.PublicID, Href: botHref(row.PublicID), Enabled: row.Enabled}))
}

// NewBot shows the form of a new bot.
func (d *Dashboard) NewBot(c *fiber.Ctx) error {
	v, err := d.newBotForm(c)
	if err != nil {
		return err
	}
	return d.showNewBot(c, fiber.StatusOK, v)
}

// CreateBot makes a bot and leads to its page.
func (d *Dashboard) CreateBot(c *fiber.Ctx) error {
	form, err := readBot(c)
	where := ""
	if err == nil {
		where, _, err = d.once(c, func() (string, error) {
			row, err := d.Control.CreateBot(c.UserContext(), d.actor(c), form)
			return botHref(row.PublicID), err
		})
	}
	if refused(err) {
		v, lost := d.newBotForm(c)
		if lost != nil {
			return lost
		}
		d.typedBot(c, &v, err)
		return d.showNewBot(c, page.StatusOf(err), v)
	}
	if err != nil {
		return err
	}
	return d.say(c, where, "bots.created")
}

// EditBot saves a bot's settings.
func (d *Dashboard) EditBot(c *fiber.Ctx) error {
	form, err := readBot(c)
	if err == nil {
		_, err = d.Control.EditBot(c.UserContext(), d.actor(c), c.Params("id"), form)
	}
	if refused(err) {
		return d.botRefused(c, err)
	}
	if err != nil {
		return err
	}
	return d.say(c, botHref(c.Params("id")), "bots.saved")
}

// botRefused shows the bot's page with the form as it was sent, marked.
func (d *Dashboard) botRefused(c *fiber.Ctx, err error) error {
	row, lost := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if lost != nil {
		return lost
	}
	v, lost := d.botForm(c, row)
	if lost != nil {
		return lost
	}
	d.typedBot(c, &v, err)
	if isStale(v.Errors) {
		v.Version = version(row.Version)
	}
	try := d.tryView(row.Bot)
	return d.showBot(c, page.StatusOf(err), row, v, &try, d.botPicture(row))
}

// EnableBot lets a bot answer again.
func (d *Dashboard) EnableBot(c *fiber.Ctx) error { return d.setBotEnabled(c, true, "bots.is_enabled") }

// DisableBot stops a bot's answers.
func (d *Dashboard) DisableBot(c *fiber.Ctx) error {
	return d.setBotEnabled(c, false, "bots.is_disabled")
}

func (d *Dashboard) setBotEnabled(c *fiber.Ctx, enabled bool, key string) error {
	row, err := d.Control.SetBotEnabled(c.UserContext(), d.actor(c), c.Params("id"), enabled)
	if err != nil {
		return err
	}
	if !page.IsPart(c) {
		return d.say(c, botHref(row.PublicID), key)
	}
	return page.Part(c, views.BotRowChanged(d.botRow(c, row)), views.DialogDone(),
		views.ToastPart(views.ToastView{Tone: views.Ok, Text: page.Lang(c).T(key)}))
}

// AskDisableBot shows what disabling a bot would stop.
func (d *Dashboard) AskDisableBot(c *fiber.Ctx) error { return d.askBot(c, "disable", "bots.disable") }

// AskDeleteBot shows what deleting a bot would stop.
func (d *Dashboard) AskDeleteBot(c *fiber.Ctx) error { return d.askBot(c, "delete", "bots.delete") }

// askBot asks before a bot's links and tokens stop working.
func (d *Dashboard) askBot(c *fiber.Ctx, verb, key string) error {
	reach, err := d.Control.BotReach(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	l, href := page.Lang(c), botHref(reach.Row.PublicID)
	v := views.ConfirmView{
		Title: l.T(key+"_title", reach.Row.Name), Text: l.T(key + "_text"), Button: l.T(key), Action: href + "/" + verb, Keep: href,
		Reach:  botReach(l, reach),
		Hidden: []views.OptionView{{Label: "confirmed", Value: "1"}},
	}
	if verb == "delete" && reach.Row.Enabled {
		v.Other, v.OtherIcon, v.OtherPost = l.T("bots.disable_instead"), "ban", href+"/disable"
	}
	return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "bots", v.Title), v), views.ConfirmPanel(v))
}

// DeleteBot removes a bot, and revokes its links and tokens.
func (d *Dashboard) DeleteBot(c *fiber.Ctx) error {
	if err := d.Control.DeleteBot(c.UserContext(), d.actor(c), c.Params("id"), ticked(c, "confirmed")); err != nil {
		return err
	}
	return d.say(c, "/bots", "bots.deleted")
}

func (d *Dashboard) showNewBot(c *fiber.Ctx, status int, v views.BotFormView) error {
	shell := d.shell(c, "bots", page.Lang(c).T("bots.new"))
	return page.StatusOrPart(c, status, views.PanelPage(shell, views.BotForm(v)), views.BotForm(v))
}

// showBot shows a bot's page with a form of it.
func (d *Dashboard) showBot(c *fiber.Ctx, status int, row db.BotRow, form views.BotFormView, try *views.TryView, picture *views.BotPictureView) error {
	v := d.botFrame(c, row, "")
	v.Form, v.Acts = form, botActs(page.Lang(c), row)
	v.Facts, v.Picture = d.botFacts(c, row), picture
	if d.actor(c).May(access.AskBots) {
		v.Try = try
	}
	return page.Status(c, status, views.BotPage(v))
}

// lines cuts a field with one entry a line.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
