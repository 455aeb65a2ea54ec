package db

// How lists are searched and filtered. What only SQLite knows of the lists stands
// here: the trigram indexes, and joins in the order in which they are written.
//
// Rows that a text or a status asks for are found through one of several sources:
// the index that the list is sorted by, the trigram index, an index of the rows of
// one state. Which of them is short depends on what the rows hold, and nobody
// counts that. So each is read a little way in turn, then all of them further,
// until one has filled the page or has come to its end: what takes long in one is
// found in another, and the answer is exact.

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

const (
	sourceFirst = 256 // candidates that are looked at in each source at first
	sourceMore  = 8   // times as many at the next round
	sourceLast  = 1 << 14
)

// find says what a list is searched through.
type find struct {
	text    string   // that is searched for, "" for all rows
	table   string   // of the list, with its alias: "api_tokens k"
	number  string   // its column of numbers: "k.id"
	index   string   // the table of its trigram index, whose rowid is the number
	columns []string // that the index holds
	bot     string   // column of the list's bot
	bots    []int64  // that are called so
	joins   string   // further tables that the checks of a row need
	sources []source // of the rows of a status or a bot
}

// source is where candidates come from: the rows of one index.
type source struct {
	from    string // tables, where it is not the list's alone
	where   string // with ? for each of args
	args    []any
	by      string // what its index is in order of where it is not the number, which goes with it
	cursor  string // how the place of a page is spelled in terms of by, with ? for its number
	jumbled bool   // it is in another order than any list
}

// part is one part of a source's candidates, ready to be put into a statement.
type part struct {
	text    func(q *query, p Page, most int) string
	found   bool // the text is known to stand in its rows
	ordered bool // as the list is
}

// filtered reports whether the rows of a list are chosen by more than its order.
func (q *query) filtered() bool {
	return q.find != nil && (q.find.text != "" || len(q.find.sources) > 0 || len(q.checks) > 0)
}

// groups lists the sources of a list, each with its parts: together they hold
// every row that is looked for.
func (q *query) groups(sorts map[Sort]column, p Page) [][]part {
	f := q.find
	_, sorted := sorts[p.Sort]
	var all [][]part
	if f.text == "" || likes(f.text) {
		for _, s := range f.sources {
			all = append(all, []part{{text: q.sourceText(s, sorted), ordered: !sorted && !s.jumbled}})
		}
		all = append(all, []part{{text: q.walkText(sorts), ordered: true}})
	}
	if f.text == "" {
		return all
	}
	named := []part{{text: q.matchText(sorted), found: true, ordered: !sorted}}
	for _, id := range f.bots {
		named = append(named, part{text: q.sourceText(source{where: f.bot + " = ?", args: []any{id}}, sorted), found: true, ordered: !sorted})
	}
	return append(all, named)
}

// sourceText spells the candidates of a source.
func (q *query) sourceText(s source, sorted bool) func(*query, Page, int) string {
	f, base := q.find, q.base
	return func(q *query, p Page, most int) string {
		one := query{from: " FROM " + cmp.Or(s.from, f.table), args: q.args}
		base(&one)
		one.and(s.where, s.args...)
		order := f.number
		if s.by != "" {
			order = s.by
		}
		compare, direction := p.way()
		if p.Before > 0 && !sorted && !s.jumbled {
			place := "?"
			if s.cursor != "" {
				place = s.cursor
			}
			one.and(order+compare+place, p.Before)
		}
		tail := " LIMIT " + strconv.Itoa(most)
		if !s.jumbled {
			tail = " ORDER BY " + order + direction + tail
		}
		text := one.text(f.number+" AS id", tail)
		q.args = one.args
		return text
	}
}

// walkText spells the candidates in the order of the list.
func (q *query) walkText(sorts map[Sort]column) func(*query, Page, int) string {
	f, base := q.find, q.base
	return func(q *query, p Page, most int) string {
		one := query{from: " FROM " + f.table, args: q.args}
		base(&one)
		text := one.text(f.number+" AS id", one.order(f.number, sorts, p)+" LIMIT "+strconv.Itoa(most))
		q.args = one.args
		return text
	}
}

// matchText spells the candidates of the trigram index.
func (q *query) matchText(sorted bool) func(*query, Page, int) string {
	f := q.find
	return func(q *query, p Page, most int) string {
		index, phrase := f.match()
		one := query{from: " FROM " + index, args: q.args}
		one.and(index+" MATCH ?", phrase)
		compare, direction := p.way()
		if p.Before > 0 && !sorted {
			one.and("rowid"+compare+"?", p.Before)
		}
		text := one.text("rowid AS id", " ORDER BY rowid"+direction+" LIMIT "+strconv.Itoa(most))
		q.args = one.args
		return text
	}
}

// looked is what came of looking through the candidates of one part.
type looked struct {
	ids  []int64 // of the rows that are so
	cut  bool    // there may be more of them behind last
	last int64   // candidate, where the part is in the order of the numbers
}

// look looks through so many candidates of a part, at those that follow on the
// place where the page begins, until enough rows are found.
func (d *DB) look(ctx context.Context, q *query, s part, p Page, sorts map[Sort]column, budget, most int) (l looked, err error) {
	if !s.ordered {
		most = budget
	}
	text, args := q.probe(s, p, sorts, budget, most)
	if err := d.rows(ctx, list(&l.ids, scanID), text, args...); err != nil {
		return l, err
	}
	if n := len(l.ids); n > 0 && n == most {
		l.cut, l.last = true, l.ids[n-1]
		return l, nil
	}
	var seen, least, greatest int64
	one := query{}
	text = s.text(&one, p, budget)
	err = d.row(ctx, "SELECT COUNT(*), COALESCE(MIN(id), 0), COALESCE(MAX(id), 0) FROM ("+text+")", one.args...).Scan(&seen, &least, &greatest)
	if l.cut, l.last = seen >= int64(budget), least; p.Oldest {
		l.last = greatest
	}
	return l, err
}

