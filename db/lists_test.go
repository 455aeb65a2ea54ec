package db

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
)

// many fills the desk with rows written straight into the tables, in one fact.
func (k *desk) many(n int) {
	k.t.Helper()
	const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
	now := k.now().UnixMilli()
	k.must(k.change(k.t.Context(), func(t *Tx) error {
		for _, one := range []struct {
			text string
			args []any
		}{
			{`INSERT INTO purses (id, workspace_id, quota, used, period_at) SELECT 1000000 + i, $2, 1000, CASE WHEN i % 5000 = 7 THEN 1000 ELSE i % 900 END, $3 FROM n`, []any{k.workspace, now}},
			{`INSERT INTO api_tokens (id, public_id, workspace_id, name, note, hint, purse_id, enabled, revoked_at, expires_at, used_at, created_at, updated_at)
				SELECT 1000000 + i, printf('%032x', i), $2, CASE i % 3 WHEN 0 THEN 'Support desk ' WHEN 1 THEN 'billing ' ELSE '客服小程序 ' END || i, '', printf('%04x', i % 65536),
				1000000 + i, i % 4000 <> 3, CASE WHEN i % 4000 = 5 THEN $3 END, CASE WHEN i % 2 = 0 THEN $3 + (i - 100) * 60000 END, CASE WHEN i % 3 = 0 THEN $3 - i % 977 END, $3, $3 FROM n`, []any{k.workspace, now}},
			{`INSERT INTO customers (id, public_id, workspace_id, username, username_key, note, password_hash, enabled, last_login_at, created_at)
				SELECT 1000000 + i, printf('%032x', i), $2, 'user-' || i, 'user-' || i, CASE WHEN i % 3 = 0 THEN '周一回电' ELSE '' END, 'x', i % 4000 <> 3,
				CASE WHEN i % 2 = 0 THEN $3 - i % 977 END, $3 FROM n`, []any{k.workspace, now}},
			{`INSERT INTO shares (id, public_id, workspace_id, bot_id, name, sealed, hint, revoked_at, paused_at, expires_at, purse_id, opens, created_at, updated_at)
				SELECT 1000000 + i, printf('%032x', i), $2, $3, 'Desk ' || (i * 7919 % 100003), x'00', printf('%04x', i % 65536), CASE WHEN i % 4000 = 5 THEN $4 END,
				CASE WHEN i % 4000 = 6 THEN $4 END, CASE WHEN i % 2 = 0 THEN $4 + i * 60000 END, 1000000 + i, i % 313, $4, $4 FROM n`, []any{k.workspace, k.bot, now}},
			{`INSERT INTO requests (request_id, at, workspace_id, token_id, share_id, customer_id, bot_id, door, outcome, status)
				SELECT printf('%032x', i), $2 + i / 3, $3, 1000001 + i % 5000, CASE WHEN i % 9000 = 8 THEN 1000001 ELSE 0 END, CASE WHEN i % 9000 = 8 THEN 1000002 ELSE 0 END,
				CASE WHEN i % 9000 = 8 THEN $4 ELSE 0 END, 'gateway', CASE WHEN i % 7000 = 9 THEN 'refused' ELSE 'answered' END, 200 FROM n`, []any{now, k.workspace, k.bot}},
			{`INSERT INTO api_tokens_short (rowid, text) SELECT k.id, ` + spacedText("k.name || char(2) || k.note || char(2) || k.hint") + ` FROM n JOIN api_tokens k ON k.id = 1000000 + i`, nil},
			{`INSERT INTO shares_short (rowid, text) SELECT s.id, ` + spacedText("s.name || char(2) || s.hint") + ` FROM n JOIN shares s ON s.id = 1000000 + i`, nil},
			{`INSERT INTO customers_short (rowid, text) SELECT m.id, ` + spacedText("m.username || char(2) || m.email || char(2) || m.note") + ` FROM n JOIN customers m ON m.id = 1000000 + i`, nil},
		} {
			if _, err := t.exec(strings.Replace(one.text, "SELECT", numbers+"SELECT", 1), append([]any{n}, one.args...)...); err != nil {
				return fmt.Errorf("%s: %w", one.text, err)
			}
		}
		return nil
	}))
}

