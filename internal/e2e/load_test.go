package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
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

// own is how many files and sockets more the server may hold for itself: readers of
// its database, and connections to the provider that are kept.
const own = 24

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
			client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
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
	testbed.Eventually(t, "the streams run", func() bool { return up.Started() >= 200+streaming })
	ctx, cancel := context.WithCancel(t.Context())
	dribbled := dribble(ctx, dribbling)
	beside, most := o.paces(key, 4, 50)
	for _, conn := range dribbling { // a head has to come within ten seconds, however it comes
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("who dribbles its head is waited for")
			break
		}
	}
	cancel()
	<-dribbled
	t.Logf("alone %s; beside %d slow clients %s, at most %s", alone, len(conns), beside, most)
	if beside > 5*alone+2*time.Second { // each was answered within a minute; how long it takes is measured by internal/bench
		t.Errorf("a call takes %s, and %s (at most %s) beside slow clients", alone, beside, most)
	}
	for _, conn := range conns {
		conn.Close()
	}
	testbed.Eventually(t, "who has left holds nothing open", func() bool { return o.descriptors() <= before+own })
	testbed.Eventually(t, "the provider is left", func() bool { return up.Cancelled() >= streaming })
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
