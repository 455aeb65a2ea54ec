package db

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
)

// Whatever a list is searched and filtered by, page by page: exactly the rows that
// are so, as their nouns say it, and no other.
func TestListsAreExact(t *testing.T) {
	k := newDesk(t)
	k.many(1_200)
	ctx := t.Context()
	w, err := k.FindWorkspace(ctx, k.workspace)
	k.must(err)
	k.must(k.change(ctx, func(t *Tx) error {
		for i, text := range []string{
			// Spent in a period that is over, spent for ever, spent to the last unit; a
			// clock that went back; names that fold into what is typed.
			"UPDATE purses SET refill = 'daily', used = quota WHERE id % 7 = 1",
			"UPDATE purses SET refill = 'monthly', used = quota, period_at = period_at - 40 * 86400000 WHERE id % 7 = 2",
			"UPDATE purses SET quota = 0, used = 0, refill = 'daily' WHERE id % 50 = 3",
			"UPDATE purses SET unlimited = 1, used = quota WHERE id % 60 = 4",
			"UPDATE api_tokens SET expired_seen_at = created_at, past = 1 WHERE id % 40 = 5",
			"UPDATE api_tokens SET past = 1 WHERE id % 11 = 6",
			"UPDATE api_tokens SET name = 'DE\u017f\u212A ' || id WHERE id % 90 = 7",
			"UPDATE api_tokens SET deleted_at = 1 WHERE id % 13 = 8",
			"UPDATE shares SET name = 'ÄRZTE ' || id WHERE id % 30 = 9",
			"INSERT OR REPLACE INTO api_tokens_short (rowid, text) SELECT k.id, " + spacedText("k.name || char(2) || k.note || char(2) || k.hint") + " FROM api_tokens k WHERE id % 90 = 7",
			"INSERT OR REPLACE INTO shares_short (rowid, text) SELECT s.id, " + spacedText("s.name || char(2) || s.hint") + " FROM shares s WHERE id % 30 = 9",
		} {
			if _, err := t.exec(text); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	}))
	sorts := []Sort{SortName, SortUsed, SortEnds}
	for range 2 {
		now := k.now()
		all, err := everything(k)
		k.must(err)
		for _, query := range []string{"", "desk", "DESK 1", "k", "客服", "程序 1", "ß", "7f", "zz"} {
			for _, status := range []access.Status{"", access.StatusEnabled, access.StatusExhausted, access.StatusExpired, access.StatusDisabled, access.StatusRevoked} {
				want := map[int64]bool{}
				for _, r := range all {
					if fits(query, r.Name, r.Note, r.Hint) && (status == "" || r.Status(r.Purse.At(now, w.Location()), now) == status) {
						want[r.ID] = true
					}
				}
				for _, sort := range []Sort{"", sorts[len(query+string(status))%len(sorts)]} {
					p := Page{Query: query, Status: status, Sort: sort, Limit: 173, Oldest: sort == SortEnds}
					got := walk(t, p, func(p Page) ([]TokenRow, error) { return k.Tokens(ctx, k.workspace, p) }, TokenRow.Place)
					inOrder(t, p, got, TokenRow.Place, func(r TokenRow) string { return sqlLower(r.Name) }, tokenSorts)
					for _, r := range got {
						if !want[r.ID] {
							t.Fatalf("%+v lists token %d, which is %q and %s", p, r.ID, r.Name, r.Status(r.Purse.At(now, w.Location()), now))
						}
					}
					if len(got) != len(want) {
						t.Fatalf("%+v lists %d tokens of %d", p, len(got), len(want))
					}
				}
				n, err := k.CountTokens(ctx, k.workspace, Page{Query: query, Status: status})
				k.must(err)
				if most := int64(min(len(want), CountMax+1)); n != most && query+string(status) != "" {
					t.Errorf("%q %s counts %d of %d", query, status, n, most)
				}
			}
		}
		k.wait(26 * time.Hour) // another day: what refills is not spent any more, more has ended
	}
	for text, want := range map[string]int{"ärzte": 40, "Ä": 40, "är": 40, "zte 1": 40} {
		got := walk(t, Page{Query: text, Limit: 97}, func(p Page) ([]ShareRow, error) { return k.Shares(ctx, k.workspace, p) }, ShareRow.Place)
		if len(got) != want {
			t.Errorf("%q finds %d links of %d", text, len(got), want)
		}
	}
}

// everything is each live token, read without any index of a list.
func everything(k *desk) (all []TokenRow, err error) {
	err = k.rows(k.t.Context(), list(&all, k.scanTokenRow), "SELECT "+tokenRowColumns+tokenRowFrom+" WHERE +k.workspace_id = $1 AND k.deleted_at IS NULL", k.workspace)
	return all, err
}

var folded = strings.NewReplacer("\u017f", "s", "\u212a", "k")

func sqlLower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}

func fits(query string, texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool {
		return strings.Contains(strings.ToLower(folded.Replace(text)), strings.ToLower(query))
	})
}

// What LIKE and the trigram index hold for the same text is the same for every
// sign that likes lets through: the two that fold into ASCII are spelled out.
func TestFoldedSigns(t *testing.T) {
	k := newDesk(t)
	k.must(k.change(t.Context(), func(t *Tx) error {
		for r := rune(0x80); r < 0x11000; r++ {
			if r >= 0xd800 && r < 0xe000 {
				continue
			}
			if _, err := t.exec("INSERT INTO shares_search (rowid, name, hint) VALUES ($1, $2, '')", int64(r), "--"+string(r)); err != nil {
				return err
			}
		}
		return nil
	}))
	for r := rune(' '); r < 0x7f; r++ {
		var got []int64
		q := query{find: &find{text: "--" + string(r), index: "shares_search"}}
		one := query{}
		text := q.matchText(true)(&one, Page{}, 100)
		k.must(k.rows(t.Context(), list(&got, func(s scanner) (n int64, err error) { return n, s.Scan(&n) }), text, one.args...))
		var want []int64
		switch r {
		case 'k', 'K':
			want = []int64{0x212a}
		case 's', 'S':
			want = []int64{0x17f}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q finds %x", r, got)
		}
	}
}

// Short texts follow what a row is called.
func TestShortTextsFollow(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	finds := func(text string, id int64) bool {
		rows, err := k.Tokens(ctx, k.workspace, Page{Query: text, Limit: 200})
		k.must(err)
		return slices.ContainsFunc(rows, func(r TokenRow) bool { return r.ID == id })
	}
	one, name := k.token(access.Bot{}), "华东客服"
	k.must(k.EditToken(ctx, k.owner, k.workspace, one.PublicID, TokenChange{Name: &name}, time.UTC))
	for _, text := range []string{"华", "客服", "东客"} {
		if !finds(text, one.ID) {
			t.Errorf("%s is not found", text)
		}
	}
	name = "北方"
	k.must(k.EditToken(ctx, k.owner, k.workspace, one.PublicID, TokenChange{Name: &name}, time.UTC))
	if finds("华", one.ID) || finds("客服", one.ID) || !finds("北", one.ID) || !finds("北方", one.ID) {
		t.Error("an edited name is found as it was")
	}
}
