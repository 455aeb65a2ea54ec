package db

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"latchkey/internal/access"
)

func TestPriceFallsBackAndComesBack(t *testing.T) {
	k := newDesk(t)
	want := func(what string, prompt, completion int64, byDefault bool) {
		t.Helper()
		got, err := k.FindPrice(t.Context(), "qwen-max")
		k.must(err)
		if got.Prompt != prompt || got.Completion != completion || got.Default != byDefault || got.Model != "qwen-max" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	want("nothing was set", access.DefaultPrice, access.DefaultPrice, true)
	k.must(k.SetSettings(t.Context(), k.owner, map[string]string{DefaultPricePrompt: "500000", DefaultPriceCompletion: "0"}, 0))
	want("another default", 500_000, 0, true)
	p, err := k.MakePrice(t.Context(), k.owner, access.Price{PublicID: k.id(), Model: "qwen-max", Prompt: 1, Completion: 2})
	k.must(err)
	want("its own", 1, 2, false)
	_, err = k.MakePrice(t.Context(), k.owner, access.Price{PublicID: k.id(), Model: "qwen-max"})
	k.refused(err, "price_taken")
	k.must(k.EditPrice(t.Context(), k.owner, p.PublicID, PriceChange{Completion: ptr[int64](0), Version: 1}))
	want("free answers", 1, 0, false)
	k.refused(k.EditPrice(t.Context(), k.owner, p.PublicID, PriceChange{Prompt: ptr[int64](9), Version: 1}), "stale")
	k.must(k.EditPrice(t.Context(), k.owner, p.PublicID, PriceChange{Model: ptr("qwen-plus")}))
	want("the price went to another model", 500_000, 0, true)
	k.must(k.EditPrice(t.Context(), k.owner, p.PublicID, PriceChange{Model: ptr("qwen-max")}))
	want("and came back", 1, 0, false)
	k.must(k.DeletePrice(t.Context(), k.owner, p.PublicID))
	want("deleted", 500_000, 0, true)
	k.refused(k.DeletePrice(t.Context(), k.owner, p.PublicID), "not_found")
}

func TestPricesByModel(t *testing.T) {
	k := newDesk(t)
	for _, model := range []string{"qwen-max", "gpt-4o-mini", "qwen_x"} {
		_, err := k.MakePrice(t.Context(), k.owner, access.Price{PublicID: k.id(), Model: model})
		k.must(err)
	}
	for query, want := range map[string][]string{"": {"gpt-4o-mini", "qwen-max", "qwen_x"}, "qwen": {"qwen-max", "qwen_x"}, "_": {"qwen_x"}} {
		all, err := k.Prices(t.Context(), query)
		k.must(err)
		var models []string
		for _, p := range all {
			models = append(models, p.Model)
		}
		if diff := cmp.Diff(want, models); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
}

func TestGroups(t *testing.T) {
	k := newDesk(t)
	want := access.Group{
		PublicID: k.id(), Name: "vip", RatioPPM: 800_000, RPM: 60, TPM: 90_000, Models: []string{"qwen-max"}, Description: "good customers", Enabled: true,
	}
	made, err := k.MakeGroup(t.Context(), k.owner, want)
	k.must(err)
	got, err := k.FindGroup(t.Context(), "vip")
	k.must(err)
	if diff := cmp.Diff(made, got); diff != "" {
		t.Error(diff)
	}
	k.must(k.EditGroup(t.Context(), k.owner, made.PublicID, GroupChange{AllModels: ptr(true), Name: ptr("gold"), Version: 1}))
	if got, err = k.FindGroup(t.Context(), "gold"); err != nil || !got.AllModels {
		t.Errorf("after the edit: %+v, %v", got, err)
	}
	_, err = k.FindGroup(t.Context(), "vip")
	k.refused(err, "not_found")
	_, err = k.MakeGroup(t.Context(), k.owner, access.Group{PublicID: k.id(), Name: "gold", RatioPPM: 1, AllModels: true, Enabled: true})
	k.refused(err, "group_taken")
}

func TestGroupInUseStays(t *testing.T) {
	k := newDesk(t)
	g, err := k.MakeGroup(t.Context(), k.owner, access.Group{PublicID: k.id(), Name: "vip", RatioPPM: 1, AllModels: true, Enabled: true})
	k.must(err)
	p := k.provider("OpenRouter", 0, "m")
	token := k.token(k.newBot("Helper", p, "m"))
	k.must(k.EditToken(t.Context(), k.owner, k.workspace, token.PublicID, TokenChange{GroupName: ptr("vip")}, deskStart.Location()))
	k.refused(k.DeleteGroup(t.Context(), k.owner, g.PublicID), "group_in_use")
	k.refused(k.EditGroup(t.Context(), k.owner, g.PublicID, GroupChange{Name: ptr("gold")}), "group_in_use_name")
	k.must(k.EditGroup(t.Context(), k.owner, g.PublicID, GroupChange{Enabled: ptr(false)}))
	if _, err := k.DeleteToken(t.Context(), k.owner, k.workspace, token.PublicID); err != nil {
		t.Fatal(err)
	}
	k.must(k.DeleteGroup(t.Context(), k.owner, g.PublicID))

	rows, err := k.Groups(t.Context())
	k.must(err)
	if diff := cmp.Diff([]GroupRow{{Group: access.Group{Name: DefaultGroup, RatioPPM: access.RatioOne, AllModels: true, Enabled: true}, Workspaces: 1}},
		rows, cmpopts.IgnoreFields(access.Group{}, "ID", "PublicID", "CreatedAt", "Version")); diff != "" {
		t.Error(diff)
	}
	for _, c := range []GroupChange{{Name: ptr("start")}, {Enabled: ptr(false)}} {
		k.refused(k.EditGroup(t.Context(), k.owner, rows[0].PublicID, c), "group_default")
	}
	k.refused(k.DeleteGroup(t.Context(), k.owner, rows[0].PublicID), "group_default")
	k.must(k.EditGroup(t.Context(), k.owner, rows[0].PublicID, GroupChange{RPM: ptr[int64](10)}))
}

func TestAllowPrivateHostOnce(t *testing.T) {
	k := newDesk(t)
	for _, host := range []string{"10.0.0.7:8000", "ollama:11434", "10.0.0.7:8000"} {
		k.must(k.AllowPrivateHost(t.Context(), k.owner, host))
	}
	text, err := k.FindSetting(t.Context(), "private_hosts")
	k.must(err)
	if text != `["10.0.0.7:8000","ollama:11434"]` {
		t.Errorf("the list is %s", text)
	}
}
