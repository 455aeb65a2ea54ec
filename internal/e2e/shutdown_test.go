package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// A first signal lets streams end and refuses what is new; what is not through in
// time is told so and charged for what was delivered.
func TestShutdownDrains(t *testing.T) {
	up := faulty.Start(t)
	o := furnishedWith(t, up, []string{"--drain", "10s"}, string(faulty.Stepped)) // in which a busy machine ends one of two streams
	key := o.token(nil)
	ends, stays := o.opened(up, key, 0), o.opened(up, key, 1)
	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, "not ready any more", func() bool {
		resp, err := http.Get(o.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 503
	})
	refused, err := http.DefaultClient.Do(o.question(t.Context(), key, string(faulty.Stepped), true))
	if err != nil {
		t.Fatal(err)
	}
	refused.Body.Close()
	if refused.StatusCode != 503 || refused.Header.Get("Retry-After") == "" {
		t.Errorf("a new call: %d, Retry-After %q", refused.StatusCode, refused.Header.Get("Retry-After"))
	}
	ends.call.Send("goodbye")
	ends.call.End()
	if rest := ends.rest(); !strings.Contains(rest, "goodbye") || !strings.Contains(rest, "data: [DONE]") {
		t.Errorf("a stream that ended in time: %q", rest)
	}
	if rest := stays.rest(); !strings.Contains(rest, `"error"`) || strings.Contains(rest, "[DONE]") {
		t.Errorf("a stream that did not: %q", rest)
	}
	if err := o.cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if !strings.Contains(o.log.String(), `"stopped"`) {
		t.Errorf("no last line: %s", o.log)
	}
	o.sound()
	o.start(t, up, false)
	rows := o.native(200, "GET", "/requests?limit=10", nil)["items"].([]any)
	outcomes := map[string]string{}
	for _, one := range rows {
		row := one.(map[string]any)
		outcomes[row["id"].(string)] = fmt.Sprint(row["outcome"], " ", row["rule"], " ", row["units"].(float64) > 0)
	}
	if outcomes[ends.id] != "answered <nil> true" || outcomes[stays.id] != "partial draining true" {
		t.Errorf("the books: %v", outcomes)
	}
}

// A second signal waits for nobody.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	up := faulty.Start(t)
	o := furnishedWith(t, up, []string{"--drain", "60s"}, string(faulty.Stepped))
	open := o.opened(up, o.token(nil), 0)
	began := time.Now()
	for range 2 {
		if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		testbed.Eventually(t, "the signal is noted", func() bool { return strings.Contains(o.log.String(), `"stopping`) })
	}
	if rest := open.rest(); !strings.Contains(rest, `"error"`) || strings.Contains(rest, "[DONE]") {
		t.Errorf("the stream: %q", rest)
	}
	if err := o.cmd.Wait(); err != nil || time.Since(began) > 30*time.Second {
		t.Errorf("ended after %s with %v", time.Since(began), err)
	}
	o.sound()
}

// opened is a stream that has said a word.
type opened struct {
	id   string
	call *faulty.Call
	body *bufio.Reader
	t    *testing.T
}

func (o *office) opened(up *faulty.Server, key string, n int) *opened {
	o.t.Helper()
	answered := make(chan *http.Response, 1)
	go func() {
		resp, err := http.DefaultClient.Do(o.question(context.Background(), key, string(faulty.Stepped), true))
		if err != nil {
			o.t.Error(err)
		}
		answered <- resp
	}()
	call := up.Call(n)
	call.Send("Hello ")
	resp := <-answered
	if resp == nil {
		o.t.FailNow()
	}
	o.t.Cleanup(func() { resp.Body.Close() })
	return &opened{id: resp.Header.Get("X-Request-Id"), call: call, body: bufio.NewReader(resp.Body), t: o.t}
}

// rest reads the stream to its end.
func (s *opened) rest() string {
	s.t.Helper()
	text, err := io.ReadAll(s.body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.t.Errorf("the end of a stream: %v", err)
	}
	return string(text)
}
