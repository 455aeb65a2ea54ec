package db

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/access"
)

func (k *desk) newBot(name string, p access.Provider, model string) access.Bot {
	k.t.Helper()
	b, err := k.MakeBot(k.t.Context(), k.owner, access.Bot{
		PublicID: k.id(), WorkspaceID: k.workspace, Slug: k.id(), Name: name, Kind: access.DialogBot, ProviderID: p.ID, Model: model,
		Params: "{}", Settings: "{}", Enabled: true,
	})
	k.must(err)
	return b
}

// token issues an API token bound to a bot.
func (k *desk) token(b access.Bot) access.Token {
	k.t.Helper()
	text := k.id()
	token, err := k.MakeToken(k.t.Context(), k.owner, NewToken{
		Token: access.Token{PublicID: k.id(), WorkspaceID: k.workspace, Name: "ci", BotID: b.ID, Hint: "abcd", PermissionsShape: "array"},
		Purse: access.Purse{Unlimited: true}, Hash: sha256.Sum256([]byte(text)), BetaHash: sha256.Sum256([]byte("beta" + text)), Zone: time.UTC,
	})
	k.must(err)
	return token
}

func TestBotKeepsWhatItWasGiven(t *testing.T) {
	k := newDesk(t)
	p := k.provider("OpenRouter", 0, "m")
	days := int64(30)
	want := access.Bot{
		PublicID: k.id(), WorkspaceID: k.workspace, Slug: "helper", Name: "Helper", Kind: access.AgentBot, ProviderID: p.ID, Model: "m",
		SystemPrompt: "Be kind.", Params: `{"temperature":0.3}`, AvatarURL: "https://acme.example/a.png", Welcome: "Hello",
		SuggestedQuestions: []string{"Where is my order?"}, Settings: `{"x":1}`, AllowedOrigins: []string{"https://www.acme.example"},
		RetentionDays: &days, Enabled: true, CreatedBy: 1,
	}
	made, err := k.MakeBot(t.Context(), k.owner, want)
	k.must(err)
	want.ID, want.CreatedAt, want.Version = made.ID, deskStart, 1
	row, err := k.Bot(t.Context(), k.workspace, want.PublicID)
	k.must(err)
	if diff := cmp.Diff(want, row.Bot); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"helper", want.PublicID} {
		b, err := k.BotByAny(t.Context(), k.workspace, name)
		k.must(err)
		if b.ID != made.ID {
			t.Errorf("%s leads to bot %d, want %d", name, b.ID, made.ID)
		}
	}
	other, _ := k.newWorkspace("north-coast")
	for _, look := range []func() error{
		func() error { _, err := k.Bot(t.Context(), other, want.PublicID); return err },
		func() error { _, err := k.BotBySlug(t.Context(), other, "helper"); return err },
		func() error { _, err := k.BotByAny(t.Context(), other, want.PublicID); return err },
		func() error {
			return k.EditBot(t.Context(), k.owner, other, want.PublicID, BotChange{Name: ptr("mine now")})
		},
		func() error { return k.DeleteBot(t.Context(), k.owner, other, want.PublicID, true) },
	} {
		k.refused(look(), "not_found")
	}
}

