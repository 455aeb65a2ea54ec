package db

import (
	"context"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/access"
)

const shareColumns = `s.id, s.public_id, s.workspace_id, s.bot_id, s.created_by, s.name, s.sealed, s.hint, s.expires_at, s.paused_at,

	s.revoked_at, COALESCE(s.revoked_by, 0), s.restricted, s.max_customers, s.rpm, s.allowance, s.allowance_unit, s.refill,
	s.purse_id, s.opens, s.created_at, s.updated_at, s.version, s.deleted_at IS NOT NULL`

// shareReturning spells the columns without the alias, which RETURNING does not know.
var shareReturning = " RETURNING " + strings.ReplaceAll(shareColumns, "s.", "")

// shareScan holds what stands in the row in another spelling than in the noun.
type shareScan struct {
	access.Share
	expires, paused, revoked, created, updated moment
}

func (s *shareScan) fields() []any {
	return []any{
		&s.ID, &s.PublicID, &s.WorkspaceID, &s.BotID, &s.CreatedBy, &s.Name, &s.Sealed, &s.Hint, &s.expires, &s.paused,
		&s.revoked, &s.RevokedBy, &s.Restricted, &s.MaxCustomers, &s.RPM, &s.Allowance, &s.AllowanceUnit, &s.Refill,
		&s.PurseID, &s.Opens, &s.created, &s.updated, &s.Version, &s.Deleted,
	}
}

func (s *shareScan) share() access.Share {
	s.ExpiresAt, s.PausedAt, s.RevokedAt = s.expires.Time, s.paused.Time, s.revoked.Time
	s.CreatedAt, s.UpdatedAt = s.created.Time, s.updated.Time
	return s.Share
}

func scanShare(from scanner) (access.Share, error) {
	var s shareScan
	err := from.Scan(s.fields()...)
	return s.share(), err
}

// ShareRow is a share link with its purse and what a list shows beside the name.
type ShareRow struct {
	access.Share
	Purse       access.Purse // of the link as a whole
	BotName     string
	BotPublicID string
	MadeBy      string // username of who made it, "" when a program or the shell did
	Customers   int64  // who opened it: the seats that are taken
	Named       int64  // customers on the list of a restricted link
}

const shareRowColumns = shareColumns + ", " + purseColumns + `, COALESCE(b.name, ''), COALESCE(b.public_id, ''), COALESCE(u.username, ''),

	(SELECT COUNT(*) FROM share_customers c WHERE c.share_id = s.id AND c.first_opened_at IS NOT NULL),
	(SELECT COUNT(*) FROM share_customers c WHERE c.share_id = s.id AND c.allowed = 1)`

const shareRowFrom = ` FROM shares s JOIN purses p ON p.id = s.purse_id

	LEFT JOIN bots b ON b.id = s.bot_id LEFT JOIN users u ON u.id = s.created_by`

func (d *DB) scanShareRow(from scanner) (ShareRow, error) {
	var s shareScan
	var r ShareRow
	var period moment
	into := append(s.fields(), purseFields(&r.Purse, &period)...)
	err := from.Scan(append(into, &r.BotName, &r.BotPublicID, &r.MadeBy, &r.Customers, &r.Named)...)
	if err != nil {
		return r, err
	}
	r.Purse.PeriodAt = period.Time
	d.Ledger.overlay(&r.Purse)
	r.Share = s.share()
	return r, nil
}

// FindShare returns the link that a secret leads to, deleted ones too: they say
// so. It is cached: a change of the link drops the entry before the change is
// acknowledged.
func (d *DB) FindShare(ctx context.Context, id int64) (access.Share, error) {
	return d.caches.shares.get(id, func() (access.Share, error) {
		s, err := scanShare(d.row(ctx, "SELECT "+shareColumns+" FROM shares s WHERE s.id = $1", id))
		return s, orNotFound(err, "share link")
	})
}

// Share returns a workspace's share link by its public id.
func (d *DB) Share(ctx context.Context, workspaceID int64, publicID string) (ShareRow, error) {
	r, err := d.scanShareRow(d.row(ctx, "SELECT "+shareRowColumns+shareRowFrom+
		" WHERE s.workspace_id = $1 AND s.public_id = $2 AND s.deleted_at IS NULL", workspaceID, publicID))
	return r, orNotFound(err, "share link")
}

// The columns that share links can be sorted by, as their indexes spell them.
var shareSorts = map[Sort]column{
	SortName: {"lower(s.name)", "lower(?)"}, SortOpens: {"s.opens", ""}, SortEnds: {"COALESCE(s.expires_at, 9223372036854775807)", ""},
}

// Place is where the link stands in a list that is sorted by s.
func (r ShareRow) Place(s Sort) Place {
	at := Place{Number: r.ID}
	switch s {
	case SortName:
		at.Key = r.Name
	case SortOpens:
		at.Key = strconv.FormatInt(r.Opens, 10)
	case SortEnds:
		at.Key = sortKey(r.ExpiresAt, endless)
	}
	return at
}

// Shares lists a workspace's share links, by name, last characters or bot.
func (d *DB) Shares(ctx context.Context, workspaceID int64, p Page) ([]ShareRow, error) {
	q, err := d.shareQuery(ctx, workspaceID, p)
	if err != nil {
		return nil, err
	}
	return listed(ctx, d, q, shareRowColumns, shareSorts, p, d.scanShareRow)
}

