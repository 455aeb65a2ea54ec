package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

var (
	bom  = []byte("\uFEFF")
	done = []byte("[DONE]")

	errEnough = errors.New("the stream has said its last")
)

// reader turns a stream's bytes into the events of its answer. A line that
// holds a whole JSON object is an event at once; other data lines wait for the
// blank line, as the standard has it. All but run is called under the answer's
// lock.
type reader struct {
	answer    *Answer
	begun     bool // the first byte has come
	sniffed   bool // and it was told what comes
	blank     int  // how much has come before that
	finished  bool // a reason for the answer's end has come
	partial   []byte
	pending   []byte // data lines that are no object alone
	name      []byte
	malformed int
	parser    parser
}

// run reads until the stream ends, and keeps the connection if it ended well.
func (r *reader) run(body io.ReadCloser) {
	a := r.answer
	buffer := a.client.buffers.Get().(*[]byte)
	defer a.client.buffers.Put(buffer)
	defer body.Close()
	defer func() { // a panic here would end the process
		if p := recover(); p != nil {
			r.stop(fail("provider_faulty", fmt.Errorf("panic: %v", p)))
		}
		a.finish()
	}()

	for {
		n, err := body.Read(*buffer)
		if n > 0 {
			a.alive()
			if end := r.take((*buffer)[:n]); end != nil {
				r.stop(end)
				if errors.Is(end, io.EOF) {
					r.drain(body, *buffer)
				}
				return
			}
		}
		if err != nil {
			r.stop(r.last(err))
			return
		}
		if !r.room() {
			r.stop(a.client.broken(a.ctx, a.ctx.Err(), "provider_reset"))
			return
		}
	}
}

// stop makes known why no more events will come.
func (r *reader) stop(end error) {
	a := r.answer
	a.mu.Lock()
	if a.end == nil {
		a.end = end
	}
	a.mu.Unlock()
	if !errors.Is(end, io.EOF) {
		a.cancel(end) // a provider that we cut off must not go on
	}
	signal(a.wake)
}

// drain reads what is left after the last event, so that the connection can
// serve the next call.
func (r *reader) drain(body io.Reader, buffer []byte) {
	a := r.answer
	a.finish()
	late := time.AfterFunc(drainTime, func() { a.cancel(errDrained) })
	defer late.Stop()
	for total := 0; total < maxHeader; {
		n, err := body.Read(buffer)
		if total += n; err != nil {
			break
		}
	}
	a.cancel(errDrained)
}

// room waits while the caller has too much to read already.
func (r *reader) room() bool {
	a := r.answer
	for hushed := false; ; {
		a.mu.Lock()
		full := len(a.queue.bytes) > maxQueued
		a.mu.Unlock()
		if !full {
			if hushed {
				a.alive()
			}
			return true
		}
		if !hushed {
			a.hush()
			hushed = true
		}
		select {
		case <-a.space:
		case <-a.ctx.Done():
			return false
		}
	}
}

// take reads what has come and wakes the caller.
func (r *reader) take(b []byte) error {
	a := r.answer
	a.mu.Lock()
	r.begun = true
	end := r.feed(b)
	a.mu.Unlock()
	signal(a.wake)
	if errors.Is(end, errEnough) {
		return io.EOF
	}
	return end
}

// last says what the end of the body means.
func (r *reader) last(err error) error {
	a := r.answer
	if !errors.Is(err, io.EOF) || a.ctx.Err() != nil {
		return a.client.broken(a.ctx, err, "provider_reset")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.plain {
		return r.noStream()
	}
	if end := r.line(r.partial); end != nil {
		return orEOF(end)
	}
	if end := r.flush(); end != nil {
		return orEOF(end)
	}
	if !r.finished {
		return fail("provider_unfinished", nil)
	}
	return io.EOF
}

func orEOF(end error) error {
	if errors.Is(end, errEnough) {
		return io.EOF
	}
	return end
}

// noStream says what a plain answer to a question for a stream means.
func (r *reader) noStream() error {
	said, ok := Parse(bytes.TrimSpace(r.partial))
	switch {
	case !ok:
		return fail("provider_not_json", nil)
	case said.Said != nil:
		return r.answer.client.refused(said.Said.status(), nil, *said.Said, r.answer.key)
	}
	return fail("provider_not_stream", nil)
}

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
	if len(head) < len(bom) && bytes.HasPrefix(bom, head) {
		r.partial = head
		return nil, nil
	}
	if r.blank == 0 {
		head = bytes.TrimPrefix(head, bom)
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
