package newapi

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/db"
	"latchkey/internal/control"
	"latchkey/internal/strict"
)

// tokenBody is what a client sends of a token. Nil was not sent.
type tokenBody struct {
	id, status, expires, remain *int64
	name, group                 *string
	unlimited, limited          *bool
	models, addresses           *[]string
}

// part is what a call reads of a body. Other keys are passed over, whatever they
// hold.
type part uint8

const (
	identity part = 1 << iota // id and status
	settings                  // everything that a client may set
)

// readToken reads parts of a body; what has the wrong form is refused.
func readToken(raw []byte, parts part) (b tokenBody, err error) {
	o, err := strict.Parse(raw)
	if err != nil {
		return b, badBody
	}
	r := reader{o: o}
	if parts&identity != 0 {
		take(&r, "id", &b.id)
		take(&r, "status", &b.status)
	}
	if parts&settings != 0 {
		r.settings(&b)
	}
	return b, r.err
}

func (r *reader) settings(b *tokenBody) {
	take(r, "name", &b.name)
	take(r, "expired_time", &b.expires)
	take(r, "remain_quota", &b.remain)
	take(r, "unlimited_quota", &b.unlimited)
	take(r, "model_limits_enabled", &b.limited)
	take(r, "group", &b.group)
	b.models, b.addresses = r.models("model_limits"), r.addresses("allow_ips")
}

// reader takes fields out of an object and keeps the first thing that is wrong.
type reader struct {
	o   *strict.Object
	err error
}

// take reads a field. Null is as if it were not there.
func take[T any](r *reader, key string, into **T) {
	raw := r.o.Get(key)
	if raw == nil || string(raw) == "null" {
		return
	}
	v := new(T)
	if json.Unmarshal(raw, v) != nil {
		r.refuse()
		return
	}
	*into = v
}

func (r *reader) refuse() {
	if r.err == nil {
		r.err = badBody
	}
}

// models reads a list of names, or a text in which commas part them.
func (r *reader) models(key string) *[]string {
	var list *[]*string
	if raw := r.o.Get(key); len(raw) == 0 || raw[0] != '[' {
		var text *string
		if take(r, key, &text); text == nil {
			return nil
		}
		list = &[]*string{text}
	} else {
		take(r, key, &list)
	}
	if list == nil {
		return nil
	}
	names := []string{}
	for _, entry := range *list {
		if entry == nil {
			r.refuse()
			return nil
		}
		names = append(names, strings.Split(*entry, ",")...)
	}
	return &names
}

// addresses reads a text in which commas, semicolons, line ends or blanks part
// addresses. Null empties the list. A text of separators alone is refused: it
// must not open what somebody meant to close.
func (r *reader) addresses(key string) *[]string {
	if string(r.o.Get(key)) == "null" {
		return &[]string{}
	}
	var text *string
	if take(r, key, &text); text == nil {
		return nil
	}
	entries := strings.FieldsFunc(*text, func(c rune) bool { return strings.ContainsRune(",; \t\r\n", c) })
	if len(entries) == 0 && strings.ContainsAny(*text, ",;") {
		r.refuse()
	}
	return &entries
}

// checkName keeps New API's length.
func (b tokenBody) checkName() error {
	if b.name != nil && utf8.RuneCountInString(*b.name) > nameMax {
		return nameLong
	}
	return nil
}

// form spells the body for control.
func (b tokenBody) form() (f control.TokenForm, err error) {
	f = control.TokenForm{
		Name: b.name, NameOptional: true, Group: b.group, Models: b.models, ModelsLimited: b.limited, Addresses: b.addresses, PastExpiry: true,
		Quota: db.QuotaChange{Remain: b.remain, Unlimited: b.unlimited, Least: true},
	}
	if f.ExpiresAt, err = moment(b.expires); err != nil || b.remain == nil {
		return f, err
	}
	switch {
	case *b.remain > remainMax:
		return f, quotaLarge
	case *b.remain < 0 && b.unlimited != nil && *b.unlimited:
		f.Quota.Remain = new(int64) // what an unlimited token counts down to is no budget
	}
	return f, nil
}

// moment reads an end in seconds.
func moment(seconds *int64) (*time.Time, error) {
	switch {
	case seconds == nil:
		return nil, nil
	case *seconds == never:
		return &time.Time{}, nil
	case *seconds > lastSecond || *seconds <= firstSecond:
		return nil, badBody
	}
	at := time.Unix(*seconds, 0).UTC()
	return &at, nil
}

// readNumbers reads the ids of a batch.
func readNumbers(raw []byte) ([]int64, error) {
	o, err := strict.Parse(raw)
	if err != nil {
		return nil, badBody
	}
	var list *[]*int64
	r := reader{o: o}
	take(&r, "ids", &list)
	if r.err != nil || list == nil || len(*list) == 0 || slices.Contains(*list, nil) {
		return nil, badBody
	}
	numbers := make([]int64, 0, len(*list))
	for _, n := range *list {
		numbers = append(numbers, *n)
	}
	return numbers, nil
}

// page reads which page is asked for and how many rows it has.
func page(query func(string) string) (number int64, size int) {
	number = max(1, whole(query("p")))
	size = 20
	for _, name := range []string{"size", "page_size", "ps"} {
		if n := whole(query(name)); n != 0 {
			size = int(min(max(n, 1), 100))
			break
		}
	}
	return number, size
}

// whole reads a number, 0 where there is none.
func whole(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// offset is the number of rows before a page. Pages beyond every list are empty.
func offset(number int64, size int) int64 {
	if number-1 > math.MaxInt64/int64(size) {
		return math.MaxInt64
	}
	return (number - 1) * int64(size)
}
