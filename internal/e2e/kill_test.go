package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// acknowledged are calls whose whole answer somebody has.
type acknowledged struct {
	mu  sync.Mutex
	ids []string
}

func (a *acknowledged) add(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(a.ids, id)
}

func (a *acknowledged) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.ids)
}

// The server is killed at random moments while fifty clients ask, and started again
// on the same folder: whoever has a whole answer is charged for it, once, and the
// books add up.
func TestKilledUnderLoad(t *testing.T) {
	up := faulty.Start(t)
	up.Charge(10, 7)
	o := furnished(t, up, "gpt-4o-mini")
	key := o.token(nil)
	for round := range *kills {
		said := &acknowledged{}
		o.loadUntilKilled(key, said, 20+rand.IntN(130))
		o.start(t, up, false)
		o.charged(said)
		o.sound()
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

// loadUntilKilled asks, and kills the server once so many answers are there.
func (o *office) loadUntilKilled(key string, said *acknowledged, answers int) {
	o.t.Helper()
	ctx, cancel := context.WithCancel(o.t.Context())
	defer cancel()
	var work sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: 50}
	defer transport.CloseIdleConnections()
	for i := range 50 {
		work.Go(func() {
			client := &http.Client{Transport: transport, Timeout: time.Minute}
			for ctx.Err() == nil {
				if id := wholeAnswer(client, o.question(ctx, key, "gpt-4o-mini", i%2 == 0), i%2 == 0); id != "" {
					said.add(id)
				}
			}
		})
	}
	testbed.Eventually(o.t, "answers", func() bool { return said.count() >= answers })
	if err := o.cmd.Process.Kill(); err != nil {
		o.t.Fatal(err)
	}
	if err := o.cmd.Wait(); err == nil {
		o.t.Error("the server ended well")
	}
	cancel()
	work.Wait()
}

// wholeAnswer returns the id of a call whose answer came to its end, else "".
func wholeAnswer(client *http.Client, r *http.Request, stream bool) string {
	resp, err := client.Do(r)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if stream && !bytes.Contains(text, []byte("data: [DONE]")) || !stream && (err != nil || !json.Valid(text)) || resp.StatusCode != 200 {
		return ""
	}
	return resp.Header.Get("X-Request-Id")
}

// charged checks that each acknowledged call stands in the log once, with its charge.
func (o *office) charged(said *acknowledged) {
	o.t.Helper()
	missing := map[string]bool{}
	for _, id := range said.ids {
		missing[id] = true
	}
	for cursor := ""; len(missing) > 0; {
		page := o.native(200, "GET", "/requests?limit=200"+cursor, nil)
		for _, one := range page["items"].([]any) {
			row := one.(map[string]any)
			if id := row["id"].(string); missing[id] {
				delete(missing, id)
				if row["outcome"] != "answered" || row["units"] != 17.0 {
					o.t.Errorf("%s was answered: %v", id, row)
				}
			}
		}
		next, more := page["next_cursor"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
	}
	if len(missing) > 0 {
		o.t.Errorf("%d of %d whole answers are not in the books", len(missing), len(said.ids))
	}
}
