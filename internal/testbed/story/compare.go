package story

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decode reads a text that is one JSON value, with numbers as they stand.
func Decode(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is more behind the JSON value")
	}
	return v, nil
}

// Differences says where an answer is not what is expected of it. It remembers
// what the forms name.
func (s *Teller) Differences(want, got any) []string {
	s.TB.Helper()
	return s.differ("", want, got)
}

func (s *Teller) differ(at string, want, got any) []string {
	s.TB.Helper()
	switch w := want.(type) {
	case map[string]any:
		return s.differInKeys(at, w, got)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []string{fmt.Sprintf("%s is %v, want %d entries", at, got, len(w))}
		}
		var wrong []string
		for i := range w {
			wrong = append(wrong, s.differ(at+"["+strconv.Itoa(i)+"]", w[i], g[i])...)
		}
		return wrong
	case string:
		if strings.HasPrefix(w, "$") {
			return s.judge(at, w, got)
		}
		want = s.Fill(w)
	}
	if want != got {
		return []string{fmt.Sprintf("%s is %v, want %v", at, got, want)}
	}
	return nil
}

// differInKeys compares objects: a key too many or too few is a difference.
func (s *Teller) differInKeys(at string, want map[string]any, got any) (wrong []string) {
	s.TB.Helper()
	g, ok := got.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s is %v, want an object", at, got)}
	}
	filled := map[string]any{}
	for key, one := range want {
		filled[s.Fill(key)] = one
	}
	if len(filled) != len(want) {
		s.TB.Fatalf("%s: the story expects one key twice", at)
	}
	for _, key := range slices.Sorted(maps.Keys(g)) {
		if _, known := filled[key]; !known {
			wrong = append(wrong, fmt.Sprintf("%s.%s is too much: %v", at, key, g[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(filled)) {
		if v, there := g[key]; there {
			wrong = append(wrong, s.differ(at+"."+key, filled[key], v)...)
		} else {
			wrong = append(wrong, at+"."+key+" is missing")
		}
	}
	return wrong
}

// judge holds a value to a form, which remembers it, or to a compare.
func (s *Teller) judge(at, want string, got any) []string {
	s.TB.Helper()
	name, rest, more := strings.Cut(want, " ")
	form, isForm := s.Forms[name]
	compare, isCompare := s.Compares[name]
	ok := false
	switch {
	case isForm && isCompare, !isForm && !isCompare:
		s.TB.Fatalf("%s: %s is no form and no compare, or both", at, name)
	case isForm:
		ok = form(got)
	default:
		ok = compare(got, rest)
	}
	if !ok {
		return []string{fmt.Sprintf("%s is %v, want %s", at, got, want)}
	}
	if isForm && more {
		s.remember(rest, fmt.Sprint(got))
	}
	return nil
}

// remember keeps a value, and how a client may write it into an address.
func (s *Teller) remember(name, value string) {
	s.TB.Helper()
	if valueName.FindString("{"+name+"}") != "{"+name+"}" {
		s.TB.Fatalf("a value cannot be named %q", name)
	}
	var b strings.Builder
	for i := range len(value) {
		fmt.Fprintf(&b, "%%%02x", value[i])
	}
	s.Values[name], s.Values[name+".escaped"] = value, b.String()
}

// Matching is a form: a text that the expression matches.
func Matching(e *regexp.Regexp) func(any) bool {
	return func(got any) bool {
		text, ok := got.(string)
		return ok && e.MatchString(text)
	}
}

// Text is a form: a text that is not empty.
func Text(got any) bool {
	text, is := got.(string)
	return is && text != ""
}

// Number is a form.
func Number(got any) bool {
	_, is := got.(json.Number)
	return is
}

// Recent is a form: a number that counts, in units since 1970, a moment of the last ten
// minutes.
func Recent(now func() time.Time, unit time.Duration) func(any) bool {
	return func(got any) bool {
		number, _ := got.(json.Number)
		n, err := number.Int64()
		last := now().UnixNano() / int64(unit)
		return err == nil && n <= last && last-n < int64(10*time.Minute/unit)
	}
}
