package control

import (
	"context"
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

func (o *office) share(change func(*ShareForm)) IssuedShare {
	o.t.Helper()
	f := ShareForm{Bot: &o.bot.PublicID, Name: ptr("Acme help desk")}
	if change != nil {
		change(&f)
	}
	made, err := o.CreateShare(o.t.Context(), o.owner, f)
	o.must(err)
	return made
}

func TestShareMatrix(t *testing.T) {
	o := newOffice(t)
	id := o.share(nil).Row.PublicID
	o.matrix([]act{
		{"Share", func(ctx context.Context, by access.Actor) error { _, err := o.Share(ctx, by, id); return err }, access.SeeLists},
		{"ShareSeats", func(ctx context.Context, by access.Actor) error { _, err := o.ShareSeats(ctx, by, id); return err }, access.SeeLists},
		{"ShareReach", func(ctx context.Context, by access.Actor) error { _, err := o.ShareReach(ctx, by, id); return err }, access.SeeLists},
		{"ShareUse", func(ctx context.Context, by access.Actor) error { _, err := o.ShareUse(ctx, by, id, 14); return err }, access.SeeLists},
		{"RevealShare", func(ctx context.Context, by access.Actor) error { _, err := o.RevealShare(ctx, by, id); return err }, access.ChangeAccess},
		{"EditShare", func(ctx context.Context, by access.Actor) error {
			_, err := o.EditShare(ctx, by, id, ShareForm{Name: ptr("x")})
			return err
		}, access.ChangeAccess},
		{"PauseShare", func(ctx context.Context, by access.Actor) error { return o.PauseShare(ctx, by, id) }, access.ChangeAccess},
		{"ResumeShare", func(ctx context.Context, by access.Actor) error { return o.ResumeShare(ctx, by, id) }, access.ChangeAccess},
		{"RevokeShare", func(ctx context.Context, by access.Actor) error { return o.RevokeShare(ctx, by, id) }, access.ChangeAccess},
		{"UndoRevokeShare", func(ctx context.Context, by access.Actor) error { return o.UndoRevokeShare(ctx, by, id) }, access.ChangeAccess},
		{"DeleteShare", func(ctx context.Context, by access.Actor) error { return o.DeleteShare(ctx, by, id) }, access.ChangeAccess},
	})
	for name, by := range map[string]access.Actor{"viewer": o.as(access.Viewer), "token chat": o.token("chat"), "token read": o.token("read")} {
		_, err := o.CreateShare(t.Context(), by, ShareForm{Bot: &o.bot.PublicID})
		if access.KindOf(err) != access.Forbidden {
			t.Errorf("%s made a link: %v", name, err)
		}
	}
	// A neighbour's bot is no bot.
	_, err := o.CreateShare(t.Context(), o.neighbour, ShareForm{Bot: &o.bot.PublicID})
	o.refused(err, "bot_unknown")
}

func TestShareFormSaysAllThatIsWrong(t *testing.T) {
	o := newOffice(t)
	_, err := o.CreateShare(t.Context(), o.owner, ShareForm{
		Name: ptr(strings.Repeat("x", access.NameMax+1)), ExpiresAt: ptr(o.now()), MaxCustomers: ptr(ptr(int64(0))),
		Allowance: ptr(ptr(int64(-1))), Cap: ptr(ptr(access.UnitsMax + 1)), RPM: ptr(int64(-1)),
		AllowanceUnit: ptr(access.Unit("pages")), Refill: ptr(access.Refill("hourly")),
	})
	o.refused(err, "bot_missing", "name_long", "expiry_past", "number_least", "number_least", "number_least", "number_least", "unit_unknown", "refill_unknown")
	fields := map[string]bool{}
	for _, p := range access.Problems(err) {
		fields[p.Field] = true
	}
	for _, want := range []string{"bot_id", "name", "expires_at", "max_customers", "allowance", "cap", "rpm", "allowance_unit", "refill"} {
		if !fields[want] {
			t.Errorf("no problem stands at %s", want)
		}
	}
	if n, err := o.DB.CountShares(t.Context(), o.workspace.ID, db.Page{}); err != nil || n != 0 {
		t.Errorf("%d links were made (%v)", n, err)
	}
}

// A contract that accepts moments in the past and names of any length gets both.
func TestShareLenient(t *testing.T) {
	o := newOffice(t)
	made := o.share(func(f *ShareForm) {
		f.Lenient, f.ExpiresAt, f.Name = true, ptr(o.now().Add(-time.Hour)), ptr(strings.Repeat("长", 300))
	})
	if _, err := o.ShareOf(t.Context(), made.Secret); access.KindOf(err) != access.Expired {
		t.Errorf("a link that was born expired: %v", err)
	}
}

func TestShareOf(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	made := o.share(func(f *ShareForm) { f.ExpiresAt = ptr(o.now().Add(time.Hour)) })
	kind := func(text string, want access.Kind, code string) {
		t.Helper()
		found, err := o.ShareOf(ctx, text)
		if access.KindOf(err) != want || want != 0 && access.Problems(err)[0].Code != code {
			t.Fatalf("got %v, want %v %s", err, want, code)
		}
		if known := found.Bot.Name == "Support Bot" && found.Brand.Name == "lin.wei"; known != (want != access.NotFound) {
			t.Fatalf("a link that is %v names %q of %q", want, found.Bot.Name, found.Brand.Name)
		}
	}
	if len(made.Secret) != 32 || made.Row.Hint != made.Secret[28:] {
		t.Fatalf("the secret is %q, its hint %q", made.Secret, made.Row.Hint)
	}
	kind(made.Secret, 0, "")
	kind("", access.NotFound, "share_unknown")
	kind(strings.Repeat("x", 600), access.NotFound, "share_unknown")
	kind(made.Secret[1:], access.NotFound, "share_unknown")
	token, err := o.CreateToken(ctx, o.owner, TokenForm{Name: ptr("script")})
	o.must(err)
	kind(token.Secret, access.NotFound, "share_unknown")

	id := made.Row.PublicID
	o.must(o.PauseShare(ctx, o.owner, id))
	kind(made.Secret, access.Revoked, "share_paused")
	o.must(o.ResumeShare(ctx, o.owner, id))
	kind(made.Secret, 0, "")
	o.wait(2 * time.Hour)
	kind(made.Secret, access.Expired, "share_expired")
	o.must(o.RevokeShare(ctx, o.owner, id))
	kind(made.Secret, access.Revoked, "share_revoked")
	o.must(o.UndoRevokeShare(ctx, o.owner, id))
	kind(made.Secret, access.Expired, "share_expired")
	o.must(o.DeleteShare(ctx, o.owner, id))
	kind(made.Secret, access.NotFound, "share_unknown")
}

func TestRevealShare(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	made := o.share(nil)
	text, err := o.RevealShare(ctx, o.owner, made.Row.PublicID)
	o.must(err)
	if text != made.Secret || o.lastAudit().Action != "share.reveal" {
		t.Fatalf("revealed %q, told %q", text, o.lastAudit().Action)
	}
	o.Reveal = RevealConfirm
	_, err = o.RevealShare(ctx, o.owner, made.Row.PublicID)
	o.refused(err, "reveal_confirm")
	fresh := o.owner
	fresh.Fresh = true
	if _, err = o.RevealShare(ctx, fresh, made.Row.PublicID); err != nil {
		t.Fatal(err)
	}
	o.Reveal = RevealNever
	_, err = o.RevealShare(ctx, fresh, made.Row.PublicID)
	o.refused(err, "reveal_never")
}

// The sealed copy opens only where it stands.
func TestShareSealedInPlace(t *testing.T) {
	o := newOffice(t)
	one, two := o.share(nil), o.share(nil)
	if _, err := o.Keys.Open(sharePlace(two.Row.PublicID), one.Row.Sealed); err == nil {
		t.Error("the seal of one link opens at another")
	}
	if strings.Contains(string(one.Row.Sealed), one.Secret) {
		t.Error("the row holds the secret in clear")
	}
}

func TestEditShare(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	mei, err := o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("mei.tanaka")})
	o.must(err)
	id := o.share(nil).Row.PublicID
	row, err := o.EditShare(ctx, o.owner, id, ShareForm{
		Name: ptr("Beta pilot"), Bot: &o.bot.PublicID, Customers: ptr(&[]string{mei.Row.PublicID}), Cap: ptr(ptr(int64(500))),
		Allowance: ptr(ptr(int64(30))), Refill: ptr(access.RefillDaily), MaxCustomers: ptr(ptr(int64(5))),
	})
	o.must(err)
	if row.Name != "Beta pilot" || !row.Restricted || row.Named != 1 || row.Purse.Quota != 500 || *row.Allowance != 30 || *row.MaxCustomers != 5 {
		t.Fatalf("after the edit: %+v", row)
	}
	named, err := o.ShareCustomers(ctx, o.owner, row.Share)
	o.must(err)
	if named == nil || len(*named) != 1 || (*named)[0] != mei.Row.PublicID {
		t.Fatalf("named: %v", named)
	}
	row, err = o.EditShare(ctx, o.owner, id, ShareForm{Customers: ptr[*[]string](nil), Cap: ptr[*int64](nil), Allowance: ptr[*int64](nil)})
	o.must(err)
	if row.Restricted || row.Named != 0 || !row.Purse.Unlimited || row.Allowance != nil {
		t.Fatalf("open to all again: %+v", row)
	}
	other := o.makeBot(o.owner, "Docs Bot")
	_, err = o.EditShare(ctx, o.owner, id, ShareForm{Bot: &other.PublicID})
	o.refused(err, "share_bot_fixed")
	_, err = o.EditShare(ctx, o.owner, id, ShareForm{Customers: ptr(&[]string{secret.NewPublicID(o.Random)})})
	o.refused(err, "customer_unknown")
}

