package db

// How lists are searched. What only SQLite knows of the lists stands here: the
// trigram index, and joins in the order in which they are written.

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// trigramLeast is the shortest text that the index can find.
const trigramLeast = 3

// find says where a text is looked for: in an index of its own, or in the bots
// that are called so.
type find struct {
	text   string
	index  string // the table of the trigram index, whose rowid is number
	number string // column of the list
	from   string // the list's tables as far as its conditions need them
	bot    string // column of the list's bot
	bots   []int64
}

// search keeps the rows that a text is found in. The index finds three characters
// and more in any script, in as long as it takes to read a page; shorter texts are
// looked for in the columns of each row.
func (q *query) search(f find, short ...string) {
	if f.text == "" {
		return
	}
	if len([]rune(f.text)) >= trigramLeast {
		q.find = &f
		return
	}
	var either []string
	var args []any
	for _, column := range short {
		either, args = append(either, column+` LIKE ? ESCAPE '\'`), append(args, "%"+likeText(f.text)+"%")
	}
	for _, id := range f.bots {
		either, args = append(either, f.bot+" = ?"), append(args, id)
	}
	q.and("("+strings.Join(either, " OR ")+")", args...)
}

// list is the statement of one page.
func (q *query) list(columns, number string, sorts map[Sort]column, p Page) string {
	tail := q.page(number, sorts, p)
	_, sorted := sorts[p.Sort]
	switch {
	case q.find == nil:
		return q.text(columns, tail)
	case sorted:
		q.where = append(q.where, number+" IN ("+q.found("")+")")
		return q.text(columns, tail)
	}
	return "SELECT " + columns + q.from + " WHERE " + number + " IN (" + q.found(tail) + ")" + tail
}

// found selects the numbers of the rows that the text is found in: those of the
// index, and those of each bot. Both are walked in the order of the list and left
// when the page that tail describes is full.
func (q *query) found(tail string) string {
	f, conditions := q.find, strings.Join(q.where, " AND ")
	match := q.argument(`"` + strings.ReplaceAll(f.text, `"`, `""`) + `"`)
	rowid := f.index + ".rowid"
	all := []string{"SELECT " + rowid + " FROM " + f.index + " CROSS JOIN" + strings.Replace(f.from, " FROM", "", 1) +
		" WHERE " + f.number + " = " + rowid + " AND " + strings.ReplaceAll(conditions, f.number+" ", rowid+" ") + " AND " + f.index + " MATCH " + match +
		strings.ReplaceAll(tail, f.number, rowid)}
	for _, id := range f.bots {
		all = append(all, "SELECT "+f.number+f.from+" WHERE "+conditions+" AND "+f.bot+" = "+q.argument(id)+tail)
	}
	for i, text := range all {
		all[i] = "SELECT * FROM (" + text + ")"
	}
	return strings.Join(all, " UNION ")
}

// countUpTo counts the rows of all pages, up to CountMax + 1.
func (d *DB) countUpTo(ctx context.Context, q query, number string) (n int64, err error) {
	q.where, q.args = slices.Clone(q.where), slices.Clone(q.args)
	limit := " LIMIT " + strconv.Itoa(CountMax+1)
	text := q.text(number, limit)
	if q.find != nil {
		text = q.found(limit)
	}
	err = d.row(ctx, "SELECT COUNT(*) FROM ("+text+")", q.args...).Scan(&n)
	return min(n, CountMax+1), err
}

func likeText(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}
