package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // rows are filled in faster than any door could
)

// pages measures figure 9: a list page of 50 rows, beside a bare handler of the
// same framework.
func (b *bench) pages() error {
	bare, err := b.spawn("floor", "127.0.0.1:9")
	if err != nil {
		return err
	}
	h, own, cookie, err := b.signedIn(1000)
	if err != nil {
		return err
	}
	defer os.RemoveAll(h.folder)
	defer own.end()
	b.title("List pages of 50 rows, one client, 1,000 tokens (goal: 1 ms above a bare handler at the median)")
	for _, path := range []string{"/tokens", "/shares", "/customers", "/bots", "/providers", "/requests", "/usage", "/"} {
		r, err := b.median(
			func() (result, error) {
				return run(bare.address, call{name: "bare", request: get(bare.address, "/bare", ""), status: 401}, 1, b.length/4, bare.Process.Pid)
			},
			func() (result, error) {
				return run(own.address, call{name: path, request: get(own.address, path, cookie), status: 200}, 1, b.length/4, own.Process.Pid)
			})
		if err != nil {
			return err
		}
		size, err := bodySize(own.address, path, cookie)
		if err != nil {
			return err
		}
		wrong := ""
		if r[1].wrong > 0 {
			wrong = "  (not 200)"
		}
		b.line("%-11s p50 %8s, bare %8s: +%s; %5.1f KB of HTML%s", path, short(r[1].p50), short(r[0].p50), short(r[1].p50-r[0].p50), float64(size)/1000, wrong)
	}
	return nil
}

// lists measures figure 6: the same pages over tables of very different size.
func (b *bench) lists() error {
	b.title("API tokens: first page, last page, search, at 1,000 and at many (goal: 1.5x)")
	base := map[string]float64{}
	tell := func(n int, name, text string, value float64) {
		if n == 1000 {
			base[name] = value
		}
		b.line("%9d tokens, %-22s %12s  %.2fx", n, name, text, value/base[name])
	}
	for _, n := range []int{1000, 100_000, 1_000_000} {
		h, own, cookie, err := b.signedIn(n)
		if err != nil {
			return err
		}
		login, err := h.login("http://" + own.address)
		if err != nil {
			return err
		}
		tell(n, "start", short(own.started), own.started.Seconds())
		for _, p := range []struct{ name, path, headers string }{
			{"first page", "/tokens", cookie},
			{"the oldest", "/tokens?sort=made", cookie},
			{"by name", "/tokens?sort=name", cookie},
			{"by last use", "/tokens?sort=-used", cookie},
			{"search, common", "/tokens?q=Support", cookie},
			{"search, rare", "/tokens?q=Zanzibar", cookie},
			{"search, none", "/tokens?q=zzzzzz", cookie},
			{"common, by name", "/tokens?q=Support&sort=name", cookie},
			{"common, by name, down", "/tokens?q=Support&sort=-name", cookie},
			{"common, by last use", "/tokens?q=Support&sort=-used", cookie},
			{"rare, by last use", "/tokens?q=Zanzibar&sort=-used", cookie},
			{"one letter, rare", "/tokens?q=Z", cookie},
			{"two letters, none", "/tokens?q=zq", cookie},
			{"two letters, common", "/tokens?q=up", cookie},
			{"one sign, rare", "/tokens?q=%E8%B4%A2", cookie},
			{"two signs, a tenth", "/tokens?q=%E5%AE%A2%E6%9C%8D", cookie},
			{"enabled", "/tokens?status=enabled", cookie},
			{"exhausted", "/tokens?status=exhausted", cookie},
			{"expired", "/tokens?status=expired", cookie},
			{"expired, by name", "/tokens?status=expired&sort=name", cookie},
			{"revoked", "/tokens?status=revoked", cookie},
			{"common and revoked", "/tokens?q=Support&status=revoked", cookie},
			{"the log", "/requests", cookie},
			{"the log, a common model", "/requests?q=gpt", cookie},
			{"the log, a rare model", "/requests?q=zeta", cookie},
			{"the log, no such model", "/requests?q=zzz", cookie},
			{"New API, first page", "/api/token/?p=1&size=20", login},
			{"New API, search", "/api/token/search?keyword=Zanzibar", login},
		} {
			r, err := b.median(func() (result, error) {
				return run(own.address, call{name: p.name, request: get(own.address, p.path, p.headers), status: 200}, 1, b.length/4, own.Process.Pid)
			})
			if err != nil {
				return err
			}
			if r[0].wrong > 0 {
				return fmt.Errorf("%s was not answered", p.path)
			}
			tell(n, p.name, "p50 "+short(r[0].p50), r[0].p50.Seconds())
		}
		body := `{"name":"made"}`
		made, err := run(own.address, call{name: "create", status: 201, request: fmt.Appendf(nil,
			"POST /api/latchkey/v1/tokens HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", own.address, login, len(body), body)}, 16, b.length, own.Process.Pid)
		if err != nil {
			return err
		}
		tell(n, "create, 16 clients", fmt.Sprintf("%.0f/s", made.perSecond), 1/made.perSecond)
		b.line("%9d tokens, memory %.0f MiB", n, memoryOf(own.Process.Pid))
		own.end()
		os.RemoveAll(h.folder)
	}
	return nil
}

