package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
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
	marked    bool // a byte order mark would have come
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
			a.alive(true)
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
				a.alive(true)
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
