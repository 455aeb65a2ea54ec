package botshare

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"latchkey/internal/gateway"
	"latchkey/internal/lang"
)

// stream spells a gateway's answer as server-sent events. The final [DONE] is
// written after the answer was settled, and never after an error.
type stream struct {
	door   *Door
	answer *gateway.Answer
	cancel context.CancelCauseFunc
	lang   lang.Lang
	events []gateway.Event
}

func (s *stream) Fill(into []byte) ([]byte, error) {
	var err error
	s.events, err = s.answer.Next(s.events[:0])
	for i := range s.events {
		into = appendEvent(into, s.events[i].Data)
	}
	switch {
	case err == nil:
		return into, nil
	case errors.Is(err, gateway.ErrQuiet):
		return append(into, ": keep-alive\n\n"...), nil
	case errors.Is(err, io.EOF):
		return append(into, "data: [DONE]\n\n"...), io.EOF
	}
	_, text := s.door.spellError(s.lang, s.answer.RequestID, sayNoBot(err))
	body, fault := json.Marshal(detail{text})
	if fault != nil {
		return into, fault
	}
	return appendEvent(into, body), io.EOF
}

func (s *stream) Gone() {
	s.cancel(gateway.ErrLeft)
	s.answer.Stop(gateway.ErrLeft)
}

func (s *stream) Close() error {
	defer s.cancel(nil)
	return s.answer.Close()
}

// appendEvent appends one event. A provider's own line breaks are split.
func appendEvent(into, data []byte) []byte {
	into = append(into, "data: "...)
	for _, b := range data {
		into = append(into, b)
		if b == '\n' {
			into = append(into, "data: "...)
		}
	}
	return append(into, '\n', '\n')
}
