package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"latchkey/internal/access"
)

// DefaultGroup is the group of every workspace that was given no other. It is
// never renamed, disabled or deleted.
const DefaultGroup = "default"

const groupColumns = "g.id, g.public_id, g.name, g.ratio_ppm, g.rpm, g.tpm, g.models, g.description, g.enabled, g.created_at, g.version"

// groupScan holds what stands in the row in another spelling than in the noun.
type groupScan struct {
	access.Group
	models  sql.NullString
	created moment
}

func (g *groupScan) fields() []any {
	return []any{
		&g.ID, &g.PublicID, &g.Name, &g.RatioPPM, &g.RPM, &g.TPM, &g.models, &g.Description, &g.Enabled, &g.created, &g.Version,
	}
}

func (g *groupScan) group() (access.Group, error) {
	g.CreatedAt, g.AllModels = g.created.Time, !g.models.Valid
	if g.AllModels {
		return g.Group, nil
	}
	err := json.Unmarshal([]byte(g.models.String), &g.Models)
	return g.Group, err
}

func scanGroup(s scanner) (access.Group, error) {
	var g groupScan
	if err := s.Scan(g.fields()...); err != nil {
		return g.Group, err
	}
	return g.group()
}

// GroupRow is a group with what it reaches.
type GroupRow struct {
	access.Group
	Tokens     int64 // API tokens that name it
	Workspaces int64 // whose tokens it is when they name none
}

const groupRows = "SELECT " + groupColumns + `, COALESCE(k.n, 0), COALESCE(w.n, 0) FROM groups g
	LEFT JOIN (SELECT group_name, COUNT(*) AS n FROM api_tokens WHERE deleted_at IS NULL AND group_name <> '' GROUP BY group_name) k ON k.group_name = g.name
	LEFT JOIN (SELECT group_name, COUNT(*) AS n FROM workspaces WHERE deleted_at IS NULL GROUP BY group_name) w ON w.group_name = g.name`

func scanGroupRow(s scanner) (GroupRow, error) {
	var g groupScan
	var r GroupRow
	err := s.Scan(append(g.fields(), &r.Tokens, &r.Workspaces)...)
	if err != nil {
		return r, err
	}
	r.Group, err = g.group()
	return r, err
}

// FindGroup returns a group by its name. It is cached.
func (d *DB) FindGroup(ctx context.Context, name string) (access.Group, error) {
	return d.caches.groups.get(name, func() (access.Group, error) {
		g, err := scanGroup(d.row(ctx, "SELECT "+groupColumns+" FROM groups g WHERE g.name = $1", name))
		return g, orNotFound(err, "group")
	})
}

// Groups lists the groups of the instance, oldest first.
func (d *DB) Groups(ctx context.Context) ([]GroupRow, error) {
	var out []GroupRow
	err := d.rows(ctx, list(&out, scanGroupRow), groupRows+" ORDER BY g.id")
	return out, err
}

// GroupNames lists the names of the enabled groups, oldest first.
func (d *DB) GroupNames(ctx context.Context) ([]string, error) {
	var out []string
	err := d.rows(ctx, list(&out, func(s scanner) (name string, err error) { return name, s.Scan(&name) }),
		"SELECT name FROM groups WHERE enabled = 1 ORDER BY id")
	return out, err
}

// Group returns a group by its public id.
func (d *DB) Group(ctx context.Context, publicID string) (GroupRow, error) {
	r, err := scanGroupRow(d.row(ctx, groupRows+" WHERE g.public_id = $1", publicID))
	return r, orNotFound(err, "group")
}

