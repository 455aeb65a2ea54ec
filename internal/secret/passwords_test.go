package secret

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"latchkey/internal/access"
)

func TestHashAndVerify(t *testing.T) {
	p, ctx := NewPasswords(rand.Reader), t.Context()
	for _, plain := range []string{"correct horse battery", "密码密码密码密码密码", "x", strings.Repeat("é", 128), "with\x00nul"} {
		phc, err := p.Hash(ctx, plain)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("parameters: %s", phc)
		}
		if ok, rehash, err := p.Verify(ctx, phc, plain); !ok || rehash || err != nil {
			t.Errorf("%.10q: %v %v %v", plain, ok, rehash, err)
		}
		if ok, _, err := p.Verify(ctx, phc, plain+" "); ok || err != nil {
			t.Errorf("%.10q: a longer password was taken (%v)", plain, err)
		}
	}
}

func TestVerifyOldParameters(t *testing.T) {
	p := NewPasswords(rand.Reader)
	phc, err := argon2id.CreateHash("old password", &argon2id.Params{Memory: 8 * 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	if ok, rehash, err := p.Verify(t.Context(), phc, "old password"); !ok || !rehash || err != nil {
		t.Errorf("right: %v %v %v", ok, rehash, err)
	}
	if ok, rehash, err := p.Verify(t.Context(), phc, "wrong"); ok || rehash || err != nil {
		t.Errorf("wrong: %v %v %v", ok, rehash, err)
	}
	if _, _, err := p.Verify(t.Context(), "$argon2id$broken", "x"); err == nil {
		t.Error("a broken hash verified")
	}
	if ok, _, err := p.Verify(t.Context(), "", ""); ok || err != nil {
		t.Errorf("an account without a password let the empty one in: %v", err)
	}
}

// fill takes both places, as two slow hashes would.
func fill(p *Passwords) (free func()) {
	p.slots <- struct{}{}
	p.slots <- struct{}{}
	return func() { <-p.slots; <-p.slots }
}

func TestQueue(t *testing.T) {
	p := NewPasswords(rand.Reader)
	free := fill(p)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	left := make(chan error, waiting)
	for range waiting {
		wg.Go(func() { left <- p.VerifyNothing(ctx, "x") })
	}
	for deadline := time.Now().Add(time.Minute); p.queue.Load() < waiting; {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait", p.queue.Load())
		}
	}
	_, _, known := p.Verify(t.Context(), p.nobody, "x")
	for name, err := range map[string]error{"known": known, "unknown": p.VerifyNothing(t.Context(), "x")} {
		if e, ok := errors.AsType[*access.Error](err); !ok || e.Kind != access.Busy || e.Wait <= 0 {
			t.Errorf("%s account: %v, want Busy with a wait", name, err)
		}
	}
	cancel()
	wg.Wait()
	for range waiting {
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want canceled", err)
		}
	}
	free()
	if err := p.VerifyNothing(t.Context(), "x"); err != nil || p.queue.Load() != 0 || len(p.slots) != 0 {
		t.Errorf("after the rush: %v, %d wait, %d run", err, p.queue.Load(), len(p.slots))
	}
}

// An unknown account costs what a known one costs: the hash that nobody has asks
// for the same work as one that was just made, byte for byte but salt and key.
func TestNobodyCostsTheSame(t *testing.T) {
	p := NewPasswords(rand.Reader)
	phc, err := p.Hash(t.Context(), "the right one")
	if err != nil {
		t.Fatal(err)
	}
	known, unknown := strings.Split(phc, "$"), strings.Split(p.nobody, "$")
	if len(known) != 6 || len(unknown) != 6 {
		t.Fatalf("%q and %q have not the same parts", phc, p.nobody)
	}
	for i := range known {
		if i < 4 && known[i] != unknown[i] || len(known[i]) != len(unknown[i]) {
			t.Errorf("part %d: known %q, unknown %q", i, known[i], unknown[i])
		}
	}
}

