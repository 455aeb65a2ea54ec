package page

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
)

// kind is how a page tells one kind of failure.
type kind struct {
	status int
	key    string // of its title and hint in the catalogue: page.<key>, page.<key>.hint
	icon   string
}

var kinds = map[access.Kind]kind{
	access.Invalid:   {fiber.StatusUnprocessableEntity, "invalid", "circle-alert"},
	access.SignedOut: {fiber.StatusUnauthorized, "signed_out", "lock"},
	access.Forbidden: {fiber.StatusForbidden, "forbidden", "lock"},
	access.NotFound:  {fiber.StatusNotFound, "not_found", "search"},
	access.Conflict:  {fiber.StatusConflict, "conflict", "refresh-cw"},
	access.Spent:     {fiber.StatusForbidden, "spent", "wallet"},
	access.Revoked:   {fiber.StatusGone, "revoked", "link-2-off"},
	access.Expired:   {fiber.StatusGone, "expired", "clock"},
	access.Limited:   {fiber.StatusTooManyRequests, "limited", "gauge"},
	access.Busy:      {fiber.StatusServiceUnavailable, "busy", "clock"},
	access.Upstream:  {fiber.StatusBadGateway, "upstream", "server-off"},
}

// fault is anything without a kind: its own words are never shown.
var fault = kind{fiber.StatusInternalServerError, "fault", "wrench"}

// Failure says what an error page needs beside the error.
type Failure struct {
	Reference string // the random id that the log line of a fault carries
	SignIn    string // where a signed-out reader signs in, "" for nowhere
	NoBrand   bool   // a customer's page
	Footer    []string
	Shell     Shell // of the dashboard, nil where there is none
}

// Shell reads the frame of a page of the dashboard, and the list that the address
// belongs to; false: nobody is signed in, or the frame cannot be read. It may set
// the language of the answer.
type Shell func(*fiber.Ctx) (frame views.ShellView, list views.LinkView, ok bool)

// StatusOf is the status that Error gives err.
func StatusOf(err error) int { return kindOf(err).status }

func kindOf(err error) kind {
	if k, ok := kinds[access.KindOf(err)]; ok {
		return k
	}
	return fault
}

// Say is the sentence for err in the reader's language. A fault says only that
// something broke.
func Say(c *fiber.Ctx, err error) string {
	l := Lang(c)
	problems := access.Problems(err)
	if len(problems) == 0 {
		return l.T("page." + kindOf(err).key)
	}
	said := make([]string, 0, len(problems))
	for _, p := range problems {
		said = append(said, l.Error(p.Code, p.Text, p.Args...))
	}
	return strings.Join(said, " ")
}

// FieldErrors are the sentences of err by the form field they belong to; those
// that belong to none are under "".
func FieldErrors(c *fiber.Ctx, err error) map[string]string {
	l, fields := Lang(c), map[string]string{}
	for _, p := range access.Problems(err) {
		sentence := l.Error(p.Code, p.Text, p.Args...)
		if before := fields[p.Field]; before != "" {
			sentence = before + " " + sentence
		}
		fields[p.Field] = sentence
	}
	return fields
}

// Error answers with what went wrong: a page, in the dashboard's shell where
// somebody is signed in, or for htmx a toast that leaves the page as it is.
func Error(c *fiber.Ctx, err error, f Failure) error {
	if wait := waitOf(err); wait > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
	k := kindOf(err)
	if c.Get("HX-Request") == "true" {
		return errorPart(c, k, strings.TrimSpace(Say(c, err)+" "+f.reference(c)), f.signIn(c, k))
	}
	if f.Shell != nil && inShell(c, err, f) == nil {
		return nil
	}
	v := view(c, err, f)
	v.Actions = actions(Lang(c), err, f.signIn(c, k), f)
	return Status(c, k.status, views.ErrorPage(v))
}