// login signs the owner in for programs and returns the header.
func (h *house) login(base string) (string, error) {
	resp, err := http.Post(base+"/v1/user/login", "application/json", strings.NewReader(`{"email":"owner","password":"`+ownerPassword+`"}`))
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	value := resp.Header.Get("Authorization")
	if value == "" {
		return "", fmt.Errorf("the owner could not sign in through a program: %s", resp.Status)
	}
	return "Authorization: Bearer " + strings.TrimPrefix(value, "Bearer ") + "\r\n", nil
}

// signedIn serves a house with so many tokens and signs its owner in.
func (b *bench) signedIn(tokens int) (*house, *process, string, error) {
	h, err := newHouse("127.0.0.1:9")
	if err != nil {
		return nil, nil, "", err
	}
	if err := h.close(); err != nil {
		return nil, nil, "", err
	}
	if err := h.fill(tokens); err != nil {
		return nil, nil, "", err
	}
	own, err := b.serve(h, "127.0.0.1:9")
	if err != nil {
		return nil, nil, "", err
	}
	cookie, err := signIn("http://" + own.address)
	return h, own, cookie, err
}

// fill writes tokens straight into the file, in one transaction.
func (h *house) fill(n int) error {
	pool, err := sql.Open("sqlite3", "file:"+filepath.Join(h.folder, "latchkey.db")+"?_txlock=immediate&_journal_mode=WAL")
	if err != nil {
		return err
	}
	defer pool.Close()
	tx, err := pool.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	now := time.Now().UnixMilli()
	for _, text := range []string{
		`INSERT INTO purses (id, workspace_id, quota, used, unlimited, period_at)
			SELECT 1000000 + i, $2, 50000000, CASE WHEN i % 19 = 7 THEN 50000000 ELSE i % 40000000 END, 0, $3 FROM n`,
		// The oldest three of ten have ended, as it is with tokens that live for a while.
		`INSERT INTO api_tokens (id, public_id, workspace_id, created_by, name, note, hint, purse_id, expires_at, past, used_at, revoked_at, enabled, created_at, updated_at)
			SELECT 1000000 + i, printf('%032x', i), $2, 1, CASE WHEN i = 500 THEN 'Zanzibar kiosk 财' WHEN i % 3 = 0 THEN 'Support desk ' || i WHEN i % 10 = 1 THEN '华东客服 ' || i ELSE 'token ' || i END,
			'', substr(printf('%04x', i), 1, 4), 1000000 + i, CASE WHEN i % 2 = 0 OR i <= $1 * 3 / 10 THEN $3 + (i - $1 * 3 / 10) * 60000 END, i <= $1 * 3 / 10, CASE WHEN i % 2 = 1 THEN $3 - i * 7919 % 977 END,
			CASE WHEN i % 40 = 5 THEN $3 END, i % 40 <> 3, $3, $3 FROM n`,
		`INSERT INTO api_tokens_short (rowid, text) SELECT k.id, (WITH RECURSIVE c(i, x) AS (SELECT 1, k.name || char(2) || k.note || char(2) || k.hint UNION ALL
			SELECT i + 1, x FROM c WHERE i < length(x)) SELECT char(1) || group_concat(substr(x, i, 1), char(1)) || char(1) FROM c) FROM n JOIN api_tokens k ON k.id = 1000000 + i`,
		`INSERT INTO requests (request_id, workspace_id, at, token_id, model, door, outcome, status)
			SELECT printf('%032x', i), $2, $3 - ($1 - i) * 2592, 1000000 + i, CASE WHEN i = 500 THEN 'zeta-1' WHEN i % 4 = 0 THEN 'qwen-max' ELSE 'gpt-4o' END, 'gateway', 'answered', 200 FROM n`,
		// As they are after a while, not as one great transaction leaves them.
		`INSERT INTO api_tokens_search (api_tokens_search) SELECT 'optimize' WHERE $1 > 0`,
		`INSERT INTO api_tokens_short (api_tokens_short) SELECT 'optimize' WHERE $1 > 0`,
	} {
		text = strings.Replace(text, "SELECT", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT", 1)
		if _, err := tx.Exec(text, []any{n, h.owner.WorkspaceID, now}[:1+2*min(1, strings.Count(text, "$2"))]...); err != nil {
			return err
		}
	}
	if _, err := tx.Exec("UPDATE workspaces SET token_count = token_count + $1 WHERE id = $2", n, h.owner.WorkspaceID); err != nil {
		return err
	}
	return tx.Commit()
}

// signIn signs the owner in and returns the header with the session.
func signIn(base string) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	c := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	resp, err := c.PostForm(base+"/login", url.Values{"username": {"owner"}, "password": {ownerPassword}})
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	at, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	var pairs []string
	for _, k := range jar.Cookies(at) {
		pairs = append(pairs, k.Name+"="+k.Value)
	}
	slices.Sort(pairs)
	if len(pairs) == 0 {
		return "", fmt.Errorf("the owner could not sign in: %s", resp.Status)
	}
	return "Cookie: " + strings.Join(pairs, "; ") + "\r\n", nil
}

func bodySize(address, path, cookie string) (int, error) {
	text, err := body(address, path, cookie)
	return len(text), err
}

func body(address, path, cookie string) (string, error) {
	r, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Cookie", strings.TrimSuffix(strings.TrimPrefix(cookie, "Cookie: "), "\r\n"))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return string(raw), err
}
