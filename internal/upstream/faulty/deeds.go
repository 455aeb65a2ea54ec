package faulty

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// half sends the first part of a good answer.
func (a *answer) half() {
	words := a.words()
	if !a.stream {
		body := a.wellFormed(words)
		a.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		if a.Fault == Cut {
			a.w.Header().Del("Content-Length") // a plain end of half an object
		}
		a.write(body[:len(body)/2])
		return
	}
	var said string
	for _, word := range words[:min(2, len(words))] {
		said += a.chunk(word)
	}
	a.write(said) // at once: a busy machine is not silent between them
}

// reset breaks the connection so that the caller's read fails.
func (a *answer) reset() {
	conn, _, err := a.ctrl.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the stream is reset
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // RST instead of FIN; a FIN would do as well
	}
	_ = conn.Close() // it is meant to break
}

func (a *answer) comments() {
	a.half()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for a.write(": still here\n\n") {
		select {
		case <-tick.C:
		case <-a.r.Context().Done():
			a.left = true
			return
		case <-a.server.done:
			return
		}
	}
}

func (a *answer) byByte(s string) {
	for i := range len(s) {
		if !a.write(s[i : i+1]) {
			return
		}
	}
}

func (a *answer) malformed(n int) {
	if !a.stream {
		a.write("{oops" + strings.Repeat("!", n))
		return
	}
	bad := strings.Repeat("data: {oops\n\n", n)
	a.write(bad + a.wellFormed(a.words()))
}

func (a *answer) long(n int) {
	whole := a.wellFormed([]string{"LONG"})
	a.write(strings.Replace(whole, "LONG", strings.Repeat("x", n), 1)) // encoding it whole would take seconds with -race
}

func (a *answer) multi() {
	if !a.stream {
		a.good()
		return
	}
	body := strings.ReplaceAll(a.wellFormed(a.words()), `,"object"`, ",\ndata:  \"object\"")
	a.write("\uFEFF: hello\n\nid: 1\nretry: 3000\n" + body)
}

func (a *answer) errorObject(mid bool) {
	body := `{"error":{"message":"Faulty is full, ` + Secret + `","type":"rate_limit_error","code":"rate_limit_exceeded"}}`
	if !a.stream {
		a.write(body)
		return
	}
	if mid {
		a.half()
	}
	a.write("data: " + body + "\n\n" + doneEvent)
}

func (a *answer) choices(value string) {
	odd := `{"id":"x","object":"chat.completion","model":"odd","choices":` + value + `}`
	if !a.stream {
		a.write(odd)
		return
	}
	a.write("data: " + odd + "\n\n" + a.wellFormed(a.words()))
}

// bomb is 64 MiB of blanks, packed once: with -race that takes seconds.
var bomb = sync.OnceValue(func() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(bytes.Repeat([]byte{' '}, 8<<20)) // into memory
	_ = z.Close()
	return strings.Repeat(b.String(), 8) // members of one gzip stream
})

func (a *answer) bomb() {
	a.head()
	a.w.Header().Set("Content-Encoding", "gzip")
	a.write(bomb())
}

// raw takes the connection over.
func (a *answer) raw(write func(*bufio.ReadWriter) error) {
	conn, rw, err := a.ctrl.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	for write(rw) == nil && rw.Flush() == nil {
		select {
		case <-a.server.done:
			return
		default:
		}
	}
	a.left = true
}

func (a *answer) flood() {
	a.raw(func(rw *bufio.ReadWriter) error {
		_, err := rw.WriteString("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
		return err
	})
}

func (a *answer) headers() {
	begun := false
	a.raw(func(rw *bufio.ReadWriter) error {
		if !begun {
			begun = true
			_, _ = rw.WriteString("HTTP/1.1 200 OK\r\n") // the next write tells of an error
		}
		_, err := rw.WriteString("X-More: " + strings.Repeat("y", 1000) + "\r\n")
		return err
	})
}

func (a *answer) html() {
	a.w.Header().Set("Content-Type", "text/html")
	a.write("\n<!doctype html><title>Welcome</title><h1>It works</h1>")
}

func (a *answer) huge() {
	if a.stream {
		a.good()
		return
	}
	a.write(`{"pad":"`)
	pad := strings.Repeat("p", 1<<20)
	for range 40 {
		if !a.write(pad) {
			return
		}
	}
	a.write(`"}`)
}