// spacedText is what spaced makes of a text, in SQL.
func spacedText(text string) string {
	return `(WITH RECURSIVE c(i, x) AS (SELECT 1, ` + text + ` UNION ALL SELECT i + 1, x FROM c WHERE i < length(x)) SELECT char(1) || group_concat(substr(x, i, 1), char(1)) || char(1) FROM c)`
}

// walk reads a list page by page, forwards, and then back from its end.
func walk[R any](t *testing.T, p Page, read func(Page) ([]R, error), place func(R, Sort) Place) []R {
	t.Helper()
	pages := func(p Page) (all []R) {
		for {
			rows, err := read(p)
			if err != nil {
				t.Fatalf("%+v: %v", p, err)
			}
			if all = append(all, rows...); len(all) > 10_000 {
				t.Fatalf("%+v goes round in circles", p)
			}
			if len(rows) < p.Limit {
				return all
			}
			p = p.From(place(rows[len(rows)-1], p.Sort))
		}
	}
	all := pages(p)
	if len(all) == 0 {
		return nil
	}
	back := p.From(place(all[len(all)-1], p.Sort))
	back.Oldest = !p.Oldest
	behind := pages(back)
	slices.Reverse(behind)
	if len(behind) != len(all)-1 {
		t.Fatalf("%+v: backwards %d rows, forwards %d", p, len(behind), len(all))
	}
	for i, r := range behind {
		if place(r, p.Sort) != place(all[i], p.Sort) {
			t.Fatalf("%+v: backwards row %d is another", p, i)
		}
	}
	return all
}

// Every list, in every order, page by page: each row once and in its place.
func TestListsInEveryOrder(t *testing.T) {
	k := newDesk(t)
	k.many(1_000)
	ctx := t.Context()
	for _, query := range []string{"", "support desk", "小程序", "Desk 1", "user-1", "服", "1"} {
		for _, sort := range []Sort{"", SortName, SortUsed, SortEnds, SortOpens, "unknown"} {
			for _, oldest := range []bool{false, true} {
				p := Page{Query: query, Sort: sort, Oldest: oldest, Limit: 97}
				tokens := walk(t, p, func(p Page) ([]TokenRow, error) { return k.Tokens(ctx, k.workspace, p) }, TokenRow.Place)
				inOrder(t, p, tokens, TokenRow.Place, func(r TokenRow) string { return strings.ToLower(r.Name) }, tokenSorts)
				n, err := k.CountTokens(ctx, k.workspace, p)
				k.must(err)
				if query != "" && n != int64(len(tokens)) {
					t.Errorf("%+v: counted %d tokens, listed %d", p, n, len(tokens))
				}
				for _, r := range tokens {
					if !strings.Contains(strings.ToLower(r.Name+" "+r.Hint), strings.ToLower(query)) {
						t.Errorf("%q found %q", query, r.Name)
					}
				}
				shares := walk(t, p, func(p Page) ([]ShareRow, error) { return k.Shares(ctx, k.workspace, p) }, ShareRow.Place)
				inOrder(t, p, shares, ShareRow.Place, func(r ShareRow) string { return strings.ToLower(r.Name) }, shareSorts)
				customers := walk(t, p, func(p Page) ([]CustomerRow, error) { return k.Customers(ctx, k.workspace, p) }, CustomerRow.Place)
				inOrder(t, p, customers, CustomerRow.Place, func(r CustomerRow) string { return r.UsernameKey }, customerSorts)
				if query == "" && (len(tokens) != 1_000 || len(shares) != 1_000 || len(customers) != 1_000) {
					t.Errorf("%+v lists %d tokens, %d links, %d customers", p, len(tokens), len(shares), len(customers))
				}
			}
		}
	}
	// A bot's name finds everything that asks it, beside what is called so itself.
	named, err := k.Shares(ctx, k.workspace, Page{Query: "Support Bot", Limit: 200})
	k.must(err)
	if len(named) != 200 {
		t.Errorf("a bot's name finds %d links", len(named))
	}
	if n, err := k.CountShares(ctx, k.workspace, Page{Query: "Support Bot"}); err != nil || n != 1_000 {
		t.Errorf("a bot's name counts %d links, %v", n, err)
	}
}

