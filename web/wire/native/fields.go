package native

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/strict"
)

// Maybe is a field of a body: left out, null, or a value.
type Maybe[T any] struct {
	Set   bool
	Null  bool
	Value T
}

// UnmarshalJSON is called for fields that are there, with null too. Fields of the
// value that nobody knows are refused.
func (m *Maybe[T]) UnmarshalJSON(text []byte) error {
	m.Set = true
	if string(text) == "null" {
		m.Null = true
		return nil
	}
	return decode(text, &m.Value)
}

// decode reads JSON that strict.Parse has seen. A key that a struct does not know
// is refused by its name, one that differs only in case too.
func decode(text []byte, into any) error {
	t := reflect.TypeOf(into).Elem()
	if t.Kind() == reflect.Struct && len(text) > 0 && text[0] == '{' {
		o, err := strict.Parse(text)
		if err != nil {
			return err
		}
		known := names(t)
		for _, m := range o.Members {
			if !slices.Contains(known, m.Key) {
				return access.Fail(access.Invalid, "json_unknown", "There is no field %q here.", m.Key).At(m.Key)
			}
		}
	}
	return decodeError(t, json.Unmarshal(text, into))
}

// names lists the keys that a struct knows, those of embedded structs too.
func names(t reflect.Type) (all []string) {
	for f := range t.Fields() {
		if f.Anonymous {
			all = append(all, names(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
	}
	return all
}

// embedded lists the names of the structs in a struct, outer ones first.
func embedded(t reflect.Type) (all []string) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		if f.Anonymous {
			all = append(append(all, f.Name), embedded(f.Type)...)
		}
	}
	return all
}

func decodeError(t reflect.Type, err error) error {
	if err == nil || len(access.Problems(err)) > 0 {
		return err
	}
	e, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return access.Fail(access.Invalid, "json_value", "The body cannot be read: a value has the wrong form.").Because(err)
	}
	field := e.Field
	for _, name := range embedded(t) {
		field = strings.TrimPrefix(field, name+".") // one struct in another is no part of the path
	}
	if field == "" {
		return e // whoever called the decoder of this value knows where it stands
	}
	return access.Fail(access.Invalid, "json_type", "%s must be %s, not %s.", field, jsonName(e.Type), strings.TrimPrefix(e.Value, "number ")).At(field)
}

func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

// reader turns the fields of a body into those of a form and keeps what is wrong.
type reader struct{ wrong []error }

func (r *reader) refuse(err error) {
	if err != nil {
		r.wrong = append(r.wrong, err)
	}
}

func (r *reader) err() error { return errors.Join(r.wrong...) }

// take reads a field that cannot be null.
func take[T any](r *reader, m Maybe[T], field string) *T {
	switch {
	case !m.Set:
		return nil
	case m.Null:
		r.refuse(access.Fail(access.Invalid, "field_null", "%s cannot be null. Leave it out to leave it as it is.", field).At(field))
		return nil
	}
	return &m.Value
}

// takeOr reads a field whose null stands for a value.
func takeOr[T any](m Maybe[T], null T) *T {
	switch {
	case !m.Set:
		return nil
	case m.Null:
		return &null
	}
	return &m.Value
}

// takeNil reads a field whose null takes a limit away.
func takeNil[T any](m Maybe[T]) **T {
	if !m.Set {
		return nil
	}
	value := &m.Value
	if m.Null {
		value = nil
	}
	return &value
}

// moment reads a time; null is never.
func (r *reader) moment(m Maybe[string], field string) *time.Time {
	if !m.Set {
		return nil
	}
	var at time.Time
	if !m.Null {
		var err error
		if at, err = time.Parse(time.RFC3339, m.Value); err != nil || at.UnixMilli() <= 0 {
			r.refuse(access.Fail(access.Invalid, "time_malformed", "A time is written like 2026-11-20T14:21:00Z.").At(field))
		}
	}
	return &at
}

// version reads the version that an edit is based on, 0 for any.
func (r *reader) version(m Maybe[int64]) int64 {
	v := take(r, m, "version")
	if v == nil {
		return 0
	}
	if *v < 1 {
		r.refuse(access.Fail(access.Invalid, "number_least", "This is a whole number from %d up.", 1).At("version"))
	}
	return *v
}

// decimal reads a decimal number exactly as it was written.
func (r *reader) decimal(m Maybe[json.Number], field string) *string {
	n := take(r, m, field)
	if n == nil {
		return nil
	}
	text := string(*n)
	if strings.ContainsAny(text, "eE") {
		text = r.plainDecimal(text, field)
	}
	return &text
}

// plainDecimal spells a number with an exponent without one. Exponents of no
// amount at all are refused before they cost time.
func (r *reader) plainDecimal(text, field string) string {
	const farthest = 30
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	n, ok := new(big.Rat).SetString(mantissa)
	power, err := strconv.ParseInt(exponent, 10, 64)
	if !ok || err != nil || len(mantissa) > farthest || power < -farthest || power > farthest {
		r.refuse(access.Fail(access.Invalid, "decimal_malformed", "%q is not a number such as 0.15.", text).At(field))
		return "0"
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(power, -power)), nil)
	if power < 0 {
		n.Quo(n, new(big.Rat).SetInt(ten))
	} else {
		n.Mul(n, new(big.Rat).SetInt(ten))
	}
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(2*farthest), "0"), ".")
}

// decimal is a number that is printed exactly.
type decimal string

// MarshalJSON prints the digits as a JSON number.
func (n decimal) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// dollars spells units as dollars.
func (d *Door) dollars(units int64) decimal { return decimal(d.Control.Dollars(units)) }

// at spells a time; the zero time is null.
func at(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.999Z07:00")
	return &text
}

// orNull spells an optional text.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// object spells stored JSON as it is; what cannot be is an empty object.
func object(text string) json.RawMessage {
	if !json.Valid([]byte(text)) {
		return json.RawMessage("{}")
	}
	return json.RawMessage(text)
}
