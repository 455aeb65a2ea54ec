package testbed

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"
)

// callWait bounds a call of a test's client: an answer that does not end fails the
// test instead of hanging it.
const callWait = time.Minute

// Client is a program that calls a server. It follows no redirect, and opens a
// connection for each call: a kept one may be closed by a server that has waited
// for long at the moment it is used again, and then the call cannot be repeated.
func Client() *http.Client {
	return &http.Client{
		Timeout: callWait, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Browser is a Client that follows redirects and keeps cookies.
func Browser() *http.Client {
	c := Client()
	c.CheckRedirect = nil
	c.Jar, _ = cookiejar.New(nil) // without options it does not fail
	return c
}

var sender = Client()

// Send sends a request and returns the answer, whose body is read, and its text.
// Headers come in pairs; one without a value is left out.
func Send(tb testing.TB, method, address, body string, headers ...string) (*http.Response, string) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, address, strings.NewReader(body))
	must(tb, err)
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] != "" {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	resp, err := sender.Do(r)
	must(tb, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(tb, err)
	return resp, string(text)
}