// CountShares counts what Shares would list over all pages, up to CountMax + 1.
func (d *DB) CountShares(ctx context.Context, workspaceID int64, p Page) (int64, error) {
	q, err := d.shareQuery(ctx, workspaceID, p)
	if err != nil {
		return 0, err
	}
	if !q.filtered() {
		w, err := d.FindWorkspace(ctx, workspaceID)
		return w.ShareCount, err
	}
	return d.countFound(ctx, q, p)
}

func (d *DB) shareQuery(ctx context.Context, workspaceID int64, p Page) (query, error) {
	q := query{from: shareRowFrom, base: func(q *query) {
		q.and("s.workspace_id = ?", workspaceID)
		q.and("s.deleted_at IS NULL")
	}}
	bots, err := d.botsNamed(ctx, workspaceID, p.Query)
	if err != nil {
		return q, err
	}
	q.find = &find{
		text: p.Query, table: "shares s", number: "s.id", index: "shares_search", columns: []string{"s.name", "s.hint"}, bot: "s.bot_id", bots: bots,
	}
	if p.BotID != 0 {
		q.check("s.bot_id = ?", p.BotID)
		q.find.sources = append(q.find.sources, source{where: "s.bot_id = ?", args: []any{p.BotID}})
	}
	shareState(&q, d.Now().UnixMilli(), p.Status)
	return q, nil
}

// shareState keeps the links of a status.
func shareState(q *query, now int64, status access.Status) {
	const expired = "(s.expires_at IS NOT NULL AND s.expires_at <= ?)"
	f := q.find
	switch status {
	case access.StatusRevoked:
		q.check("s.revoked_at IS NOT NULL")
		f.sources = append(f.sources, source{where: "s.revoked_at IS NOT NULL"})
	case access.StatusExpired:
		q.check("s.revoked_at IS NULL AND "+expired, now)
		f.sources = append(f.sources, source{where: shareSorts[SortEnds].expr + " <= ?", args: []any{now}, jumbled: true})
	case access.StatusPaused:
		q.check("s.revoked_at IS NULL AND s.paused_at IS NOT NULL AND NOT "+expired, now)
		f.sources = append(f.sources, source{where: "s.revoked_at IS NULL AND s.paused_at IS NOT NULL"})
	case access.StatusEnabled:
		q.check("s.revoked_at IS NULL AND s.paused_at IS NULL AND NOT "+expired, now)
	}
}

// NewShare is a share link about to be made. Its secret comes hashed and sealed.
type NewShare struct {
	Share access.Share   // PublicID, WorkspaceID, BotID, Sealed and Hint filled by the caller
	Cap   *int64         // units of the link as a whole, nil: none
	Named []string       // public ids of the customers of a restricted link
	Hash  [32]byte       // of the share token
	Zone  *time.Location // of the workspace
}

// MakeShare issues a share link with its purse. A bot or a named customer that is
// not the workspace's is refused.
func (d *DB) MakeShare(ctx context.Context, by access.Actor, n NewShare) (access.Share, error) {
	s := n.Share
	err := d.change(ctx, func(t *Tx) error {
		if err := t.checkBot(s.WorkspaceID, s.BotID); err != nil {
			return err
		}
		purse, err := t.makePurse(access.Purse{WorkspaceID: s.WorkspaceID, Quota: deref(n.Cap), Unlimited: n.Cap == nil, Refill: s.Refill}, n.Zone)
		if err != nil {
			return err
		}
		s.PurseID, s.Version = purse, 1
		s.CreatedAt = time.UnixMilli(t.now()).UTC()
		s.UpdatedAt = s.CreatedAt
		s.ID, err = t.insert(`INSERT INTO shares (public_id, workspace_id, bot_id, created_by, name, sealed, hint, expires_at, restricted,
			max_customers, rpm, allowance, allowance_unit, refill, purse_id, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			s.PublicID, s.WorkspaceID, s.BotID, s.CreatedBy, s.Name, s.Sealed, s.Hint, ms(s.ExpiresAt), flag(s.Restricted),
			s.MaxCustomers, s.RPM, s.Allowance, s.AllowanceUnit, s.Refill, s.PurseID, ms(s.CreatedAt), ms(s.UpdatedAt))
		if err != nil {
			return err
		}
		if err := t.keepShort("shares_short", s.ID, s.Name, s.Hint); err != nil {
			return err
		}
		if err := t.keepSecret(n.Hash, ShareSecret, s.ID); err != nil {
			return err
		}
		if err := t.nameCustomers(s, n.Named); err != nil {
			return err
		}
		if err := t.count(s.WorkspaceID, "share_count", 1); err != nil {
			return err
		}
		facts := shareFacts(s)
		facts["cap"], facts["customers"] = shown(n.Cap), n.Named
		return t.tell(by, event{s.WorkspaceID, "share.create", object("share", s.PublicID, s.Name), facts})
	})
	return s, err
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// shown spells an optional number for the audit log: nil is no limit.
func shown(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

// shareFacts is what the audit log keeps of a share link.
func shareFacts(s access.Share) map[string]any {
	m := map[string]any{
		"name": s.Name, "bot": s.BotID, "restricted": s.Restricted, "max_customers": shown(s.MaxCustomers), "rpm": s.RPM,
		"allowance": shown(s.Allowance), "allowance_unit": s.AllowanceUnit, "refill": s.Refill, "expires_at": nil,
	}
	if !s.ExpiresAt.IsZero() {
		m["expires_at"] = s.ExpiresAt.Format(time.RFC3339)
	}
	return m
}
