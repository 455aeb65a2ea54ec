package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// doors measures what a dialect costs beside the native API, act by act, and the
// check for proxies beside a bare handler.
func (b *bench) doors() error {
	bare, err := b.spawn("floor", "127.0.0.1:9")
	if err != nil {
		return err
	}
	h, err := newHouse("127.0.0.1:9")
	if err != nil {
		return err
	}
	defer os.RemoveAll(h.folder)
	key, err := h.token("bench", "chat", "read", "manage")
	if err != nil {
		return err
	}
	// One credential that every door takes, so that only the doors differ.
	login, err := h.control.SignIn(context.Background(), control.Attempt{Name: "owner", Password: ownerPassword, Door: access.DoorRAGFlow, Address: "127.0.0.1"})
	if err != nil {
		return err
	}
	if err := h.close(); err != nil {
		return err
	}
	if err := h.fill(1000); err != nil {
		return err
	}
	own, err := b.serve(h, "127.0.0.1:9")
	if err != nil {
		return err
	}
	defer own.end()
	by := "Authorization: Bearer " + login.Value + "\r\n"
	id, number, err := oneToken(own.address, by)
	if err != nil {
		return err
	}
	send := func(method, path, headers, body string, status int) call {
		return call{name: method + " " + path, status: status, request: fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			method, path, own.address, headers, len(body), body)}
	}
	b.title("The same act through New API's door and the native one, 16 clients (goal: 15 % more CPU and time at most)")
	for _, act := range []struct {
		name       string
		from, base call
	}{
		{"one token", send("GET", fmt.Sprintf("/api/token/%d", number), by, "", 200), send("GET", "/api/latchkey/v1/tokens/"+id, by, "", 200)},
		{"create", send("POST", "/api/token/", by, `{"name":"made","remain_quota":500000}`, 200), send("POST", "/api/latchkey/v1/tokens", by, `{"name":"made","quota":500000}`, 201)},
		{"edit", send("PUT", "/api/token/", by, fmt.Sprintf(`{"id":%d,"name":"edited","remain_quota":500000}`, number), 200), send("PATCH", "/api/latchkey/v1/tokens/"+id, by, `{"name":"edited"}`, 200)},
		{"list of 20", send("GET", "/api/token/?p=1&size=20", by, "", 200), send("GET", "/api/latchkey/v1/tokens?limit=20", by, "", 200)},
	} {
		r, err := b.median(
			func() (result, error) { return run(own.address, act.base, 16, b.length/2, own.Process.Pid) },
			func() (result, error) { return run(own.address, act.from, 16, b.length/2, own.Process.Pid) })
		if err != nil {
			return err
		}
		wrong := ""
		if r[0].wrong+r[1].wrong > 0 {
			wrong = "  (not answered as expected)"
		}
		b.line("%-11s native %6.0f/s p50 %8s, New API %6.0f/s p50 %8s: %.2fx; cpu %.2fx%s", act.name, r[0].perSecond, short(r[0].p50), r[1].perSecond, short(r[1].p50),
			float64(r[1].p50)/float64(r[0].p50), r[1].cpu/max(r[0].cpu, 0.001), wrong)
	}
	r, err := b.median(
		func() (result, error) {
			return run(bare.address, call{name: "bare", request: get(bare.address, "/bare", ""), status: 401}, 64, b.length, bare.Process.Pid)
		},
		func() (result, error) {
			return run(own.address, call{name: "verify", request: get(own.address, "/api/latchkey/v1/verify", "Authorization: Bearer "+key+"\r\n"), status: 204}, 64, b.length, own.Process.Pid)
		})
	if err != nil {
		return err
	}
	b.title("The check for proxies beside a bare handler, 64 clients")
	b.line("bare %.0f/s, verified %.0f/s: %.0f %%, cpu %.1fx", r[0].perSecond, r[1].perSecond, 100*r[1].perSecond/r[0].perSecond, r[1].cpu/max(r[0].cpu, 0.001))
	return nil
}

// oneToken makes a token and returns its id, and its number in New API's words.
func oneToken(address, by string) (id string, number int64, err error) {
	var made struct {
		ID string `json:"id"`
	}
	if err := fetch("POST", "http://"+address+"/api/latchkey/v1/tokens", by, `{"name":"the one","quota":500000}`, &made); err != nil {
		return "", 0, err
	}
	var list struct {
		Data struct {
			Items []struct {
				ID int64 `json:"id"`
			} `json:"items"`
		} `json:"data"`
	}
	if err := fetch("GET", "http://"+address+"/api/token/?p=1&size=1", by, "", &list); err != nil {
		return "", 0, err
	}
	if made.ID == "" || len(list.Data.Items) != 1 {
		return "", 0, fmt.Errorf("the token %q is listed as %v", made.ID, list.Data.Items)
	}
	return made.ID, list.Data.Items[0].ID, nil
}

func fetch(method, url, headers, body string, into any) error {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	for line := range strings.SplitSeq(strings.TrimSpace(headers), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s %s: %s", method, url, raw)
	}
	return nil
}
