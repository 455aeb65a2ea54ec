package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// The parts that stand beside Latchkey in a run, each a process of its own, so
// that its CPU can be told apart.

// slowFirst is how long the provider "slow" waits before its first byte.
const slowFirst = 20 * time.Millisecond

var plainAnswer = []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1763644860,"model":"fast","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"Send the same event again with its old key."},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":12,"completion_tokens":10,"total_tokens":22}}`)

// streamEvents is a stream of 52 events, the last two the usage and the end.
func streamEvents() []byte {
	var b bytes.Buffer
	for i := range 50 {
		finish := "null"
		if i == 49 {
			finish = `"stop"`
		}
		fmt.Fprintf(&b, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763644860,"model":"fast","choices":[{"index":0,"delta":{"content":"word%02d "},"finish_reason":%s}]}`+"\n\n", i, finish)
	}
	b.WriteString(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763644860,"model":"fast","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":50,"total_tokens":62}}` + "\n\ndata: [DONE]\n\n")
	return b.Bytes()
}

// paced hands out one event a Read, so that each is flushed by itself.
type paced struct{ rest []byte }

func (p *paced) Read(into []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	end := bytes.Index(p.rest, []byte("\n\n")) + 2
	n := copy(into, p.rest[:end])
	p.rest = p.rest[n:]
	return n, nil
}

// wordGap is the time between two words of the provider "paced", and pacedLength
// that of its whole answer.
const (
	wordGap     = 20 * time.Millisecond
	pacedLength = 52 * wordGap
)

// slowly is paced with a pause before each event.
type slowly struct{ paced }

func (s *slowly) Read(into []byte) (int, error) {
	if len(s.rest) > 0 {
		time.Sleep(wordGap)
	}
	return s.paced.Read(into)
}

// provider answers at once and always the same.
func provider(l net.Listener) error {
	events := streamEvents()
	return (&fasthttp.Server{Handler: func(c *fasthttp.RequestCtx) {
		body := c.PostBody()
		if bytes.Contains(body, []byte(`"slow"`)) {
			time.Sleep(slowFirst)
		}
		if bytes.Contains(body, []byte(`"stream":true`)) {
			c.SetContentType("text/event-stream")
			if bytes.Contains(body, []byte(`"paced"`)) {
				c.SetBodyStream(&slowly{paced{rest: events}}, -1)
				return
			}
			c.SetBodyStream(&paced{rest: events}, -1)
			return
		}
		c.SetContentType("application/json")
		c.SetBody(plainAnswer)
	}, MaxRequestBodySize: 32 << 20}).Serve(l)
}

// floor is a bare reverse proxy on the same framework: no check, no ledger.
func floor(l net.Listener, to string) error {
	client := &fasthttp.HostClient{Addr: to, MaxConns: 2048, StreamResponseBody: true}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, Immutable: true})
	app.Post("/v1/*", func(c *fiber.Ctx) error {
		up := fasthttp.AcquireResponse()
		c.Request().SetHost(to)
		if err := client.Do(c.Request(), up); err != nil {
			return err
		}
		c.Response().Header.SetContentTypeBytes(up.Header.ContentType())
		if up.IsBodyStream() && strings.HasPrefix(string(up.Header.ContentType()), "text/event-stream") {
			c.Context().SetBodyStream(up.BodyStream(), -1)
			return nil
		}
		defer fasthttp.ReleaseResponse(up)
		c.Response().SetBody(up.Body())
		return nil
	})
	app.Get("/bare", func(c *fiber.Ctx) error { return c.Status(401).SendString(`{"error":{"message":"no"}}`) })
	return app.Listener(l)
}

// passTCP copies bytes between a client and the provider: the limit in Go.
func passTCP(l net.Listener, to string) error {
	for {
		client, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer client.Close()
			up, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer up.Close()
			go copyAll(up, client)
			copyAll(client, up)
		}()
	}
}

func copyAll(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			to.(*net.TCPConn).CloseWrite()
			return
		}
	}
}

// role runs one of the parts and prints its address.
func role(name, to string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() { // the parent has gone: so shall we
		var b [1]byte
		os.Stdin.Read(b[:])
		os.Exit(0)
	}()
	switch name {
	case "provider":
		return provider(l)
	case "floor":
		return floor(l, to)
	case "tcp":
		return passTCP(l, to)
	}
	return fmt.Errorf("there is no part %q", name)
}
