package native

import (
	"context"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

type modelView struct {
	Name         string `json:"name"`
	UpstreamName string `json:"upstream_name"`
	Kind         string `json:"kind"`
	MaxOutput    int64  `json:"max_output"` // tokens of one answer, 0: not known
}

type providerView struct {
	ID          string      `json:"id"`
	WorkspaceID string      `json:"workspace_id"`
	Name        string      `json:"name"`
	BaseURL     string      `json:"base_url"`
	HasKey      bool        `json:"has_key"` // the key itself is never shown
	Models      []modelView `json:"models" note:""`
	Priority    int64       `json:"priority"`
	Enabled     bool        `json:"enabled"`
	Status      string      `json:"status"`
	PausedAt    *string     `json:"paused_at"`
	PauseReason *string     `json:"pause_reason"`
	Bots        int64       `json:"bots"`
	CreatedAt   *string     `json:"created_at"`
	Version     int64       `json:"version"`
}

func (s scene) provider(r db.ProviderRow) providerView {
	v := providerView{
		ID: r.PublicID, WorkspaceID: s.workspace.PublicID, Name: r.Name, BaseURL: r.BaseURL, HasKey: len(r.KeySealed) > 0,
		Models: make([]modelView, 0, len(r.Models)), Priority: r.Priority, Enabled: r.Enabled, Status: string(providerStatus(r)),
		PausedAt: at(r.PausedAt), PauseReason: orNull(r.PauseReason), Bots: r.Bots, CreatedAt: at(r.CreatedAt), Version: r.Version,
	}
	for _, m := range r.Models {
		v.Models = append(v.Models, modelView{Name: m.Name, UpstreamName: m.UpstreamName, Kind: string(m.Kind), MaxOutput: m.MaxOutput})
	}
	return v
}

func providerStatus(r db.ProviderRow) access.Status {
	switch {
	case !r.Enabled:
		return access.StatusDisabled
	case !r.PausedAt.IsZero():
		return access.StatusPaused
	}
	return access.StatusEnabled
}

// modelEntry is a model of a provider: its name, or an object.
type modelEntry access.Model

// UnmarshalJSON reads both forms.
func (m *modelEntry) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &m.Name)
	}
	var b struct {
		Name         string           `json:"name"`
		UpstreamName string           `json:"upstream_name"`
		Kind         access.ModelKind `json:"kind"`
		MaxOutput    int64            `json:"max_output"`
	}
	err := decode(text, &b)
	*m = modelEntry{Name: b.Name, UpstreamName: b.UpstreamName, Kind: b.Kind, MaxOutput: b.MaxOutput}
	return err
}

type providerBody struct {
	Name     Maybe[string]       `json:"name"`
	BaseURL  Maybe[string]       `json:"base_url"`
	APIKey   Maybe[string]       `json:"api_key"`
	Models   Maybe[[]modelEntry] `json:"models" note:""`
	Priority Maybe[int64]        `json:"priority"`
	Enabled  Maybe[bool]         `json:"enabled"`
}

type editProvider struct {
	providerBody
	Version Maybe[int64] `json:"version"`
}

func (b providerBody) form(r *reader) control.ProviderForm {
	f := control.ProviderForm{
		Name: take(r, b.Name, "name"), BaseURL: take(r, b.BaseURL, "base_url"), Key: takeOr(b.APIKey, ""),
		Priority: take(r, b.Priority, "priority"), Enabled: take(r, b.Enabled, "enabled"),
	}
	if entries := take(r, b.Models, "models"); entries != nil {
		models := make([]access.Model, 0, len(*entries))
		for _, m := range *entries {
			models = append(models, access.Model(m))
		}
		f.Models = &models
	}
	return f
}

