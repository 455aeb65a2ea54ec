package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// How much is asked of the server. make soak and make crash say more.
var (
	slowClients = flag.Int("slow", 500, "clients of TestSlowClients that dribble or hang")
	kills       = flag.Int("kills", 10, "rounds of TestKilledUnderLoad")
	streams     = flag.Int("streams", 50, "streams of TestStreamsHold")
	hold        = flag.Duration("hold", 5*time.Second, "how long TestStreamsHold goes on")
)

// question is a call of the gateway.
func (o *office) question(ctx context.Context, key, model string, stream bool) *http.Request {
	body, err := json.Marshal(map[string]any{"model": model, "stream": stream, "messages": []any{map[string]any{"role": "user", "content": "hello"}}})
	if err != nil {
		panic(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// descriptors is how many files and sockets the server holds open, 0 where the
// system does not say.
func (o *office) descriptors() int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", o.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	return len(all)
}

// paces measures plain calls, one after the other, of some clients at once.
func (o *office) paces(key string, clients, calls int) (median, most time.Duration) {
	o.t.Helper()
	var mu sync.Mutex
	var all []time.Duration
	var work sync.WaitGroup
	for range clients {
		work.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
			defer client.CloseIdleConnections()
			for range calls {
				began := time.Now()
				resp, err := client.Do(o.question(context.Background(), key, "gpt-4o-mini", false))
				if err != nil {
					o.t.Errorf("a call beside slow clients: %v", err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					o.t.Errorf("a call beside slow clients: %d %v", resp.StatusCode, err)
				}
				mu.Lock()
				all = append(all, time.Since(began))
				mu.Unlock()
			}
		})
	}
	work.Wait()
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)-1]
}

// Hundreds of clients that say nothing, dribble their heads, leave their bodies
// unfinished or do not read their streams cost others nothing, and leave nothing
// behind.
func TestSlowClients(t *testing.T) {
	up := faulty.Start(t)
	o := furnished(t, up, "gpt-4o-mini", string(faulty.Silent))
	key := o.token(nil)
	alone, _ := o.paces(key, 4, 50)
	before := o.descriptors()

	address := strings.TrimPrefix(o.url, "http://")
	head := "POST /v1/chat/completions HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Bearer " + key + "\r\nContent-Type: application/json\r\n"
	whole := `{"model":"` + string(faulty.Silent) + `","stream":true,"messages":[{"role":"user","content":"hello"}]}`
	openings := []string{
		"",              // says nothing
		"POST /v1/chat", // dribbles its head
		head + "Content-Length: 2000\r\n\r\n{\"model\":",                      // leaves its body unfinished
		head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(whole), whole), // does not read its stream
	}
	var conns, dribbling []net.Conn
	for i := range *slowClients {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
		if i%len(openings) == 1 {
			dribbling = append(dribbling, conn)
		}
		if _, err := io.WriteString(conn, openings[i%len(openings)]); err != nil {
			t.Fatal(err)
		}
	}
	streaming := *slowClients / len(openings)
	testbed.Eventually(t, 20*time.Second, "the streams run", func() bool { return up.Started() >= 200+streaming })
	ctx, cancel := context.WithCancel(t.Context())
	dribbled := dribble(ctx, dribbling)
	beside, most := o.paces(key, 4, 50)
	for _, conn := range dribbling { // a head has to come within ten seconds, however it comes
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("who dribbles its head is waited for")
			break
		}
	}
	cancel()
	<-dribbled
	t.Logf("alone %s; beside %d slow clients %s, at most %s", alone, len(conns), beside, most)
	if beside > 5*alone+50*time.Millisecond || most > 10*time.Second {
		t.Errorf("a call takes %s, and %s (at most %s) beside slow clients", alone, beside, most)
	}
	for _, conn := range conns {
		conn.Close()
	}
	testbed.Eventually(t, 20*time.Second, "who has left holds nothing open", func() bool { return o.descriptors() <= before+8 })
	testbed.Eventually(t, 20*time.Second, "the provider is left", func() bool { return up.Cancelled() >= streaming })
	o.sound()
}

// dribble writes a byte to each connection, again and again.
func dribble(ctx context.Context, conns []net.Conn) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				for _, conn := range conns {
					_, _ = conn.Write([]byte("/")) // the server may close whom it waited for long enough
				}
			}
		}
	}()
	return done
}

