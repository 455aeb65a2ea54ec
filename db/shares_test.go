package db

import (
	"crypto/sha256"
	"testing"
	"time"

	"latchkey/internal/access"
)

const undoWindow = 10 * time.Second

func TestShareRevocation(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	s := k.share("Help desk", nil)
	revoke := func(by access.Actor) time.Time {
		got, err := k.RevokeShare(ctx, by, k.workspace, s.PublicID, undoWindow)
		k.must(err)
		return got.RevokedAt
	}
	undo := func(by access.Actor) error {
		_, err := k.UndoRevokeShare(ctx, by, k.workspace, s.PublicID, undoWindow)
		return err
	}
	status := func(want access.Status) {
		t.Helper()
		found, err := k.FindShare(ctx, s.ID)
		k.must(err)
		if got := found.Status(k.now()); got != want {
			t.Fatalf("the link is %s, want %s", got, want)
		}
	}
	ana := k.owner
	ana.ID = 2

	first := revoke(k.owner)
	status(access.StatusRevoked)
	k.refused(undo(ana), "undo_too_late")
	k.wait(3 * time.Second)
	if again := revoke(k.owner); !again.After(first) {
		t.Fatal("revoking again did not move the time")
	}
	k.wait(9 * time.Second)
	k.must(undo(k.owner))
	status(access.StatusEnabled)

	revoke(k.owner)
	k.wait(11 * time.Second)
	k.refused(undo(k.owner), "undo_too_late")
	// Long revoked: a second revocation that is taken back must not open the link.
	revoke(k.owner)
	k.refused(undo(k.owner), "undo_too_late")
	status(access.StatusRevoked)

	// Someone else's revocation stays, whatever happens after it.
	other := k.share("Beta pilot", nil)
	_, err := k.RevokeShare(ctx, ana, k.workspace, other.PublicID, undoWindow)
	k.must(err)
	_, err = k.RevokeShare(ctx, k.owner, k.workspace, other.PublicID, undoWindow)
	k.must(err)
	_, err = k.UndoRevokeShare(ctx, k.owner, k.workspace, other.PublicID, undoWindow)
	k.refused(err, "undo_too_late")
}

func TestShareSecretLives(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	s := k.share("Help desk", nil)
	hash := sha256.Sum256([]byte("Help desk"))
	found, err := k.FindSecret(ctx, hash)
	k.must(err)
	if found.Kind != ShareSecret || found.SubjectID != s.ID {
		t.Fatalf("the secret leads to %+v", found)
	}
	_, err = k.RevokeShare(ctx, k.owner, k.workspace, s.PublicID, undoWindow)
	k.must(err)
	if _, err := k.FindSecret(ctx, hash); err != nil {
		t.Fatalf("a revoked link's text must still be known: %v", err)
	}
	_, err = k.DeleteShare(ctx, k.owner, k.workspace, s.PublicID)
	k.must(err)
	_, err = k.FindSecret(ctx, hash)
	k.refused(err, "not_found")
	if gone, err := k.FindShare(ctx, s.ID); err != nil || !gone.Deleted || len(gone.Sealed) != 0 {
		t.Fatalf("the deleted link is %+v (%v)", gone, err)
	}
	_, err = k.Share(ctx, k.workspace, s.PublicID)
	k.refused(err, "not_found")
	if w, err := k.FindWorkspace(ctx, k.workspace); err != nil || w.ShareCount != 0 {
		t.Fatalf("%d links are counted (%v)", w.ShareCount, err)
	}
}

func TestRevealShareIsTold(t *testing.T) {
	k := newDesk(t)
	s := k.share("Help desk", nil)
	got, err := k.RevealShare(t.Context(), k.owner, k.workspace, s.PublicID)
	k.must(err)
	if string(got.Sealed) != "sealed Help desk" || k.lastAudit().Action != "share.reveal" {
		t.Fatalf("revealed %q, told %q", got.Sealed, k.lastAudit().Action)
	}
	other, _ := k.newWorkspace("northwind")
	_, err = k.RevealShare(t.Context(), k.owner, other, s.PublicID)
	k.refused(err, "not_found")
}

