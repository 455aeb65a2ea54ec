package db

import (
	"math"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/access"
)

// Pages of the list by name hold every token once, in order, whatever their size.
func TestTokensNamed(t *testing.T) {
	k := newDesk(t)
	const n = 3000
	k.many(n)
	ctx := t.Context()
	read := func(offset int64, limit int) []TokenRow {
		t.Helper()
		rows, err := k.TokensNamed(ctx, k.workspace, offset, limit)
		k.must(err)
		return rows
	}
	all := read(0, NamedMax)
	if len(all) != n || !slices.IsSortedFunc(all, func(a, b TokenRow) int {
		if by := strings.Compare(a.Name, b.Name); by != 0 {
			return by
		}
		return int(a.ID - b.ID) // they were made at one moment
	}) {
		t.Fatalf("%d rows", len(all))
	}
	for _, size := range []int{1, 7, 1000} {
		var got []int64
		for offset := int64(0); offset < n && (size > 1 || offset < 50); offset += int64(size) {
			for _, r := range read(offset, size) {
				got = append(got, r.ID)
			}
		}
		for i, id := range got {
			if all[i].ID != id {
				t.Fatalf("pages of %d: row %d is %d, want %d", size, i, id, all[i].ID)
			}
		}
	}
	if rows := read(math.MaxInt64, 10); len(rows) != 0 {
		t.Errorf("%d rows behind the end", len(rows))
	}
	k.must(k.change(ctx, func(t *Tx) error { return t.count(k.workspace, "token_count", n) }))
	if _, err := k.DeleteToken(ctx, k.owner, k.workspace, all[0].PublicID); err != nil {
		t.Fatal(err)
	}
	if rows := read(0, 1); rows[0].ID != all[1].ID {
		t.Errorf("a deleted token is listed: %+v", rows[0].Token)
	}
	other, _ := k.newWorkspace("northwind")
	if rows, err := k.TokensNamed(ctx, other, 0, 10); err != nil || len(rows) != 0 {
		t.Errorf("%d rows of another workspace (%v)", len(rows), err)
	}
	if plan := k.plan(namedText, []any{k.workspace, 20, 2000}); !strings.Contains(plan, "INDEX api_tokens_name (workspace_id=?)") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("the list by name reads\n%s", plan)
	}
}

// An account is imported with its tokens, or not at all.
func TestImportAccountIsOneFact(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	by := access.Actor{Kind: access.ActorShell, Name: "shell"}
	token := func(hash byte) ForeignKey {
		return ForeignKey{Key: string(rune('a' + hash)), Enabled: true, New: NewToken{
			Token: access.Token{PublicID: k.id(), Name: "x", Hint: "wxyz", PermissionsShape: "array"}, Purse: access.Purse{Unlimited: true},
			Hash: [32]byte{hash}, BetaHash: [32]byte{hash, 1},
		}}
	}
	account := func(name string, tokens ...ForeignKey) ForeignAccount {
		return ForeignAccount{
			Source: OneAPI, Key: name, User: access.User{PublicID: k.id(), Username: name, UsernameKey: name, Enabled: true},
			Workspace: name, Group: DefaultGroup, Purse: access.Purse{Quota: 10, Used: 3, Opening: 3}, Tokens: tokens,
		}
	}
	k.must(k.ImportAccount(ctx, by, account("mei", token(1), token(2))))
	for name, a := range map[string]ForeignAccount{
		"a taken secret": account("ann", token(3), token(2)), "a taken name": account("mei", token(4)), "an unknown group": func() ForeignAccount {
			a := account("bob", token(5))
			a.Group = "nowhere"
			return a
		}(),
	} {
		if err := k.ImportAccount(ctx, by, a); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	here, err := k.Imported(ctx, OneAPI)
	if err != nil || len(here.Users) != 1 || len(here.Tokens) != 2 {
		t.Errorf("%+v (%v)", here, err)
	}
	if other, err := k.Imported(ctx, NewAPI); err != nil || len(other.Users)+len(other.Tokens) != 0 {
		t.Errorf("of the other system: %+v (%v)", other, err)
	}
	if n, err := k.CountUsers(ctx, Page{}); err != nil || n != 1 {
		t.Errorf("%d users (%v)", n, err)
	}
	u, err := k.UserByName(ctx, "mei")
	k.must(err)
	w, err := k.FindWorkspace(ctx, u.HomeID)
	if err != nil || w.TokenCount != 2 {
		t.Errorf("%+v (%v)", w, err)
	}
	if faults, err := k.CheckLedger(ctx); err != nil || len(faults) != 0 {
		t.Errorf("ledger: %v (%v)", faults, err)
	}
}
