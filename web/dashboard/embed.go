package dashboard

import (
	"embed"
	"fmt"
	"html"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/views"
	"latchkey/web/page"
)

// The code with which an owner's server says who a visitor is, ready to be pasted.
//
//go:embed identity
var identityCode embed.FS

var identityLanguages = []struct{ key, text string }{{"node", "Node"}, {"python", "Python"}, {"go", "Go"}, {"php", "PHP"}}

func embedHref(bot string) string { return botHref(bot) + "/embed" }

// BotEmbed is the tab of a bot's chat in other sites' pages.
func (d *Dashboard) BotEmbed(c *fiber.Ctx) error {
	return d.showEmbed(c, fiber.StatusOK, func(*views.BotEmbedView) {})
}

// showEmbed draws the tab; fill adds what an act has to say.
func (d *Dashboard) showEmbed(c *fiber.Ctx, status int, fill func(*views.BotEmbedView)) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	frame := d.botFrame(c, row, "embed")
	v := views.BotEmbedView{
		Href: embedHref(row.PublicID), Version: version(row.Version), Origins: strings.Join(row.AllowedOrigins, "\n"), ReadOnly: frame.ReadOnly,
		Signed: len(row.IdentityKeySealed) > 0, IdentityHref: botHref(row.PublicID) + "/identity", NewToken: "/tokens/new?bot=" + row.PublicID,
	}
	if v.Tokens, err = d.embedTokens(c, row); err != nil {
		return err
	}
	d.fillIdentityCode(c, &v)
	fill(&v)
	if page.IsPart(c) && c.Query("for") != "" {
		return page.Part(c, views.IdentityCode(v))
	}
	return page.Status(c, status, views.BotEmbedPage(frame, v))
}

// embedTokens are the tokens whose beta key can open the bot's chat: its own, and
// those of no bot.
func (d *Dashboard) embedTokens(c *fiber.Ctx, row db.BotRow) ([]views.OptionView, error) {
	var all []views.OptionView
	own, _, err := d.Control.Tokens(c.UserContext(), d.actor(c), db.Page{BotID: row.ID, Status: access.StatusEnabled, Limit: rowsPerPage})
	if err != nil {
		return nil, err
	}
	for _, k := range own {
		all = append(all, views.OptionView{Value: k.PublicID, Label: k.Name, Chosen: k.PublicID == field(c, "token")})
	}
	return all, nil
}

func (d *Dashboard) fillIdentityCode(c *fiber.Ctx, v *views.BotEmbedView) {
	chosen := identityLanguages[0].key
	for _, one := range identityLanguages {
		if one.key == c.Query("for") {
			chosen = one.key
		}
	}
	for _, one := range identityLanguages {
		v.Languages = append(v.Languages, views.TabView{Text: one.text, Href: v.Href + "?for=" + one.key, Active: one.key == chosen})
	}
	text, err := identityCode.ReadFile("identity/" + chosen + ".txt")
	if err != nil {
		panic("the identity code is not in the binary: " + err.Error())
	}
	v.Code = strings.TrimSpace(string(text))
}

// EditEmbed saves which sites may show the bot's chat.
func (d *Dashboard) EditEmbed(c *fiber.Ctx) error {
	origins := lines(field(c, "allowed_origins"))
	_, err := d.Control.EditBot(c.UserContext(), d.actor(c), c.Params("id"), control.BotForm{AllowedOrigins: &origins, Version: versionOf(c)})
	if refused(err) {
		return d.showEmbed(c, page.StatusOf(err), func(v *views.BotEmbedView) {
			v.Failed, v.Errors, v.Origins = true, formErrors(c, err), field(c, "allowed_origins")
			v.Version = versionAgain(c, v.Errors, v.Version)
		})
	}
	if err != nil {
		return err
	}
	return d.say(c, embedHref(c.Params("id")), "embed.saved")
}

// EmbedCode shows what to paste into a page, with the beta key of a token in it.
func (d *Dashboard) EmbedCode(c *fiber.Ctx) error {
	row, err := d.Control.Token(c.UserContext(), d.actor(c), field(c, "token"))
	if err != nil {
		return err
	}
	bot, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	if row.BotID != bot.ID {
		return access.Fail(access.NotFound, "token_of_another_bot", "This token is of another bot.")
	}
	beta, err := d.Control.EmbedKey(c.UserContext(), d.actor(c), row.PublicID)
	if err != nil {
		return freshPassword(c, err, embedHref(bot.PublicID))
	}
	return d.showEmbed(c, fiber.StatusOK, func(v *views.BotEmbedView) {
		v.Snippets = d.embedSnippets(c, bot, beta, v.Signed)
	})
}