func TestSharesList(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	k.share("Acme help desk", nil)
	k.share("售后客服", nil)
	soon := k.share("Trade fair", func(n *NewShare) { n.Share.ExpiresAt = k.now().Add(time.Hour) })
	paused := k.share("Price list", func(n *NewShare) { n.Share.ExpiresAt = k.now().Add(48 * time.Hour) })
	_, err := k.PauseShare(ctx, k.owner, k.workspace, paused.PublicID)
	k.must(err)
	revoked := k.share("Docs", nil)
	_, err = k.RevokeShare(ctx, k.owner, k.workspace, revoked.PublicID, undoWindow)
	k.must(err)
	k.wait(2 * time.Hour)
	for _, c := range []struct {
		page Page
		want int
	}{
		{Page{Limit: 50}, 5},
		{Page{Limit: 50, Status: access.StatusEnabled}, 2},
		{Page{Limit: 50, Status: access.StatusExpired}, 1},
		{Page{Limit: 50, Status: access.StatusPaused}, 1},
		{Page{Limit: 50, Status: access.StatusRevoked}, 1},
		{Page{Limit: 50, Query: "help"}, 1},
		{Page{Limit: 50, Query: "support"}, 5}, // the bot's name
		{Page{Limit: 50, Query: "售后"}, 1},
		{Page{Limit: 50, BotID: k.bot}, 5},
		{Page{Limit: 50, BotID: k.bot + 1}, 0},
	} {
		rows, err := k.Shares(ctx, k.workspace, c.page)
		k.must(err)
		n, err := k.CountShares(ctx, k.workspace, c.page)
		k.must(err)
		if len(rows) != c.want || n != int64(c.want) {
			t.Errorf("%+v lists %d and counts %d, want %d", c.page, len(rows), n, c.want)
		}
	}
	// Back by edit.
	k.edit(soon, ShareChange{ExpiresAt: ptr(time.Time{})})
	if found, err := k.FindShare(ctx, soon.ID); err != nil || found.Status(k.now()) != access.StatusEnabled {
		t.Errorf("after its expiry was taken away the link is %s (%v)", found.Status(k.now()), err)
	}
}

func TestMakeShareRefuses(t *testing.T) {
	k := newDesk(t)
	other, bot := k.newWorkspace("northwind")
	make := func(change func(*NewShare)) error {
		n := NewShare{Share: access.Share{
			PublicID: k.id(), WorkspaceID: k.workspace, BotID: k.bot, Sealed: []byte("x"), Hint: "9KaB",
			AllowanceUnit: access.Messages, Refill: access.RefillNone,
		}, Hash: sha256.Sum256([]byte(k.id())), Zone: time.UTC}
		change(&n)
		_, err := k.MakeShare(t.Context(), k.owner, n)
		return err
	}
	k.refused(make(func(n *NewShare) { n.Share.BotID = bot }), "not_found")
	stranger, err := k.MakeCustomer(t.Context(), k.owner, access.Customer{PublicID: k.id(), WorkspaceID: other, Username: "mei", UsernameKey: "mei"})
	k.must(err)
	k.refused(make(func(n *NewShare) { n.Share.Restricted, n.Named = true, []string{stranger.PublicID} }), "customer_unknown")
	if w, err := k.FindWorkspace(t.Context(), k.workspace); err != nil || w.ShareCount != 0 {
		t.Fatalf("%d links are counted (%v): nothing was made", w.ShareCount, err)
	}
}

func TestEditShareStale(t *testing.T) {
	k := newDesk(t)
	s := k.share("Help desk", nil)
	k.edit(s, ShareChange{Name: ptr("Acme help desk"), Version: 1})
	k.refused(k.EditShare(t.Context(), k.owner, k.workspace, s.PublicID, ShareChange{Name: ptr("x"), Version: 1}, time.UTC), "stale")
	other, _ := k.newWorkspace("northwind")
	k.refused(k.EditShare(t.Context(), k.owner, other, s.PublicID, ShareChange{Name: ptr("x")}, time.UTC), "not_found")
}
