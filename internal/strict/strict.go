// Package strict reads JSON that can mean only one thing.
//
// It promises that whatever it accepts is read the same way by every parser:
// valid UTF-8, no two keys of an object that are equal or differ only in case, at
// most MaxDepth levels, nothing behind the end. What it hands on is encoded anew,
// without white space and with plainly spelled keys, so that what was checked is
// what is forwarded. It refuses everything else with access.Invalid and says
// where. It knows no field names: that is its callers' business.
package strict

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"latchkey/internal/access"
)

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 64

// Member is one key of an object and its value, encoded anew.
type Member struct {
	Key   string
	Value json.RawMessage
}

// Object is a JSON object in the order of its keys.
type Object struct{ Members []Member }

// Parse reads one object.
func Parse(data []byte) (*Object, error) {
	if !utf8.Valid(data) {
		return nil, refuse("json_utf8", "The body is not valid UTF-8.")
	}
	r := reader{in: data, out: make([]byte, 0, len(data))}
	r.blank()
	if r.at >= len(r.in) || r.in[r.at] != '{' {
		return nil, refuse("json_object", "The body must be a JSON object.")
	}
	o := &Object{}
	err := r.object(func(key string, from, to int) {
		o.Members = append(o.Members, Member{Key: key, Value: r.out[from:to:to]})
	})
	if err != nil {
		return nil, err
	}
	if r.blank(); r.at != len(r.in) {
		return nil, refuse("json_trailing", "There is something behind the end of the JSON body.")
	}
	return o, nil
}

func refuse(code, text string, args ...any) error {
	return access.Fail(access.Invalid, code, text, args...)
}

// Elements cuts a list that was read before into its values. ok is false for what
// is no list.
func Elements(list json.RawMessage) (all []json.RawMessage, ok bool) {
	if len(list) < 2 || list[0] != '[' {
		return nil, false
	}
	from, depth, quoted := 1, 0, false
	for at := 1; at < len(list); at++ {
		switch c := list[at]; {
		case quoted && c == '\\':
			at++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
		case depth > 0 && (c == ']' || c == '}'):
			depth--
		case depth == 0 && (c == ',' || c == ']') && at > from:
			all = append(all, list[from:at:at])
			from = at + 1
		}
	}
	return all, true
}

// Text reads a text that was read before into text; null leaves it as it is. It
// returns false for anything else.
func Text(raw json.RawMessage, text *string) bool {
	if n := len(raw); n >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		*text = string(raw[1 : n-1])
		return true
	}
	return json.Unmarshal(raw, text) == nil
}

// Get returns a member's value, nil where there is none.
func (o *Object) Get(key string) json.RawMessage {
	for i := range o.Members {
		if o.Members[i].Key == key {
			return o.Members[i].Value
		}
	}
	return nil
}

// Has reports whether the object has the key, with whatever value.
func (o *Object) Has(key string) bool { return o.Get(key) != nil }

// Set gives a member a value, which must be JSON, in its place or at the end.
func (o *Object) Set(key string, value json.RawMessage) {
	for i := range o.Members {
		if o.Members[i].Key == key {
			o.Members[i].Value = value
			return
		}
	}
	o.Members = append(o.Members, Member{Key: key, Value: value})
}

// Delete removes a member.
func (o *Object) Delete(key string) {
	for i := range o.Members {
		if o.Members[i].Key == key {
			o.Members = append(o.Members[:i:i], o.Members[i+1:]...)
			return
		}
	}
}

// Clone returns an object that can be changed without changing this one.
func (o *Object) Clone() *Object { return &Object{Members: append([]Member(nil), o.Members...)} }

// Misspelled returns a key that some parser would take for one of the known
// names although it is spelled otherwise, or "".
func (o *Object) Misspelled(known ...string) string {
	for _, m := range o.Members {
		for _, name := range known {
			if m.Key != name && strings.EqualFold(m.Key, name) {
				return m.Key
			}
		}
	}
	return ""
}

// Encode spells the object.
func (o *Object) Encode() []byte {
	size := 2
	for _, m := range o.Members {
		size += len(m.Key) + len(m.Value) + 4
	}
	out := append(make([]byte, 0, size), '{')
	for i, m := range o.Members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(appendKey(out, m.Key), ':'), m.Value...)
	}
	return append(out, '}')
}

func appendKey(out []byte, key string) []byte {
	for i := range len(key) {
		if c := key[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			spelled, _ := json.Marshal(key) // a string always encodes
			return append(out, spelled...)
		}
	}
	return append(append(append(out, '"'), key...), '"')
}