// A list read after the period ended shows the new one, before any call did.
func TestShareSeatsAsOfNow(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	mei, err := o.CreateCustomer(ctx, o.owner, CustomerForm{Username: ptr("mei.tanaka")})
	o.must(err)
	made := o.share(func(f *ShareForm) { f.Allowance, f.Refill = ptr(ptr(int64(3))), ptr(access.RefillDaily) })
	seat, err := o.DB.OpenShare(ctx, made.Row.ID, mei.Row.ID, time.UTC)
	o.must(err)
	h := &db.Hold{RequestID: "r1", WorkspaceID: o.workspace.ID, Zone: time.UTC, Units: 5, Purses: db.Purses{Customer: seat.PurseID}}
	o.must(o.DB.Ledger.Hold(ctx, h))
	o.must(o.DB.Ledger.Settle(ctx, db.Settlement{Hold: h, Request: access.Request{
		RequestID: "r1", At: o.now(), WorkspaceID: o.workspace.ID, ShareID: made.Row.ID, CustomerID: mei.Row.ID,
		Door: access.DoorChat, Outcome: access.Answered, Units: 5,
	}}))
	used := func() int64 {
		seats, err := o.ShareSeats(ctx, o.owner, made.Row.PublicID)
		o.must(err)
		return seats[0].Purse.Used
	}
	if used() != 1 {
		t.Fatalf("%d used, want 1", used())
	}
	o.wait(24 * time.Hour)
	if used() != 0 {
		t.Fatalf("%d used the day after, want 0", used())
	}
}
