package control

import (
	"context"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// BulkMax bounds the rows that one act changes while its caller waits; an act on
// every row of a list is a job.
const BulkMax = 200

// Extension is what "extend" adds: to the present end, or to now where that has
// passed. What has no end needs none.
const Extension = 30 * 24 * time.Hour

// bulkJob is an act on every row of a list, and where it stands.
type bulkJob struct {
	List   string  `json:"list"`
	Verb   string  `json:"verb"`
	Page   db.Page `json:"page"`
	Before int64   `json:"before"`
}

// bulkRow is what an act on many rows looks at before it acts on one.
type bulkRow struct {
	number   int64
	id, name string
	version  int64
	revoked  bool
	ends     time.Time
}

// bulkList is a list whose rows can be changed together.
type bulkList struct {
	one   func(*Control, context.Context, access.Actor, string) (bulkRow, error)
	page  func(*Control, context.Context, access.Actor, db.Page) ([]bulkRow, error)
	count func(*Control, context.Context, access.Actor, db.Page) (int64, error)
	acts  map[string]func(*Control, context.Context, access.Actor, bulkRow) error
}

func bulkAct(act func(*Control, context.Context, access.Actor, string) error) func(*Control, context.Context, access.Actor, bulkRow) error {
	return func(c *Control, ctx context.Context, by access.Actor, r bulkRow) error { return act(c, ctx, by, r.id) }
}

// unlessRevoked is bulkAct for what a revoked row is past.
func unlessRevoked(act func(*Control, context.Context, access.Actor, string) error) func(*Control, context.Context, access.Actor, bulkRow) error {
	return func(c *Control, ctx context.Context, by access.Actor, r bulkRow) error {
		if r.revoked {
			return revokedAlready()
		}
		return act(c, ctx, by, r.id)
	}
}

func revokedAlready() error {
	return access.Fail(access.Conflict, "revoked_already", "It was revoked and stays so.")
}

func tokenBulkRow(r db.TokenRow) bulkRow {
	return bulkRow{r.ID, r.PublicID, r.Name, r.Version, !r.RevokedAt.IsZero(), r.ExpiresAt}
}

func shareBulkRow(r db.ShareRow) bulkRow {
	name := r.Name
	if name == "" {
		name = "…" + r.Hint
	}
	return bulkRow{r.ID, r.PublicID, name, r.Version, !r.RevokedAt.IsZero(), r.ExpiresAt}
}

func customerBulkRow(r db.CustomerRow) bulkRow {
	return bulkRow{number: r.ID, id: r.PublicID, name: r.Username, version: r.Version}
}

func bulkOne[R any](read func(*Control, context.Context, access.Actor, string) (R, error), row func(R) bulkRow) func(*Control, context.Context, access.Actor, string) (bulkRow, error) {
	return func(c *Control, ctx context.Context, by access.Actor, id string) (bulkRow, error) {
		r, err := read(c, ctx, by, id)
		if err != nil {
			return bulkRow{}, err
		}
		return row(r), nil
	}
}

func bulkPage[R any](read func(*Control, context.Context, access.Actor, db.Page) ([]R, error), row func(R) bulkRow) func(*Control, context.Context, access.Actor, db.Page) ([]bulkRow, error) {
	return func(c *Control, ctx context.Context, by access.Actor, p db.Page) ([]bulkRow, error) {
		rows, err := read(c, ctx, by, p)
		out := make([]bulkRow, 0, len(rows))
		for _, r := range rows {
			out = append(out, row(r))
		}
		return out, err
	}
}

// bulkLists are the lists and what can be done to their rows together.
var bulkLists = map[string]bulkList{
	"tokens": {
		bulkOne((*Control).Token, tokenBulkRow), bulkPage((*Control).TokenPage, tokenBulkRow),
		func(c *Control, ctx context.Context, by access.Actor, p db.Page) (int64, error) {
			return c.DB.CountTokens(ctx, by.WorkspaceID, p)
		},
		map[string]func(*Control, context.Context, access.Actor, bulkRow) error{
			"enable": unlessRevoked((*Control).EnableToken), "disable": unlessRevoked((*Control).DisableToken), "extend": (*Control).extendToken,
			"revoke": unlessRevoked((*Control).RevokeToken), "delete": bulkAct((*Control).DeleteToken),
		},
	},
	"shares": {
		bulkOne((*Control).Share, shareBulkRow), bulkPage((*Control).SharePage, shareBulkRow),
		func(c *Control, ctx context.Context, by access.Actor, p db.Page) (int64, error) {
			return c.DB.CountShares(ctx, by.WorkspaceID, p)
		},
		map[string]func(*Control, context.Context, access.Actor, bulkRow) error{
			"resume": unlessRevoked((*Control).ResumeShare), "pause": unlessRevoked((*Control).PauseShare), "extend": (*Control).extendShare,
			"revoke": unlessRevoked((*Control).RevokeShare), "delete": bulkAct((*Control).DeleteShare),
		},
	},
	"customers": {
		bulkOne((*Control).Customer, customerBulkRow), bulkPage((*Control).CustomerPage, customerBulkRow),
		func(c *Control, ctx context.Context, by access.Actor, p db.Page) (int64, error) {
			return c.DB.CountCustomers(ctx, by.WorkspaceID, p)
		},
		map[string]func(*Control, context.Context, access.Actor, bulkRow) error{
			"enable": bulkAct((*Control).EnableCustomer), "disable": bulkAct((*Control).DisableCustomer),
			"end-sessions": bulkAct((*Control).EndCustomerSessions), "delete": bulkAct((*Control).DeleteCustomer),
		},
	},
}

// BulkVerb reports whether the rows of a list can be changed together so.
func BulkVerb(list, verb string) bool { return bulkLists[list].acts[verb] != nil }

// Bulk changes rows of a list, each for itself: what one of them refuses does not
// stop the rest. It says of every row that it left as it was why.
func (c *Control) Bulk(ctx context.Context, by access.Actor, list, verb string, ids []string) (done int64, left []LeftOut, err error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return 0, nil, err
	}
	if !BulkVerb(list, verb) {
		return 0, nil, access.Fail(access.NotFound, "not_found", "There is no such %s here.", "act")
	}
	l := bulkLists[list]
	for _, id := range ids[:min(len(ids), BulkMax)] {
		row, err := l.one(c, ctx, by, id)
		if err == nil {
			err = l.acts[verb](c, ctx, by, row)
		}
		switch {
		case err == nil:
			done++
		case access.KindOf(err) == 0:
			return done, left, err
		default:
			left = append(left, leftOut(0, row.id, row.name, err))
		}
	}
	return done, left, nil
}

