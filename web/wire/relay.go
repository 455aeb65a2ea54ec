package wire

import (
	"context"
	"errors"
	"io"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/gateway"
)

// Reading is a gateway's answer and who waits for it. It must be closed.
type Reading struct {
	*gateway.Answer
	cancel context.CancelCauseFunc
}

// Ask asks the gateway for as long as the caller is there: one who leaves before
// ask returns stops the provider.
func Ask(c *fiber.Ctx, ask func(context.Context) (*gateway.Answer, error)) (*Reading, error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.UserContext()))
	stop := Watch(c, func() { cancel(gateway.ErrLeft) })
	a, err := ask(ctx)
	stop()
	if err != nil {
		cancel(nil)
		return nil, err
	}
	return &Reading{a, cancel}, nil
}

// Gone stops the provider: the reader of a stream has left.
func (r *Reading) Gone() {
	r.cancel(gateway.ErrLeft)
	r.Stop(gateway.ErrLeft)
}

// Close settles whatever happened.
func (r *Reading) Close() error {
	defer r.cancel(nil)
	return r.Answer.Close()
}

// Relay is a Source that hands on the events of an answer as they are. The final
// [DONE] is written after the answer was settled, and never after an error.
type Relay struct {
	*Reading
	Field string // what stands before data, as the door has it: "data: "
	Named bool   // the names of events are handed on
	// Fail appends the event that tells why an answer ends early.
	Fail   func(into []byte, why error) ([]byte, error)
	events []gateway.Event
}

// Fill appends what has come.
func (r *Relay) Fill(into []byte) ([]byte, error) {
	var err error
	r.events, err = r.Next(r.events[:0])
	for i := range r.events {
		name := r.events[i].Name
		if !r.Named {
			name = nil
		}
		into = AppendEvent(into, r.Field, name, r.events[i].Data)
	}
	switch {
	case err == nil:
		return into, nil
	case errors.Is(err, gateway.ErrQuiet):
		return append(into, ": keep-alive\n\n"...), nil
	case errors.Is(err, io.EOF):
		return append(append(into, r.Field...), "[DONE]\n\n"...), io.EOF
	case errors.Is(err, gateway.ErrLeft):
		return into, io.EOF // nobody is there to read it
	}
	if into, err = r.Fail(into, err); err != nil {
		return into, err
	}
	return into, io.EOF
}

// AppendEvent appends one server-sent event. Data is one JSON object, which holds
// no line breaks once it was encoded here; a provider's own may, and is split.
func AppendEvent(into []byte, field string, name, data []byte) []byte {
	if len(name) > 0 {
		into = append(append(append(into, "event: "...), name...), '\n')
	}
	into = append(into, field...)
	for _, b := range data {
		into = append(into, b)
		if b == '\n' {
			into = append(into, field...)
		}
	}
	return append(into, '\n', '\n')
}
