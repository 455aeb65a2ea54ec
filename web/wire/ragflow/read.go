package ragflow

import (
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/strict"
	"latchkey/web/wire"
)

// body reads what was sent: an object, or a form where the contract takes one. What
// is no JSON at all is nil; JSON that could be read in two ways is refused.
func body(c *fiber.Ctx, most int, forms bool) (*strict.Object, error) {
	raw, err := wire.Body(c, most)
	if err != nil {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); forms && err == nil && kind == fiber.MIMEApplicationForm {
		return readForm(string(raw))
	}
	return readObject(raw)
}

// noObject are the codes of bodies that are no JSON object.
var noObject = map[string]bool{"json_syntax": true, "json_end": true, "json_object": true}

func readObject(raw []byte) (*strict.Object, error) {
	o, err := strict.Parse(raw)
	if e, ok := errors.AsType[*access.Error](err); ok && noObject[e.Code] {
		return nil, nil
	}
	return o, err
}

// readForm spells a form as an object of texts.
func readForm(raw string) (*strict.Object, error) {
	values, err := url.ParseQuery(raw)
	if err != nil || !utf8.ValidString(raw) {
		return nil, nil
	}
	o := &strict.Object{}
	for name, texts := range values {
		if len(texts) > 1 || !utf8.ValidString(texts[0]) || !utf8.ValidString(name) {
			return nil, twice
		}
		text, err := json.Marshal(texts[0])
		if err != nil {
			return nil, err
		}
		o.Set(name, text)
	}
	return o, nil
}

// value is one field of a body.
type value struct {
	text   string // of a text, else the JSON as it stands
	isText bool
	sent   bool // also as null
	null   bool
}

func field(o *strict.Object, name string) (v value) {
	if o == nil {
		return v
	}
	raw := o.Get(name)
	if raw == nil {
		return v
	}
	v.sent, v.null = true, string(raw) == "null"
	if raw[0] == '"' && json.Unmarshal(raw, &v.text) == nil {
		v.isText = true
		return v
	}
	v.text = string(raw)
	return v
}

// shownMax is how many characters of what was sent a message repeats.
const shownMax = 255

// shown is a value as messages repeat it.
func (v value) shown() string {
	if utf8.RuneCountInString(v.text) <= shownMax {
		return v.text
	}
	return string([]rune(v.text)[:shownMax])
}

// required refuses a body without one of the keys, and names those in their order.
func required(o *strict.Object, names ...string) error {
	var missing []string
	for _, name := range names {
		if o == nil || !o.Has(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return refusal{200, codeArgument, "required argument are missing: " + strings.Join(missing, ",") + "; ", nil}
}

// address is RAGFlow's form of an e-mail address.
var address = regexp.MustCompile(`^[\p{L}\p{N}._-]+@(?:[\p{L}\p{N}_-]+\.)+[\p{L}\p{N}_-]{2,}$`)

// account is what a client sends of a user.
type account struct{ nickname, email, password value }

func readAccount(o *strict.Object) account {
	return account{field(o, "nickname"), field(o, "email"), field(o, "password")}
}

func (a account) badAddress() error {
	if a.email.isText && address.MatchString(a.email.text) {
		return nil
	}
	return refusal{200, codeOperating, "Invalid email address: " + a.email.shown() + "!", false}
}

func (a account) badNickname() error {
	switch {
	case !a.nickname.isText:
		return nicknameBad
	case strings.TrimSpace(a.nickname.text) == "":
		return nicknameEmpty
	case utf8.RuneCountInString(strings.TrimSpace(a.nickname.text)) > access.NameMax:
		return nicknameLong
	}
	return nil
}

// readBinding reads which bot a token is made for, and its name. Nil is for none.
func readBinding(o *strict.Object, query string) (name string, bot *string, err error) {
	if name = query; name == "" {
		if v := field(o, "name"); v.isText {
			name = v.text
		}
	}
	for _, key := range []string{"dialog_id", "canvas_id"} {
		v := field(o, key)
		if !v.sent || v.null {
			continue
		}
		if !v.isText || v.text == "" || bot != nil && *bot != v.text {
			return "", nil, dialogUnknown
		}
		bot = &v.text
	}
	return name, bot, nil
}