func view(c *fiber.Ctx, err error, f Failure) views.ErrorView {
	k, l := kindOf(err), Lang(c)
	return views.ErrorView{
		Title: l.T("page." + k.key + ".title"), Icon: k.icon, Sentence: Say(c, err), Hint: hint(l, k, err),
		Reference: f.reference(c), NoBrand: f.NoBrand, Footer: f.Footer, Path: ReturnTo(c.OriginalURL()),
	}
}

var errNoShell = errors.New("there is no shell to draw this in")

// inShell draws the page with the menu beside it.
func inShell(c *fiber.Ctx, err error, f Failure) error {
	frame, list, ok := f.Shell(c)
	if !ok {
		return errNoShell
	}
	v := view(c, err, f)
	frame.Title = v.Title
	v.Actions = waysOn(c, err, list)
	return Status(c, kindOf(err).status, views.ErrorInShell(frame, v))
}

// waysOn are where somebody who is signed in may go from here: to the page that the
// form was on, else to the list, and to the overview.
func waysOn(c *fiber.Ctx, err error, list views.LinkView) (all []views.LinkView) {
	l := Lang(c)
	if from := cameFrom(c); from != "" {
		all = append(all, views.LinkView{Text: l.T("page.again"), Href: from})
	} else if list.Href != "" && list.Href != c.Path() && access.KindOf(err) != access.Forbidden {
		all = append(all, list)
	}
	return append(all, views.LinkView{Text: l.T("page.home"), Href: "/"})
}

// cameFrom is the page of this host that a form was sent from, "" for none.
func cameFrom(c *fiber.Ctx) string {
	from, err := url.Parse(c.Get(fiber.HeaderReferer))
	if err != nil || c.Method() != fiber.MethodPost || !strings.EqualFold(from.Host, string(c.Context().Host())) {
		return ""
	}
	return ReturnTo(from.RequestURI())
}

func (f Failure) reference(c *fiber.Ctx) string {
	if f.Reference == "" {
		return ""
	}
	return Lang(c).T("page.reference", f.Reference)
}

// signIn is the way in for somebody who is signed out, "" for nobody else.
func (f Failure) signIn(c *fiber.Ctx, k kind) string {
	if k.status != fiber.StatusUnauthorized || f.SignIn == "" {
		return ""
	}
	return ReturnTo(f.SignIn) + "?next=" + url.QueryEscape(Back(c))
}

// errorPart swaps nothing but a toast, wherever the request was aimed at.
func errorPart(c *fiber.Ctx, k kind, sentence, signIn string) error {
	if signIn != "" {
		c.Set("HX-Redirect", signIn)
	}
	c.Set("HX-Retarget", "#toasts")
	c.Set("HX-Reswap", "beforeend")
	return PartStatus(c, k.status, views.Toast(views.ToastView{Text: sentence, Tone: views.Bad}))
}

func hint(l lang.Lang, k kind, err error) string {
	key := "page." + k.key + ".hint"
	if code := hintCode(l, err); code != "" {
		key = code
	}
	if !l.Has(key) {
		return ""
	}
	return l.T(key)
}

// hintCode is the key of the hint that an error has of its own, "" for none. Such
// errors meet strangers at a link, for whom there is no overview.
func hintCode(l lang.Lang, err error) string {
	for _, p := range access.Problems(err) {
		if key := "page.hint." + p.Code; l.Has(key) {
			return key
		}
	}
	return ""
}

func actions(l lang.Lang, err error, signIn string, f Failure) []views.LinkView {
	switch {
	case signIn != "":
		return []views.LinkView{{Text: l.T("page.sign_in"), Href: signIn}}
	case f.NoBrand || hintCode(l, err) != "":
		return nil
	}
	return []views.LinkView{{Text: l.T("page.home"), Href: "/"}}
}

func waitOf(err error) time.Duration {
	if e, ok := errors.AsType[*access.Error](err); ok {
		return e.Wait
	}
	return 0
}