// sound asks doctor.
func (o *office) sound() {
	o.t.Helper()
	if out := o.run(o.t, "", "doctor"); strings.Contains(out, "should be") || !strings.Contains(out, "ok") {
		o.t.Errorf("doctor: %s", out)
	}
}

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
			client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
			for ctx.Err() == nil {
				if id := wholeAnswer(client, o.question(ctx, key, "gpt-4o-mini", i%2 == 0), i%2 == 0); id != "" {
					said.add(id)
				}
			}
		})
	}
	testbed.Eventually(o.t, 60*time.Second, "answers", func() bool { return said.count() >= answers })
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

// Many streams at once, word by word for a while, each whole and in order, with
// pages opened beside them; afterwards the server holds no more than before.
func TestStreamsHold(t *testing.T) {
	up := faulty.Start(t)
	o := furnished(t, up, string(faulty.Stepped))
	key := o.token(nil)
	first := o.descriptors()
	o.wave(up, key, 200*time.Millisecond) // afterwards connections to the provider are kept
	testbed.Eventually(t, 20*time.Second, "the first readers are gone", func() bool { return o.descriptors() <= first+*streams+8 })
	before := o.descriptors()
	early, late := o.wave(up, key, *hold)
	if late > early+early/20+4096 {
		t.Errorf("memory grew from %d to %d KiB", early, late)
	}
	testbed.Eventually(t, 20*time.Second, "nothing more is held open", func() bool { return o.descriptors() <= before+8 })
	o.sound()
}

// wave holds streams for a while, and says how much memory the server had resident
// early and late, in KiB, where it is long enough to tell.
func (o *office) wave(up *faulty.Server, key string, long time.Duration) (early, late int64) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), long)
	defer cancel()
	var work sync.WaitGroup
	var words, pages atomic.Int64
	for range *streams {
		o.streamHeld(ctx, &work, up, key, &words)
	}
	work.Go(func() {
		for ctx.Err() == nil {
			resp, err := http.Get(o.url + "/login")
			if err != nil || resp.StatusCode != 200 {
				o.t.Errorf("a page beside streams: %v %v", resp, err)
				return
			}
			resp.Body.Close()
			pages.Add(1)
		}
	})
	if long >= time.Minute {
		early = o.memoryAfter(ctx, long/10)
		late = o.memoryAfter(ctx, long*8/10)
	}
	work.Wait()
	http.DefaultClient.CloseIdleConnections()
	o.t.Logf("%s: %d words, %d pages; %d KiB of memory early, %d late", long, words.Load(), pages.Load(), early, late)
	return early, late
}

// streamHeld begins a stream, makes it say a word 20 times a second until the end,
// and checks that each comes.
func (o *office) streamHeld(ctx context.Context, work *sync.WaitGroup, up *faulty.Server, key string, words *atomic.Int64) {
	o.t.Helper()
	n := up.Started()
	answered := make(chan *http.Response, 1)
	work.Go(func() {
		resp, err := http.DefaultClient.Do(o.question(context.Background(), key, string(faulty.Stepped), true))
		if err != nil {
			o.t.Errorf("stream %d: %v", n, err)
		}
		answered <- resp
	})
	call := up.Call(n)
	sent := make(chan int, 1)
	work.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			call.Send(fmt.Sprintf("w%d ", i))
			select {
			case <-tick.C:
			case <-ctx.Done():
				call.End()
				sent <- i + 1
				return
			}
		}
	})
	work.Go(func() {
		resp := <-answered
		if resp == nil {
			return
		}
		defer resp.Body.Close()
		got, done := 0, false
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			done = done || lines.Text() == "data: [DONE]"
			if strings.Contains(lines.Text(), fmt.Sprintf(`"w%d "`, got)) {
				got++
			}
		}
		if want := <-sent; got != want || !done || lines.Err() != nil {
			o.t.Errorf("stream %d: %d of %d words, to its end %t, %v", n, got, want, done, lines.Err())
		}
		words.Add(int64(got))
	})
}

// memoryAfter waits and says how much memory the server has resident, in KiB;
// 0 where the system does not say.
func (o *office) memoryAfter(ctx context.Context, d time.Duration) (kib int64) {
	o.t.Helper()
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		o.t.Fatal(err)
	}
	return kib
}

// A first signal lets streams end and refuses what is new; what is not through in
// time is told so and charged for what was delivered.
func TestShutdownDrains(t *testing.T) {
	up := faulty.Start(t)
	o := furnished(t, up, string(faulty.Stepped))
	key := o.token(nil)
	ends, stays := o.opened(up, key, 0), o.opened(up, key, 1)
	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, 10*time.Second, "not ready any more", func() bool {
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
		testbed.Eventually(t, 10*time.Second, "the signal is noted", func() bool { return strings.Contains(o.log.String(), `"stopping`) })
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