// Providers serves GET providers, those to be tried first in front.
func (d *Door) Providers(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.StatusEnabled, access.StatusDisabled, access.StatusPaused))
	if err != nil {
		return err
	}
	s, err := d.scene(c.UserContext(), by)
	if err != nil {
		return err
	}
	found, err := d.Control.Providers(c.UserContext(), by)
	if err != nil {
		return err
	}
	all := make([]short, 0, len(found))
	for _, r := range found {
		all = append(all, short{r.Name, providerStatus(r), r.CreatedAt, s.provider(r)})
	}
	return whole(d, c, l, all)
}

// CreateProvider serves POST providers.
func (d *Door) CreateProvider(c *fiber.Ctx, by access.Actor) error {
	return create(d, c, by, func(ctx context.Context, b providerBody) (any, error) {
		var r reader
		f := b.form(&r)
		if err := r.err(); err != nil {
			return nil, err
		}
		row, err := d.Control.CreateProvider(ctx, by, f)
		return spelled(ctx, d, by, row, err, scene.provider)
	})
}

// Provider serves GET providers/{id}.
func (d *Door) Provider(c *fiber.Ctx, by access.Actor) error {
	row, err := d.Control.Provider(c.UserContext(), by, c.Params("id"))
	v, err := spelled(c.UserContext(), d, by, row, err, scene.provider)
	return show(c, v, err)
}

// EditProvider serves PATCH providers/{id}.
func (d *Door) EditProvider(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b editProvider) (any, error) {
		var r reader
		f := b.form(&r)
		f.Version = r.version(b.Version)
		if err := r.err(); err != nil {
			return nil, err
		}
		row, err := d.Control.EditProvider(ctx, by, c.Params("id"), f)
		return spelled(ctx, d, by, row, err, scene.provider)
	})
}

// DeleteProvider serves DELETE providers/{id}. A program has confirmed by asking.
func (d *Door) DeleteProvider(c *fiber.Ctx, by access.Actor) error {
	return gone(c, d.Control.DeleteProvider(c.UserContext(), by, c.Params("id"), true))
}

type testBody struct {
	Model Maybe[string] `json:"model"`
}

type checkView struct {
	OK          bool     `json:"ok"`
	Models      []string `json:"models" manual:"null" note:"What the provider lists; null: it has no list."`
	Model       *string  `json:"model"`
	Listed      bool     `json:"listed"`
	FirstByteMS *int64   `json:"first_byte_ms"`
	Sample      *string  `json:"sample"`
}

// TestProvider serves POST providers/{id}/test: it lists the provider's models
// and, where a model is named, asks it for one word. A provider that fails answers
// in the envelope of errors.
func (d *Door) TestProvider(c *fiber.Ctx, by access.Actor) error {
	return change(c, func(ctx context.Context, b testBody) (any, error) {
		found, err := d.Control.TestProvider(ctx, by, c.Params("id"), *takeOr(orAbsent(b.Model), ""))
		if err != nil {
			return nil, err
		}
		v := checkView{OK: true, Models: found.Models, Model: orNull(found.Model), Listed: found.Listed, Sample: orNull(found.Sample)}
		if found.Model != "" {
			ms := found.FirstByte.Milliseconds()
			v.FirstByteMS = &ms
		}
		return v, nil
	})
}

type offerView struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`  // as its name suggests
	Added bool   `json:"added"` // it is among the provider's models here
}

// ProviderModels serves GET providers/{id}/models: what the provider itself
// offers at this moment.
func (d *Door) ProviderModels(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, nil)
	if err != nil {
		return err
	}
	row, err := d.Control.Provider(c.UserContext(), by, c.Params("id"))
	if err != nil {
		return err
	}
	names, err := d.Control.FetchModels(c.UserContext(), by, c.Params("id"), control.ProviderForm{})
	if err != nil {
		return err
	}
	added := map[string]bool{}
	for _, m := range row.Models {
		added[m.UpstreamName] = true
	}
	all := make([]short, 0, len(names))
	for _, name := range names {
		all = append(all, short{name: name, view: offerView{Name: name, Kind: string(access.GuessKind(name)), Added: added[name]}})
	}
	return whole(d, c, l, all)
}
