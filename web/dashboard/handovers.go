package dashboard

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// handoverHours are how long a one-time link may be open.
var handoverHours = []int{1, 24, 72, 168}

const handoverUsual = 24

// AskHandOver offers the two ways to hand a token over: a link that shows it once,
// or a text.
func (d *Dashboard) AskHandOver(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	return d.showHandOver(c, fiber.StatusOK, row, handoverUsual, nil)
}

func (d *Dashboard) showHandOver(c *fiber.Ctx, status int, row db.TokenRow, hours int, problem error) error {
	w, href := d.words(c), tokenHref(row.PublicID)
	v := views.HandOverView{
		Title: w.T("handover.title", row.Name), Action: href + "/hand-over", Text: href + "/hand-over/text", Back: href, Once: d.formKey(c),
		Errors: page.FieldErrors(c, problem), Failed: problem != nil,
	}
	for _, h := range handoverHours {
		v.Lives = append(v.Lives, views.OptionView{
			Value: strconv.Itoa(h), Label: w.N("handover.hours", int64(h), w.Moment(w.now.Add(time.Duration(h)*time.Hour), w.zone)), Chosen: h == hours,
		})
	}
	form := views.HandOverForm(v)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "tokens", v.Title), form), form)
}

// HandOver makes the link and shows it, this once.
func (d *Dashboard) HandOver(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	hours, _ := strconv.Atoi(field(c, "life"))
	life := time.Duration(hours) * time.Hour
	made, err := d.handOut(c, func() (handedOut, error) {
		text, h, err := d.Control.HandOver(c.UserContext(), d.actor(c), row.PublicID, life)
		return handedOut{ID: h.PublicID, Secret: text, Until: life}, err
	})
	if kind := access.KindOf(err); refused(err) || kind == access.Revoked || kind == access.Expired {
		return d.showHandOver(c, page.StatusOf(err), row, hours, err)
	}
	if err != nil {
		return freshPassword(c, err, tokenHref(row.PublicID))
	}
	w := d.words(c)
	panel := views.LinkMade(views.LinkMadeView{
		Title: w.T("handover.made"), Text: w.T("handover.made_text", w.Moment(w.now.Add(life), w.zone)), Back: tokenHref(row.PublicID),
		Secret: views.SecretView{ID: "handover", Label: w.T("invite.link"), Value: d.Origin(c) + "/hand-over/" + made.Secret, Help: w.T("handover.link_help")},
	})
	return page.ShowOrPart(c, views.PanelPage(d.shell(c, "tokens", w.T("handover.made")), panel), panel)
}

// HandOverText shows everything a holder needs as one text, with the key in it; the
// audit log knows first.
func (d *Dashboard) HandOverText(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	key, _, err := d.Control.RevealToken(c.UserContext(), d.actor(c), row.PublicID)
	if err != nil {
		return freshPassword(c, err, tokenHref(row.PublicID))
	}
	model, err := d.Control.ModelToTry(c.UserContext(), d.actor(c), row.Token)
	if err != nil {
		return err
	}
	w := d.words(c)
	text := w.pack(row, d.workspace(c), sample{origin: d.Origin(c), model: model, bot: row.BotPublicID, key: key}).text(w)
	panel := views.HandOverText(views.HandOverTextView{Title: w.T("handover.title", row.Name), Back: tokenHref(row.PublicID), Code: text})
	return page.ShowOrPart(c, views.PanelPage(d.shell(c, "tokens", row.Name), panel), panel)
}

// DeleteHandover takes a hand-over back.
func (d *Dashboard) DeleteHandover(c *fiber.Ctx) error {
	if err := d.Control.DeleteHandover(c.UserContext(), d.actor(c), c.Params("handover")); err != nil {
		return err
	}
	return d.say(c, tokenHref(c.Params("id")), "handover.taken_back")
}

// handovers are the links that were made for a token, for its page.
func (d *Dashboard) handovers(c *fiber.Ctx, row db.TokenRow) ([]views.HandoverRowView, error) {
	if !d.actor(c).May(access.ChangeAccess) {
		return nil, nil
	}
	all, err := d.Control.Handovers(c.UserContext(), d.actor(c), row.PublicID)
	w := d.words(c)
	var rows []views.HandoverRowView
	for _, h := range all {
		v := views.HandoverRowView{Under: w.T("invite.by", or(h.Maker, w.T("tokens.by_program")), w.Ago(h.CreatedAt, w.now)), Tone: views.Info, Status: w.T("handover.waiting")}
		switch {
		case !h.OpenedAt.IsZero():
			v.Tone, v.Status, v.When, v.WhenAt = views.Ok, w.T("handover.opened"), w.Ago(h.OpenedAt, w.now), w.Moment(h.OpenedAt, w.zone)
		case !h.ExpiresAt.After(w.now):
			v.Tone, v.Status, v.When, v.WhenAt = views.Off, w.T("handover.run_out"), w.Ago(h.ExpiresAt, w.now), w.Moment(h.ExpiresAt, w.zone)
		default:
			v.When, v.WhenAt = w.T("handover.runs_out", w.Until(h.ExpiresAt, w.now)), w.Moment(h.ExpiresAt, w.zone)
			v.TakeBack = tokenHref(row.PublicID) + "/hand-over/" + url.PathEscape(h.PublicID) + "/delete"
		}
		rows = append(rows, v)
	}
	return rows, err
}

