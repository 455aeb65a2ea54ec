package dashboard

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/web/page"
)

// The statuses that the list of tokens can be filtered by.
var tokenStatuses = []access.Status{
	access.StatusEnabled, access.StatusExhausted, access.StatusExpired, access.StatusDisabled, access.StatusRevoked,
}

func tokenHref(id string) string { return "/tokens/" + id }

// tokenRowID is the id of a token's row in the page.
func tokenRowID(row db.TokenRow) string { return "k" + strconv.FormatInt(row.ID, 10) }

// Tokens lists the workspace's API tokens.
func (d *Dashboard) Tokens(c *fiber.Ctx) error {
	v, err := d.tokenList(c)
	if err != nil {
		return err
	}
	if page.IsPart(c) {
		return page.Part(c, views.TokensBody(v), views.ExportPart(v.Export))
	}
	notes, err := d.jobNotes(c, "tokens")
	if err != nil {
		return err
	}
	return page.Show(c, views.TokensPage(views.TokensView{Shell: d.shell(c, "tokens", page.Lang(c).T("tokens.title")), List: v, Jobs: notes}))
}

func (d *Dashboard) tokenList(c *fiber.Ctx) (views.TokenListView, error) {
	p, err := d.readListing(c, "tokens", tokenStatuses...)
	if err != nil {
		return views.TokenListView{}, err
	}
	rows, total, err := d.Control.Tokens(c.UserContext(), d.actor(c), p.page)
	if err != nil {
		return views.TokenListView{}, err
	}
	bots, err := d.botFilter(c, p)
	rows, more := cutPage(rows, p)
	l := page.Lang(c)
	v := views.TokenListView{
		Heads:  d.heads(c, p, map[string]string{"name": "tokens.name", "used": "tokens.last_used", "ends": "tokens.expires"}),
		Export: p.exportView(total), Filtered: p.filtered(), ReadOnly: !d.actor(c).May(access.ChangeAccess),
		Toolbar: views.ToolbarView{
			Action: p.path, Target: p.name, Unknown: p.unknown(page.Lang(c)), Query: p.page.Query, Placeholder: l.T("tokens.search"), Note: d.countNote(c, p, total),
			Filters: []views.FilterView{d.statusFilter(c, p, tokenStatuses...), bots}, Hidden: p.hidden(),
		},
	}
	v.Rows = make([]views.TokenRowView, 0, len(rows))
	for _, row := range rows {
		v.Rows = append(v.Rows, d.tokenRow(c, row))
	}
	v.Bulk = d.picked(c, p, len(rows), total)
	if !v.ReadOnly && (len(rows) > 0 || p.boxes) {
		v.Toolbar = p.boxed(v.Toolbar)
	}
	if len(rows) > 0 {
		v.Pager = d.pager(c, p, rows[0].Place(p.page.Sort), rows[len(rows)-1].Place(p.page.Sort), len(rows), more, total)
	}
	return v, err
}

// Token is the page of one API token.
func (d *Dashboard) Token(c *fiber.Ctx) error {
	d.Gateway.Flush() // a call of a moment ago is on the page
	row, err := d.token(c)
	if err != nil {
		return err
	}
	v, err := d.tokenPage(c, row)
	if err != nil {
		return err
	}
	return page.Show(c, views.TokenPage(v))
}

func (d *Dashboard) token(c *fiber.Ctx) (db.TokenRow, error) {
	return d.Control.Token(c.UserContext(), d.actor(c), c.Params("id"))
}

// TokenMenu is the menu of a token's row.
func (d *Dashboard) TokenMenu(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	return page.Part(c, views.TokenMenu(views.TokenMenuView{
		Row: tokenRowID(row), Href: tokenHref(row.PublicID), Disabled: !row.Enabled, Revoked: !row.RevokedAt.IsZero(),
	}))
}

// NewToken shows the form of a new token.
func (d *Dashboard) NewToken(c *fiber.Ctx) error {
	v, err := d.tokenForm(c, tokenDraft{expires: "90d", bot: c.Query("bot")}, nil)
	if err != nil {
		return err
	}
	return d.showTokenForm(c, fiber.StatusOK, v)
}

func (d *Dashboard) showTokenForm(c *fiber.Ctx, status int, v views.TokenFormView) error {
	form := views.TokenForm(v)
	return page.StatusOrPart(c, status, views.PanelPage(d.shell(c, "tokens", v.Title), form), form)
}

// CreateToken makes a token and shows its key.
func (d *Dashboard) CreateToken(c *fiber.Ctx) error {
	draft := readToken(c)
	form, err := d.tokenOf(c, draft, nil)
	var made handedOut
	if err == nil {
		made, err = d.handOut(c, func() (handedOut, error) {
			issued, err := d.Control.CreateToken(c.UserContext(), d.actor(c), form)
			return handedOut{ID: issued.Row.PublicID, Secret: issued.Secret, Once: form.ShowOnce}, err
		})
	}
	if refused(err) {
		return d.tokenRefused(c, draft, nil, err)
	} else if err != nil {
		return err
	}
	return d.showCreated(c, made, false)
}

