package db

// How lists are filtered, sorted and paged; find.go is how they are searched.

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/access"
)

// ListMax bounds the rows of one page of any list.
const ListMax = 200

// CountMax is how far a list counts before it says "more than".
const CountMax = 1000

// Page says which rows of a list to read. Rows are keyed by number, newest first,
// or by a column and then by number; Before and Key are of the last row of the
// page before, 0 for the first page.
type Page struct {
	Query  string // text to search for
	Status access.Status
	BotID  int64
	Sort   Sort
	Before int64
	Key    string // what that row held in the column of Sort: see Place
	Limit  int
	Oldest bool // the other way round: oldest or least first
	Count  int  // how far its rows are counted where it is filtered, 0 for CountMax
}

// Narrowed reports whether rows are searched for or filtered.
func (p Page) Narrowed() bool { return p.Query != "" || p.Status != "" || p.BotID != 0 }

// Sort names a column that a list can go by, "" the order in which its rows were
// made. A list goes by number where it does not know the column.
type Sort string

const (
	SortName  Sort = "name"
	SortUsed  Sort = "used" // last used, opened or signed in; never comes before all
	SortEnds  Sort = "ends" // never comes after all
	SortOpens Sort = "opens"
)

// Place is where a row stands in a list: what the next page goes on from.
type Place struct {
	Number int64
	Key    string
}

// From returns the page of the same list that goes on from a place.
func (p Page) From(at Place) Page {
	p.Before, p.Key = at.Number, at.Key
	return p
}

// endless is where what never ends stands among ends.
const endless = math.MaxInt64

// sortKey spells a moment as Place does: none is the number given.
func sortKey(t time.Time, none int64) string {
	if !t.IsZero() {
		none = t.UnixMilli()
	}
	return strconv.FormatInt(none, 10)
}

// column is what a list is sorted by: an expression that an index holds.
type column struct {
	expr   string
	spells string // how a text is compared, with ? for it; "" for a number
}

// query builds a SELECT with conditions, numbering its arguments in order. Lists
// that can be searched say what they are by base, checks and find: see find.go.
type query struct {
	from   string
	where  []string
	args   []any
	base   func(*query) // adds the conditions that every row of the list fulfils
	checks []check      // those of the filters
	find   *find
}

// check is a condition in which each ? stands for the next of args.
type check struct {
	text string
	args []any
}

// check adds a condition of a filter.
func (q *query) check(text string, args ...any) { q.checks = append(q.checks, check{text, args}) }

// argument adds an argument and returns what stands for it.
func (q *query) argument(value any) string {
	q.args = append(q.args, value)
	return "$" + strconv.Itoa(len(q.args))
}

// and adds a condition in which each ? stands for the next of args.
func (q *query) and(condition string, args ...any) {
	for _, a := range args {
		condition = strings.Replace(condition, "?", q.argument(a), 1)
	}
	q.where = append(q.where, condition)
}

func (q *query) text(columns, tail string) string {
	return "SELECT " + columns + q.from + " WHERE " + strings.Join(q.where, " AND ") + tail
}

// way is how rows of a page are compared with the place before it, and ordered.
func (p Page) way() (compare, direction string) {
	if p.Oldest {
		return " > ", " ASC"
	}
	return " < ", " DESC"
}

// order adds keyset paging on a number column, or on one of sorts and then that.
func (q *query) order(number string, sorts map[Sort]column, p Page) string {
	compare, direction := p.way()
	by, sorted := sorts[p.Sort]
	switch {
	case p.Before > 0 && sorted:
		q.after(by, number, compare, p)
	case p.Before > 0:
		q.and(number+compare+"?", p.Before)
	}
	if sorted {
		return " ORDER BY " + by.expr + direction + ", " + number + direction
	}
	return " ORDER BY " + number + direction
}

// page is order with as many rows as a page has.
func (q *query) page(number string, sorts map[Sort]column, p Page) string {
	return q.order(number, sorts, p) + " LIMIT " + strconv.Itoa(min(max(p.Limit, 1), ListMax))
}

// after goes on behind a place of a sorted list. The first condition, which the
// second implies, is the one that an index is entered by.
func (q *query) after(by column, number, compare string, p Page) {
	var key any = p.Key
	argument := by.spells
	if argument == "" {
		argument = "?"
		key, _ = strconv.ParseInt(p.Key, 10, 64)
	}
	q.and(by.expr+strings.TrimSpace(compare)+"= "+argument, key)
	q.and("("+by.expr+compare+argument+" OR "+number+compare+"?)", key, p.Before)
}

// botsNamed returns the bots of a workspace whose name holds the text.
func (d *DB) botsNamed(ctx context.Context, workspaceID int64, text string) ([]int64, error) {
	const most = 20 // a search is not helped by more
	var ids []int64
	if text == "" {
		return nil, nil
	}
	err := d.rows(ctx, list(&ids, func(s scanner) (id int64, err error) { return id, s.Scan(&id) }),
		`SELECT id FROM bots WHERE workspace_id = $1 AND deleted_at IS NULL AND name LIKE $2 ESCAPE '\' ORDER BY id DESC LIMIT $3`,
		workspaceID, "%"+likeText(text)+"%", most)
	return ids, err
}
