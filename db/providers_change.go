package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"latchkey/internal/access"
)

// MakeProvider connects a provider with its models. A name that is taken is a
// Conflict.
func (d *DB) MakeProvider(ctx context.Context, by access.Actor, p access.Provider) (access.Provider, error) {
	err := d.change(ctx, func(t *Tx) error {
		p.CreatedAt, p.Version = time.UnixMilli(t.now()).UTC(), 1
		err := t.row(`INSERT INTO providers (public_id, workspace_id, name, base_url, key_sealed, priority, enabled, created_at)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8
			WHERE (SELECT COUNT(*) FROM providers WHERE workspace_id = $2 AND deleted_at IS NULL) < $9 RETURNING id`,
			p.PublicID, p.WorkspaceID, p.Name, p.BaseURL, p.KeySealed, p.Priority, flag(p.Enabled), ms(p.CreatedAt), ProvidersMax).Scan(&p.ID)
		if err != nil {
			return providerTaken(err)
		}
		if err := t.replaceModels(p); err != nil {
			return err
		}
		t.after(func() { d.caches.providers.drop(p.WorkspaceID) })
		return t.tell(by, event{p.WorkspaceID, "provider.create", object("provider", p.PublicID, p.Name), providerFacts(p)})
	})
	return p, err
}

// providerTaken recognises a name that is taken and a workspace that is full
// (nothing was written).
func providerTaken(err error) error {
	if columns, taken := isTaken(err); taken && strings.Contains(columns, "providers.name") {
		return access.Fail(access.Conflict, "provider_taken", "A provider of this workspace has this name already. Choose another.").At("name")
	}
	if errors.Is(err, sql.ErrNoRows) {
		return access.Fail(access.Invalid, "providers_too_many", "A workspace has at most %d providers.", ProvidersMax)
	}
	return err
}

func (t *Tx) replaceModels(p access.Provider) error {
	if _, err := t.exec("DELETE FROM provider_models WHERE provider_id = $1 AND workspace_id = $2", p.ID, p.WorkspaceID); err != nil {
		return err
	}
	for _, m := range p.Models {
		if _, err := t.exec(`INSERT INTO provider_models (provider_id, workspace_id, name, upstream_name, kind, max_output)
			VALUES ($1, $2, $3, $4, $5, $6)`, p.ID, p.WorkspaceID, m.Name, m.UpstreamName, m.Kind, m.MaxOutput); err != nil {
			return err
		}
	}
	return nil
}

// providerFacts is what the audit log keeps of a provider: never its key.
func providerFacts(p access.Provider) map[string]any {
	models := make([]string, 0, len(p.Models))
	for _, m := range p.Models {
		if m.UpstreamName != m.Name {
			models = append(models, m.Name+" → "+m.UpstreamName)
		} else {
			models = append(models, m.Name)
		}
	}
	return map[string]any{
		"name": p.Name, "base_url": p.BaseURL, "has_key": p.KeySealed != nil, "priority": p.Priority, "enabled": p.Enabled,
		"models": models, "paused": !p.PausedAt.IsZero(),
	}
}

// ProviderChange is an owner's edit of a provider. Nil leaves a field as it is;
// an empty KeySealed forgets the key.
type ProviderChange struct {
	Name, BaseURL *string
	KeySealed     *[]byte
	Priority      *int64
	Enabled       *bool
	Models        *[]access.Model
	Version       int64 // the version it was based on, 0: any
}

// EditProvider changes what c names, its models in the same fact. A new key or
// another address ends a pause: both are what the pause asked for. A change that
// leads a stored key to an address it was not given for is the caller's to refuse.
func (d *DB) EditProvider(ctx context.Context, by access.Actor, workspaceID int64, publicID string, c ProviderChange) error {
	return d.change(ctx, func(t *Tx) error {
		old, err := t.provider(workspaceID, publicID)
		if err != nil {
			return err
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		p := old
		set(&p.Name, c.Name)
		set(&p.BaseURL, c.BaseURL)
		set(&p.KeySealed, c.KeySealed)
		set(&p.Priority, c.Priority)
		set(&p.Enabled, c.Enabled)
		if len(p.KeySealed) == 0 {
			p.KeySealed = nil
		}
		if c.KeySealed != nil || p.BaseURL != old.BaseURL {
			p.PausedAt, p.PauseReason = time.Time{}, ""
		}
		t.after(func() { d.caches.providers.drop(workspaceID) })
		if _, err := t.exec(`UPDATE providers SET name = $1, base_url = $2, key_sealed = $3, priority = $4, enabled = $5,
			paused_at = $6, pause_reason = $7, version = version + 1 WHERE workspace_id = $8 AND id = $9`,
			p.Name, p.BaseURL, p.KeySealed, p.Priority, flag(p.Enabled), ms(p.PausedAt), p.PauseReason, workspaceID, p.ID); err != nil {
			return providerTaken(err)
		}
		if c.Models != nil {
			p.Models = *c.Models
			if err := t.replaceModels(p); err != nil {
				return err
			}
		}
		before, after := providerFacts(old), providerFacts(p)
		if c.KeySealed != nil {
			after["key"] = "replaced"
		}
		return t.tell(by, event{workspaceID, "provider.edit", object("provider", p.PublicID, p.Name), changed(before, after)})
	})
}