func inOrder[R any](t *testing.T, p Page, rows []R, place func(R, Sort) Place, name func(R) string, sorts map[Sort]column) {
	t.Helper()
	_, sorted := sorts[p.Sort]
	for i := 1; i < len(rows); i++ {
		a, b := place(rows[i-1], p.Sort), place(rows[i], p.Sort)
		order := 0
		switch {
		case sorted && p.Sort == SortName:
			order = strings.Compare(name(rows[i-1]), name(rows[i]))
		case sorted:
			var x, y int64
			fmt.Sscan(a.Key, &x)
			fmt.Sscan(b.Key, &y)
			order = int(min(max(x-y, -1), 1))
		}
		if order == 0 {
			order = int(a.Number - b.Number)
		}
		if p.Oldest == (order > 0) {
			t.Fatalf("%+v: row %d is out of order: %+v, then %+v", p, i, a, b)
		}
	}
}

// A row that moves while pages are read neither hides another nor makes one come
// twice: the place says where the page ended, not where its last row is now.
func TestPagesOfMovingRows(t *testing.T) {
	k := newDesk(t)
	k.many(300)
	p := Page{Sort: SortUsed, Limit: 50}
	seen := map[int64]bool{}
	for {
		rows, err := k.Tokens(t.Context(), k.workspace, p)
		k.must(err)
		for _, r := range rows {
			if seen[r.ID] {
				t.Fatalf("token %d came twice", r.ID)
			}
			seen[r.ID] = true
		}
		if len(rows) < p.Limit {
			break
		}
		last := rows[len(rows)-1]
		p = p.From(last.Place(p.Sort))
		k.wait(time.Second)
		k.must(k.change(t.Context(), func(t *Tx) error {
			_, err := t.exec("UPDATE api_tokens SET used_at = $1 WHERE id = $2", t.now(), last.ID)
			return err
		}))
	}
	if len(seen) != 300 {
		t.Errorf("%d of 300 tokens were read", len(seen))
	}
}

// What a page of every list reads: an index, in its order, never a whole table.
func TestListsReadIndexes(t *testing.T) {
	k := newDesk(t)
	k.many(100)
	ctx := t.Context()
	lists := []struct {
		sorts map[Sort]column
		query func(Page) (query, error)
	}{
		{tokenSorts, func(p Page) (query, error) { return k.tokenQuery(ctx, k.workspace, p) }},
		{shareSorts, func(p Page) (query, error) { return k.shareQuery(ctx, k.workspace, p) }},
		{customerSorts, func(p Page) (query, error) { return customerQuery(k.workspace, p), nil }},
	}
	var pages []Page
	for _, before := range []int64{0, 1_000_050} {
		for _, oldest := range []bool{false, true} {
			for _, sort := range []Sort{"", SortName, SortUsed, SortEnds, SortOpens} {
				for _, text := range []string{"", "billing", "服"} {
					pages = append(pages, Page{Query: text, Sort: sort, Oldest: oldest, Before: before, Key: "5"})
				}
				for _, status := range []access.Status{access.StatusRevoked, access.StatusDisabled, access.StatusPaused, access.StatusExpired, access.StatusExhausted} {
					pages = append(pages, Page{Status: status, Sort: sort, Oldest: oldest, Before: before, Key: "5"})
				}
			}
		}
	}
	for _, l := range lists {
		for _, p := range pages {
			q, err := l.query(p)
			k.must(err)
			alias := q.find.table[strings.IndexByte(q.find.table, ' ')+1:]
			for _, group := range q.groups(l.sorts, p) {
				for _, one := range group {
					candidates := query{}
					text := one.text(&candidates, p, 50)
					plan := k.plan(text, candidates.args)
					if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN "+alias+"\n") || strings.Contains(plan, "SEARCH "+alias+" USING INTEGER PRIMARY KEY") {
						t.Errorf("%+v of %s reads\n%s\nfor %s", p, alias, plan, text)
					}
				}
			}
		}
	}
}

func (k *desk) plan(text string, args []any) string {
	k.t.Helper()
	var plan strings.Builder
	k.must(k.rows(k.t.Context(), func(s scanner) error {
		var id, parent, unused int
		var detail string
		err := s.Scan(&id, &parent, &unused, &detail)
		fmt.Fprintln(&plan, detail)
		return err
	}, "EXPLAIN QUERY PLAN "+text, args...))
	return plan.String()
}
