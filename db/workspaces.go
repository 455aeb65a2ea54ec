package db

import (
	"context"
	"maps"
	"time"

	"latchkey/internal/access"
)

const workspaceColumns = "w.id, w.public_id, w.name, w.time_zone, w.group_name, w.purse_id, w.brand, w.token_count, w.share_count, w.customer_count, w.created_at, w.version"

// workspaceScan holds what stands in the row in another spelling than in the noun.
type workspaceScan struct {
	access.Workspace
	created moment
}

func (w *workspaceScan) fields() []any {
	return []any{
		&w.ID, &w.PublicID, &w.Name, &w.TimeZone, &w.GroupName, &w.PurseID, &w.Brand, &w.TokenCount, &w.ShareCount,
		&w.CustomerCount, &w.created, &w.Version,
	}
}

func (w *workspaceScan) workspace() access.Workspace {
	w.CreatedAt = w.created.Time
	return w.Workspace
}

func scanWorkspace(s scanner) (access.Workspace, error) {
	var w workspaceScan
	err := s.Scan(w.fields()...)
	return w.workspace(), err
}

// FindWorkspace returns a live workspace by its row number. It is cached.
func (d *DB) FindWorkspace(ctx context.Context, id int64) (access.Workspace, error) {
	return d.caches.workspaces.get(id, func() (access.Workspace, error) {
		w, err := scanWorkspace(d.row(ctx, "SELECT "+workspaceColumns+" FROM workspaces w WHERE w.id = $1 AND w.deleted_at IS NULL", id))
		return w, orNotFound(err, "workspace")
	})
}

// WorkspaceByPublicID returns a live workspace by its public id.
func (d *DB) WorkspaceByPublicID(ctx context.Context, publicID string) (access.Workspace, error) {
	w, err := scanWorkspace(d.row(ctx, "SELECT "+workspaceColumns+" FROM workspaces w WHERE w.public_id = $1 AND w.deleted_at IS NULL", publicID))
	return w, orNotFound(err, "workspace")
}

// OldestWorkspace returns the workspace in which the master key acts at doors
// that name none.
func (d *DB) OldestWorkspace(ctx context.Context) (access.Workspace, error) {
	w, err := scanWorkspace(d.row(ctx, "SELECT "+workspaceColumns+" FROM workspaces w WHERE w.deleted_at IS NULL ORDER BY w.id LIMIT 1"))
	return w, orNotFound(err, "workspace")
}

// Workspaces lists the workspaces of the instance whose name holds the query or
// whose public id is the query.
func (d *DB) Workspaces(ctx context.Context, p Page) ([]access.Workspace, error) {
	q := workspaceQuery(p)
	tail := q.page("w.id", nil, p)
	var out []access.Workspace
	err := d.rows(ctx, list(&out, scanWorkspace), q.text(workspaceColumns, tail), q.args...)
	return out, err
}

// CountWorkspaces counts what Workspaces would list over all pages, up to
// CountMax + 1.
func (d *DB) CountWorkspaces(ctx context.Context, p Page) (int64, error) {
	return d.countUpTo(ctx, workspaceQuery(p), "w.id")
}

func workspaceQuery(p Page) query {
	q := query{from: " FROM workspaces w"}
	q.and("w.deleted_at IS NULL")
	if p.Query != "" {
		q.and(`(w.name LIKE ? ESCAPE '\' OR w.public_id = ?)`, "%"+likeText(p.Query)+"%", p.Query)
	}
	return q
}

