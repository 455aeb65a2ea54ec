package control

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// exportList is a list that can be exported.
type exportList struct {
	noun  string // in the audit log
	right access.Act
	head  []string
	page  func(*Control, context.Context, access.Actor, sheet, *Export, *[][]string) error
	one   func(*Control, context.Context, access.Actor, sheet, string) ([]string, error)
	count func(*Control, context.Context, access.Actor, Export) (int64, error)
}

// sheet is what cells are spelled with.
type sheet struct {
	now     time.Time
	zone    *time.Location // the workspace's: periods follow it
	dollars func(units int64) string
}

func (c *Control) sheet(ctx context.Context, by access.Actor) (sheet, error) {
	w, err := c.workspace(ctx, by)
	if err != nil {
		return sheet{}, err
	}
	return sheet{c.Now(), w.Location(), c.Dollars}, nil
}

// exportPage reads the next page of an export and goes on behind it.
func exportPage[R interface{ Place(db.Sort) db.Place }](
	read func(*Control, context.Context, access.Actor, db.Page) ([]R, error), cells func(sheet, R) []string,
) func(*Control, context.Context, access.Actor, sheet, *Export, *[][]string) error {
	return func(c *Control, ctx context.Context, by access.Actor, s sheet, e *Export, rows *[][]string) error {
		e.Page.Limit = db.ListMax
		page, err := read(c, ctx, by, e.Page)
		for _, row := range page {
			*rows = append(*rows, cells(s, row))
			e.Page = e.Page.From(row.Place(e.Page.Sort))
		}
		e.Ended = len(page) < db.ListMax
		return err
	}
}

func exportOne[R any](
	read func(*Control, context.Context, access.Actor, string) (R, error), cells func(sheet, R) []string,
) func(*Control, context.Context, access.Actor, sheet, string) ([]string, error) {
	return func(c *Control, ctx context.Context, by access.Actor, s sheet, id string) ([]string, error) {
		row, err := read(c, ctx, by, id)
		if err != nil {
			return nil, err
		}
		return cells(s, row), nil
	}
}

func exportRequests(c *Control, ctx context.Context, by access.Actor, s sheet, e *Export, rows *[][]string) error {
	e.Requests.Limit = db.ListMax
	page, err := c.RequestPage(ctx, by, e.Requests)
	for _, row := range page {
		*rows = append(*rows, s.request(row))
		e.Requests.Before = row.ID
	}
	e.Ended = len(page) < db.ListMax
	return err
}

func exportAudit(c *Control, ctx context.Context, by access.Actor, _ sheet, e *Export, rows *[][]string) error {
	e.Page.Limit = db.ListMax
	page, err := c.AuditPage(ctx, by, e.Page)
	for _, row := range page {
		*rows = append(*rows, auditCells(row))
		e.Page.Before = row.Seq
	}
	e.Ended = len(page) < db.ListMax
	return err
}

// exportLists are the lists and their columns.
var exportLists = map[string]exportList{
	"tokens": {
		noun: "token", right: access.SeeLists, page: exportPage((*Control).TokenPage, sheet.token), one: exportOne((*Control).Token, sheet.token),
		head: []string{
			"id", "number", "name", "note", "bot", "status", "key", "models", "unlimited", "quota", "used", "remain", "refill", "group",
			"addresses", "permissions", "expires_at", "created_at", "created_by", "used_at",
		},
		count: countOf("tokens"),
	},
	"shares": {
		noun: "share", right: access.SeeLists, page: exportPage((*Control).SharePage, sheet.share), one: exportOne((*Control).Share, sheet.share),
		head: []string{
			"id", "name", "bot", "status", "link", "opens", "customers", "max_customers", "allowance", "allowance_unit", "refill", "cap", "used",
			"restricted", "expires_at", "created_at", "created_by", "paused_at", "revoked_at",
		},
		count: countOf("shares"),
	},
	"customers": {
		noun: "customer", right: access.SeeLists, page: exportPage((*Control).CustomerPage, sheet.customer), one: exportOne((*Control).Customer, sheet.customer),
		head:  []string{"id", "username", "email", "note", "enabled", "links", "sessions", "last_login_at", "created_at", "created_by"},
		count: countOf("customers"),
	},
	"requests": {
		noun: "request", right: access.SeeLists, page: exportRequests,
		head: []string{
			"time", "request_id", "door", "token", "share", "customer", "bot", "model", "outcome", "status", "rule", "prompt_tokens",
			"completion_tokens", "estimated", "dollars", "units", "first_byte_ms", "total_ms", "address",
		},
		count: func(c *Control, ctx context.Context, by access.Actor, e Export) (int64, error) {
			return c.DB.CountRequests(ctx, by.WorkspaceID, e.Requests)
		},
	},
	"audit": {
		noun: "audit", right: access.ReadAudit, page: exportAudit,
		head: []string{"seq", "time", "actor", "door", "address", "action", "object", "result", "detail", "hash"},
		count: func(c *Control, ctx context.Context, by access.Actor, e Export) (int64, error) {
			return c.DB.CountAudit(ctx, by.WorkspaceID, e.Page)
		},
	},
}

