package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// Many streams at once, word by word for a while, each whole and in order, with
// pages opened beside them; afterwards the server holds no more than before.
func TestStreamsHold(t *testing.T) {
	up := faulty.Start(t)
	o := furnished(t, up, string(faulty.Stepped))
	key := o.token(nil)
	first := o.descriptors()
	o.wave(up, key, 200*time.Millisecond) // afterwards connections to the provider are kept
	testbed.Eventually(t, "the first readers are gone", func() bool { return o.descriptors() <= first+*streams+own })
	before := o.descriptors()
	early, late := o.wave(up, key, *hold)
	if late > early+early/20+4096 {
		t.Errorf("memory grew from %d to %d KiB", early, late)
	}
	testbed.Eventually(t, "nothing more is held open", func() bool { return o.descriptors() <= before+own })
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
