package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// call is one kind of request, spelled as bytes once.
type call struct {
	name    string
	request []byte
	status  int           // that is expected
	spread  time.Duration // over which the clients begin; 0: all at once
}

func post(host, path, key, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, host, key, len(body), body)
}

func get(host, path, headers string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, host, headers)
}

// result is what a run measured.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	first50   time.Duration // to the first byte of the body
	cpu       float64       // ms of the process for 1,000 calls
	wrong     int64
}

// run sends a call again and again over so many connections for a while.
func run(address string, c call, clients int, length time.Duration, pid int) (result, error) {
	var wg sync.WaitGroup
	var stop atomic.Bool
	var wrong atomic.Int64
	var mu sync.Mutex
	var all, firsts []time.Duration
	var failed error
	before, began := cpuOf(pid), time.Now()
	for i := range clients {
		wg.Go(func() {
			time.Sleep(c.spread * time.Duration(i) / time.Duration(clients))
			times, first, bad, err := client(address, c, &stop)
			wrong.Add(bad)
			mu.Lock()
			defer mu.Unlock()
			all, firsts = append(all, times...), append(firsts, first...)
			if err != nil && failed == nil {
				failed = err
			}
		})
	}
	time.Sleep(length)
	stop.Store(true)
	wg.Wait()
	took := time.Since(began)
	if len(all) == 0 {
		return result{}, fmt.Errorf("%s: no answer (%v)", c.name, failed)
	}
	slices.Sort(all)
	slices.Sort(firsts)
	n := float64(len(all))
	return result{
		perSecond: n / took.Seconds(), p50: all[len(all)/2], p99: all[len(all)*99/100], first50: firsts[len(firsts)/2],
		cpu: float64(cpuOf(pid)-before) / float64(time.Millisecond) / n * 1000, wrong: wrong.Load(),
	}, failed
}

func client(address string, c call, stop *atomic.Bool) (times, firsts []time.Duration, wrong int64, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, 0, err
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 16<<10)
	for !stop.Load() {
		began := time.Now()
		if _, err := conn.Write(c.request); err != nil {
			return times, firsts, wrong, err
		}
		status, first, err := answer(r)
		if err != nil {
			return times, firsts, wrong, err
		}
		if status != c.status {
			wrong++
		}
		times, firsts = append(times, time.Since(began)), append(firsts, first.Sub(began))
	}
	return times, firsts, wrong, nil
}

// answer reads one response and says when its body began.
func answer(r *bufio.Reader) (status int, first time.Time, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, first, errOr(err)
	}
	status, _ = strconv.Atoi(string(line[9:12]))
	length, chunked := -1, false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, first, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch strings.ToLower(string(name)) {
		case "content-length":
			length, _ = strconv.Atoi(strings.TrimSpace(string(value)))
		case "transfer-encoding":
			chunked = true
		}
	}
	if !chunked {
		first = time.Now()
		_, err = r.Discard(max(length, 0))
		return status, first, err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, first, err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 64)
		if err != nil {
			return 0, first, err
		}
		if first.IsZero() {
			first = time.Now()
		}
		if _, err := r.Discard(int(size) + 2); err != nil {
			return 0, first, err
		}
		if size == 0 {
			return status, first, nil
		}
	}
}

func errOr(err error) error {
	if err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// cpuOf is the time that a process has spent computing.
func cpuOf(pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	const tick = 10 * time.Millisecond // of Linux's accounting
	return time.Duration(user+system) * tick
}

// memoryOf is what a process holds, in MiB.
func memoryOf(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib / 1024
		}
	}
	return 0
}
