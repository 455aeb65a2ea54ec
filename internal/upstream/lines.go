package upstream

// How a stream's bytes become lines, lines events, and events chunks. It follows
// the standard of server-sent events, and what providers make of it.

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// feed cuts bytes into lines.
func (r *reader) feed(b []byte) error {
	if !r.sniffed {
		var end error
		if b, end = r.sniff(b); end != nil || !r.sniffed {
			return end
		}
	}
	if r.answer.plain {
		if r.partial = append(r.partial, b...); len(r.partial) > maxQueued {
			return fail("provider_not_stream", nil)
		}
		return nil
	}
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			if len(r.partial)+len(b) > MaxLine {
				return fail("provider_long_line", nil, MaxLine>>20)
			}
			r.partial = append(r.partial, b...)
			return nil
		}
		line := b[:i]
		if len(r.partial) > 0 {
			r.partial = append(r.partial, line...)
			line = r.partial
		}
		if len(line) > MaxLine {
			return fail("provider_long_line", nil, MaxLine>>20)
		}
		end := r.line(line)
		if r.partial = r.partial[:0]; cap(r.partial) > maxQueued {
			r.partial = nil // one huge line must not weigh until the end
		}
		if end != nil {
			return end
		}
		b = b[i+1:]
	}
}

// sniff tells a stream from a web page or a plain answer by its first bytes.
func (r *reader) sniff(b []byte) ([]byte, error) {
	head := append(r.partial, b...) // what waits is never more than part of a byte order mark
	r.partial = nil
	if !r.marked {
		if len(head) < len(bom) && bytes.HasPrefix(bom, head) {
			r.partial = head
			return nil, nil
		}
		head, r.marked = bytes.TrimPrefix(head, bom), true
	}
	r.blank += len(head)
	if head = bytes.TrimLeft(head, " \t\r\n"); len(head) == 0 {
		if r.blank > maxHeader {
			return nil, fail("provider_faulty", errors.New("blank without end"))
		}
		return nil, nil
	}
	r.sniffed = true
	switch head[0] {
	case '<':
		return nil, fail("provider_html", nil)
	case '{', '[':
		r.answer.plain = true
	}
	return head, nil
}

// line reads one line of a stream.
func (r *reader) line(line []byte) error {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return r.flush()
	}
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "data":
		return r.data(value)
	case "event":
		r.name = append(r.name[:0], value[:min(len(value), 128)]...)
	case "":
		r.answer.opened = true // a comment: the provider works
	}
	return nil
}

// data reads the value of a data line.
func (r *reader) data(value []byte) error {
	value = bytes.TrimSpace(value)
	if bytes.Equal(value, done) {
		if end := r.flush(); end != nil {
			return end
		}
		return errEnough
	}
	if len(r.pending) == 0 {
		if len(value) == 0 {
			return nil
		}
		if ok, end := r.event(value); ok || end != nil {
			return end
		}
	}
	if len(r.pending)+len(value) > MaxLine {
		return fail("provider_long_line", nil, MaxLine>>20)
	}
	if len(r.pending) > 0 {
		r.pending = append(r.pending, '\n')
	}
	r.pending = append(r.pending, value...)
	return nil
}

// flush ends an event: what waits is an object now, or malformed.
func (r *reader) flush() error {
	defer func() { r.pending, r.name = r.pending[:0], r.name[:0] }()
	if len(r.pending) == 0 {
		return nil
	}
	ok, end := r.event(r.pending)
	if !ok && end == nil {
		if r.malformed++; r.malformed > maxMalformed {
			return fail("provider_malformed", nil, maxMalformed)
		}
	}
	if cap(r.pending) > maxQueued {
		r.pending = nil
	}
	return end
}

// event queues one object; ok is false where data is none.
func (r *reader) event(data []byte) (ok bool, end error) {
	if !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	}
	chunk, ok := r.parser.parse(data)
	if !ok {
		// A value that is JSON but no object says nothing; it is passed over.
		s := scanner{data: data}
		return data[0] != '{' && s.skip() && s.peek() == 0 && s.at == len(data), nil
	}
	if chunk.Said != nil {
		return true, r.answer.client.refused(chunk.Said.status(), nil, *chunk.Said, r.answer.key)
	}
	if chunk.Finish != "" {
		r.finished = true
	}
	q := &r.answer.queue
	p := placed{name: q.add(r.name), data: q.add(data), content: q.add(chunk.Content), other: q.add(chunk.Other)}
	chunk.Content, chunk.Other = nil, nil
	p.chunk = chunk
	q.events = append(q.events, p)
	return true, nil
}
