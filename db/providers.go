package db

import (
	"context"
	"slices"
	"strings"

	"latchkey/internal/access"
)

// ProvidersMax is how many providers a workspace may have.
const ProvidersMax = 200

const providerColumns = `r.id, r.public_id, r.workspace_id, r.name, r.base_url, r.key_sealed, r.priority, r.enabled, r.paused_at,
	r.pause_reason, r.created_at, r.version, r.deleted_at IS NOT NULL`

// providerReturning spells the columns without the alias, which RETURNING does not know.
var providerReturning = " RETURNING " + strings.ReplaceAll(providerColumns, "r.", "")

func scanProvider(s scanner) (access.Provider, error) {
	var r access.Provider
	var paused, created moment
	err := s.Scan(&r.ID, &r.PublicID, &r.WorkspaceID, &r.Name, &r.BaseURL, &r.KeySealed, &r.Priority, &r.Enabled, &paused,
		&r.PauseReason, &created, &r.Version, &r.Deleted)
	r.PausedAt, r.CreatedAt = paused.Time, created.Time
	return r, err
}

// modelsOf reads the models of a workspace's live providers, by provider.
const modelsOf = `SELECT m.provider_id, m.name, m.upstream_name, m.kind, m.max_output FROM provider_models m
	WHERE m.workspace_id = $1 ORDER BY m.provider_id, m.name`

func scanModels(into map[int64][]access.Model) func(scanner) error {
	return func(s scanner) error {
		var id int64
		var m access.Model
		err := s.Scan(&id, &m.Name, &m.UpstreamName, &m.Kind, &m.MaxOutput)
		into[id] = append(into[id], m)
		return err
	}
}

// FindProviders returns a workspace's live providers with their models, those to
// be tried first in front. It is cached: nobody changes what it returns.
func (d *DB) FindProviders(ctx context.Context, workspaceID int64) ([]access.Provider, error) {
	return d.caches.providers.get(workspaceID, func() ([]access.Provider, error) {
		// Models first: a provider deleted in between is then merely missing.
		models := map[int64][]access.Model{}
		if err := d.rows(ctx, scanModels(models), modelsOf, workspaceID); err != nil {
			return nil, err
		}
		var out []access.Provider
		err := d.rows(ctx, list(&out, scanProvider), "SELECT "+providerColumns+` FROM providers r
			WHERE r.workspace_id = $1 AND r.deleted_at IS NULL ORDER BY r.priority DESC, r.id`, workspaceID)
		for i := range out {
			out[i].Models = models[out[i].ID]
		}
		return out, err
	})
}

// ProviderRow is a provider with what a list shows beside it.
type ProviderRow struct {
	access.Provider
	Bots int64 // live bots whose own provider it is
}

// Providers lists a workspace's providers, those to be tried first in front.
func (d *DB) Providers(ctx context.Context, workspaceID int64) ([]ProviderRow, error) {
	providers, err := d.FindProviders(ctx, workspaceID)
	if err != nil {
		return nil, err
	}
	bots := map[int64]int64{}
	err = d.rows(ctx, func(s scanner) error {
		var id, n int64
		err := s.Scan(&id, &n)
		bots[id] = n
		return err
	}, "SELECT provider_id, COUNT(*) FROM bots WHERE workspace_id = $1 AND deleted_at IS NULL GROUP BY provider_id", workspaceID)
	out := make([]ProviderRow, 0, len(providers))
	for _, p := range providers {
		p.Models = slices.Clone(p.Models)
		out = append(out, ProviderRow{Provider: p, Bots: bots[p.ID]})
	}
	return out, err
}

// Provider returns one of a workspace's providers by its public id.
func (d *DB) Provider(ctx context.Context, workspaceID int64, publicID string) (ProviderRow, error) {
	rows, err := d.Providers(ctx, workspaceID)
	if err != nil {
		return ProviderRow{}, err
	}
	if i := slices.IndexFunc(rows, func(r ProviderRow) bool { return r.PublicID == publicID }); i >= 0 {
		return rows[i], nil
	}
	return ProviderRow{}, notFound("provider")
}