func TestEditBotIsSeenAtOnce(t *testing.T) {
	k := newDesk(t)
	p := k.provider("OpenRouter", 0, "m")
	b := k.newBot("Helper", p, "m")
	for _, prompt := range []string{"one", "two"} {
		if _, err := k.FindBot(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
		none := (*int64)(nil)
		k.must(k.EditBot(t.Context(), k.owner, k.workspace, b.PublicID, BotChange{SystemPrompt: &prompt, RetentionDays: &none}))
		got, err := k.FindBot(t.Context(), b.ID)
		k.must(err)
		if got.SystemPrompt != prompt || got.RetentionDays != nil {
			t.Errorf("the gateway sees the prompt %q, want %q", got.SystemPrompt, prompt)
		}
	}
	k.refused(k.EditBot(t.Context(), k.owner, k.workspace, b.PublicID, BotChange{Name: ptr("x"), Version: 1}), "stale")
	foreign, _ := k.newWorkspace("north-coast")
	theirs, err := k.Providers(t.Context(), foreign)
	k.must(err)
	k.refused(k.EditBot(t.Context(), k.owner, k.workspace, b.PublicID, BotChange{ProviderID: &theirs[0].ID}), "not_found")
	k.newBot("Second", p, "m")
	second, err := k.BotBySlug(t.Context(), k.workspace, "support")
	k.must(err)
	k.refused(k.EditBot(t.Context(), k.owner, k.workspace, b.PublicID, BotChange{Slug: &second.Slug}), "slug_taken")
}

func TestDeleteBotShowsItsReachFirst(t *testing.T) {
	k := newDesk(t)
	p := k.provider("OpenRouter", 0, "m")
	b := k.newBot("Helper", p, "m")
	live, spare := k.token(b), k.token(b)
	if _, err := k.RevokeToken(t.Context(), k.owner, k.workspace, spare.PublicID); err != nil {
		t.Fatal(err)
	}
	link := k.share("for customers", func(n *NewShare) { n.Share.BotID = b.ID })
	row, err := k.Bot(t.Context(), k.workspace, b.PublicID)
	k.must(err)
	if row.Links != 1 || row.Tokens != 1 {
		t.Errorf("the list counts %d links and %d tokens, want one each", row.Links, row.Tokens)
	}

	err = k.DeleteBot(t.Context(), k.owner, k.workspace, b.PublicID, false)
	k.refused(err, "bot_in_use")
	if diff := cmp.Diff([]any{int64(1), int64(1)}, access.Problems(err)[0].Args); diff != "" {
		t.Error(diff)
	}
	for _, find := range []func() (bool, error){
		func() (bool, error) {
			x, err := k.FindToken(t.Context(), live.ID)
			return x.RevokedAt.IsZero(), err
		},
		func() (bool, error) {
			x, err := k.FindShare(t.Context(), link.ID)
			return x.RevokedAt.IsZero(), err
		},
		func() (bool, error) { x, err := k.FindBot(t.Context(), b.ID); return !x.Deleted, err },
	} {
		if ok, err := find(); err != nil || !ok {
			t.Fatal("a refused deletion changed something", err)
		}
	}

	k.must(k.DeleteBot(t.Context(), k.owner, k.workspace, b.PublicID, true))
	token, err := k.FindToken(t.Context(), live.ID)
	k.must(err)
	share, err := k.FindShare(t.Context(), link.ID)
	k.must(err)
	bot, err := k.FindBot(t.Context(), b.ID)
	k.must(err)
	if token.RevokedAt.IsZero() || share.RevokedAt.IsZero() || !bot.Deleted {
		t.Errorf("token revoked %s, link revoked %s, bot deleted %v", token.RevokedAt, share.RevokedAt, bot.Deleted)
	}
	_, err = k.UndoRevokeToken(t.Context(), k.owner, k.workspace, live.PublicID, 10*time.Second)
	k.refused(err, "undo_too_late")
	_, err = k.Bot(t.Context(), k.workspace, b.PublicID)
	k.refused(err, "not_found")
}

func TestBotTrouble(t *testing.T) {
	k := newDesk(t)
	own := k.provider("own", 0, "m")
	b := k.newBot("Helper", own, "m")
	look := func() BotRow {
		row, err := k.Bot(t.Context(), k.workspace, b.PublicID)
		k.must(err)
		return row
	}
	for _, step := range []struct {
		name    string
		act     func() error
		trouble Trouble
		covered bool
	}{
		{"at first", func() error { return nil }, NoTrouble, false},
		{"disabled", func() error { return k.SetProviderEnabled(t.Context(), k.owner, k.workspace, own.PublicID, false) }, ProviderDisabled, false},
		{"another lists the model", func() error { k.provider("other", 0, "m"); return nil }, ProviderDisabled, true},
		{"enabled", func() error { return k.SetProviderEnabled(t.Context(), k.owner, k.workspace, own.PublicID, true) }, NoTrouble, true},
		{"paused", func() error {
			now, _ := k.found(own)
			return k.SetProviderPaused(t.Context(), k.owner, now, "provider_key_refused")
		}, ProviderPaused, true},
		{"resumed", func() error { return k.ResumeProvider(t.Context(), k.owner, k.workspace, own.PublicID) }, NoTrouble, true},
		{"without the model", func() error {
			return k.EditProvider(t.Context(), k.owner, k.workspace, own.PublicID, ProviderChange{Models: &[]access.Model{}})
		}, ModelMissing, true},
		{"gone", func() error { return k.DeleteProvider(t.Context(), k.owner, k.workspace, own.PublicID, true) }, ProviderMissing, true},
	} {
		k.must(step.act())
		if row := look(); row.Trouble != step.trouble || row.Covered != step.covered {
			t.Errorf("%s: trouble %q, covered %v; want %q, %v", step.name, row.Trouble, row.Covered, step.trouble, step.covered)
		}
	}
}

func TestBotsList(t *testing.T) {
	k := newDesk(t)
	p := k.provider("OpenRouter", 0, "gpt-4o-mini")
	for _, name := range []string{"Order desk", "退货助手", "100% honest"} {
		k.newBot(name, p, "gpt-4o-mini")
	}
	for _, c := range []struct {
		page Page
		want []string
	}{
		{Page{Limit: 10}, []string{"100% honest", "退货助手", "Order desk", "Support Bot"}},
		{Page{Limit: 10, Query: "ORDER"}, []string{"Order desk"}},
		{Page{Limit: 10, Query: "退货"}, []string{"退货助手"}},
		{Page{Limit: 10, Query: "%"}, []string{"100% honest"}},
		{Page{Limit: 10, Query: "4o-mini"}, []string{"100% honest", "退货助手", "Order desk"}},
		{Page{Limit: 10, Status: access.StatusDisabled}, nil},
		{Page{Limit: 1}, []string{"100% honest"}},
	} {
		rows, err := k.Bots(t.Context(), k.workspace, c.page)
		k.must(err)
		var names []string
		for _, r := range rows {
			names = append(names, r.Name)
		}
		if diff := cmp.Diff(c.want, names); diff != "" {
			t.Errorf("%+v: %s", c.page, diff)
		}
	}
}
