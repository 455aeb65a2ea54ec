package dashboard_test

import (
	"net/http"
	"strconv"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
)

// The list is tried as it is typed: what each entry means, whether the reader gets
// in, and which past calls it would have refused.
func TestAddressListIsTried(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Editor)
	r.get("/tokens/new").want(t, 200, "Latchkey sees you at 127.0.0.1.", `formaction="/tokens/addresses"`, `name="asks_addresses"`)
	typed := "203.0.113.7\r\n10.9.8.7/8, 300.1.1.1\n::ffff:127.0.0.1"
	tried := r.post("/tokens/addresses", "name", "kept as typed", "addresses", typed)
	tried.want(t, 200, "one address: 203.0.113.7", "a range: 10.0.0.0/8", "300.1.1.1", "is not an IP address", "one address: 127.0.0.1", "(yours is in it)", `value="kept as typed"`, "<details", "!Your own address is not")
	r.part, r.at = true, "/tokens"
	r.post("/tokens/addresses", "addresses", "203.0.113.7").want(t, 200, `<div id="addresses-tested"`, "Your own address is not in this list", "!<main")
	r.post("/tokens/addresses", "addresses", " ").want(t, 200, "The list is empty: calls may come from anywhere.")
	r.post("/tokens/addresses", "addresses", "<b>").want(t, 200, "&lt;b&gt;", "!<b>")
	r.part = false

	made := s.Token(t, control.TokenForm{Name: ptr("Pipeline")})
	path := "/tokens/" + made.Row.PublicID
	r.post(path+"/addresses", "addresses", "127.0.0.1").want(t, 200, "No call came in the last 30 days.")
	for range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/chat/completions", nil)
		s.must(err)
		request.Header.Set("Authorization", "Bearer "+made.Secret)
		response, err := testbed.Client().Do(request)
		s.must(err)
		response.Body.Close()
	}
	r.post(path+"/addresses", "addresses", "127.0.0.0/8").want(t, 200, "calls came in the last 30 days; the list lets all of them in.")
	r.post(path+"/addresses", "addresses", "203.0.113.7").want(t, 200, "2 of 2 calls of the last 30 days would have been refused: from 127.0.0.1 (2).")
	s.signIn(access.Viewer).post(path+"/addresses", "addresses", "").want(t, 403)
}

// Before somebody locks their own address out they are asked, once, and only where
// the list changes.
func TestOwnLockOutIsAsked(t *testing.T) {
	s := newSite(t)
	r := s.signIn(access.Editor)
	form := []string{"name", "Office", "addresses", "203.0.113.7", "asks_addresses", "1"}
	r.post("/tokens", form...).want(t, 409, "Your own address, 127.0.0.1, is not in this list", `name="addresses_ok"`, "203.0.113.7")
	r.post("/tokens", append(form, "name", "", "rpm", "x")...).want(t, 422, "This must be a whole number.", `name="addresses_ok"`)
	if n := len(s.tokens()); n != 0 {
		t.Fatalf("%d tokens were made", n)
	}
	r.post("/tokens", append(form, "addresses_ok", "1")...).want(t, 200, "is ready")
	row := s.tokens()[0]
	path := "/tokens/" + row.PublicID + "/edit"
	r.post(path, "version", version(row.Version), "name", "Renamed", "addresses", "203.0.113.7", "asks_addresses", "1").want(t, 200, "is saved")
	row = s.tokens()[0]
	r.post(path, "version", version(row.Version), "name", "Renamed", "addresses", "203.0.113.8", "asks_addresses", "1").want(t, 409, "Your own address")
	r.post(path, "version", version(row.Version), "name", "Renamed", "addresses", "127.0.0.1", "asks_addresses", "1").want(t, 200, "is saved")
	r.post("/tokens", "name", "In", "addresses", "127.0.0.0/8", "asks_addresses", "1").want(t, 200, "is ready")
}

func version(n int64) string { return strconv.FormatInt(n, 10) }
