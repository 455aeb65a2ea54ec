package db

// How the request log is searched for a model. An index of every row would cost
// each call; so only the rows that lead are in it: at least one of each model and
// second. The others are found beside them, in the order of the log.

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/access"
)

const (
	namesMost    = 50 // models that a search follows one by one
	secondsFirst = 64 // of each of them, at first
	leadersMost  = 4096
)

// leader is what the last row that leads was of.
type leader struct {
	workspaceID int64
	model       string
}

// mustLead reports whether a row is to lead: only where one that is on the disk
// does so already for its model and second is it not needed.
func (t *Tx) mustLead(r access.Request) bool {
	last, known := t.d.leaders[leader{r.WorkspaceID, r.Model}]
	return !known || last != r.At.Unix()
}

// leads keeps in mind that a row which is on the disk leads.
func (d *DB) leads(l leader, second int64) {
	if len(d.leaders) >= leadersMost {
		clear(d.leaders)
	}
	d.leaders[l] = second
}

// narrowed reports whether the log is narrowed to something that has an index.
func (p RequestPage) narrowed() bool {
	return p.TokenID != 0 || p.ShareID != 0 || p.CustomerID != 0 || p.BotID != 0 || p.Token != "" || p.Share != "" || p.Customer != "" || p.Bot != "" ||
		p.Outcome != "" && p.Outcome != access.Answered
}

// requestsFound returns the numbers of the rows that a search finds, at most that
// many and the first of the page among them. ok is false where it is better to look
// at row after row.
func (d *DB) requestsFound(ctx context.Context, workspaceID int64, p RequestPage, most int) (ids []int64, ok bool, err error) {
	q := query{from: " FROM (SELECT r.id FROM requests r"}
	q.and("r.workspace_id = ?", workspaceID)
	place := q.requestPlace(workspaceID, p)
	inner := q.text("", "")[len("SELECT "):] + place + " LIMIT " + strconv.Itoa(max(sourceFirst, 2*most))
	one := query{from: inner + ") c CROSS JOIN requests r ON r.id = c.id", args: q.args}
	requestConditions(&one, workspaceID, p)
	err = d.rows(ctx, list(&ids, scanID), one.text("r.id", " LIMIT "+strconv.Itoa(most)), one.args...)
	if err != nil || len(ids) == most {
		return ids, true, err
	}
	names, err := d.modelsNamed(ctx, workspaceID, p.Query)
	if err != nil || len(names) > namesMost {
		return nil, false, err
	}
	for budget := secondsFirst; ; budget *= sourceMore {
		seconds, cut, err := d.secondsOf(ctx, workspaceID, p, names, budget)
		if err != nil {
			return nil, true, err
		}
		if ids, err = d.requestsIn(ctx, workspaceID, p, seconds, most); err != nil || !cut || len(ids) == most {
			return ids, true, err
		}
	}
}

// modelsNamed lists the models of the log whose names begin with a text, in small
// letters, a step of the index for each.
func (d *DB) modelsNamed(ctx context.Context, workspaceID int64, text string) (names []string, err error) {
	const next = "SELECT lower(r.model) FROM requests r WHERE r.workspace_id = $1 AND r.leads = 1 AND lower(r.model) "
	err = d.rows(ctx, list(&names, func(s scanner) (name string, err error) { return name, s.Scan(&name) }), `WITH RECURSIVE m(x) AS (
		SELECT (`+next+`>= lower($2) ORDER BY lower(r.model) LIMIT 1)
		UNION ALL SELECT (`+next+`> m.x ORDER BY lower(r.model) LIMIT 1) FROM m WHERE m.x LIKE $3 ESCAPE '\')
		SELECT x FROM m WHERE x LIKE $3 ESCAPE '\' LIMIT $4`, workspaceID, text, likeText(text)+"%", namesMost+1)
	return names, err
}

// secondsOf lists the seconds in which the models were asked, from the page's place
// on, and that of the request with that id. Of what was cut nothing is certain behind
// the last second.
func (d *DB) secondsOf(ctx context.Context, workspaceID int64, p RequestPage, names []string, budget int) (seconds []int64, cut bool, err error) {
	scan := func(s scanner) (second int64, err error) { return second, s.Scan(&second) }
	if err := d.rows(ctx, list(&seconds, scan), "SELECT at / 1000 FROM requests WHERE workspace_id = $1 AND request_id = $2", workspaceID, p.Query); err != nil {
		return nil, false, err
	}
	var bounds []int64
	for _, name := range names {
		q := query{from: " FROM requests r"}
		q.and("r.workspace_id = ?", workspaceID)
		q.and("r.leads = 1 AND lower(r.model) = ?", name)
		direction := " DESC"
		if p.Oldest {
			direction = " ASC"
		}
		if p.Before > 0 {
			place := "(SELECT o.at / 1000 * 1000 FROM requests o WHERE o.workspace_id = ? AND o.id = ?)"
			if p.Oldest {
				q.and("r.at >= "+place, workspaceID, p.Before)
			} else {
				q.and("r.at < 1000 + "+place, workspaceID, p.Before)
			}
		}
		if !p.From.IsZero() {
			q.and("r.at >= ?", p.From.Unix()*1000)
		}
		if !p.To.IsZero() {
			q.and("r.at < ?", ms(p.To))
		}
		var of []int64
		if err := d.rows(ctx, list(&of, scan), q.text("r.at / 1000", " ORDER BY r.at"+direction+" LIMIT "+strconv.Itoa(budget)), q.args...); err != nil {
			return nil, false, err
		}
		seconds = append(seconds, of...)
		if len(of) == budget {
			bounds = append(bounds, of[budget-1])
		}
	}
	for _, bound := range bounds {
		seconds = slices.DeleteFunc(seconds, func(s int64) bool { return p.Oldest && s > bound || !p.Oldest && s < bound })
	}
	slices.Sort(seconds)
	return slices.Compact(seconds), len(bounds) > 0, nil
}

// requestsIn finds the rows of those seconds, the first of the page among them.
func (d *DB) requestsIn(ctx context.Context, workspaceID int64, p RequestPage, seconds []int64, most int) (ids []int64, err error) {
	text, err := json.Marshal(seconds)
	if err != nil || len(seconds) == 0 {
		return nil, err
	}
	q := query{from: " FROM json_each($1) c CROSS JOIN requests r ON r.workspace_id = $2 AND r.at >= c.value * 1000 AND r.at < c.value * 1000 + 1000", args: []any{string(text), workspaceID}}
	place := q.requestPlace(workspaceID, p)
	requestConditions(&q, workspaceID, p)
	err = d.rows(ctx, list(&ids, scanID), q.text("r.id", place+" LIMIT "+strconv.Itoa(most)), q.args...)
	return ids, err
}

// requestPlace adds where a page of the log begins, and returns its order.
func (q *query) requestPlace(workspaceID int64, p RequestPage) string {
	compare, direction := "<", " DESC"
	if p.Oldest {
		compare, direction = ">", " ASC"
	}
	if p.Before > 0 {
		q.and("(r.at, r.id) "+compare+" (SELECT o.at, o.id FROM requests o WHERE o.workspace_id = ? AND o.id = ?)", workspaceID, p.Before)
	}
	return strings.Join([]string{" ORDER BY r.at", ", r.id", ""}, direction)
}
