package fess

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/strict"
)

// Fess's limits, in characters.
const (
	nameMax  = access.WideNameMax
	wideMax  = access.WideMax
	idMax    = 1000
	sizeMost = 10_000 // rows of a page
	sizeUsed = 20     // when nothing is said
)

// What fields are called to people.
const (
	labelID          label = "ID"
	labelName        label = "Name"
	labelToken       label = "Token"
	labelParameter   label = "Parameter Name"
	labelExpiredTime label = "Expired Time"
	labelExpires     label = "Expires"
	labelPermissions label = "Permissions"
	labelVersion     label = "Version No"
	labelSize        label = "Size"
	labelPage        label = "Page"
	labelQuery       label = "Q"
)

// lastMoment is the end of the year 9999, in milliseconds: every door can spell
// what comes before.
const lastMoment = 253402300799999

// expiresPattern is how Fess itself writes an end, in the server's zone.
const (
	expiresPattern = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
	expiresLayout  = "2006-01-02T15:04:05"
)

// body is what a client sends of a token. Nil was not sent.
type body struct {
	id, name, token, parameter *string
	ends                       *int64  // milliseconds, 0 or less: never
	expires                    *string // the same as Fess itself writes it, which wins
	permissions                *[]string
	shape                      string
	version                    *int64
}

// reader takes fields out of an object and keeps all that is wrong.
type reader struct {
	o     *strict.Object
	wrong []error
}

func (r *reader) note(err error) {
	if err != nil {
		r.wrong = append(r.wrong, err)
	}
}

// get returns a field by its name in camelCase, in whichever spelling it came.
// Where both came and differ, snake_case is the edit: clients of Fess itself send
// back what they read and put their own beside it. A null there is no edit.
func (r *reader) get(camel string) json.RawMessage {
	var snake strings.Builder
	for _, c := range camel {
		if 'A' <= c && c <= 'Z' {
			snake.WriteByte('_')
			c += 'a' - 'A'
		}
		snake.WriteRune(c)
	}
	if raw := r.o.Get(snake.String()); raw != nil && !isNull(raw) {
		return raw
	}
	if raw := r.o.Get(camel); raw != nil {
		return raw
	}
	return r.o.Get(snake.String())
}

func isNull(raw json.RawMessage) bool { return bytes.Equal(raw, []byte("null")) }

// text reads a field that holds text. Null is as if it were not there.
func (r *reader) text(camel string, name label, most int) *string {
	raw := r.get(camel)
	if raw == nil || isNull(raw) {
		return nil
	}
	var v string
	if json.Unmarshal(raw, &v) != nil {
		r.note(notText(name))
		return nil
	}
	if utf8.RuneCountInString(v) > most {
		r.note(sizeOf(name, 0, most))
	}
	return &v
}

// number reads a field that holds a whole number, also one spelled as text.
func (r *reader) number(camel string, name label) *int64 {
	raw := r.get(camel)
	if raw == nil || isNull(raw) {
		return nil
	}
	spelled := string(raw)
	if raw[0] == '"' && json.Unmarshal(raw, &spelled) == nil && spelled == "" {
		return nil
	}
	n, ok := whole(spelled)
	if !ok {
		r.note(notNumber(name))
		return nil
	}
	return &n
}

// whole reads a whole number, also one that is spelled with a point or a power.
func whole(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	const exact = 1 << 53
	if err != nil || f != math.Trunc(f) || math.Abs(f) > exact {
		return 0, false
	}
	return int64(f), true
}

// permissions reads a list of texts, or one text with a permission on each line.
func (r *reader) permissions(b *body) {
	raw := r.get("permissions")
	if raw == nil || isNull(raw) {
		return
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		list := lines(text)
		b.permissions, b.shape = &list, asText
		if utf8.RuneCountInString(text) > wideMax {
			r.note(sizeOf(labelPermissions, 0, wideMax))
		}
		return
	}
	var entries []*string
	if json.Unmarshal(raw, &entries) != nil {
		r.note(notText(labelPermissions))
		return
	}
	list, size := []string{}, 0
	for _, e := range entries {
		if e == nil {
			r.note(notText(labelPermissions))
			return
		}
		list, size = append(list, *e), size+utf8.RuneCountInString(*e)
	}
	b.permissions, b.shape = &list, asList
	if size > wideMax {
		r.note(sizeOf(labelPermissions, 0, wideMax))
	}
}

// ends reads when a token expires: null and 0 are never.
func (r *reader) ends(b *body) {
	if raw := r.get("expiredTime"); raw != nil && isNull(raw) {
		b.ends = new(int64)
	} else if b.ends = r.number("expiredTime", labelExpiredTime); b.ends != nil && *b.ends > lastMoment {
		r.note(access.Fail(access.Invalid, "fess_expired_time", "%s must be a moment before the year 10000, in milliseconds.", labelExpiredTime))
	}
	b.expires = r.text("expires", labelExpires, wideMax)
}

// readBody reads a token. editing says that it must name which.
func readBody(raw []byte, editing bool) (body, error) {
	o, err := strict.Parse(raw)
	if err != nil {
		return body{}, err
	}
	r, b := reader{o: o}, body{}
	if editing {
		if b.id = r.text("id", labelID, idMax); len(r.wrong) == 0 && (b.id == nil || *b.id == "") {
			r.note(required(labelID))
		}
		b.version = r.number("versionNo", labelVersion)
	} else {
		b.token = r.text("token", labelToken, wideMax)
	}
	before := len(r.wrong)
	if b.name = r.text("name", labelName, nameMax); len(r.wrong) == before && (b.name == nil || strings.TrimSpace(*b.name) == "") {
		r.note(required(labelName))
	}
	b.parameter = r.text("parameterName", labelParameter, wideMax)
	r.ends(&b)
	r.permissions(&b)
	return b, errors.Join(r.wrong...)
}

// form spells the body for control. zone is the server's for ends that name none.
func (b body) form(zone *time.Location) (control.TokenForm, error) {
	f := control.TokenForm{Name: b.name, Wide: true, PastExpiry: true, ParameterName: b.parameter, Permissions: b.permissions}
	if b.token != nil {
		f.Secret = *b.token
	}
	if b.permissions != nil {
		f.PermissionsShape = &b.shape
	}
	if b.parameter != nil && strings.TrimSpace(*b.parameter) == "" {
		f.ParameterName = new(usualParameter)
	}
	if b.version != nil {
		// No token has a version below 1, and 0 would mean any.
		if f.Version = *b.version; f.Version <= 0 {
			f.Version = -1
		}
	}
	var err error
	f.ExpiresAt, err = b.moment(zone)
	return f, err
}

func (b body) moment(zone *time.Location) (*time.Time, error) {
	switch {
	case b.expires != nil && *b.expires == "":
		return &time.Time{}, nil
	case b.expires != nil:
		at, err := time.ParseInLocation(expiresLayout, *b.expires, zone)
		if err != nil || len(*b.expires) != len(expiresLayout) || at.UnixMilli() <= 0 {
			return nil, access.Fail(access.Invalid, "fess_pattern", "%s does not match \"%s\".", labelExpires, expiresPattern)
		}
		return &at, nil
	case b.ends == nil:
		return nil, nil
	case *b.ends <= 0:
		return &time.Time{}, nil
	}
	at := time.UnixMilli(*b.ends).UTC()
	return &at, nil
}