func scanID(s scanner) (id int64, err error) { return id, s.Scan(&id) }

// probe spells the statement that chooses among so many candidates.
func (q *query) probe(s part, p Page, sorts map[Sort]column, budget, most int) (string, []any) {
	f := q.find
	one := query{}
	candidates := s.text(&one, p, budget)
	q.base(&one)
	if !s.ordered {
		one.order(f.number, sorts, p) // from the place on where the page begins
	}
	for _, check := range q.checks {
		one.and(check.text, check.args...)
	}
	if f.text != "" && !s.found {
		one.where = append(one.where, f.holds(&one))
	}
	one.from = " FROM (" + candidates + ") c CROSS JOIN " + f.table + " ON " + f.number + " = c.id" + f.joins
	return one.text("c.id", " LIMIT "+strconv.Itoa(most)), one.args
}

// numbers returns the numbers of rows of which the first of the page are certainly
// some, or all that there are: at least most of them, or every one.
func (d *DB) numbers(ctx context.Context, q query, groups [][]part, sorts map[Sort]column, p Page, budget, most int) ([]int64, error) {
	for ; ; budget *= sourceMore {
		if budget > sourceLast {
			// Nothing is found soon: what holds the text or the state is read to its end.
			groups, budget = groups[len(groups)-1:], math.MaxInt32
		}
		for _, group := range groups {
			var parts []looked
			for _, s := range group {
				one, err := d.look(ctx, &q, s, p, sorts, budget, most)
				if err != nil {
					return nil, err
				}
				parts = append(parts, one)
			}
			if ids, enough := gathered(parts, group, p.Oldest, most); enough {
				return ids, nil
			}
		}
	}
}

// gathered puts the parts of a source together. Of a part that was left before its
// end nothing is known behind its last candidate.
func gathered(parts []looked, group []part, oldest bool, most int) (ids []int64, enough bool) {
	cut, ordered := false, true
	for i, l := range parts {
		ids = append(ids, l.ids...)
		cut, ordered = cut || l.cut, ordered && (group[i].ordered || !l.cut)
	}
	if len(parts) == 1 {
		return ids, !cut || ordered && len(ids) >= most
	}
	for _, l := range parts {
		if l.cut {
			ids = slices.DeleteFunc(ids, func(id int64) bool { return oldest && id > l.last || !oldest && id < l.last })
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids, !cut || ordered && len(ids) >= most
}

// listed reads one page of a list.
func listed[R any](ctx context.Context, d *DB, q query, columns string, sorts map[Sort]column, p Page, scan func(scanner) (R, error)) ([]R, error) {
	limit := min(max(p.Limit, 1), ListMax)
	out := make([]R, 0, limit)
	tail := " LIMIT " + strconv.Itoa(limit)
	one := query{from: q.from, args: slices.Clone(q.args)}
	if !q.filtered() {
		q.base(&one)
		text := one.text(columns, one.order(q.find.number, sorts, p)+tail)
		err := d.rows(ctx, list(&out, scan), text, one.args...)
		return out, err
	}
	ids, err := d.numbers(ctx, q, q.groups(sorts, p), sorts, p, sourceFirst, limit)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	text, err := one.among(q.find, columns, ids, sorts, p, tail)
	if err != nil {
		return nil, err
	}
	err = d.rows(ctx, list(&out, scan), text, one.args...)
	return out, err
}

// among reads the first rows of those with the numbers.
func (q *query) among(f *find, columns string, ids []int64, sorts map[Sort]column, p Page, tail string) (string, error) {
	text, err := json.Marshal(ids)
	if err != nil {
		return "", err
	}
	p.Before = 0
	order := q.order(f.number, sorts, p)
	q.where = append(q.where, f.number+" IN (SELECT "+f.number+" FROM "+f.table+" WHERE "+f.number+" IN (SELECT value FROM json_each("+q.argument(string(text))+"))"+order+tail+")")
	return q.text(columns, order), nil
}

// countFound counts the rows of all pages of a list that is searched or filtered,
// up to one more than the page asks for.
func (d *DB) countFound(ctx context.Context, q query, p Page) (int64, error) {
	p.Sort, p.Before = "", 0
	most := cmp.Or(p.Count, CountMax) + 1
	groups := q.groups(nil, p)
	if q.find.text != "" && len(groups) > 1 {
		last := len(groups) - 1 // the trigram index counts sooner than a walk
		groups[last], groups[last-1] = groups[last-1], groups[last]
	}
	ids, err := d.numbers(ctx, q, groups, nil, p, 4*most, most)
	return int64(min(len(ids), most)), err
}

// countUpTo counts the rows of all pages, up to CountMax + 1.
func (d *DB) countUpTo(ctx context.Context, q query, number string) (n int64, err error) {
	text := q.text(number, " LIMIT "+strconv.Itoa(CountMax+1))
	err = d.row(ctx, "SELECT COUNT(*) FROM ("+text+")", q.args...).Scan(&n)
	return min(n, CountMax+1), err
}