// makeWorkspace creates a workspace with its unlimited purse.
func (t *Tx) makeWorkspace(by access.Actor, w access.Workspace) (access.Workspace, error) {
	if w.TimeZone == "" {
		w.TimeZone = "UTC"
	}
	w.GroupName, w.Brand, w.Version, w.CreatedAt = "default", "{}", 1, time.UnixMilli(t.now()).UTC()
	var err error
	// The two rows name each other; the purse gets its owner once that has a number.
	if w.PurseID, err = t.makePurse(access.Purse{Unlimited: true}, w.Location()); err != nil {
		return w, err
	}
	if w.ID, err = t.insert(`INSERT INTO workspaces (public_id, name, time_zone, group_name, purse_id, brand, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, w.PublicID, w.Name, w.TimeZone, w.GroupName, w.PurseID, w.Brand, ms(w.CreatedAt)); err != nil {
		return w, err
	}
	if _, err := t.exec("UPDATE purses SET workspace_id = $1 WHERE id = $2", w.ID, w.PurseID); err != nil {
		return w, err
	}
	return w, t.tell(by, event{w.ID, "workspace.create", object("workspace", w.PublicID, w.Name), map[string]any{"name": w.Name, "time_zone": w.TimeZone}})
}

func (t *Tx) workspace(id int64) (access.Workspace, error) {
	w, err := scanWorkspace(t.row("SELECT "+workspaceColumns+" FROM workspaces w WHERE w.id = $1 AND w.deleted_at IS NULL", id))
	return w, orNotFound(err, "workspace")
}

// MakeWorkspace creates a further workspace that a user owns.
func (d *DB) MakeWorkspace(ctx context.Context, by access.Actor, w access.Workspace, ownerPublicID string) (access.Workspace, error) {
	err := d.change(ctx, func(t *Tx) error {
		u, err := t.user(ownerPublicID)
		if err != nil {
			return err
		}
		if w, err = t.makeWorkspace(by, w); err != nil {
			return err
		}
		return t.addMember(by, w, u, access.Owner)
	})
	return w, err
}

// WorkspaceChange is an edit of a workspace. Nil leaves a field as it is.
type WorkspaceChange struct {
	Name, TimeZone, GroupName, Brand *string
	Quota                            QuotaChange // a cap on the workspace as a whole
	Version                          int64       // the version it was based on, 0: any
}

// EditWorkspace changes what c names. A group that does not exist is refused.
func (d *DB) EditWorkspace(ctx context.Context, by access.Actor, id int64, c WorkspaceChange) (access.Workspace, error) {
	var w access.Workspace
	err := d.change(ctx, func(t *Tx) error {
		old, err := t.workspace(id)
		if err != nil {
			return err
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		w = old
		set(&w.Name, c.Name)
		set(&w.TimeZone, c.TimeZone)
		set(&w.GroupName, c.GroupName)
		set(&w.Brand, c.Brand)
		w.Version++
		budget, err := t.purseFacts(w.PurseID)
		if err != nil {
			return err
		}
		if err := d.Ledger.setQuota(t, w.PurseID, c.Quota, w.Location()); err != nil {
			return err
		}
		t.after(func() { d.caches.workspaces.drop(id) })
		n, err := t.exec(`UPDATE workspaces SET name = $1, time_zone = $2, group_name = $3, brand = $4, version = version + 1
			WHERE id = $5 AND EXISTS (SELECT 1 FROM groups WHERE name = $3)`, w.Name, w.TimeZone, w.GroupName, w.Brand, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return access.Fail(access.Invalid, "group_unknown", "There is no group %q.", w.GroupName).At("group")
		}
		before, after := workspaceFacts(old), workspaceFacts(w)
		maps.Copy(before, budget)
		if budget, err = t.purseFacts(w.PurseID); err != nil {
			return err
		}
		maps.Copy(after, budget)
		return t.tell(by, event{id, "workspace.edit", object("workspace", w.PublicID, w.Name), changed(before, after)})
	})
	return w, err
}

func workspaceFacts(w access.Workspace) map[string]any {
	return map[string]any{"name": w.Name, "time_zone": w.TimeZone, "group": w.GroupName, "brand": w.Brand}
}

// DeleteWorkspace removes a workspace for every door: its API tokens and share
// links stop, its customers are signed out, its members lose it.
func (d *DB) DeleteWorkspace(ctx context.Context, by access.Actor, id int64) error {
	return d.change(ctx, func(t *Tx) error {
		if err := t.deleteWorkspace(by, id); err != nil {
			return err
		}
		_, err := t.exec("DELETE FROM members WHERE workspace_id = $1", id)
		return err
	})
}

func (t *Tx) deleteWorkspace(by access.Actor, id int64) error {
	w, err := t.workspace(id)
	if err != nil {
		return err
	}
	// What opens something goes in the same fact as the workspace itself.
	for _, text := range []string{
		"UPDATE workspaces SET deleted_at = $1, version = version + 1 WHERE id = $2",
		"UPDATE api_tokens SET deleted_at = $1, sealed = NULL, beta_sealed = NULL WHERE workspace_id = $2 AND deleted_at IS NULL",
		"UPDATE shares SET deleted_at = $1 WHERE workspace_id = $2 AND deleted_at IS NULL",
		"UPDATE customers SET deleted_at = $1, password_hash = '' WHERE workspace_id = $2 AND deleted_at IS NULL",
		"UPDATE bots SET deleted_at = $1 WHERE workspace_id = $2 AND deleted_at IS NULL",
		"UPDATE providers SET deleted_at = $1, key_sealed = NULL WHERE workspace_id = $2 AND deleted_at IS NULL",
		"UPDATE handovers SET opened_at = COALESCE(opened_at, $1), sealed = NULL WHERE workspace_id = $2",
	} {
		if _, err := t.exec(text, t.now(), id); err != nil {
			return err
		}
	}
	for _, text := range []string{
		`DELETE FROM secrets WHERE kind IN ('token', 'beta') AND subject_id IN (SELECT id FROM api_tokens WHERE workspace_id = $1)
			OR kind = 'share' AND subject_id IN (SELECT id FROM shares WHERE workspace_id = $1)
			OR kind = 'handover' AND subject_id IN (SELECT id FROM handovers WHERE workspace_id = $1)`,
		"DELETE FROM sessions WHERE kind = 'customer' AND subject_id IN (SELECT id FROM customers WHERE workspace_id = $1)",
		"DELETE FROM login_tokens WHERE kind = 'customer' AND subject_id IN (SELECT id FROM customers WHERE workspace_id = $1)",
		"UPDATE webhooks SET enabled = 0 WHERE workspace_id = $1",
		"UPDATE users SET home_workspace_id = NULL WHERE home_workspace_id = $1",
	} {
		if _, err := t.exec(text, id); err != nil {
			return err
		}
	}
	t.after(t.d.forgetAll)
	return t.tell(by, event{id, "workspace.delete", object("workspace", w.PublicID, w.Name), nil})
}

// forgetAll empties every cache that holds rows of workspaces.
func (d *DB) forgetAll() {
	c := d.caches
	c.secrets.dropAll()
	c.tokens.dropAll()
	c.workspaces.dropAll()
	c.bots.dropAll()
	c.shares.dropAll()
	c.customers.dropAll()
	c.providers.dropAll()
}

// WorkspacePurse returns the purse of a workspace as a whole.
func (d *DB) WorkspacePurse(ctx context.Context, w access.Workspace) (access.Purse, error) {
	p, err := scanPurse(d.row(ctx, "SELECT "+purseColumns+" FROM purses p WHERE p.workspace_id = $1 AND p.id = $2", w.ID, w.PurseID))
	d.Ledger.overlay(&p)
	return p, orNotFound(err, "quota")
}

// NavCounts are the numbers beside the entries of the menu.
type NavCounts struct {
	Tokens, Shares, Customers, Bots, Providers int64
}

// NavCounts reads them in one statement; three are kept in the workspace's row.
func (d *DB) NavCounts(ctx context.Context, workspaceID int64) (NavCounts, error) {
	var n NavCounts
	err := d.row(ctx, `SELECT w.token_count, w.share_count, w.customer_count,
		(SELECT COUNT(*) FROM bots b WHERE b.workspace_id = w.id AND b.deleted_at IS NULL),
		(SELECT COUNT(*) FROM providers p WHERE p.workspace_id = w.id AND p.deleted_at IS NULL)
		FROM workspaces w WHERE w.id = $1 AND w.deleted_at IS NULL`, workspaceID).
		Scan(&n.Tokens, &n.Shares, &n.Customers, &n.Bots, &n.Providers)
	return n, orNotFound(err, "workspace")
}