// embedSnippets are the three ways to put the chat into a page.
func (d *Dashboard) embedSnippets(c *fiber.Ctx, bot db.BotRow, beta string, signed bool) []views.CodeView {
	l, home := page.Lang(c), d.Origin(c)
	identity, hello := "", ""
	if signed {
		identity = "\n  data-identity=\"" + l.T("embed.signed_here") + "\""
		hello = fmt.Sprintf("\n<script>\n  const chat = document.getElementById(\"chat\");\n  chat.addEventListener(\"load\", () => chat.contentWindow.postMessage(\n    { latchkey: \"hello\", identity: \"%s\" }, \"%s\"));\n</script>",
			l.T("embed.signed_here"), home)
	}
	colour := ""
	if b := d.brand(c); b.Colour != "" {
		colour = "\n  data-colour=\"" + html.EscapeString(b.Colour) + "\""
	}
	kind := map[access.BotKind]string{access.AgentBot: "agent"}[bot.Kind]
	return []views.CodeView{
		{ID: "embed-bubble", Label: l.T("embed.bubble"), Code: "<script src=\"" + home + "/embed.js\"\n  data-key=\"" + beta + "\"" + identity + colour + " defer></script>", Wraps: true},
		{ID: "embed-frame", Label: l.T("embed.frame"), Code: "<iframe id=\"chat\" src=\"" + home + "/embed/" + beta + "\"\n  title=\"" + html.EscapeString(bot.Name) +
			"\" width=\"400\" height=\"640\"\n  allow=\"clipboard-write\" style=\"border:0\"></iframe>" + hello, Wraps: true},
		{ID: "embed-ragflow", Label: l.T("embed.ragflow"), Code: home + "/chat/share?shared_id=" + bot.PublicID + "&from=" + or(kind, "chat") + "&auth=" + beta, Wraps: true},
	}
}

// MakeIdentityKey gives the bot a key, and shows it once.
func (d *Dashboard) MakeIdentityKey(c *fiber.Ctx) error {
	key, err := d.Control.MakeIdentityKey(c.UserContext(), d.actor(c), c.Params("id"), versionOf(c))
	if err != nil {
		return err
	}
	return d.showEmbed(c, fiber.StatusOK, func(v *views.BotEmbedView) { v.Key = key })
}

// AskIdentityKey asks before a key that may be in use is replaced.
func (d *Dashboard) AskIdentityKey(c *fiber.Ctx) error { return d.askIdentity(c, "replace", "") }

// AskDropIdentityKey asks before anybody may chat again.
func (d *Dashboard) AskDropIdentityKey(c *fiber.Ctx) error { return d.askIdentity(c, "drop", "/off") }

func (d *Dashboard) askIdentity(c *fiber.Ctx, verb, path string) error {
	row, err := d.Control.Bot(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return err
	}
	l := page.Lang(c)
	v := views.ConfirmView{
		Title: l.T("embed." + verb + "_title"), Text: l.T("embed." + verb + "_text"), Button: l.T("embed." + verb),
		Action: botHref(row.PublicID) + "/identity" + path, Keep: embedHref(row.PublicID),
		Hidden: []views.OptionView{{Label: "version", Value: version(row.Version)}},
	}
	return page.ShowOrPart(c, views.ConfirmPage(d.shell(c, "bots", v.Title), v), views.ConfirmPanel(v))
}

// DropIdentityKey lets visitors chat unnamed again.
func (d *Dashboard) DropIdentityKey(c *fiber.Ctx) error {
	if err := d.Control.DropIdentityKey(c.UserContext(), d.actor(c), c.Params("id"), versionOf(c)); err != nil {
		return err
	}
	return d.say(c, embedHref(c.Params("id")), "embed.dropped")
}

// TryIdentity says what is wrong with a signed text, or who it is.
func (d *Dashboard) TryIdentity(c *fiber.Ctx) error {
	id, err := d.Control.TryIdentity(c.UserContext(), d.actor(c), c.Params("id"), field(c, "token"))
	if err != nil && access.KindOf(err) != access.Invalid && access.KindOf(err) != access.Conflict {
		return err
	}
	return d.showEmbed(c, fiber.StatusOK, func(v *views.BotEmbedView) {
		l := page.Lang(c)
		v.Tried, v.TriedTone, v.TriedTitle = field(c, "token"), views.Bad, l.T("embed.try_wrong")
		if err != nil {
			v.TriedText = page.Say(c, err)
			return
		}
		left := int64(id.Until.Sub(d.Now()).Seconds())
		v.TriedTone, v.TriedTitle = views.Ok, l.T("embed.try_right")
		v.TriedText = l.N("embed.try_who", max(left, 0), id.Subject, or(id.Name, "–"))
	})
}
