package chat

import (
	"time"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
)

// DrawStep is what a reader is sent of an answer that comes so many bytes at a time,
// as often as it is drawn.
func DrawStep(text string, step int) string {
	now := time.Unix(0, 0)
	f := &follower{chat: &Chat{Now: func() time.Time { return now }}}
	var sent []byte
	for n := 0; n < len(text); {
		n = min(n+step, len(text))
		said := gateway.Said{Text: []byte(text[:n]), State: access.Running}
		if n == len(text) {
			said.State = access.Done
		}
		now = now.Add(drawEvery)
		sent = f.draw(sent, said)
	}
	return string(sent)
}
