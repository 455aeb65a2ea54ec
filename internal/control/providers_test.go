package control

import (
	"context"
	"slices"
	"strings"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

// connect gives the office a client that may reach the faulty provider.
func (o *office) connect(s *faulty.Server) {
	o.Upstream = upstream.New(upstream.Settings{PrivateHosts: s.Private, Now: o.now})
	o.t.Cleanup(o.Upstream.Close)
	o.Settings.PrivateHosts = s.Private()
}

// admin is the owner as an instance admin.
func (o *office) admin() access.Actor {
	by := o.owner
	by.IsAdmin = true
	return by
}

func TestProviderPermissions(t *testing.T) {
	o := newOffice(t)
	p, err := o.CreateProvider(t.Context(), o.owner, ProviderForm{Name: ptr("Acme"), BaseURL: ptr("https://api.acme.example")})
	o.must(err)
	with := func(do func(context.Context, access.Actor, string) error) func(context.Context, access.Actor) error {
		return func(ctx context.Context, by access.Actor) error { return do(ctx, by, p.PublicID) }
	}
	o.matrix([]act{
		{"see", with(func(ctx context.Context, by access.Actor, id string) error {
			_, err := o.Provider(ctx, by, id)
			return err
		}), access.SeeLists},
		{"edit", with(func(ctx context.Context, by access.Actor, id string) error {
			_, err := o.EditProvider(ctx, by, id, ProviderForm{Priority: ptr[int64](1)})
			return err
		}), access.ChangeProviders},
		{"enable", with(o.EnableProvider), access.ChangeProviders},
		{"disable", with(o.DisableProvider), access.ChangeProviders},
		{"resume", with(o.ResumeProvider), access.ChangeProviders},
		{"fetch", with(func(ctx context.Context, by access.Actor, id string) error {
			_, err := o.FetchModels(ctx, by, id, ProviderForm{BaseURL: ptr("no address")})
			return err
		}), access.ChangeProviders},
	})
	for _, by := range []access.Actor{o.as(access.Editor), o.as(access.Viewer), o.token("manage"), {}} {
		if _, err := o.CreateProvider(t.Context(), by, ProviderForm{}); access.KindOf(err) != access.Forbidden && access.KindOf(err) != access.SignedOut {
			t.Errorf("created as %s %v: %v", by.Role, by.Permissions, err)
		}
		if err := o.DeleteProvider(t.Context(), by, p.PublicID, true); access.KindOf(err) != access.Forbidden && access.KindOf(err) != access.SignedOut {
			t.Errorf("deleted as %s %v: %v", by.Role, by.Permissions, err)
		}
	}
	o.refused(o.DeleteProvider(t.Context(), o.neighbour, p.PublicID, true), "not_found")
	o.must(o.DeleteProvider(t.Context(), o.token("admin"), p.PublicID, false))
}

func TestProviderAddresses(t *testing.T) {
	o := newOffice(t)
	for raw, code := range map[string]string{
		"https://api.acme.example/v1/":            "",
		"ftp://api.acme.example":                  "provider_url_scheme_unknown",
		"https://key@api.acme.example":            "provider_url_user",
		"https://api.acme.example/v1?key=1":       "provider_url_query",
		"https://api.acme.example:25":             "provider_url_port",
		"http://api.acme.example":                 "provider_url_scheme",
		"https://10.0.0.7":                        "provider_url_private",
		"https://localhost:8000":                  "provider_url_private",
		"http://169.254.169.254/latest":           "provider_url_metadata",
		"https://metadata.google.internal":        "provider_url_metadata",
		"api.acme.example":                        "provider_url_scheme_unknown",
		"https://api.acme.example/v1/completions": "",
		"demo:": "provider_demo_closed",
	} {
		_, err := o.CreateProvider(t.Context(), o.owner, ProviderForm{Name: ptr(raw), BaseURL: &raw})
		if code == "" {
			o.must(err)
			continue
		}
		o.refused(err, code)
		if p := access.Problems(err)[0]; p.Field != "base_url" || !strings.HasSuffix(p.Text, ".") {
			t.Errorf("%s: %q at %q is not a sentence at its field", raw, p.Text, p.Field)
		}
	}
	_, err := o.CreateProvider(t.Context(), o.owner, ProviderForm{Name: ptr("demo"), BaseURL: ptr("demo:"), SetUp: true})
	o.must(err)
	o.Demo = true
	_, err = o.CreateProvider(t.Context(), o.owner, ProviderForm{Name: ptr("demo again"), BaseURL: ptr(" demo: ")})
	o.must(err)
}

func TestPrivateHostNeedsAnAdmin(t *testing.T) {
	o := newOffice(t)
	f := ProviderForm{Name: ptr("GPU box"), BaseURL: ptr("http://10.0.0.7:8000/v1"), AllowPrivate: true}
	_, err := o.CreateProvider(t.Context(), o.owner, f)
	o.refused(err, "forbidden")
	f.AllowPrivate = false
	_, err = o.CreateProvider(t.Context(), o.admin(), f)
	o.refused(err, "provider_url_private")
	if !PrivateHostAsked(err) {
		t.Error("the page would not ask the admin")
	}
	f.AllowPrivate, f.Name = true, ptr("")
	_, err = o.CreateProvider(t.Context(), o.admin(), f)
	o.refused(err, "name_missing", "provider_url_private")
	if hosts, _ := o.PrivateHosts(t.Context()); len(hosts) != 0 {
		t.Errorf("a refused form listed %v", hosts)
	}
	f.Name = ptr("GPU box")
	_, err = o.CreateProvider(t.Context(), o.admin(), f)
	o.must(err)
	hosts, err := o.PrivateHosts(t.Context())
	o.must(err)
	if !slices.Equal(hosts, []string{"10.0.0.7:8000"}) {
		t.Errorf("the list is %v", hosts)
	}
	// Now anyone may use it; its other ports stay closed.
	_, err = o.CreateProvider(t.Context(), o.owner, ProviderForm{Name: ptr("the same"), BaseURL: ptr("http://10.0.0.7:8000")})
	o.must(err)
	_, err = o.CreateProvider(t.Context(), o.owner, ProviderForm{Name: ptr("SSH"), BaseURL: ptr("http://10.0.0.7:2222")})
	o.refused(err, "provider_url_private")
	for _, raw := range []string{"http://169.254.169.254", "http://[fd00:ec2::254]/v1"} {
		_, err = o.CreateProvider(t.Context(), o.admin(), ProviderForm{Name: ptr("m"), BaseURL: &raw, AllowPrivate: true})
		o.refused(err, "provider_url_metadata")
	}
}

func TestProviderKeyStaysWhereItWasEntered(t *testing.T) {
	o := newOffice(t)
	s := faulty.Start(t)
	o.connect(s)
	here := s.URL + "/v1"
	p, err := o.CreateProvider(t.Context(), o.owner, ProviderForm{Name: ptr("Acme"), BaseURL: &here, Key: ptr("  sk-upstream-1 ")})
	o.must(err)
	if strings.Contains(string(p.KeySealed), "sk-upstream-1") {
		t.Fatal("the key is stored in clear")
	}
	sent := func() string {
		t.Helper()
		if _, err := o.FetchModels(t.Context(), o.owner, p.PublicID, ProviderForm{}); err != nil {
			t.Fatal(err)
		}
		calls := s.Calls()
		return calls[len(calls)-1].Header.Get("Authorization")
	}
	if got := sent(); got != "Bearer sk-upstream-1" {
		t.Errorf("the provider was sent %q", got)
	}
	_, err = o.EditProvider(t.Context(), o.owner, p.PublicID, ProviderForm{Name: ptr("Acme models")})
	o.must(err)
	if got := sent(); got != "Bearer sk-upstream-1" {
		t.Errorf("after an edit without key it was sent %q", got)
	}
	other := faulty.Start(t)
	o.Settings.PrivateHosts = append(o.Settings.PrivateHosts, other.Address())
	for name, do := range map[string]func(ProviderForm) error{
		"edit":  func(f ProviderForm) error { _, err := o.EditProvider(t.Context(), o.owner, p.PublicID, f); return err },
		"fetch": func(f ProviderForm) error { _, err := o.FetchModels(t.Context(), o.owner, p.PublicID, f); return err },
		"try": func(f ProviderForm) error {
			_, err := o.TryProvider(t.Context(), o.owner, p.PublicID, f, "")
			return err
		},
	} {
		err := do(ProviderForm{BaseURL: ptr(other.URL + "/v1")})
		o.refused(err, "provider_key_again")
		if access.Problems(err)[0].Field != "api_key" || len(other.Calls()) != 0 {
			t.Errorf("%s: the other server saw %d calls", name, len(other.Calls()))
		}
	}
	_, err = o.EditProvider(t.Context(), o.owner, p.PublicID, ProviderForm{Key: ptr("sk-upstream-2")})
	o.must(err)
	if got := sent(); got != "Bearer sk-upstream-2" {
		t.Errorf("the new key was sent as %q", got)
	}
	row, err := o.EditProvider(t.Context(), o.owner, p.PublicID, ProviderForm{Key: ptr("")})
	o.must(err)
	if got := sent(); got != "" || row.KeySealed != nil {
		t.Errorf("a forgotten key was sent as %q", got)
	}
	_, err = o.EditProvider(t.Context(), o.owner, p.PublicID, ProviderForm{Key: ptr("two\nlines")})
	o.refused(err, "provider_key_characters")
	rows, err := o.DB.Audit(t.Context(), o.workspace.ID, 0, 100)
	o.must(err)
	for _, r := range rows {
		if strings.Contains(r.Detail, "sk-upstream") {
			t.Errorf("the audit log holds a key: %s", r.Detail)
		}
	}
}

func TestTestProvider(t *testing.T) {
	o := newOffice(t)
	s := faulty.Start(t)
	o.connect(s)
	p, err := o.CreateProvider(t.Context(), o.owner, ProviderForm{
		Name: ptr("Acme"), BaseURL: ptr(s.URL + "/v1"), Key: ptr("sk-upstream"), Models: &[]access.Model{{Name: "helper", UpstreamName: "good"}},
	})
	o.must(err)
	check, err := o.TestProvider(t.Context(), o.owner, p.PublicID, "helper")
	o.must(err)
	if !check.Listed || check.Model != "good" || check.Sample == "" || !slices.Equal(check.Models, []string{"good", "good-embedding"}) {
		t.Errorf("the test found out %+v", check)
	}
	s.Stop()
	_, err = o.TestProvider(t.Context(), o.owner, p.PublicID, "helper")
	if access.KindOf(err) != access.Upstream {
		t.Errorf("a stopped provider tests as %v", err)
	}
}

func TestModelsOfAProvider(t *testing.T) {
	o := newOffice(t)
	make := func(models ...access.Model) (db.ProviderRow, error) {
		return o.CreateProvider(t.Context(), o.owner, ProviderForm{Name: ptr("p"), BaseURL: ptr("https://api.acme.example"), Models: &models})
	}
	for code, models := range map[string][]access.Model{
		"model_name":               {{Name: " "}},
		"model_name_reserved":      {{Name: "bot:support"}},
		"model_kind":               {{Name: "a", Kind: "image"}},
		"model_max_output":         {{Name: "a", MaxOutput: -1}},
		"model_twice":              {{Name: "a"}, {Name: "a ", UpstreamName: "b"}},
		"provider_models_too_many": slices.Repeat([]access.Model{{Name: "a"}}, ProviderModelsMax+1),
	} {
		_, err := make(models...)
		o.refused(err, code)
	}
	row, err := make(access.Model{Name: " gpt "}, access.Model{Name: "text-embedding-3-small"}, access.Model{Name: "fast", UpstreamName: "vendor/fast", MaxOutput: 4096})
	o.must(err)
	want := []access.Model{
		{Name: "fast", UpstreamName: "vendor/fast", Kind: access.ChatModel, MaxOutput: 4096},
		{Name: "gpt", UpstreamName: "gpt", Kind: access.ChatModel},
		{Name: "text-embedding-3-small", UpstreamName: "text-embedding-3-small", Kind: access.EmbeddingModel},
	}
	if !slices.Equal(row.Models, want) {
		t.Errorf("the models are %v, want %v", row.Models, want)
	}
}