// Handover is the page behind a one-time link. Looking at it uses nothing up: what
// is behind it comes by the button.
func (d *Dashboard) Handover(c *fiber.Ctx) error {
	oneTime(c)
	h, err := d.Control.Handover(c.UserContext(), c.Params("code"))
	if err != nil {
		return err
	}
	return page.Show(c, views.HandoverAskPage(views.HandoverAskView{
		Action: "/hand-over/" + c.Params("code"), Name: h.Token.Name, Workspace: h.Workspace.Name, Maker: h.Handover.Maker,
		Until: page.Lang(c).T("handover.until", page.Lang(c).Moment(h.Handover.ExpiresAt, h.Workspace.Location())),
	}))
}

// OpenHandover shows the key with everything that goes with it, once.
func (d *Dashboard) OpenHandover(c *fiber.Ctx) error {
	oneTime(c)
	h, err := d.Control.OpenHandover(c.UserContext(), c.Params("code"), address(c))
	if err != nil {
		return err
	}
	zone := h.Workspace.Location()
	w := words{Lang: page.Lang(c), now: d.Now(), zone: zone, work: zone, per: d.Control.UnitsPerDollar}
	owner := access.Actor{Kind: access.ActorUpkeep, WorkspaceID: h.Workspace.ID}
	model, err := d.Control.ModelToTry(c.UserContext(), owner, h.Token.Token)
	if err != nil {
		return err
	}
	p := w.pack(h.Token, h.Workspace, sample{origin: d.Origin(c), model: model, bot: h.Token.BotPublicID, key: h.Key})
	v := views.HandoverView{
		Title: w.T("handover.of", h.Token.Name, h.Workspace.Name), Facts: p.facts, Text: p.text(w),
		Secret: views.SecretView{ID: "key", Label: w.T("tokens.key"), Value: h.Key, Help: w.T("handover.key_help")},
	}
	for _, one := range p.codes {
		v.Codes = append(v.Codes, views.CodeView{ID: "code-" + one.key, Label: one.name, Code: one.text})
	}
	return page.Show(c, views.HandoverPage(v))
}

// pack is what goes with a key: where to use it, what it may do, calls to try.
type pack struct {
	title string
	key   string
	facts []views.Definition
	codes []packCode
}

type packCode struct{ key, name, text string }

func (w words) pack(row db.TokenRow, of access.Workspace, s sample) pack {
	row.Purse = row.Purse.At(w.now, w.work)
	models := w.T("tokens.all_models")
	if row.ModelsLimited {
		models = or(strings.Join(row.Models, ", "), w.T("tokens.no_models"))
	}
	end := w.T("tokens.never")
	if !row.ExpiresAt.IsZero() {
		end = w.Moment(row.ExpiresAt, w.zone)
	}
	p := pack{title: w.T("handover.of", row.Name, of.Name), key: s.key}
	p.facts = []views.Definition{
		{Term: w.T("handover.base_url"), Text: s.origin + "/v1", Mono: true},
		{Term: w.T("tokens.models"), Text: models},
		{Term: w.T("tokens.budget"), Text: w.budget(row.Purse).Text},
		{Term: w.T("tokens.expires"), Text: end},
		{Term: w.T("tokens.rates"), Text: w.tokenRates(row.Token)},
		{Term: w.T("tokens.addresses"), Text: or(strings.Join(access.FormatAddresses(row.Addresses), ", "), w.T("tokens.fold.any_address"))},
		{Term: w.T("handover.look_up"), Text: s.origin + "/key", Href: s.origin + "/key", Mono: true},
	}
	for _, kind := range []struct{ key, name string }{{"env", ".env"}, {"curl", "curl"}, {"python", "Python"}, {"node", "Node"}} {
		p.codes = append(p.codes, packCode{kind.key, kind.name, s.text(kind.key)})
	}
	return p
}

// text is the pack as plain text, to be sent by whatever way is private.
func (p pack) text(w words) string {
	var b strings.Builder
	b.WriteString(p.title + "\n\n" + w.T("tokens.key") + ": " + p.key + "\n")
	for _, f := range p.facts {
		b.WriteString(f.Term + ": " + f.Text + "\n")
	}
	for _, c := range p.codes {
		b.WriteString("\n# " + c.name + "\n" + c.text + "\n")
	}
	return b.String()
}
