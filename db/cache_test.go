package db

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/access"
)

// What was read before a change is handed to whoever asked, and not kept.
func TestCacheKeepsNothingOld(t *testing.T) {
	c := newCache[string, int]()
	get := func(load func() (int, error)) int {
		v, err := c.get("key", load)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	value := func(v int) func() (int, error) { return func() (int, error) { return v, nil } }
	never := func() (int, error) { t.Error("it was loaded again"); return 0, nil }
	if get(value(1)) != 1 || get(never) != 1 {
		t.Error("it is not kept")
	}
	for name, drop := range map[string]func(){"one": func() { c.drop("key") }, "another": func() { c.drop("other") }, "all": c.dropAll} {
		c.dropAll()
		if v := get(func() (int, error) { drop(); return 2, nil }); v != 2 {
			t.Errorf("%s: loaded %d", name, v)
		}
		if v := get(value(3)); v != 3 {
			t.Errorf("%s: what was read before the change is kept: %d", name, v)
		}
	}
	c.dropAll()
	broken := errors.New("broken")
	if _, err := c.get("key", func() (int, error) { return 9, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if v := get(value(4)); v != 4 {
		t.Errorf("a failed look-up is kept: %d", v)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache[int, int]()
	for i := range cacheMax + 10 {
		if v, err := c.get(i, func() (int, error) { return i, nil }); err != nil || v != i {
			t.Fatal(v, err)
		}
	}
	if n := len(c.held); n > cacheMax {
		t.Errorf("%d entries are kept", n)
	}
}

// Whatever was acknowledged is what every reader sees from then on, however many
// read while it changes.
func TestCacheIsExactUnderLoad(t *testing.T) {
	const changes, readers = 60, 3
	k := newDesk(t)
	token := k.unbound("pipeline")
	var acknowledged atomic.Int64 // the version of the token, and the value of the setting
	acknowledged.Store(token.Version)
	k.must(k.SetSetting(t.Context(), k.owner, "turn", "1"))
	var wait sync.WaitGroup
	over := make(chan struct{})
	for range readers {
		wait.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				least := acknowledged.Load()
				got, err := k.FindToken(background, token.ID)
				if err != nil || got.Version < least {
					t.Errorf("after change %d a reader sees %d, %v", least, got.Version, err)
					return
				}
				text, err := k.FindSetting(background, "turn")
				if n, bad := strconv.ParseInt(text, 10, 64); err != nil || bad != nil || n < least {
					t.Errorf("after change %d a reader sees the setting %q, %v", least, text, err)
					return
				}
			}
		})
	}
	for i := range changes {
		next := strconv.FormatInt(token.Version+int64(i)+1, 10)
		if err := k.SetSetting(background, k.owner, "turn", next); err != nil {
			t.Error(err)
		}
		changed, err := k.SetTokenEnabled(background, k.owner, k.workspace, token.PublicID, i%2 == 1)
		if err != nil {
			t.Error(err)
		}
		acknowledged.Store(changed.Version)
	}
	close(over)
	wait.Wait()
}

func errOf[T any](_ T, err error) error { return err }

// unbound makes an API token without a limit.
func (k *desk) unbound(name string) access.Token {
	k.t.Helper()
	token, err := k.MakeToken(k.t.Context(), k.owner, NewToken{
		Token: access.Token{PublicID: k.id(), WorkspaceID: k.workspace, Name: name, Hint: "9KaB", PermissionsShape: "array"},
		Purse: access.Purse{Unlimited: true}, Hash: sha256.Sum256([]byte(name)), BetaHash: sha256.Sum256([]byte("beta " + name)), Zone: time.UTC,
	})
	k.must(err)
	return token
}

// Every change of what a gateway call looks up is seen by the next look.
func TestEveryCacheDropsWhatChanges(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	token, mei := k.unbound("pipeline"), k.customer("mei")
	s := k.share("Help desk", nil)
	hash := sha256.Sum256([]byte("pipeline"))
	must := func(err error) { t.Helper(); k.must(err) }
	bot, err := k.FindBot(ctx, k.bot)
	must(err)
	providers, err := k.FindProviders(ctx, k.workspace)
	must(err)
	group, err := k.FindGroup(ctx, "default")
	must(err)
	serving := func() (any, error) {
		x, err := k.FindProviders(ctx, k.workspace)
		return x[0].Serving(), err
	}
	price := func() (any, error) { x, err := k.FindPrice(ctx, "demo"); return x.Prompt, err }
	for _, c := range []struct {
		name   string
		look   func() (any, error)
		change func()
	}{
		{"a token disabled", func() (any, error) { x, err := k.FindToken(ctx, token.ID); return x.Enabled, err }, func() {
			_, err := k.SetTokenEnabled(ctx, k.owner, k.workspace, token.PublicID, false)
			must(err)
		}},
		{"a token edited", func() (any, error) { x, err := k.FindToken(ctx, token.ID); return x.RPM, err }, func() {
			must(k.EditToken(ctx, k.owner, k.workspace, token.PublicID, TokenChange{RPM: ptr(int64(7))}, time.UTC))
		}},
		{"a token seen expired", func() (any, error) { x, err := k.FindToken(ctx, token.ID); return x.ExpiredSeenAt.IsZero(), err }, func() {
			end := k.now().Add(time.Hour)
			must(k.EditToken(ctx, k.owner, k.workspace, token.PublicID, TokenChange{ExpiresAt: &end}, time.UTC))
			_, err := k.FindToken(ctx, token.ID)
			must(err)
			must(k.LatchExpired(ctx, token.ID, end))
		}},
		{"a secret rotated", func() (any, error) { x, err := k.FindSecret(ctx, hash); return x.ValidUntil, err }, func() {
			_, err := k.RotateToken(ctx, k.owner, k.workspace, token.PublicID, sha256.Sum256([]byte("new")), nil, "abcd", k.now().Add(time.Hour))
			must(err)
		}},
		{"a token revoked", func() (any, error) { x, err := k.FindToken(ctx, token.ID); return x.RevokedAt.IsZero(), err }, func() {
			_, err := k.RevokeToken(ctx, k.owner, k.workspace, token.PublicID)
			must(err)
		}},
		{"a revocation undone", func() (any, error) { x, err := k.FindToken(ctx, token.ID); return x.RevokedAt.IsZero(), err }, func() {
			_, err := k.UndoRevokeToken(ctx, k.owner, k.workspace, token.PublicID, time.Minute)
			must(err)
		}},
		{"a token deleted", func() (any, error) { x, err := k.FindToken(ctx, token.ID); return x.Deleted, err }, func() {
			_, err := k.DeleteToken(ctx, k.owner, k.workspace, token.PublicID)
			must(err)
		}},
		{"its text", func() (any, error) {
			_, err := k.FindSecret(ctx, sha256.Sum256([]byte("again")))
			return access.KindOf(err), nil
		}, func() { k.unbound("again") }},
		{"a link paused", func() (any, error) { x, err := k.FindShare(ctx, s.ID); return x.PausedAt.IsZero(), err }, func() {
			_, err := k.PauseShare(ctx, k.owner, k.workspace, s.PublicID)
			must(err)
		}},
		{"a link resumed", func() (any, error) { x, err := k.FindShare(ctx, s.ID); return x.PausedAt.IsZero(), err }, func() {
			_, err := k.ResumeShare(ctx, k.owner, k.workspace, s.PublicID)
			must(err)
		}},
		{"a link edited", func() (any, error) { x, err := k.FindShare(ctx, s.ID); return x.RPM, err }, func() {
			k.edit(s, ShareChange{RPM: ptr(int64(7))})
		}},
		{"a link revoked", func() (any, error) { x, err := k.FindShare(ctx, s.ID); return x.RevokedAt.IsZero(), err }, func() {
			_, err := k.RevokeShare(ctx, k.owner, k.workspace, s.PublicID, time.Minute)
			must(err)
		}},
		{"a customer disabled", func() (any, error) { x, err := k.FindCustomer(ctx, mei.ID); return x.Enabled, err }, func() {
			must(errOf(k.SetCustomerEnabled(ctx, k.owner, k.workspace, mei.PublicID, false)))
		}},
		{"a bot disabled", func() (any, error) { x, err := k.FindBot(ctx, k.bot); return x.Enabled, err }, func() {
			must(k.EditBot(ctx, k.owner, k.workspace, bot.PublicID, BotChange{Enabled: ptr(false)}))
		}},
		{"a provider disabled", serving, func() { must(k.SetProviderEnabled(ctx, k.owner, k.workspace, providers[0].PublicID, false)) }},
		{"a provider enabled", serving, func() { must(k.SetProviderEnabled(ctx, k.owner, k.workspace, providers[0].PublicID, true)) }},
		{"a provider paused", serving, func() {
			now, err := k.FindProviders(ctx, k.workspace)
			must(err)
			must(k.SetProviderPaused(ctx, k.owner, now[0], "provider_key_refused"))
		}},
		{"a provider resumed", serving, func() { must(k.ResumeProvider(ctx, k.owner, k.workspace, providers[0].PublicID)) }},
		{"a group edited", func() (any, error) { x, err := k.FindGroup(ctx, "default"); return x.RPM, err }, func() {
			must(k.EditGroup(ctx, k.owner, group.PublicID, GroupChange{RPM: ptr(int64(9))}))
		}},
		{"a price made", price, func() {
			must(errOf(k.MakePrice(ctx, k.owner, access.Price{PublicID: k.id(), Model: "demo", Prompt: 3, Completion: 4})))
		}},
		{"the default price", func() (any, error) { x, err := k.FindPrice(ctx, "unpriced"); return x.Prompt, err }, func() {
			must(k.SetSetting(ctx, k.owner, DefaultPricePrompt, "5"))
		}},
		{"a workspace renamed", func() (any, error) { x, err := k.FindWorkspace(ctx, k.workspace); return x.Name, err }, func() {
			_, err := k.EditWorkspace(ctx, k.owner, k.workspace, WorkspaceChange{Name: ptr("Acme Berlin")})
			must(err)
		}},
		{"a setting", func() (any, error) { return k.FindSetting(ctx, "language") }, func() { must(k.SetSetting(ctx, k.owner, "language", "zh")) }},
	} {
		before, err := c.look()
		must(err)
		c.change()
		after, err := c.look()
		must(err)
		if before == after {
			t.Errorf("%s: still %v", c.name, after)
		}
	}
}

// A text that was unknown is known as soon as it is made here; one that another
// process registers, a moment later. Unknown texts push out none that are known.
func TestUnknownTexts(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	find := func(text string) error { _, err := k.FindSecret(ctx, sha256.Sum256([]byte(text))); return err }
	k.unbound("known")
	k.must(find("known"))
	for i := range unknownMax + 10 {
		if access.KindOf(find("nobody's "+strconv.Itoa(i))) != access.NotFound {
			t.Fatal("a text that nobody made is known")
		}
	}
	if n := len(k.unknown.until); n > unknownMax {
		t.Errorf("%d are kept", n)
	}
	if n := len(k.caches.secrets.held); n != 1 {
		t.Errorf("%d known texts are kept, want 1", n)
	}

	if access.KindOf(find("pipeline")) != access.NotFound {
		t.Fatal("it is known too early")
	}
	k.unbound("pipeline")
	k.must(find("pipeline"))

	other := sha256.Sum256([]byte("other"))
	if access.KindOf(find("other")) != access.NotFound {
		t.Fatal("it is known too early")
	}
	k.must(k.change(ctx, func(t *Tx) error { // past the caches, as another process does
		_, err := t.exec("INSERT INTO secrets (hash, kind, subject_id) VALUES ($1, 'token', 1)", other[:])
		return err
	}))
	if access.KindOf(find("other")) != access.NotFound {
		t.Error("the look-up was not saved")
	}
	k.wait(unknownFor)
	k.must(find("other"))
}

// What is looked up while the text is made is not kept as unknown.
func TestUnknownIsExact(t *testing.T) {
	u, now := newUnknown(), time.Unix(1_800_000_000, 0)
	hash := sha256.Sum256([]byte("a"))
	_, made := u.holds(hash, now)
	u.drop(hash)
	u.keep(hash, now, made)
	if held, _ := u.holds(hash, now); held {
		t.Error("it is unknown although it was made meanwhile")
	}
}
