package db

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/access"
)

// provider connects one that lists the models.
func (k *desk) provider(name string, priority int64, models ...string) access.Provider {
	k.t.Helper()
	p := access.Provider{
		PublicID: k.id(), WorkspaceID: k.workspace, Name: name, BaseURL: "https://api.example.com", KeySealed: []byte("sealed"),
		Priority: priority, Enabled: true,
	}
	for _, m := range models {
		p.Models = append(p.Models, access.Model{Name: m, UpstreamName: m, Kind: access.ChatModel})
	}
	p, err := k.MakeProvider(k.t.Context(), k.owner, p)
	k.must(err)
	return p
}

// found is what the gateway would see of a provider.
func (k *desk) found(p access.Provider) (access.Provider, bool) {
	k.t.Helper()
	all, err := k.FindProviders(k.t.Context(), k.workspace)
	k.must(err)
	for _, one := range all {
		if one.ID == p.ID {
			return one, true
		}
	}
	return access.Provider{}, false
}

func TestProvidersInTheirOrder(t *testing.T) {
	k := newDesk(t)
	k.provider("last", -5, "m")
	k.provider("first", 10, "m", "n")
	k.provider("also first", 10)
	all, err := k.FindProviders(t.Context(), k.workspace)
	k.must(err)
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"first", "also first", "demo", "last"}, names); diff != "" {
		t.Error(diff)
	}
	if _, ok := all[0].Model("n"); !ok || len(all[0].Models) != 2 {
		t.Errorf("the first provider's models are %v", all[0].Models)
	}
	other, _ := k.newWorkspace("north-coast")
	theirs, err := k.FindProviders(t.Context(), other)
	k.must(err)
	if len(theirs) != 1 {
		t.Errorf("another workspace sees %d providers, want its own one", len(theirs))
	}
	_, err = k.Provider(t.Context(), other, all[0].PublicID)
	k.refused(err, "not_found")
}

func TestEditProviderReplacesModelsAtOnce(t *testing.T) {
	k := newDesk(t)
	p := k.provider("OpenRouter", 0, "a", "b")
	k.found(p) // now cached
	models := []access.Model{{Name: "b", UpstreamName: "vendor/b", Kind: access.ChatModel, MaxOutput: 4096}}
	k.must(k.EditProvider(t.Context(), k.owner, k.workspace, p.PublicID, ProviderChange{Models: &models, Priority: ptr[int64](3), Version: 1}))
	got, _ := k.found(p)
	if diff := cmp.Diff(models, got.Models); diff != "" {
		t.Error(diff)
	}
	if got.Priority != 3 || got.Version != 2 || string(got.KeySealed) != "sealed" {
		t.Errorf("after the edit it is %+v", got)
	}
	k.refused(k.EditProvider(t.Context(), k.owner, k.workspace, p.PublicID, ProviderChange{Name: ptr("x"), Version: 1}), "stale")
	if row := k.lastAudit(); row.Action != "provider.edit" || !strings.Contains(row.Detail, "b → vendor/b") {
		t.Errorf("the audit log says %s %s", row.Action, row.Detail)
	}
}

func TestProviderNames(t *testing.T) {
	k := newDesk(t)
	p := k.provider("OpenRouter", 0)
	_, err := k.MakeProvider(t.Context(), k.owner, access.Provider{PublicID: k.id(), WorkspaceID: k.workspace, Name: "OpenRouter", BaseURL: "demo:"})
	k.refused(err, "provider_taken")
	k.refused(k.EditProvider(t.Context(), k.owner, k.workspace, p.PublicID, ProviderChange{Name: ptr("demo")}), "provider_taken")
	k.must(k.DeleteProvider(t.Context(), k.owner, k.workspace, p.PublicID, false))
	k.provider("OpenRouter", 0) // the name is free again
	if _, there := k.found(p); there {
		t.Error("a deleted provider is still found")
	}
}

func TestPauseProvider(t *testing.T) {
	k := newDesk(t)
	p := k.provider("OpenRouter", 0, "m")
	k.must(k.SetProviderPaused(t.Context(), k.owner, p, "provider_key_refused"))
	k.wait(time.Hour)
	k.must(k.SetProviderPaused(t.Context(), k.owner, p, "later"))
	got, _ := k.found(p)
	if got.Serving() || got.PauseReason != "provider_key_refused" || !got.PausedAt.Equal(deskStart) {
		t.Errorf("paused at %s because of %q", got.PausedAt, got.PauseReason)
	}
	k.must(k.ResumeProvider(t.Context(), k.owner, k.workspace, p.PublicID))
	if got, _ = k.found(p); !got.Serving() {
		t.Error("a resumed provider does not serve")
	}

	// A call that began with the old key does not pause the new one.
	k.must(k.SetProviderPaused(t.Context(), k.owner, got, "provider_key_refused"))
	k.must(k.EditProvider(t.Context(), k.owner, k.workspace, p.PublicID, ProviderChange{KeySealed: ptr([]byte("new"))}))
	if now, _ := k.found(p); !now.Serving() {
		t.Error("a new key does not end the pause")
	}
	k.must(k.SetProviderPaused(t.Context(), k.owner, got, "provider_key_refused"))
	if now, _ := k.found(p); !now.Serving() {
		t.Error("a call with the old key paused the new one")
	}
}

func TestDeleteProviderWithBots(t *testing.T) {
	k := newDesk(t)
	p := k.provider("OpenRouter", 0, "m")
	b := k.newBot("Helper", p, "m")
	k.refused(k.DeleteProvider(t.Context(), k.owner, k.workspace, p.PublicID, false), "provider_in_use")
	if now, there := k.found(p); !there || now.KeySealed == nil || len(now.Models) != 1 {
		t.Fatal("a refused deletion changed the provider")
	}
	k.must(k.DeleteProvider(t.Context(), k.owner, k.workspace, p.PublicID, true))
	row, err := k.Bot(t.Context(), k.workspace, b.PublicID)
	k.must(err)
	if row.Trouble != ProviderMissing || row.ProviderName != "" {
		t.Errorf("the bot's trouble is %q with provider %q", row.Trouble, row.ProviderName)
	}
	var key []byte
	k.must(k.row(t.Context(), "SELECT key_sealed FROM providers WHERE id = $1", p.ID).Scan(&key))
	if key != nil {
		t.Error("a deleted provider keeps its key")
	}
}
