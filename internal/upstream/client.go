// Package upstream is the HTTP client towards an OpenAI-compatible provider:
// a question goes out, an answer or a stream of events comes back.
//
// It promises that no address is dialled that the operator did not allow (the
// check is made on the connected address, at every dial), that nothing of our
// own client goes up but the body, that nothing comes back but the body, that
// every wait has an end, and that Close stops the provider at once. Whatever
// goes wrong is a *Failure that says what our client shall see and whether
// another provider may be tried; trying is the gateway's business.
//
// It refuses redirects, proxies from the environment, compressed answers,
// headers without end and lines over 16 MiB.
//
// Start with ask.go for the way of a call, failure.go for the table of faults,
// guard.go for who may be dialled, read.go and lines.go for streams, chunk.go for
// what an answer's bytes say.
package upstream

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// How long a call waits by default.
const (
	DefaultFirstByte  = 60 * time.Second  // from the call to the answer's first byte
	DefaultFirstEvent = time.Second       // from there to the first event: so long Ask waits for it
	DefaultSilence    = 120 * time.Second // between two bytes of an answer
	DefaultTotal      = 15 * time.Minute  // the whole answer
	DefaultDial       = 5 * time.Second   // name, connection; the TLS greeting has as much again
)

// What an answer may weigh.
const (
	MaxBody = 32 << 20 // a plain answer, bytes
	MaxLine = 16 << 20 // a line, and an event, of a stream, bytes

	maxHeader     = 64 << 10 // all header lines of an answer, interim ones with them
	maxQueued     = 1 << 20  // bytes of events read ahead of a slow reader
	maxMalformed  = 5        // events of a stream that are no JSON and are passed over
	readSize      = 4 << 10
	idlePerHost   = 256
	idleTime      = 90 * time.Second
	drainTime     = 250 * time.Millisecond // after the last event: for the end of the body, to keep the connection
	errorBodySize = 64 << 10
	errorBodyTime = 2 * time.Second
)

// DemoURL is the base URL of the built-in demo model, which is served in memory.
const DemoURL = "demo:"

// Settings are a Client's; zero durations mean the defaults above.
type Settings struct {
	// PrivateHosts lists, as host:port or CIDR, what may be reached although it
	// is private. It is read again at each call and each dial.
	PrivateHosts func() []string
	// Demo answers for the base URL "demo:". Without it such a provider fails.
	Demo http.Handler
	Now  func() time.Time

	Dial, FirstByte, FirstEvent, Silence, Total time.Duration
}

// Endpoint is where a provider is and the key it wants. BaseURL may end in /v1
// or in nothing, which means /v1. An empty Key sends none.
type Endpoint struct{ BaseURL, Key string }

// Client asks providers. It is safe for concurrent use and keeps one pool of
// connections for all of them.
type Client struct {
	settings Settings
	wire     *http.Transport
	plain    *http1            // short questions to http:// addresses
	demo     http.RoundTripper // nil without a demo
	buffers  sync.Pool         // *[]byte of readSize, one per running stream
	targets  targets
}

// New makes a Client.
func New(s Settings) *Client {
	if s.PrivateHosts == nil {
		s.PrivateHosts = func() []string { return nil }
	}
	if s.Now == nil {
		s.Now = func() time.Time { return time.Time{} } // durations are then 0
	}
	s.Dial = orDefault(s.Dial, DefaultDial)
	s.FirstByte = orDefault(s.FirstByte, DefaultFirstByte)
	s.FirstEvent = orDefault(s.FirstEvent, DefaultFirstEvent)
	s.Silence = orDefault(s.Silence, DefaultSilence)
	s.Total = orDefault(s.Total, DefaultTotal)

	c := &Client{settings: s}
	c.buffers.New = func() any { b := make([]byte, readSize); return &b }
	c.plain = newHTTP1(c.dial, s.Now)
	c.wire = &http.Transport{
		Proxy:                  nil, // never from the environment
		DialContext:            c.dial,
		TLSHandshakeTimeout:    s.Dial,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		MaxIdleConns:           4 * idlePerHost,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTime,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		WriteBufferSize:        8 << 10,
		ReadBufferSize:         8 << 10,
	}
	if s.Demo != nil {
		c.demo = memory{s.Demo}
	}
	return c
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// Close lets idle connections go. Call it when the list of private hosts
// shrinks, too: a connection kept open was allowed when it was dialled.
func (c *Client) Close() {
	c.plain.CloseIdleConnections()
	c.wire.CloseIdleConnections()
}

// dial connects to one address of a host, each judged by the guard.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	g, err := newGuard(address, c.settings.PrivateHosts())
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: c.settings.Dial, KeepAlive: 30 * time.Second, Control: g.control}
	return d.DialContext(ctx, network, address)
}
