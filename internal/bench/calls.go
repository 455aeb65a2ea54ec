package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	plainBody  = `{"model":"fast","messages":[{"role":"user","content":"How do I retry a failed webhook safely?"}],"max_tokens":256}`
	streamBody = `{"model":"fast","messages":[{"role":"user","content":"How do I retry a failed webhook safely?"}],"max_tokens":256,"stream":true}`
	pacedBody  = `{"model":"paced","messages":[{"role":"user","content":"How do I retry a failed webhook safely?"}],"max_tokens":256,"stream":true}`
	slowBody   = `{"model":"slow","messages":[{"role":"user","content":"How do I retry a failed webhook safely?"}],"max_tokens":256,"stream":true}`
)

// calls measures what a gateway call costs beside a bare proxy, figures 1, 2, 4.
func (b *bench) calls() error {
	up, err := b.spawn("provider", "")
	if err != nil {
		return err
	}
	bare, err := b.spawn("floor", up.address)
	if err != nil {
		return err
	}
	tcp, err := b.spawn("tcp", up.address)
	if err != nil {
		return err
	}
	h, err := newHouse(up.address)
	if err != nil {
		return err
	}
	defer os.RemoveAll(h.folder)
	key, err := h.token("bench")
	if err != nil {
		return err
	}
	if err := h.close(); err != nil {
		return err
	}
	own, err := b.serve(h, up.address)
	if err != nil {
		return err
	}
	defer own.end()
	idle := memoryOf(own.Process.Pid)
	b.title("Calls: Latchkey against the floor (bare Fiber proxy), median of three, interleaved")
	b.line("%-22s %9s %9s %7s %9s %9s %9s %9s %7s", "", "floor/s", "ours/s", "ratio", "p50", "p99", "cpu/1k", "floor", "ratio")
	for _, kind := range []struct{ name, body string }{{"plain", plainBody}, {"stream", streamBody}} {
		if !slices.Contains(b.kinds, kind.name) {
			continue
		}
		for _, clients := range b.clients {
			if err := b.pair(kind.name, kind.body, clients, key, bare, own); err != nil {
				return err
			}
		}
	}
	b.line("memory: %.0f MiB idle, %.0f MiB after this load", idle, memoryOf(own.Process.Pid))
	for _, other := range []struct {
		name string
		do   func() error
	}{
		{"refused", func() error { return b.refused(bare, own) }},
		{"first", func() error { return b.firstByte(key, up, own) }},
		{"tcp", func() error { return b.againstTCP(key, tcp, own) }},
		{"paced", func() error { return b.paced(key, up, own) }},
	} {
		if slices.Contains(b.kinds, other.name) {
			if err := other.do(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) pair(name, body string, clients int, key string, bare, own *process) error {
	const path = "/v1/chat/completions"
	r, err := b.median(
		func() (result, error) {
			return run(bare.address, call{name: name, request: post(bare.address, path, key, body), status: 200}, clients, b.length, bare.Process.Pid)
		},
		func() (result, error) {
			return run(own.address, call{name: name, request: post(own.address, path, key, body), status: 200}, clients, b.length, own.Process.Pid)
		})
	if err != nil {
		return err
	}
	f, o := r[0], r[1]
	b.line("%-22s %9.0f %9.0f %6.0f%% %9s %9s %8.0fms %8.0fms %6.1fx", name+" at "+strconv.Itoa(clients), f.perSecond, o.perSecond, 100*o.perSecond/f.perSecond,
		short(o.p50), short(o.p99), o.cpu, f.cpu, o.cpu/max(f.cpu, 0.001))
	return nil
}

// refused measures figure 4: a token that is not known.
func (b *bench) refused(bare, own *process) error {
	r, err := b.median(
		func() (result, error) {
			return run(bare.address, call{name: "bare", request: get(bare.address, "/bare", ""), status: 401}, 64, b.length, bare.Process.Pid)
		},
		func() (result, error) {
			return run(own.address, call{name: "refused", request: post(own.address, "/v1/chat/completions", "sk-lk"+strings.Repeat("x", 46), plainBody), status: 401}, 64, b.length, own.Process.Pid)
		})
	if err != nil {
		return err
	}
	b.title("Refused token against a bare handler, 64 clients (goal: 50 %)")
	b.line("bare %.0f/s, refused %.0f/s: %.0f %%, cpu %.1fx", r[0].perSecond, r[1].perSecond, 100*r[1].perSecond/r[0].perSecond, r[1].cpu/max(r[0].cpu, 0.001))
	return nil
}

// firstByte measures what is added before the first byte, against the provider
// itself, which waits 20 ms.
func (b *bench) firstByte(key string, up, own *process) error {
	const path = "/v1/chat/completions"
	r, err := b.median(
		func() (result, error) {
			return run(up.address, call{name: "direct", request: post(up.address, path, key, slowBody), status: 200, spread: slowFirst}, 16, b.length, up.Process.Pid)
		},
		func() (result, error) {
			return run(own.address, call{name: "ours", request: post(own.address, path, key, slowBody), status: 200, spread: slowFirst}, 16, b.length, own.Process.Pid)
		})
	if err != nil {
		return err
	}
	b.title("Streams of a provider that waits 20 ms, 16 clients (goal: first byte +0.5 ms p50, whole answer +2 ms p99)")
	b.line("first byte p50 %s direct, %s ours: +%s; whole answer p99 %s direct, %s ours: +%s", short(r[0].first50), short(r[1].first50),
		short(r[1].first50-r[0].first50), short(r[0].p99), short(r[1].p99), short(r[1].p99-r[0].p99))
	return nil
}

// againstTCP measures figure 2 against a proxy that only copies bytes.
func (b *bench) againstTCP(key string, tcp, own *process) error {
	const path = "/v1/chat/completions"
	r, err := b.median(
		func() (result, error) {
			return run(tcp.address, call{name: "tcp", request: post(tcp.address, path, key, streamBody), status: 200}, 64, b.length, tcp.Process.Pid)
		},
		func() (result, error) {
			return run(own.address, call{name: "ours", request: post(own.address, path, key, streamBody), status: 200}, 64, b.length, own.Process.Pid)
		})
	if err != nil {
		return err
	}
	b.title("Streams against a proxy that only copies bytes, 64 clients (goal: 75 %)")
	b.line("copied %.0f/s, ours %.0f/s: %.0f %%", r[0].perSecond, r[1].perSecond, 100*r[1].perSecond/r[0].perSecond)
	return nil
}

// pacedClients is how many read a stream at once whose words come one by one.
const pacedClients = 500

// paced measures what many slow streams cost: their pace beside the provider's
// own, and the memory that they take while they run.
func (b *bench) paced(key string, up, own *process) error {
	const path = "/v1/chat/completions"
	before := memoryOf(own.Process.Pid)
	most := make(chan float64, 1)
	stop := make(chan struct{})
	go func() {
		high := before
		for {
			select {
			case <-stop:
				most <- high
				return
			case <-time.After(100 * time.Millisecond):
				high = max(high, memoryOf(own.Process.Pid))
			}
		}
	}()
	length := 4 * pacedLength
	direct, err := run(up.address, call{name: "direct", request: post(up.address, path, key, pacedBody), status: 200, spread: pacedLength}, pacedClients, length, up.Process.Pid)
	if err != nil {
		return err
	}
	ours, err := run(own.address, call{name: "ours", request: post(own.address, path, key, pacedBody), status: 200, spread: pacedLength}, pacedClients, length, own.Process.Pid)
	close(stop)
	high := <-most
	if err != nil {
		return err
	}
	b.title("500 streams of 50 words, 20 ms apart (goals: 98 % of direct, 100 MiB over idle)")
	b.line("direct %.0f/s, ours %.0f/s: %.1f %%; first byte p50 %s direct, %s ours; memory %.0f MiB before, %.0f at most: +%.0f", direct.perSecond, ours.perSecond,
		100*ours.perSecond/direct.perSecond, short(direct.first50), short(ours.first50), before, high, high-before)
	return nil
}

func short(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