// tokenRefused brings the form back, filled in and marked.
func (d *Dashboard) tokenRefused(c *fiber.Ctx, draft tokenDraft, row *db.TokenRow, err error) error {
	v, lost := d.tokenForm(c, draft, row)
	if lost != nil {
		return lost
	}
	v.Failed, v.Errors = true, formErrors(c, err)
	for _, p := range access.Problems(err) {
		v.Tested.Ask = v.Tested.Ask || p.Code == "address_own"
	}
	if row != nil && isStale(v.Errors) {
		v.Version = version(row.Version)
	}
	v.FoldOpen = v.FoldOpen || inFold(v.Errors, "addresses", "rpm", "tpm", "concurrent", "permissions", "parameter_name", "note")
	return d.showTokenForm(c, page.StatusOf(err), v)
}

// AskEditToken shows the form of a token that is there.
func (d *Dashboard) AskEditToken(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	v, err := d.tokenForm(c, d.tokenDraftOf(c, row), &row)
	if err != nil {
		return err
	}
	return d.showTokenForm(c, fiber.StatusOK, v)
}

// EditToken saves a token.
func (d *Dashboard) EditToken(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	draft := readToken(c)
	form, err := d.tokenOf(c, draft, &row)
	if err == nil {
		row, err = d.saveToken(c, row, form)
	}
	if refused(err) {
		return d.tokenRefused(c, draft, &row, err)
	} else if err != nil {
		return err
	}
	return d.tokenDone(c, row, "tokens.said.saved", "")
}

// tokenDone says what became of a token: in the list its row is replaced, else its
// page is drawn anew. undo is the address that takes it back, "" for none.
func (d *Dashboard) tokenDone(c *fiber.Ctx, row db.TokenRow, key, undo string) error {
	l := page.Lang(c)
	toast := views.ToastView{Tone: views.Ok, Text: l.T(key, row.Name)}
	if undo != "" {
		toast.UndoText, toast.UndoAction = l.T("kit.undo"), undo
	}
	if onList(c, "/tokens") {
		return page.Part(c, views.TokenRowChanged(d.tokenRow(c, row)), views.DialogDone(), views.ToastPart(toast))
	}
	return page.RedirectSaying(c, d, tokenHref(row.PublicID), toast)
}

// AskRotateToken asks how long the old key lives on.
func (d *Dashboard) AskRotateToken(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	return d.showRotate(c, fiber.StatusOK, row, nil)
}

// RotateToken gives a token a new key and shows it.
func (d *Dashboard) RotateToken(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	keep, err := readKeepOld(field(c, "keep_old"))
	var made handedOut
	if err == nil {
		made, err = d.handOut(c, func() (handedOut, error) {
			issued, err := d.Control.RotateToken(c.UserContext(), d.actor(c), row.PublicID, keep)
			return handedOut{ID: issued.Row.PublicID, Secret: issued.Secret, Once: row.ShowOnce, Until: keep}, err
		})
	}
	if refused(err) {
		return d.showRotate(c, page.StatusOf(err), row, err)
	} else if err != nil {
		return err
	}
	return d.showCreated(c, made, true)
}

// RevealToken answers a copy button with the key; the audit log knows first.
func (d *Dashboard) RevealToken(c *fiber.Ctx) error {
	text, _, err := d.Control.RevealToken(c.UserContext(), d.actor(c), c.Params("id"))
	if err != nil {
		return freshPassword(c, err, page.Back(c))
	}
	row, err := d.token(c)
	if err != nil {
		return err
	}
	l, back := page.Lang(c), tokenHref(row.PublicID)
	v := views.KeyAskView{
		Title: l.T("tokens.shown_title", row.Name), Text: l.T("tokens.shown_text"), Back: back,
		Secret: views.SecretView{ID: "key", Label: l.T("tokens.key"), Value: text, Help: l.T("tokens.key_help")},
	}
	return page.Secret(c, text, views.PanelPage(d.shell(c, "tokens", v.Title), views.KeyPanel(v)))
}

// FirstCall is the line that changes when a new token was used.
func (d *Dashboard) FirstCall(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	return page.Part(c, views.FirstCall(d.waiting(c, row)))
}

// TokenSnippet is a call to try, in the language of the tab.
func (d *Dashboard) TokenSnippet(c *fiber.Ctx) error {
	row, err := d.token(c)
	if err != nil {
		return err
	}
	v, err := d.snippet(c, row, c.Query("for"))
	if err != nil {
		return err
	}
	return page.Part(c, views.Snippet(v))
}