func countOf(list string) func(*Control, context.Context, access.Actor, Export) (int64, error) {
	return func(c *Control, ctx context.Context, by access.Actor, e Export) (int64, error) {
		return bulkLists[list].count(c, ctx, by, e.Page)
	}
}

func (s sheet) token(r db.TokenRow) []string {
	r.Purse = r.Purse.At(s.now, s.zone)
	models, quota, remain := "", "", ""
	if r.ModelsLimited {
		models = strings.Join(r.Models, " ")
	}
	if !r.Purse.Unlimited {
		quota, remain = number(r.Purse.Quota), number(r.Purse.Remain())
	}
	return []string{
		r.PublicID, number(r.ID), r.Name, r.Note, r.BotName, string(r.Status(r.Purse, s.now)), KeyMask + r.Hint, models,
		strconv.FormatBool(r.Purse.Unlimited), quota, number(r.Purse.Used), remain, string(r.Purse.Refill), r.GroupName,
		strings.Join(access.FormatAddresses(r.Addresses), " "), strings.Join(r.Permissions, " "), moment(r.ExpiresAt), moment(r.CreatedAt),
		r.MadeBy, moment(r.UsedAt),
	}
}

func (s sheet) share(r db.ShareRow) []string {
	r.Purse = r.Purse.At(s.now, s.zone)
	limit := func(n *int64) string {
		if n == nil {
			return ""
		}
		return number(*n)
	}
	capped := ""
	if !r.Purse.Unlimited {
		capped = number(r.Purse.Quota)
	}
	return []string{
		r.PublicID, r.Name, r.BotName, string(r.Status(s.now)), "…" + r.Hint, number(r.Opens), number(r.Customers),
		limit(r.MaxCustomers), limit(r.Allowance), string(r.AllowanceUnit), string(r.Refill), capped, number(r.Purse.Used),
		strconv.FormatBool(r.Restricted), moment(r.ExpiresAt), moment(r.CreatedAt), r.MadeBy, moment(r.PausedAt), moment(r.RevokedAt),
	}
}

func (sheet) customer(r db.CustomerRow) []string {
	return []string{
		r.PublicID, r.Username, r.Email, r.Note, strconv.FormatBool(r.Enabled), number(r.Links), number(r.Sessions),
		moment(r.LastLoginAt), moment(r.CreatedAt), r.MadeBy,
	}
}

func (s sheet) request(r db.RequestRow) []string {
	return []string{
		moment(r.At), r.RequestID, string(r.Door), r.TokenName, r.ShareName, r.CustomerName, r.BotName, r.Model, string(r.Outcome),
		strconv.Itoa(r.Status), r.Rule, number(r.Usage.Prompt), number(r.Usage.Completion), strconv.FormatBool(r.Usage.Estimated),
		s.dollars(r.Units), number(r.Units), number(r.FirstByte.Milliseconds()), number(r.Total.Milliseconds()), r.Address,
	}
}

func auditCells(r db.AuditRow) []string {
	return []string{number(r.Seq), moment(r.At.Time), r.Actor, r.Door, r.Address, r.Action, r.Object, r.Result, r.Detail, hex.EncodeToString(r.Hash)}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// moment spells a time for programs, "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