// provider reads a live provider with its models inside a change.
func (t *Tx) provider(workspaceID int64, publicID string) (access.Provider, error) {
	p, err := scanProvider(t.row("SELECT "+providerColumns+` FROM providers r
		WHERE r.workspace_id = $1 AND r.public_id = $2 AND r.deleted_at IS NULL`, workspaceID, publicID))
	if err != nil {
		return p, orNotFound(err, "provider")
	}
	models := map[int64][]access.Model{}
	err = t.rows(scanModels(models), `SELECT m.provider_id, m.name, m.upstream_name, m.kind, m.max_output FROM provider_models m
		WHERE m.provider_id = $1 AND m.workspace_id = $2 ORDER BY m.name`, p.ID, workspaceID)
	p.Models = models[p.ID]
	return p, err
}

// SetProviderPaused stops calls to a provider until its owner acts: its key was
// refused, so no call would do better. p is the provider as it was asked: when
// its owner has changed it since, or it is paused already, nothing happens.
func (d *DB) SetProviderPaused(ctx context.Context, by access.Actor, p access.Provider, reason string) error {
	return d.change(ctx, func(t *Tx) error {
		n, err := t.exec(`UPDATE providers SET paused_at = $1, pause_reason = $2
			WHERE workspace_id = $3 AND id = $4 AND version = $5 AND paused_at IS NULL AND deleted_at IS NULL`,
			t.now(), reason, p.WorkspaceID, p.ID, p.Version)
		if err != nil || n == 0 {
			return err
		}
		t.after(func() { d.caches.providers.drop(p.WorkspaceID) })
		return t.tell(by, event{p.WorkspaceID, "provider.pause", object("provider", p.PublicID, p.Name), map[string]any{"reason": reason}})
	})
}

// providerVerb runs one statement that returns the provider, and tells it.
func (d *DB) providerVerb(ctx context.Context, by access.Actor, workspaceID int64, action, text string, args ...any) error {
	return d.change(ctx, func(t *Tx) error {
		p, err := scanProvider(t.row(text, args...))
		if err != nil {
			return orNotFound(err, "provider")
		}
		t.after(func() { d.caches.providers.drop(workspaceID) })
		return t.tell(by, event{workspaceID, action, object("provider", p.PublicID, p.Name), nil})
	})
}

// ResumeProvider lets calls go to a paused provider again.
func (d *DB) ResumeProvider(ctx context.Context, by access.Actor, workspaceID int64, publicID string) error {
	return d.providerVerb(ctx, by, workspaceID, "provider.resume", `UPDATE providers SET paused_at = NULL, pause_reason = ''
		WHERE workspace_id = $1 AND public_id = $2 AND deleted_at IS NULL`+providerReturning, workspaceID, publicID)
}

// SetProviderEnabled disables a provider, or enables it again.
func (d *DB) SetProviderEnabled(ctx context.Context, by access.Actor, workspaceID int64, publicID string, enabled bool) error {
	action := "provider.disable"
	if enabled {
		action = "provider.enable"
	}
	return d.providerVerb(ctx, by, workspaceID, action, `UPDATE providers SET enabled = $1, version = version + 1
		WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL`+providerReturning, flag(enabled), workspaceID, publicID)
}

// DeleteProvider removes a provider and forgets its key. While bots ask it, it is
// refused unless confirmed; those bots then ask whichever other provider of the
// workspace lists their model, or nobody.
func (d *DB) DeleteProvider(ctx context.Context, by access.Actor, workspaceID int64, publicID string, confirmed bool) error {
	return d.change(ctx, func(t *Tx) error {
		p, err := scanProvider(t.row(`UPDATE providers SET deleted_at = $1, key_sealed = NULL
			WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL`+providerReturning, t.now(), workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "provider")
		}
		var bots int64
		if err := t.row("SELECT COUNT(*) FROM bots WHERE workspace_id = $1 AND provider_id = $2 AND deleted_at IS NULL",
			workspaceID, p.ID).Scan(&bots); err != nil {
			return err
		}
		if bots > 0 && !confirmed {
			return access.Fail(access.Conflict, "provider_in_use",
				"%d bots ask this provider and would have to do without it. Confirm to delete it all the same.", bots)
		}
		t.after(func() { d.caches.providers.drop(workspaceID) })
		if _, err := t.exec("DELETE FROM provider_models WHERE provider_id = $1 AND workspace_id = $2", p.ID, workspaceID); err != nil {
			return err
		}
		return t.tell(by, event{workspaceID, "provider.delete", object("provider", p.PublicID, p.Name), map[string]any{"bots": bots}})
	})
}
