package ragflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// said is what an event holds: all of the answer until now.
type said struct {
	Answer    string   `json:"answer"`
	Reference struct{} `json:"reference"`
	Audio     *string  `json:"audio_binary"`
	ID        *string  `json:"id"`
	Session   *string  `json:"session_id"`
}

func spellSaid(a *gateway.Answer, session, text string) said {
	v := said{Answer: text, ID: &a.RequestID}
	if session != "" {
		v.Session = &session
	}
	return v
}

// lastEvent says that the answer is whole.
const lastEvent = `data:{"code":0,"message":"","data":true}` + "\n\n"

func appendSaid(into []byte, v said) ([]byte, error) {
	return appendEvent(into, envelope{codeDone, "", v})
}

func appendEvent(into []byte, v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return into, err
	}
	into = append(into, "data:"...)
	into = append(into, bytes.TrimSpace(text.Bytes())...)
	return append(into, '\n', '\n'), nil
}

// growth is the least part of itself by which a long answer grows between two
// events: each repeats the whole, so that all of them together stay within growth
// times its length.
const growth = 32

// stream spells a gateway's answer as RAGFlow's events. The last one is written
// after the answer was settled, and never after an error.
type stream struct {
	*wire.Reading
	door    *Door
	lang    lang.Lang
	session string
	events  []gateway.Event
	text    []byte
	told    int // bytes of text that the last event held
}

func (s *stream) Fill(into []byte) ([]byte, error) {
	for {
		var err error
		s.events, err = s.Next(s.events[:0])
		for i := range s.events {
			s.text = append(s.text, s.events[i].Text...)
		}
		switch more := len(s.text) - s.told; {
		case err == nil && (more == 0 || more < len(s.text)/growth):
			continue
		case errors.Is(err, gateway.ErrQuiet) && more == 0:
			return append(into, ": keep-alive\n\n"...), nil
		case err == nil, errors.Is(err, gateway.ErrQuiet):
			return s.tell(into)
		case errors.Is(err, io.EOF):
			return s.end(into)
		}
		return s.fail(into, err)
	}
}

func (s *stream) tell(into []byte) ([]byte, error) {
	s.told = len(s.text)
	return appendSaid(into, spellSaid(s.Answer, s.session, string(s.text)))
}

// end tells what was not told yet, and that this is all. An empty answer is told too.
func (s *stream) end(into []byte) ([]byte, error) {
	if s.told < len(s.text) || len(s.text) == 0 {
		var err error
		if into, err = s.tell(into); err != nil {
			return into, err
		}
	}
	return append(into, lastEvent...), io.EOF
}

func (s *stream) fail(into []byte, why error) ([]byte, error) {
	if errors.Is(why, gateway.ErrLeft) {
		return into, io.EOF // nobody is there to read it
	}
	r := s.door.spellError(s.lang, s.RequestID, ofGateway(why))
	v := spellSaid(s.Answer, s.session, "**ERROR**: "+r.message)
	into, err := appendEvent(into, envelope{r.code, r.message, v})
	if err != nil {
		return into, err
	}
	return into, io.EOF
}