func TestCommonListIsLong(t *testing.T) {
	p := commonParts()
	long, all := map[string]bool{}, map[string]bool{}
	for word := range p.words {
		for tail := range p.tails {
			text := word + tail
			if len(text) < MinCustomer {
				continue
			}
			if !isCommon(text) {
				t.Fatalf("%q is missing", text)
			}
			all[text] = true
			if len(text) >= MinUser {
				long[text] = true
			}
		}
	}
	if len(all) < 10_000 || len(long) < 10_000 {
		t.Errorf("the list holds %d entries, %d of %d characters; it must hold 10,000", len(all), len(long), MinUser)
	}
	for _, part := range []map[string]bool{p.words, p.heads, p.tails} {
		for text := range part {
			if text != strings.ToLower(text) {
				t.Errorf("%q would never be found", text)
			}
		}
	}
}

func TestCheckPassword(t *testing.T) {
	cases := []struct {
		plain string
		min   int
		names []string
		code  string
	}{
		{"four words unlike others", MinUser, nil, ""},
		{"kx7m-2vtq-h9ra-w4cz", MinUser, nil, ""},
		{"correct horse battery staple", MinUser, []string{"ann", "horse"}, ""},
		{"密码很长也很难猜到的呀", MinUser, nil, ""},
		{"tr0ub4dor&3x", MinUser, nil, ""},
		{strings.Repeat("ab√", 42) + "zz", MinUser, nil, ""},
		{"", MinUser, nil, "password_short"},
		{"short-one", MinUser, nil, "password_short"},
		{"short-one", MinCustomer, nil, ""},
		{"密码密码密码密码", MinUser, nil, "password_short"},
		{strings.Repeat("ab√", 43), MinUser, nil, "password_long"},
		{"bad\xffutf8 here", MinUser, nil, "password_text"},
		{"password", MinCustomer, nil, "password_common"},
		{"Password123", MinUser, nil, "password_common"},
		{"P@ssw0rd2024!", MinUser, nil, "password_common"},
		{"  qwertyuiop  ", MinUser, nil, "password_common"},
		{"1234567890", MinUser, nil, "password_common"},
		{"aaaaaaaaaaaa", MinUser, nil, "password_common"},
		{"abcabcabcabc", MinUser, nil, "password_common"},
		{"iloveyou1314", MinUser, nil, "password_common"},
		{"woaini5201314", MinUser, nil, "password_common"},
		{"1qaz2wsx3edc", MinUser, nil, "password_common"},
		{"Summer2026!", MinUser, nil, "password_common"},
		{"123456dragon", MinUser, nil, "password_common"},
		{"letmeinletmein", MinUser, nil, "password_common"},
		{"LatchKey2026", MinUser, nil, "password_common"},
		{"my-latchkey", MinUser, nil, "password_name"},
		{"acme-helper!", MinUser, []string{"Acme Helper", "acme-helper"}, "password_name"},
		{"jo.garcia99", MinUser, []string{"jo.garcia@acme.example"}, "password_name"},
		{"jogarcia123456", MinUser, []string{"Jo Garcia"}, "password_name"},
		{"bo is no name to mind", MinUser, []string{"bo", ""}, ""},
	}
	for _, c := range cases {
		err := CheckPassword(c.plain, c.min, c.names...)
		if c.code == "" {
			if err != nil {
				t.Errorf("%.20q: %v", c.plain, err)
			}
			continue
		}
		e, ok := errors.AsType[*access.Error](err)
		if !ok || e.Code != c.code || e.Kind != access.Invalid || e.Field != "password" {
			t.Errorf("%.20q: %v, want %s", c.plain, err, c.code)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("password", "name")
	f.Add("\xff", "")
	f.Add(strings.Repeat("a", 4000), "a@")
	f.Fuzz(func(t *testing.T, plain, name string) {
		err := CheckPassword(plain, MinUser, name)
		if err != nil && !errors.Is(err, access.Invalid) {
			t.Fatal(err)
		}
		if err == nil && isCommon(strings.ToLower(plain)) {
			t.Fatalf("%q is common", plain)
		}
	})
}