// BulkAll begins a job that does to every row of a list what Bulk does to some.
func (c *Control) BulkAll(ctx context.Context, by access.Actor, list, verb string, p db.Page) (db.Job, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return db.Job{}, err
	}
	if !BulkVerb(list, verb) {
		return db.Job{}, access.Fail(access.NotFound, "not_found", "There is no such %s here.", "act")
	}
	p = db.Page{Query: p.Query, Status: p.Status, BotID: p.BotID, Limit: 50}
	total, err := bulkLists[list].count(c, ctx, by, p)
	if err != nil {
		return db.Job{}, err
	}
	if total > db.CountMax && p.Narrowed() {
		total = 0 // nobody counted further
	}
	d := jobDetail{Address: by.Address, Bulk: &bulkJob{List: list, Verb: verb, Page: p}}
	return c.DB.MakeJob(ctx, db.Job{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, CreatedBy: by.UserNumber(), Kind: list + "." + verb, Total: total, Detail: d.text(),
	})
}

// workBulk acts on the rows of a list, from the newest when the job began to the
// oldest.
func (c *Control) workBulk(ctx context.Context, by access.Actor, j *db.Job, d *jobDetail) error {
	b := d.Bulk
	l := bulkLists[b.List]
	for {
		p := b.Page
		p.Before = b.Before
		rows, err := l.page(c, ctx, by, p)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			err := l.acts[b.Verb](c, ctx, by, row)
			if err != nil && access.KindOf(err) == 0 {
				return err
			}
			if err != nil {
				d.leave(leftOut(0, row.id, row.name, err))
			}
			b.Before = row.number
			if j.Done++; b.Verb == "extend" {
				// Twice would be twice as long: every one is kept at once.
				if err := c.stepJob(ctx, j, d); err != nil {
					return err
				}
			}
		}
		if err := c.stepJob(ctx, j, d); err != nil {
			return err
		}
	}
}

func (c *Control) stepJob(ctx context.Context, j *db.Job, d *jobDetail) error {
	j.Detail = d.text()
	return c.DB.StepJob(ctx, *j)
}

// extended is the end that "extend" gives, nil where there is none to move.
func (c *Control) extended(r bulkRow) (*time.Time, error) {
	if r.revoked {
		return nil, revokedAlready()
	}
	if r.ends.IsZero() {
		return nil, nil
	}
	from := r.ends
	if now := c.Now(); from.Before(now) {
		from = now
	}
	until := from.Add(Extension)
	return &until, nil
}

func (c *Control) extendToken(ctx context.Context, by access.Actor, r bulkRow) error {
	until, err := c.extended(r)
	if err == nil && until != nil {
		_, err = c.EditToken(ctx, by, r.id, TokenForm{ExpiresAt: until, Version: r.version})
	}
	return err
}

func (c *Control) extendShare(ctx context.Context, by access.Actor, r bulkRow) error {
	until, err := c.extended(r)
	if err == nil && until != nil {
		_, err = c.EditShare(ctx, by, r.id, ShareForm{ExpiresAt: until, Version: r.version})
	}
	return err
}
