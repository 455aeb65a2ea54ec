package native

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
)

// Sizes of a page of a list, and the longest text that is searched for.
const (
	pageSize    = 50
	pageSizeMax = 200
	queryMax    = 200
)

type list struct {
	Items []any   `json:"items"`
	Next  *string `json:"next_cursor"`
	Total *int64  `json:"total"`
}

// listing is what a caller asked of a list.
type listing struct {
	db.Page
	scope string // the list and its filters: a cursor opens in no other
}

// Ways to sort a list.
const (
	newestFirst = "-created_at"
	oldestFirst = "created_at"
)

// listing reads ?q=&status=&sort=&limit=&cursor=. filters are further parameters
// of this list, which its cursors are bound to.
func (d *Door) listing(c *fiber.Ctx, by access.Actor, statuses []string, filters ...string) (listing, error) {
	l := listing{Page: db.Page{Query: strings.TrimSpace(c.Query("q")), Limit: pageSize}}
	if utf8.RuneCountInString(l.Query) > queryMax || !utf8.ValidString(l.Query) {
		return l, access.Fail(access.Invalid, "query_long", "Search for at most %d characters.", queryMax).At("q")
	}
	status := c.Query("status")
	if status != "" && !slices.Contains(statuses, status) {
		return l, access.Fail(access.Invalid, "status_unknown", "There is no status %q in this list.", status).At("status")
	}
	l.Status = access.Status(status)
	switch c.Query("sort") {
	case "", newestFirst:
	case oldestFirst:
		l.Oldest = true
	default:
		return l, access.Fail(access.Invalid, "sort_unknown", "A list is sorted by created_at or -created_at.").At("sort")
	}
	if err := readLimit(c, &l.Limit); err != nil {
		return l, err
	}
	parts := []string{c.Path(), strconv.FormatInt(by.WorkspaceID, 10), l.Query, status, c.Query("sort")}
	for _, f := range filters {
		parts = append(parts, f+"="+c.Query(f))
	}
	l.scope = strings.Join(parts, "\x00")
	return l, d.openCursor(c, &l)
}

func readLimit(c *fiber.Ctx, limit *int) error {
	text := c.Query("limit")
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > pageSizeMax {
		return access.Fail(access.Invalid, "limit_range", "A page holds 1 to %d rows.", pageSizeMax).At("limit")
	}
	*limit = n
	return nil
}

func (d *Door) openCursor(c *fiber.Ctx, l *listing) error {
	text := c.Query("cursor")
	if text == "" {
		return nil
	}
	plain, err := d.Control.Keys.OpenCursor(l.scope, text)
	if err != nil {
		return err
	}
	l.Before, err = strconv.ParseInt(string(plain), 10, 64)
	return err
}

func (d *Door) signCursor(l listing, place int64) *string {
	text := d.Control.Keys.SignCursor(l.scope, strconv.AppendInt(nil, place, 10))
	return &text
}

// total is how many rows there are where that was counted to the end.
func total(n int64) *int64 {
	if n > db.CountMax {
		return nil
	}
	return &n
}

// rows answers a list that the database pages: fetch reads a page, number is a
// row's place in the list.
func rows[R any](d *Door, c *fiber.Ctx, l listing, fetch func(context.Context, db.Page) ([]R, int64, error), number func(R) int64, view func(R) any) error {
	found, n, err := fetch(c.UserContext(), l.Page)
	if err != nil {
		return err
	}
	out := list{Items: make([]any, 0, len(found)), Total: total(n)}
	for _, r := range found {
		out.Items = append(out.Items, view(r))
	}
	if len(found) == l.Limit {
		// A full page: is there anything behind it?
		next := l.Page
		next.Before, next.Limit = number(found[len(found)-1]), 1
		behind, _, err := fetch(c.UserContext(), next)
		if err != nil {
			return err
		}
		if len(behind) > 0 {
			out.Next = d.signCursor(l, next.Before)
		}
	}
	return send(c, out)
}

// short is a row of a list that is read as a whole.
type short struct {
	name    string // searched for
	status  access.Status
	created time.Time
	view    any
}

// whole answers a list that is short enough to be read as a whole. Without a sort
// it stays in the order that it has.
func whole(d *Door, c *fiber.Ctx, l listing, all []short) error {
	all = slices.DeleteFunc(all, func(s short) bool {
		return l.Query != "" && !strings.Contains(strings.ToLower(s.name), strings.ToLower(l.Query)) || l.Status != "" && s.status != l.Status
	})
	switch c.Query("sort") {
	case newestFirst:
		slices.SortStableFunc(all, func(a, b short) int { return b.created.Compare(a.created) })
	case oldestFirst:
		slices.SortStableFunc(all, func(a, b short) int { return a.created.Compare(b.created) })
	}
	n := int64(len(all))
	from := min(l.Before, n)
	to := min(from+int64(l.Limit), n)
	out := list{Items: make([]any, 0, to-from), Total: total(n)}
	for _, s := range all[from:to] {
		out.Items = append(out.Items, s.view)
	}
	if to < n {
		out.Next = d.signCursor(l, to)
	}
	return send(c, out)
}

// states spells the statuses that a list can be filtered by.
func states[S ~string](all ...S) []string {
	out := make([]string, 0, len(all))
	for _, s := range all {
		out = append(out, string(s))
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}

// onOff is the status of what is enabled or disabled.
func onOff(enabled bool) access.Status {
	if enabled {
		return access.StatusEnabled
	}
	return access.StatusDisabled
}