// MakeGroup adds a group. A name that is taken is a Conflict.
func (d *DB) MakeGroup(ctx context.Context, by access.Actor, g access.Group) (access.Group, error) {
	err := d.change(ctx, func(t *Tx) error {
		models, err := groupModels(g)
		if err != nil {
			return err
		}
		g.CreatedAt, g.Version = time.UnixMilli(t.now()).UTC(), 1
		g.ID, err = t.insert(`INSERT INTO groups (public_id, name, ratio_ppm, rpm, tpm, models, description, enabled, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			g.PublicID, g.Name, g.RatioPPM, g.RPM, g.TPM, models, g.Description, flag(g.Enabled), ms(g.CreatedAt))
		if err != nil {
			return groupTaken(err)
		}
		t.after(func() { d.caches.groups.drop(g.Name) })
		return t.tell(by, event{0, "group.create", object("group", g.PublicID, g.Name), groupFacts(g)})
	})
	return g, err
}

// groupModels spells a model list; NULL is all.
func groupModels(g access.Group) (any, error) {
	if g.AllModels {
		return nil, nil
	}
	b, err := json.Marshal(nonNil(g.Models))
	return string(b), err
}

func groupTaken(err error) error {
	if columns, taken := isTaken(err); taken && strings.Contains(columns, "groups.name") {
		return access.Fail(access.Conflict, "group_taken", "There is a group of this name already. Choose another.").At("name")
	}
	return err
}

func groupFacts(g access.Group) map[string]any {
	m := map[string]any{
		"name": g.Name, "ratio_ppm": g.RatioPPM, "rpm": g.RPM, "tpm": g.TPM, "description": g.Description, "enabled": g.Enabled,
		"models": "all",
	}
	if !g.AllModels {
		m["models"] = g.Models
	}
	return m
}

// GroupChange is an admin's edit of a group. Nil leaves a field as it is.
type GroupChange struct {
	Name, Description  *string
	RatioPPM, RPM, TPM *int64
	Models             *[]string
	AllModels          *bool
	Enabled            *bool
	Version            int64 // the version it was based on, 0: any
}

// EditGroup changes what c names. A group in use keeps its name, and the default
// one keeps its name and stays enabled.
func (d *DB) EditGroup(ctx context.Context, by access.Actor, publicID string, c GroupChange) error {
	return d.change(ctx, func(t *Tx) error {
		old, err := scanGroupRow(t.row(groupRows+" WHERE g.public_id = $1", publicID))
		if err != nil {
			return orNotFound(err, "group")
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		g := old.Group
		set(&g.Name, c.Name)
		set(&g.Description, c.Description)
		set(&g.RatioPPM, c.RatioPPM)
		set(&g.RPM, c.RPM)
		set(&g.TPM, c.TPM)
		set(&g.Models, c.Models)
		set(&g.AllModels, c.AllModels)
		set(&g.Enabled, c.Enabled)
		switch {
		case old.Name == DefaultGroup && (g.Name != old.Name || !g.Enabled):
			return defaultGroup()
		case g.Name != old.Name && old.Tokens+old.Workspaces > 0:
			return groupInUse(old, "group_in_use_name", "%d API tokens and %d workspaces use this group by its name, so it keeps it.").At("name")
		}
		models, err := groupModels(g)
		if err != nil {
			return err
		}
		t.after(func() { d.caches.groups.drop(old.Name); d.caches.groups.drop(g.Name) })
		if _, err := t.exec(`UPDATE groups SET name = $1, ratio_ppm = $2, rpm = $3, tpm = $4, models = $5, description = $6, enabled = $7,
			version = version + 1 WHERE id = $8`,
			g.Name, g.RatioPPM, g.RPM, g.TPM, models, g.Description, flag(g.Enabled), g.ID); err != nil {
			return groupTaken(err)
		}
		return t.tell(by, event{0, "group.edit", object("group", g.PublicID, g.Name), changed(groupFacts(old.Group), groupFacts(g))})
	})
}

func defaultGroup() *access.Error {
	return access.Fail(access.Conflict, "group_default", "The group %q is where everything starts: it is never renamed, disabled or deleted.", DefaultGroup)
}

func groupInUse(r GroupRow, code, text string) *access.Error {
	return access.Fail(access.Conflict, code, text, r.Tokens, r.Workspaces)
}

// DeleteGroup removes a group that nothing uses.
func (d *DB) DeleteGroup(ctx context.Context, by access.Actor, publicID string) error {
	return d.change(ctx, func(t *Tx) error {
		r, err := scanGroupRow(t.row(groupRows+" WHERE g.public_id = $1", publicID))
		if err != nil {
			return orNotFound(err, "group")
		}
		switch {
		case r.Name == DefaultGroup:
			return defaultGroup()
		case r.Tokens+r.Workspaces > 0:
			return groupInUse(r, "group_in_use", "%d API tokens and %d workspaces use this group. Give them another one first.")
		}
		// A deleted workspace still points at its group; it needs none any more.
		if _, err := t.exec("UPDATE workspaces SET group_name = $1 WHERE group_name = $2 AND deleted_at IS NOT NULL", DefaultGroup, r.Name); err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM groups WHERE id = $1", r.ID); err != nil {
			return err
		}
		t.after(func() { d.caches.groups.drop(r.Name) })
		return t.tell(by, event{0, "group.delete", object("group", r.PublicID, r.Name), groupFacts(r.Group)})
	})
}
