package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"
)

// start measures figure 8: from nothing to the first answer, memory at rest, the
// size of the binary.
func (b *bench) start() error {
	h, err := newHouse("127.0.0.1:9")
	if err != nil {
		return err
	}
	defer os.RemoveAll(h.folder)
	if err := h.close(); err != nil {
		return err
	}
	var times []time.Duration
	var memory float64
	for range 5 {
		p, err := b.serve(h, "127.0.0.1:9")
		if err != nil {
			return err
		}
		times = append(times, p.started)
		memory = memoryOf(p.Process.Pid)
		p.end()
	}
	slices.Sort(times)
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	b.title("Start (goal: 150 ms, 35 MiB, 45 MiB)")
	b.line("start to first 200: %s median of five; %.1f MiB at rest; binary %.1f MiB", times[2].Round(time.Millisecond), memory, float64(info.Size())/(1<<20))
	return nil
}

func firstAnswer(url string) error {
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return fmt.Errorf("%s never answered", url)
}
