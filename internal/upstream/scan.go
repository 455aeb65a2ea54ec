package upstream

import (
	"unicode/utf16"
	"unicode/utf8"
)

const maxDepth = 128

// scanner reads JSON once, front to back, without building anything: each
// method leaves it behind the value and reports whether the value was well
// formed. What a caller wants to know it picks out on the way.
type scanner struct {
	data  []byte
	at    int
	depth int
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek is the first byte of the next value, or 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *scanner) take(b byte) bool {
	if s.peek() != b || b == 0 {
		return false
	}
	s.at++
	return true
}

// str reads a string and returns what stands between its quotes, still escaped.
func (s *scanner) str() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	from := s.at
	for s.at < len(s.data) {
		switch b := s.data[s.at]; {
		case b == '"':
			s.at++
			return s.data[from : s.at-1], true
		case b < 0x20:
			return nil, false
		case b == '\\':
			if !s.escape() {
				return nil, false
			}
		default:
			s.at++
		}
	}
	return nil, false
}

func (s *scanner) escape() bool {
	if s.at+1 >= len(s.data) {
		return false
	}
	switch s.data[s.at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at += 2
		return true
	case 'u':
		if s.at+6 > len(s.data) {
			return false
		}
		for _, b := range s.data[s.at+2 : s.at+6] {
			if unhex(b) < 0 {
				return false
			}
		}
		s.at += 6
		return true
	}
	return false
}

func unhex(b byte) rune {
	switch {
	case '0' <= b && b <= '9':
		return rune(b - '0')
	case 'a' <= b && b <= 'f':
		return rune(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return rune(b-'A') + 10
	}
	return -1
}

// number reads a number and returns its spelling.
func (s *scanner) number() ([]byte, bool) {
	s.space()
	from := s.at
	digits := func() bool {
		start := s.at
		for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
			s.at++
		}
		return s.at > start
	}
	at := func(b ...byte) bool {
		for _, one := range b {
			if s.at < len(s.data) && s.data[s.at] == one {
				s.at++
				return true
			}
		}
		return false
	}
	at('-')
	if !at('0') && !digits() {
		return nil, false
	}
	if at('.') && !digits() {
		return nil, false
	}
	if at('e', 'E') {
		at('+', '-')
		if !digits() {
			return nil, false
		}
	}
	return s.data[from:s.at], true
}

func (s *scanner) word(w string) bool {
	if s.at+len(w) > len(s.data) || string(s.data[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

// skip passes over one value of any type.
func (s *scanner) skip() bool {
	switch s.peek() {
	case '{':
		return s.object(func([]byte) bool { return s.skip() })
	case '[':
		return s.array(func() bool { return s.skip() })
	case '"':
		_, ok := s.str()
		return ok
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		_, ok := s.number()
		return ok
	}
}

// object reads an object; member must read the value of each key.
func (s *scanner) object(member func(key []byte) bool) bool {
	if s.depth++; s.depth > maxDepth || !s.take('{') {
		return false
	}
	defer func() { s.depth-- }()
	if s.take('}') {
		return true
	}
	for {
		key, ok := s.str()
		if !ok || !s.take(':') || !member(key) {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// array reads an array; element must read each value.
func (s *scanner) array(element func() bool) bool {
	if s.depth++; s.depth > maxDepth || !s.take('[') {
		return false
	}
	defer func() { s.depth-- }()
	if s.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// appendText appends an escaped string's text as valid UTF-8.
func appendText(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if b := raw[i]; b == '\\' {
			var n int
			dst, n = appendEscape(dst, raw[i:])
			i += n
		} else if b < utf8.RuneSelf {
			dst = append(dst, b)
			i++
		} else {
			r, n := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return dst
}

// appendEscape appends what the escape at the start of raw, a well formed one,
// stands for, and says how long it was.
func appendEscape(dst, raw []byte) ([]byte, int) {
	switch b := raw[1]; b {
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		r := hex4(raw[2:])
		if utf16.IsSurrogate(r) {
			if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
				if pair := utf16.DecodeRune(r, hex4(raw[8:])); pair != utf8.RuneError {
					return utf8.AppendRune(dst, pair), 12
				}
			}
			r = utf8.RuneError
		}
		return utf8.AppendRune(dst, r), 6
	default:
		return append(dst, b), 2
	}
}

func hex4(b []byte) rune {
	return unhex(b[0])<<12 | unhex(b[1])<<8 | unhex(b[2])<<4 | unhex(b[3])
}
