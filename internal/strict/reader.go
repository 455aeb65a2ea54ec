package strict

import (
	"encoding/json"
	"strings"
)

// reader walks the input once and writes the same values without white space.
type reader struct {
	in    []byte
	at    int
	out   []byte
	depth int
}

func (r *reader) blank() {
	for r.at < len(r.in) {
		switch r.in[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *reader) broken() error {
	if r.at >= len(r.in) {
		return refuse("json_end", "The JSON body ends too early.")
	}
	return refuse("json_syntax", "The body is not JSON: unexpected %q at byte %d.", r.in[r.at], r.at+1)
}

func (r *reader) expect(c byte) error {
	if r.blank(); r.at >= len(r.in) || r.in[r.at] != c {
		return r.broken()
	}
	r.out = append(r.out, c)
	r.at++
	return nil
}

func (r *reader) peek(c byte) bool {
	r.blank()
	return r.at < len(r.in) && r.in[r.at] == c
}

func (r *reader) value() error {
	r.blank()
	if r.at >= len(r.in) {
		return r.broken()
	}
	switch c := r.in[r.at]; {
	case c == '{':
		return r.object(nil)
	case c == '[':
		return r.array()
	case c == '"':
		from := r.at
		if err := r.text(); err != nil {
			return err
		}
		r.out = append(r.out, r.in[from:r.at]...)
		return nil
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(string(r.in[r.at:min(r.at+len(word), len(r.in))]), word) {
			r.out = append(r.out, word...)
			r.at += len(word)
			return nil
		}
	}
	return r.broken()
}

func (r *reader) deeper() error {
	if r.depth++; r.depth > MaxDepth {
		return refuse("json_depth", "The JSON body nests deeper than %d levels.", MaxDepth)
	}
	return nil
}

// object reads an object; member hears of each key and where its value stands in
// the output.
func (r *reader) object(member func(key string, from, to int)) error {
	if err := r.deeper(); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	if err := r.expect('{'); err != nil {
		return err
	}
	if r.peek('}') {
		return r.expect('}')
	}
	var keys keySet
	for {
		key, err := r.key()
		if err != nil {
			return err
		}
		if twin, ok := keys.add(key); !ok {
			return refuse("json_duplicate", "The keys %q and %q stand in one object: this could be read in two ways.", twin, key)
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		from := len(r.out)
		if err := r.value(); err != nil {
			return err
		}
		if member != nil {
			member(key, from, len(r.out))
		}
		if !r.peek(',') {
			return r.expect('}')
		}
		if err := r.expect(','); err != nil {
			return err
		}
	}
}

func (r *reader) array() error {
	if err := r.deeper(); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	if err := r.expect('['); err != nil {
		return err
	}
	if r.peek(']') {
		return r.expect(']')
	}
	for {
		if err := r.value(); err != nil {
			return err
		}
		if !r.peek(',') {
			return r.expect(']')
		}
		if err := r.expect(','); err != nil {
			return err
		}
	}
}

// key reads a key, and writes it plainly spelled.
func (r *reader) key() (string, error) {
	if r.blank(); !r.peek('"') {
		return "", r.broken()
	}
	from := r.at
	if err := r.text(); err != nil {
		return "", err
	}
	raw := r.in[from:r.at]
	for _, c := range raw {
		if c == '\\' {
			var key string
			if err := json.Unmarshal(raw, &key); err != nil {
				return "", r.broken()
			}
			r.out = appendKey(r.out, key)
			return key, nil
		}
	}
	r.out = append(r.out, raw...)
	return string(raw[1 : len(raw)-1]), nil
}

// text skips a string and checks its escapes.
func (r *reader) text() error {
	for r.at++; r.at < len(r.in); r.at++ {
		switch c := r.in[r.at]; {
		case c == '"':
			r.at++
			return nil
		case c < ' ':
			return r.broken()
		case c == '\\':
			if err := r.escape(); err != nil {
				return err
			}
		}
	}
	return r.broken()
}

func (r *reader) escape() error {
	if r.at++; r.at >= len(r.in) {
		return r.broken()
	}
	switch r.in[r.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			if r.at++; r.at >= len(r.in) || !isHex(r.in[r.at]) {
				return r.broken()
			}
		}
		return nil
	}
	return r.broken()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (r *reader) number() error {
	from := r.at
	if r.in[r.at] == '-' {
		r.at++
	}
	whole := r.at
	if !r.digits() || r.in[whole] == '0' && r.at > whole+1 {
		return r.broken()
	}
	if r.at < len(r.in) && r.in[r.at] == '.' {
		if r.at++; !r.digits() {
			return r.broken()
		}
	}
	if r.at < len(r.in) && (r.in[r.at] == 'e' || r.in[r.at] == 'E') {
		if r.at++; r.at < len(r.in) && (r.in[r.at] == '+' || r.in[r.at] == '-') {
			r.at++
		}
		if !r.digits() {
			return r.broken()
		}
	}
	r.out = append(r.out, r.in[from:r.at]...)
	return nil
}

func (r *reader) digits() bool {
	from := r.at
	for r.at < len(r.in) && r.in[r.at] >= '0' && r.in[r.at] <= '9' {
		r.at++
	}
	return r.at > from
}

// keySet holds the keys of one object. Few are compared one by one, many by
// their folded spelling.
type keySet struct {
	few  []string
	many map[string]string
}

const keysFew = 24

// add returns the key that is too like the new one, or true.
func (s *keySet) add(key string) (twin string, ok bool) {
	if s.many == nil {
		for _, k := range s.few {
			if strings.EqualFold(k, key) {
				return k, false
			}
		}
		if s.few = append(s.few, key); len(s.few) > keysFew {
			s.many = make(map[string]string, 2*len(s.few))
			for _, k := range s.few {
				s.many[foldKey(k)] = k
			}
		}
		return "", true
	}
	folded := foldKey(key)
	if k, there := s.many[folded]; there {
		return k, false
	}
	s.many[folded] = key
	return "", true
}

// foldKey maps spellings that EqualFold calls equal to one text.
func foldKey(key string) string { return strings.ToLower(strings.ToUpper(key)) }
