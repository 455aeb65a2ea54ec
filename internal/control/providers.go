package control

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
	"latchkey/internal/upstream"
)

// Limits of a provider's fields.
const (
	ProviderModelsMax = 1000 // models of one provider
	ModelNameMax      = 200  // characters of a model's name
	ProviderKeyMax    = 4096 // characters of an upstream key
	PriorityMax       = 1_000_000
)

// ProviderForm is what a door sends to create or edit a provider. Nil leaves a
// field as it is, or at its default when creating.
type ProviderForm struct {
	Name, BaseURL *string
	Key           *string // write-only: nil keeps it, "" forgets it
	Models        *[]access.Model
	Priority      *int64
	Enabled       *bool
	AllowPrivate  bool // an instance admin confirmed that the private host may be listed
	SetUp         bool // the first run: the demo model may be chosen
	Version       int64
}

func providerPlace(publicID string) secret.Place {
	return secret.Place{Table: "providers", Row: publicID, Column: "key_sealed"}
}

// Provider returns one of the workspace's providers.
func (c *Control) Provider(ctx context.Context, by access.Actor, publicID string) (db.ProviderRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return db.ProviderRow{}, err
	}
	return c.DB.Provider(ctx, by.WorkspaceID, publicID)
}

// Providers lists the workspace's providers, those to be tried first in front.
func (c *Control) Providers(ctx context.Context, by access.Actor) ([]db.ProviderRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	return c.DB.Providers(ctx, by.WorkspaceID)
}

// CreateProvider connects an OpenAI-compatible endpoint. It asks the endpoint
// nothing: TestProvider and FetchModels do.
func (c *Control) CreateProvider(ctx context.Context, by access.Actor, f ProviderForm) (db.ProviderRow, error) {
	if err := by.Must(access.ChangeProviders); err != nil {
		return db.ProviderRow{}, err
	}
	p := access.Provider{PublicID: secret.NewPublicID(c.Random), WorkspaceID: by.WorkspaceID, Enabled: true}
	change, err := c.checkProvider(ctx, by, f, p, true)
	if err != nil {
		return db.ProviderRow{}, err
	}
	p.Name, p.BaseURL, p.Priority = *change.Name, *change.BaseURL, deref(f.Priority)
	p.Models, p.KeySealed = deref(change.Models), deref(change.KeySealed)
	if f.Enabled != nil {
		p.Enabled = *f.Enabled
	}
	if p, err = c.DB.MakeProvider(ctx, by, p); err != nil {
		return db.ProviderRow{}, err
	}
	return c.DB.Provider(ctx, by.WorkspaceID, p.PublicID)
}

// EditProvider changes the fields that the form names. An address of another host
// takes a key along only when the key is entered again.
func (c *Control) EditProvider(ctx context.Context, by access.Actor, publicID string, f ProviderForm) (db.ProviderRow, error) {
	if err := by.Must(access.ChangeProviders); err != nil {
		return db.ProviderRow{}, err
	}
	old, err := c.DB.Provider(ctx, by.WorkspaceID, publicID)
	if err != nil {
		return db.ProviderRow{}, err
	}
	change, err := c.checkProvider(ctx, by, f, old.Provider, false)
	if err != nil {
		return db.ProviderRow{}, err
	}
	if change.Version == 0 && change.BaseURL != nil {
		// What was checked about address and key together must still hold.
		change.Version = old.Version
	}
	if err := c.DB.EditProvider(ctx, by, by.WorkspaceID, publicID, change); err != nil {
		return db.ProviderRow{}, err
	}
	return c.DB.Provider(ctx, by.WorkspaceID, publicID)
}

// checkProvider checks every field that was sent and reports all that is wrong.
func (c *Control) checkProvider(ctx context.Context, by access.Actor, f ProviderForm, old access.Provider, creating bool) (db.ProviderChange, error) {
	change := db.ProviderChange{Priority: f.Priority, Enabled: f.Enabled, Version: f.Version}
	var wrong []error
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if f.Name != nil || creating {
		name, err := checkName(deref(f.Name), "name")
		note(err)
		change.Name = &name
	}
	if f.Key != nil {
		sealed, err := c.sealProviderKey(old.PublicID, *f.Key)
		note(err)
		change.KeySealed = &sealed
	}
	if f.Models != nil {
		models, err := checkModels(*f.Models)
		note(err)
		change.Models = &models
	}
	if p := f.Priority; p != nil && (*p < -PriorityMax || *p > PriorityMax) {
		note(access.Fail(access.Invalid, "priority_range", "A priority is a whole number from %d to %d.", -PriorityMax, PriorityMax).At("priority"))
	}
	if f.BaseURL != nil || creating {
		// Last: a form that is refused for another reason lists no host.
		f.AllowPrivate = f.AllowPrivate && len(wrong) == 0
		address, err := c.checkProviderURL(ctx, by, f, old)
		note(err)
		change.BaseURL = &address
	}
	return change, errors.Join(wrong...)
}

