package gateway_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/strict"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

func body(t testing.TB, text string) *strict.Object {
	t.Helper()
	o, err := strict.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func question(t testing.TB, secret, model string, more string) gateway.Question {
	return gateway.Question{
		Secret: secret, Address: testbed.Loopback, Door: access.DoorGateway, Path: gateway.Chat,
		Body: body(t, fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hello"}]%s}`, model, more)),
	}
}

// read takes a stream to its end.
func read(a *gateway.Answer) (text string, err error) {
	var b strings.Builder
	for {
		events, err := a.Next(nil)
		for _, e := range events {
			b.Write(e.Text)
		}
		if errors.Is(err, gateway.ErrQuiet) {
			continue
		}
		if err != nil {
			return b.String(), err
		}
	}
}

func quota(units int64) db.QuotaChange { return db.QuotaChange{Quota: &units} }

func row(t testing.TB, h *testbed.House, publicID string) db.TokenRow {
	t.Helper()
	r, err := h.DB.Token(t.Context(), h.Workspace.ID, publicID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnswerIsChargedOnce(t *testing.T) {
	h := testbed.New(t)
	h.Price(t, "gpt-4o-mini", 2_000_000, 3_000_000)
	h.Faulty.Charge(10, 7)
	k := h.Token(t, control.TokenForm{Quota: quota(100_000)})
	for _, stream := range []string{"", `,"stream":true`} {
		t.Run("stream "+stream, func(t *testing.T) {
			before := row(t, h, k.Row.PublicID).Purse.Used
			a, err := h.Gateway.Ask(t.Context(), question(t, k.Secret, "gpt-4o-mini", stream))
			if err != nil {
				t.Fatal(err)
			}
			if stream == "" {
				if !strings.Contains(string(a.Body), `"model":"gpt-4o-mini"`) {
					t.Errorf("the answer's model is not what was asked for: %s", a.Body)
				}
			} else if _, err := read(a); !errors.Is(err, io.EOF) {
				t.Fatalf("the stream ended with %v", err)
			}
			a.Close()
			a.Close()
			after := row(t, h, k.Row.PublicID).Purse
			if got := after.Used - before; got != 10*2+7*3 || after.Reserved != 0 {
				t.Errorf("charged %d units, reserved %d; want 41 and 0", got, after.Reserved)
			}
		})
	}
	rows, err := h.DB.Requests(t.Context(), h.Workspace.ID, db.RequestPage{Limit: 10})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows in the request log (%v), want 2", len(rows), err)
	}
	if r := rows[0]; r.Units != 41 || r.Outcome != access.Answered || r.Usage.Estimated || len(r.Trace) == 0 {
		t.Errorf("the log says %+v", r)
	}
}

func TestRefusals(t *testing.T) {
	h := testbed.New(t)
	ctx := t.Context()
	on := func(k control.Issued, do func(context.Context, access.Actor, string) error) control.Issued {
		if err := do(ctx, h.Owner, k.Row.PublicID); err != nil {
			t.Fatal(err)
		}
		return k
	}
	token := func(f control.TokenForm) control.Issued { return h.Token(t, f) }
	past, models, addresses, read, one := h.Now().Add(time.Hour), []string{"qwen-max"}, []string{"10.0.0.0/8"}, []string{"read"}, int64(1)
	limited := true
	expired := token(control.TokenForm{ExpiresAt: &past})
	h.Wait(2 * time.Hour)
	spent := token(control.TokenForm{Quota: quota(0)})
	plain := token(control.TokenForm{})
	for _, c := range []struct {
		name, secret, model, code string
		status                    int
	}{
		{"no key", "", "gpt-4o-mini", "missing_api_key", 401},
		{"unknown key", "sk-lk" + strings.Repeat("x", 46), "gpt-4o-mini", "invalid_api_key", 401},
		{"nonsense", "a b", "gpt-4o-mini", "invalid_api_key", 401},
		{"a beta key opens no gateway", plain.Beta, "gpt-4o-mini", "invalid_api_key", 401},
		{"revoked", on(token(control.TokenForm{}), h.Control.RevokeToken).Secret, "gpt-4o-mini", "token_revoked", 401},
		{"deleted", on(token(control.TokenForm{}), h.Control.DeleteToken).Secret, "gpt-4o-mini", "invalid_api_key", 401},
		{"disabled", on(token(control.TokenForm{}), h.Control.DisableToken).Secret, "gpt-4o-mini", "token_disabled", 401},
		{"expired", expired.Secret, "gpt-4o-mini", "token_expired", 401},
		{"spent", spent.Secret, "gpt-4o-mini", "insufficient_quota", 401},
		{"too little left", token(control.TokenForm{Quota: quota(50)}).Secret, "gpt-4o-mini", "quota_too_low", 403},
		{"address", token(control.TokenForm{Addresses: &addresses}).Secret, "gpt-4o-mini", "ip_not_allowed", 403},
		{"model not on the list", token(control.TokenForm{Models: &models, ModelsLimited: &limited}).Secret, "gpt-4o-mini", "model_not_allowed", 403},
		{"model of another case", plain.Secret, "GPT-4o-mini", "model_not_found", 404},
		{"unknown model", plain.Secret, "no-such", "model_not_found", 404},
		{"no model", plain.Secret, "", "model_missing", 400},
		{"permission", token(control.TokenForm{Permissions: &read}).Secret, "gpt-4o-mini", "permission_denied", 403},
		{"model of the own bot first", token(control.TokenForm{Bot: &h.Bot.PublicID, Models: &models, ModelsLimited: &limited}).Secret, "bot:other", "model_not_allowed", 403},
		{"another bot", token(control.TokenForm{Bot: &h.Bot.PublicID}).Secret, "bot:other", "bot_not_allowed", 403},
		{"unknown bot", plain.Secret, "bot:other", "model_not_found", 404},
	} {
		_, err := h.Gateway.Ask(ctx, question(t, c.secret, c.model, ""))
		p := access.Problems(err)
		if len(p) == 0 || p[0].Code != c.code || gateway.Status(err) != c.status {
			t.Errorf("%s: %v with %d, want %s with %d", c.name, err, gateway.Status(err), c.code, c.status)
		}
	}
	if n := h.Faulty.Started(); n != 0 {
		t.Errorf("refused calls reached the provider %d times", n)
	}
	h.StopClock()
	rpm := token(control.TokenForm{RPM: &one})
	for i, want := range []int{0, 429} {
		if _, err := h.Gateway.Ask(ctx, question(t, rpm.Secret, "gpt-4o-mini", "")); err != nil && gateway.Status(err) != want || err == nil && want != 0 {
			t.Errorf("call %d in a minute: %v", i, err)
		}
	}
	h.Wait(61 * time.Second)
	if _, err := h.Gateway.Ask(ctx, question(t, rpm.Secret, "gpt-4o-mini", "")); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

// How often a burst comes. make soak says more.
var bursts = flag.Int("bursts", 3, "bursts of TestBurstServesExactlyWhatFits")

// Whatever runs at once, in whatever order it comes, a purse never gives more than it
// holds, and never less.
func TestBurstServesExactlyWhatFits(t *testing.T) {
	h := testbed.New(t)
	h.Price(t, "gpt-4o-mini", 0, 1_000_000)
	h.Faulty.Charge(0, 10)
	for n := range *bursts {
		burst(t, h, rand.New(rand.NewPCG(uint64(n), 7)))
		if t.Failed() {
			t.Fatalf("in burst %d", n)
		}
	}
}

// burst makes calls at once, of which exactly so many have room.
func burst(t *testing.T, h *testbed.House, chance *rand.Rand) {
	t.Helper()
	const room, calls = 100, 2000
	k := h.Token(t, control.TokenForm{Quota: quota(room * 10)})
	var served atomic.Int64
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for range calls {
		more := `,"max_tokens":10`
		stream := chance.IntN(3) == 0
		if stream {
			more += `,"stream":true`
		}
		wg.Go(func() {
			<-gate
			a, err := h.Gateway.Ask(context.Background(), question(t, k.Secret, "gpt-4o-mini", more))
			if err != nil {
				if s := gateway.Status(err); s != 401 && s != 403 {
					t.Errorf("refused with %d: %v", s, err)
				}
				return
			}
			defer a.Close()
			if stream {
				if _, err := read(a); !errors.Is(err, io.EOF) {
					t.Errorf("stream: %v", err)
				}
			}
			served.Add(1)
		})
	}
	close(gate)
	wg.Wait()
	p := row(t, h, k.Row.PublicID).Purse
	if served.Load() != room || p.Used != room*10 || p.Remain() != 0 || p.Reserved != 0 {
		t.Errorf("%d served, %d used, %d reserved; want exactly %d", served.Load(), p.Used, p.Reserved, room)
	}
}

// A running stream ends with its token, in silence too, charged for what was
// delivered.
func TestRevokedMeansNow(t *testing.T) {
	h := testbed.New(t)
	h.Provider = h.AddProvider(t, "stepped", h.Faulty.URL+"/v1", string(faulty.Stepped))
	k := h.Token(t, control.TokenForm{})
	a, err := askStepped(t, h, k.Secret)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := h.Control.RevokeToken(t.Context(), h.Owner, k.Row.PublicID); err != nil {
		t.Fatal(err)
	}
	_, err = read(a) // the provider says nothing more, and is waited for for two minutes
	if p := access.Problems(err); len(p) == 0 || p[0].Code != "token_revoked" {
		t.Fatalf("the stream ended with %v", err)
	}
	h.Faulty.Call(0).WaitGone()
	if p := row(t, h, k.Row.PublicID).Purse; p.Used == 0 || p.Reserved != 0 {
		t.Errorf("used %d, reserved %d after a cut answer", p.Used, p.Reserved)
	}
}

func askStepped(t *testing.T, h *testbed.House, secret string) (*gateway.Answer, error) {
	go func() { h.Faulty.Call(0).Send("Hello ") }()
	return h.Gateway.Ask(t.Context(), question(t, secret, string(faulty.Stepped), `,"stream":true`))
}

// After a kill, what was streaming is settled at its checkpoint and nothing stays
// reserved.
func TestSweepAfterAKill(t *testing.T) {
	h := testbed.New(t)
	h.AddProvider(t, "stepped", h.Faulty.URL+"/v1", string(faulty.Stepped))
	k := h.Token(t, control.TokenForm{Quota: quota(100_000)})
	a, err := askStepped(t, h, k.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if p := row(t, h, k.Row.PublicID).Purse; p.Reserved == 0 {
		t.Fatal("a running stream has nothing reserved")
	}
	h.Token(t, control.TokenForm{}) // the next commit holds the checkpoint
	// The process ends here without settling: another opens the file.
	old, first := h.DB, h.Gateway
	h.DB = nil
	h.Open(t, "boot-2")
	n, err := h.DB.Ledger.Sweep(t.Context())
	if err != nil || n != 1 {
		t.Fatalf("swept %d (%v), want 1", n, err)
	}
	if p := row(t, h, k.Row.PublicID).Purse; p.Reserved != 0 || p.Used == 0 {
		t.Errorf("used %d, reserved %d after the sweep", p.Used, p.Reserved)
	}
	if faults, err := h.DB.CheckLedger(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("the ledger: %v %v", faults, err)
	}
	a.Close() // changes nothing: the row is final
	if p := row(t, h, k.Row.PublicID).Purse; p.Reserved != 0 {
		t.Errorf("reserved %d after a late settle", p.Reserved)
	}
	first.Close()
	old.Close()
}
