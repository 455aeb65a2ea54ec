package chat_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/control"
	"latchkey/internal/markdown"
	"latchkey/internal/upstream/faulty"
)

const longAnswer = "## Refunds\n\nA refund goes back to **the card that paid**, and takes three to five working days. " +
	"If the card has run out meanwhile, the bank passes it on; 退款会退回到原支付方式，通常需要三到五个工作日。😀 Ask us when it is not there after ten.\n\n" +
	"1. Open *Orders* and choose the one in question\n2. Press **Refund**, and say how much\n3. Wait for the mail that confirms it\n\n" +
	"```go\nfunc refund(order string, cents int64) error {\n\treturn client.Post(\"/v1/refunds\", order, cents)\n}\n```\n\n" +
	"| currency | days |\n|---|--:|\n| EUR | 3 |\n| USD | 5 |\n\nThat is all there is to it: nothing else has to be done by you or by the customer who asked for it."

// An answer that comes a few words at a time costs at most three times its final
// markup on the wire, and arrives whole.
func TestWireCost(t *testing.T) {
	const step = 12 // bytes at a time
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	r.part = true
	request := r.request(http.MethodGet, s.followOf(r.post(s.base()+"/ask", "question", "Refunds?").body), nil)
	request.Header.Set("Accept", "text/event-stream")
	got, err := r.client.Do(request)
	s.must(err)
	defer got.Body.Close()
	call := s.Faulty.Call(0)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for rest := longAnswer; rest != ""; <-tick.C {
			n := min(step, len(rest))
			for n < len(rest) && rest[n]&0xc0 == 0x80 {
				n++
			}
			call.Send(rest[:n])
			rest = rest[n:]
		}
		call.End()
	}()
	read := &stream{t: t, events: make(chan event, 4000)}
	counted := &counter{from: got.Body}
	read.read(bufio.NewReader(counted))
	<-sent
	var all []event
	end := 0
	for e := range read.events {
		if all = append(all, e); e.name == "end" {
			end = len(e.data)
		}
	}
	want := markdown.HTML(longAnswer)
	if blocks(all) != want {
		t.Errorf("it arrived as\n%s\nwant\n%s", blocks(all), want)
	}
	if cost := counted.n - end; cost > 3*len(want) {
		t.Errorf("%d bytes on the wire for %d of markup: %.1f times", cost, len(want), float64(cost)/float64(len(want)))
	} else {
		t.Logf("%d bytes for %d: %.2f times, %d events", cost, len(want), float64(cost)/float64(len(want)), len(all))
	}
}

// counter counts what is read.
type counter struct {
	from io.Reader
	n    int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += n
	return n, err
}

// What the page holds is read again whole by whoever joins in the middle of a word.
func TestJoinInTheMiddle(t *testing.T) {
	s := newSite(t, faulty.Stepped, control.ShareForm{})
	r := s.customer("mei.tanaka")
	r.part = true
	path := s.followOf(r.post(s.base()+"/ask", "question", "Refunds?").body)
	call := s.Faulty.Call(0)
	call.Send("First block.\n\nSecond 😀 bl")
	early := r.follow(path, "")
	early.until("block")
	late := r.follow(path, "1")
	if e := late.next(); e.name != "grow" || !strings.Contains(e.data, "Second 😀 bl") {
		t.Errorf("%+v", e)
	}
	call.Send("ock 退款 and **more**.")
	call.End()
	if got, want := blocks(late.until("end")), "<p>Second 😀 block 退款 and <strong>more</strong>.</p>\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