func (c *Control) checkProviderURL(ctx context.Context, by access.Actor, f ProviderForm, old access.Provider) (string, error) {
	demo := f.SetUp || old.BaseURL == upstream.DemoURL
	address, err := c.checkBaseURL(ctx, by, deref(f.BaseURL), f.AllowPrivate, demo)
	if err == nil && f.Key == nil && old.KeySealed != nil && !sameOrigin(address, old.BaseURL) {
		err = access.Fail(access.Invalid, "provider_key_again",
			"This address is another server's. Enter the key again: the stored one is never sent to a server it was not entered for.").At("api_key")
	}
	return address, err
}

func sameOrigin(a, b string) bool {
	one, err := url.Parse(a)
	other, err2 := url.Parse(b)
	return err == nil && err2 == nil && one.Scheme == other.Scheme && one.Host == other.Host
}

// checkKey refuses a key that no header could carry. It returns the key trimmed.
func checkKey(key string) (string, error) {
	key = strings.TrimSpace(key)
	if len(key) > ProviderKeyMax || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", access.Fail(access.Invalid, "provider_key_characters",
			"A key holds letters, digits and signs only, at most %d of them: look for spaces or line breaks inside.", ProviderKeyMax).At("api_key")
	}
	return key, nil
}

func (c *Control) sealProviderKey(publicID, key string) ([]byte, error) {
	key, err := checkKey(key)
	if err != nil || key == "" {
		return nil, err
	}
	return c.Keys.Seal(providerPlace(publicID), []byte(key))
}

// checkModels fills in what a short entry leaves out and refuses what cannot be
// called.
func checkModels(models []access.Model) ([]access.Model, error) {
	if len(models) > ProviderModelsMax {
		return nil, access.Fail(access.Invalid, "provider_models_too_many", "A provider has at most %d models here.", ProviderModelsMax).At("models")
	}
	out := make([]access.Model, 0, len(models))
	seen := map[string]bool{}
	for _, m := range models {
		m.Name, m.UpstreamName = strings.TrimSpace(m.Name), strings.TrimSpace(m.UpstreamName)
		if m.UpstreamName == "" {
			m.UpstreamName = m.Name
		}
		if m.Kind == "" {
			m.Kind = access.GuessKind(m.UpstreamName)
		}
		if err := checkModel(m); err != nil {
			return nil, err.At("models")
		}
		if seen[m.Name] {
			return nil, access.Fail(access.Invalid, "model_twice", "The model %s is listed twice.", m.Name).At("models")
		}
		seen[m.Name] = true
		out = append(out, m)
	}
	return out, nil
}

func checkModel(m access.Model) *access.Error {
	switch {
	case m.Name == "" || len([]rune(m.Name)) > ModelNameMax || len([]rune(m.UpstreamName)) > ModelNameMax ||
		!plain(m.Name+m.UpstreamName, false):
		return access.Fail(access.Invalid, "model_name", "A model's name has 1 to %d characters and no line breaks.", ModelNameMax)
	case strings.HasPrefix(m.Name, "bot:"):
		return access.Fail(access.Invalid, "model_name_reserved", "%s cannot be a model's name: names that start with bot: are the bots'.", m.Name)
	case m.Kind != access.ChatModel && m.Kind != access.EmbeddingModel:
		return access.Fail(access.Invalid, "model_kind", "The model %s is of kind chat or embedding.", m.Name)
	case m.MaxOutput < 0 || m.MaxOutput > access.UnitsMax:
		return access.Fail(access.Invalid, "model_max_output", "The most that %s may answer is a whole number of tokens, 0 for unknown.", m.Name)
	}
	return nil
}

// EnableProvider lets calls go to a disabled provider again.
func (c *Control) EnableProvider(ctx context.Context, by access.Actor, publicID string) error {
	return c.setProviderEnabled(ctx, by, publicID, true)
}

// DisableProvider stops calls to a provider until EnableProvider.
func (c *Control) DisableProvider(ctx context.Context, by access.Actor, publicID string) error {
	return c.setProviderEnabled(ctx, by, publicID, false)
}

func (c *Control) setProviderEnabled(ctx context.Context, by access.Actor, publicID string, enabled bool) error {
	if err := by.Must(access.ChangeProviders); err != nil {
		return err
	}
	return c.DB.SetProviderEnabled(ctx, by, by.WorkspaceID, publicID, enabled)
}

// ResumeProvider ends the pause of a provider that had refused its key.
func (c *Control) ResumeProvider(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeProviders); err != nil {
		return err
	}
	return c.DB.ResumeProvider(ctx, by, by.WorkspaceID, publicID)
}

// DeleteProvider removes a provider and its key. While bots ask it, it is refused
// with their number unless confirmed.
func (c *Control) DeleteProvider(ctx context.Context, by access.Actor, publicID string, confirmed bool) error {
	if err := by.Must(access.ChangeProviders); err != nil {
		return err
	}
	return c.DB.DeleteProvider(ctx, by, by.WorkspaceID, publicID, confirmed)
}
