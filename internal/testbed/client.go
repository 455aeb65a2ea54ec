package testbed

import (
	"net/http"
	"net/http/cookiejar"
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
