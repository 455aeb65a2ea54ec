package db

// How lists are searched, filtered and paged. What only SQLite knows here is the
// trigram index.

import (
	"context"
	"strconv"
	"strings"

	"latchkey/internal/access"
)

// ListMax bounds the rows of one page of any list.
const ListMax = 200

// CountMax is how far a list counts before it says "more than".
const CountMax = 1000

// Page says which rows of a list to read. Rows are keyed by number, newest first;
// Before is the number of the last row of the page before, 0 for the first page.
type Page struct {
	Query  string // text to search for
	Status access.Status
	BotID  int64
	Before int64
	Limit  int
	Oldest bool // oldest first instead; Before is then the number to go on after
}

// query builds a SELECT with conditions, numbering its arguments in order.
type query struct {
	from  string
	where []string
	args  []any
}

// and adds a condition in which each ? stands for the next of args.
func (q *query) and(condition string, args ...any) {
	for _, a := range args {
		q.args = append(q.args, a)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(q.args)), 1)
	}
	q.where = append(q.where, condition)
}

func (q *query) text(columns, tail string) string {
	return "SELECT " + columns + q.from + " WHERE " + strings.Join(q.where, " AND ") + tail
}

// page adds keyset paging on a number column.
func (q *query) page(column string, p Page) (tail string) {
	limit := min(max(p.Limit, 1), ListMax)
	if p.Oldest {
		q.and(column+" > ?", p.Before)
		return " ORDER BY " + column + " ASC LIMIT " + strconv.Itoa(limit)
	}
	if p.Before > 0 {
		q.and(column+" < ?", p.Before)
	}
	return " ORDER BY " + column + " DESC LIMIT " + strconv.Itoa(limit)
}

// trigramLeast is the shortest text that the index can find.
const trigramLeast = 3

// search adds the condition that a row, or one of the bots, matches the text. The
// index finds three characters and more in any script; shorter texts are found at
// the start of a name, of a note or of the hint.
func (q *query) search(text, index, key string, short []string, botColumn string, bots []int64) {
	if text == "" {
		return
	}
	var either []string
	var args []any
	if len([]rune(text)) >= trigramLeast {
		either = append(either, key+" IN (SELECT rowid FROM "+index+" WHERE "+index+" MATCH ?)")
		args = append(args, `"`+strings.ReplaceAll(text, `"`, `""`)+`"`)
	} else {
		for _, column := range short {
			either = append(either, column+` LIKE ? ESCAPE '\'`)
			args = append(args, likeText(text)+"%")
		}
	}
	for _, id := range bots {
		either = append(either, botColumn+" = ?")
		args = append(args, id)
	}
	q.and("("+strings.Join(either, " OR ")+")", args...)
}

func likeText(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
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
