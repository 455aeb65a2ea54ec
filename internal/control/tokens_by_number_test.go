package control

import (
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// Who may do what to a token by its number: "" is done, else the code of the
// refusal.
func TestTokensByNumberPermissions(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	as := func(role access.Role) access.Actor { a := o.owner; a.Role = role; return a }
	token := func(permission string) access.Actor {
		return access.Actor{Kind: access.ActorToken, WorkspaceID: o.workspace.ID, Permissions: access.Permissions{permission}, Door: access.DoorNewAPI}
	}
	homeless := access.Actor{Kind: access.ActorUser, ID: o.neighbour.ID, Name: "homeless"}
	acts := []struct {
		name string
		do   func(access.Actor, int64) error
	}{
		{"list", func(by access.Actor, _ int64) error { _, _, err := o.TokensAt(ctx, by, 0, 10); return err }},
		{"search", func(by access.Actor, _ int64) error { _, _, err := o.SearchTokens(ctx, by, "a", ""); return err }},
		{"get", func(by access.Actor, n int64) error { _, err := o.TokenByNumber(ctx, by, n); return err }},
		{"edit", func(by access.Actor, n int64) error {
			_, err := o.EditTokenByNumber(ctx, by, n, TokenForm{Note: ptr("x")}, true)
			return err
		}},
		{"enable", func(by access.Actor, n int64) error {
			_, err := o.SetTokenByNumberEnabled(ctx, by, n, true)
			return err
		}},
		{"reveal", func(by access.Actor, n int64) error { _, err := o.RevealTokenByNumber(ctx, by, n); return err }},
		{"reveal many", func(by access.Actor, n int64) error { _, err := o.RevealTokens(ctx, by, []int64{n}); return err }},
		{"delete many", func(by access.Actor, n int64) error { _, err := o.DeleteTokens(ctx, by, []int64{n}); return err }},
		{"delete", func(by access.Actor, n int64) error {
			if _, err := o.TokenByNumber(ctx, o.owner, n); err != nil {
				n = o.issue("again").Row.ID // the act before may have deleted it
			}
			return o.DeleteTokenByNumber(ctx, by, n)
		}},
	}
	for _, c := range []struct {
		name  string
		by    access.Actor
		codes string // of each act, . for none
	}{
		{"owner", as(access.Owner), ". . . . . . . . ."},
		{"editor", as(access.Editor), ". . . . . . . . ."},
		{"viewer", as(access.Viewer), ". . . forbidden forbidden forbidden forbidden forbidden forbidden"},
		{"token chat", token("chat"), "forbidden forbidden forbidden forbidden forbidden forbidden forbidden forbidden forbidden"},
		{"token read", token("read"), ". . . forbidden forbidden forbidden forbidden forbidden forbidden"},
		{"token manage", token("manage"), ". . . . . . . . ."},
		{"neighbour", o.neighbour, ". . not_found not_found not_found not_found . . not_found"},
		{"homeless", homeless, ". . not_found not_found not_found not_found . . not_found"},
		{"nobody", access.Actor{}, "signed_out signed_out signed_out signed_out signed_out signed_out signed_out signed_out signed_out"},
	} {
		k := o.issue("api")
		for i, code := range strings.Fields(c.codes) {
			got := "."
			if problems := access.Problems(acts[i].do(c.by, k.Row.ID)); len(problems) > 0 {
				got = problems[0].Code
			}
			if got != code {
				t.Errorf("%s by %s: %s, want %s", acts[i].name, c.name, got, code)
			}
		}
	}
}

func (o *office) issue(name string) Issued {
	o.t.Helper()
	k, err := o.CreateToken(o.t.Context(), o.owner, TokenForm{Name: &name})
	o.must(err)
	return k
}

// A batch is one fact: what is the workspace's goes, its texts are free, the
// counter follows.
func TestDeleteTokensInOneFact(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	a, b, c := o.issue("a"), o.issue("b"), o.issue("c")
	foreign, err := o.CreateToken(ctx, o.neighbour, TokenForm{Name: ptr("foreign")})
	o.must(err)
	numbers := []int64{c.Row.ID, a.Row.ID, a.Row.ID, foreign.Row.ID, 12345, -1}
	for range 200 {
		numbers = append(numbers, 1_000_000+int64(len(numbers)))
	}
	n, err := o.DeleteTokens(ctx, o.owner, numbers)
	o.must(err)
	w, err := o.DB.FindWorkspace(ctx, o.workspace.ID)
	o.must(err)
	if n != 2 || w.TokenCount != 1 {
		t.Errorf("%d deleted, %d left", n, w.TokenCount)
	}
	for _, gone := range []Issued{a, c} {
		_, err := o.ActorOfBearer(ctx, gone.Secret, "192.0.2.7", access.DoorNative, "")
		o.refused(err, "signed_out")
	}
	for _, left := range []Issued{b, foreign} {
		_, err := o.ActorOfBearer(ctx, left.Secret, "192.0.2.7", access.DoorNative, "")
		o.must(err)
	}
	told := 0
	rows, err := o.DB.Audit(ctx, o.workspace.ID, 0, 100)
	o.must(err)
	for _, r := range rows {
		if r.Action == "token.delete" {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d deletions are in the audit log", told)
	}
}

// An expiry that comes back in whole seconds is the one that was there.
func TestExpirySentBackStays(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	end := o.now().Add(time.Hour + 250*time.Millisecond)
	k, err := o.CreateToken(ctx, o.owner, TokenForm{Name: ptr("a"), ExpiresAt: &end})
	o.must(err)
	back := time.Unix(end.Unix(), 0)
	row, err := o.EditTokenByNumber(ctx, o.owner, k.Row.ID, TokenForm{ExpiresAt: &back}, true)
	o.must(err)
	if !row.ExpiresAt.Equal(end) {
		t.Errorf("the end moved from %s to %s", end, row.ExpiresAt)
	}
	// Nor does it revive a token that was seen to be past its time.
	o.wait(2 * time.Hour)
	_, err = o.ActorOfBearer(ctx, k.Secret, "192.0.2.7", access.DoorNative, "")
	o.refused(err, "token_expired")
	o.wait(-90 * time.Minute)
	row, err = o.EditTokenByNumber(ctx, o.owner, k.Row.ID, TokenForm{ExpiresAt: &back}, false)
	o.must(err)
	if row.Status(row.Purse, o.now()) != access.StatusExpired {
		t.Error("an end that was sent back revived the token")
	}
	_, err = o.EditTokenByNumber(ctx, o.owner, k.Row.ID, TokenForm{ExpiresAt: &back}, true)
	o.refused(err, "enable_expired")
}

// Lists spell what their reader may copy, and no more.
func TestSpellTokens(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	usual, strong := o.issue("usual"), o.issue("strong")
	_, err := o.EditToken(ctx, o.owner, strong.Row.PublicID, TokenForm{Permissions: &[]string{"admin"}})
	o.must(err)
	_, err = o.CreateToken(ctx, o.owner, TokenForm{Name: ptr("once"), ShowOnce: true})
	o.must(err)
	viewer := o.owner
	viewer.Role = access.Viewer
	manage := access.Actor{Kind: access.ActorToken, WorkspaceID: o.workspace.ID, Permissions: access.Permissions{"manage"}, Door: access.DoorFess}
	for _, c := range []struct {
		name   string
		by     access.Actor
		reveal Reveal
		clear  []string
	}{
		{"owner", o.owner, RevealAlways, []string{strong.Secret, usual.Secret}},
		{"viewer", viewer, RevealAlways, nil},
		{"token manage", manage, RevealAlways, []string{usual.Secret}},
		{"confirm", o.owner, RevealConfirm, nil},
		{"never", o.owner, RevealNever, nil},
	} {
		o.Reveal = c.reveal
		rows, err := o.DB.TokensAt(ctx, o.workspace.ID, 0, db.ListMax)
		o.must(err)
		texts, err := o.SpellTokens(ctx, c.by, rows)
		o.must(err)
		var clear []string
		for _, text := range texts {
			if !strings.HasPrefix(text, "sk-lk…") {
				clear = append(clear, text)
			}
		}
		if strings.Join(clear, " ") != strings.Join(c.clear, " ") {
			t.Errorf("%s: %d texts in clear, want %d", c.name, len(clear), len(c.clear))
		}
	}
}
