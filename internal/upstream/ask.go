package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"latchkey/internal/access"
)

const agent = "latchkey" // all that we tell of ourselves

// Question is one call to a provider.
type Question struct {
	Path   string // "/chat/completions", "/embeddings" …
	Body   []byte // JSON, encoded by ourselves; it must not change while the call runs
	Stream bool   // the body asks for a stream
}

// Ask sends a question. For a stream it returns once the first byte has come,
// and the first event if that follows within a second; for a plain call once
// the whole body has. Any fault of the provider until then is a *Failure; when
// ctx ends the call, the error is ctx's cause.
//
// The Answer must be closed, and ending ctx has the same effect.
func (c *Client) Ask(ctx context.Context, ep Endpoint, q Question) (*Answer, error) {
	a := &Answer{client: c, key: ep.Key}
	a.arm(ctx)
	resp, err := c.send(a.ctx, ep, http.MethodPost, q.Path, q.Body, q.Stream)
	if err == nil {
		if q.Stream {
			err = a.open(resp)
		} else {
			err = a.whole(resp)
		}
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// send makes one HTTP request and returns its answer if that is a good one.
// The context must be one that broken knows the causes of.
func (c *Client) send(ctx context.Context, ep Endpoint, method, call string, body []byte, stream bool) (*http.Response, error) {
	u, wire, err := c.target(ep, call, len(body))
	if err != nil {
		return nil, err
	}
	if !httpguts.ValidHeaderFieldValue(ep.Key) {
		return nil, fail("provider_key_malformed", nil)
	}
	r := request{method: method, url: u, key: ep.Key, body: body, accept: "application/json"}
	if stream {
		r.accept = "text/event-stream"
	}
	var resp *http.Response
	if wire == nil {
		resp, err = c.plain.ask(ctx, r)
	} else {
		resp, err = wire.RoundTrip(r.standard(ctx)) // not a http.Client: no redirect, no cookie
	}
	if err != nil {
		return nil, c.broken(ctx, err, "provider_broke")
	}
	if err := c.accept(ctx, resp, ep.Key); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// request is what goes up, over whatever wire.
type request struct {
	method, accept, key string
	url                 *url.URL
	body                []byte // nil: none
}

// standard is the request as the standard library wants it.
func (r *request) standard(ctx context.Context) *http.Request {
	h := http.Header{"User-Agent": {agent}, "Accept": {r.accept}}
	if r.key != "" {
		h["Authorization"] = []string{"Bearer " + r.key}
	}
	s := (&http.Request{Method: r.method, URL: r.url, Host: r.url.Host, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if body := r.body; body != nil {
		h["Content-Type"] = []string{"application/json"}
		s.ContentLength = int64(len(body))
		s.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		s.Body, _ = s.GetBody()
	}
	return s
}

// target is where a call goes, and over what: nil is http1.
func (c *Client) target(ep Endpoint, call string, size int) (*url.URL, http.RoundTripper, error) {
	if ep.BaseURL == DemoURL {
		if c.demo == nil {
			return nil, nil, fail("provider_demo_off", nil)
		}
		return &url.URL{Scheme: "http", Host: "demo", Path: "/v1" + call}, c.demo, nil
	}
	u, err := c.targets.judge(ep.BaseURL, c.settings.PrivateHosts())
	if err == nil {
		u = join(u, call)
		if u.Scheme == "http" && size <= maxShort {
			return u, nil, nil
		}
		return u, c.wire, nil
	}
	code := "provider_address"
	switch err.Code {
	case "provider_url_private":
		code = "provider_not_allowed"
	case "provider_url_metadata":
		code = "provider_metadata"
	}
	return nil, nil, fail(code, err)
}

// targets remembers what was judged, for as long as the list of private hosts is
// the same. Names are judged again at each dial.
type targets struct {
	mu      sync.Mutex
	private []string
	good    map[string]*url.URL
}

const targetsMax = 4096

func (t *targets) judge(base string, private []string) (*url.URL, *access.Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.good == nil || len(t.good) >= targetsMax || !slices.Equal(t.private, private) {
		t.good, t.private = map[string]*url.URL{}, slices.Clone(private)
	}
	if u := t.good[base]; u != nil {
		return u, nil
	}
	u, err := readURL(base)
	if err == nil {
		err = judgeURL(u, parseListing(private))
	}
	if err == nil {
		t.good[base] = u
	}
	return u, err
}

// accept judges the head of an answer.
func (c *Client) accept(ctx context.Context, resp *http.Response, key string) error {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refused(resp.StatusCode, resp.Header, readFault(ctx, resp), key)
	}
	for _, e := range resp.Header.Values("Content-Encoding") {
		if e != "" && e != "identity" {
			return fail("provider_compressed", nil)
		}
	}
	return nil
}

// readFault reads what an answer with a bad status says, as far as it comes
// soon and is short.
func readFault(ctx context.Context, resp *http.Response) Fault {
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return Fault{}
	}
	late := time.AfterFunc(errorBodyTime, func() { resp.Body.Close() })
	defer late.Stop()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, errorBodySize)) // what came is what there is
	var p parser
	p.parse(bytes.TrimSpace(body))
	return p.fault
}

// whole reads a plain answer.
func (a *Answer) whole(resp *http.Response) error {
	defer resp.Body.Close()
	size := resp.ContentLength
	if size > MaxBody {
		return fail("provider_too_large", nil, MaxBody>>20)
	}
	if size < 0 {
		size = 2 << 10
	}
	body := make([]byte, 0, size+1) // one more, so that the end is seen without growing
	for {
		n, err := resp.Body.Read(body[len(body):cap(body)])
		ended := errors.Is(err, io.EOF)
		if body = body[:len(body)+n]; n > 0 {
			a.alive(!ended)
		}
		if len(body) > MaxBody {
			return fail("provider_too_large", nil, MaxBody>>20)
		}
		if ended {
			break
		}
		if err != nil {
			return a.client.broken(a.ctx, err, "provider_reset")
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
	a.finish()
	return a.take(body)
}

// take judges a plain answer's body.
func (a *Answer) take(body []byte) error {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	said, ok := Parse(body)
	switch {
	case bytes.HasPrefix(body, []byte("<")):
		return fail("provider_html", nil)
	case !ok:
		return fail("provider_not_json", nil)
	case said.Said != nil:
		return a.client.refused(said.Said.status(), nil, *said.Said, a.key)
	}
	a.Body, a.Said = body, said
	return nil
}
