package control

import (
	"context"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/access"
)

// lab is an office with a provider of two chat models and an embedding.
func newLab(t *testing.T) (*office, access.Provider) {
	t.Helper()
	o := newOffice(t)
	row, err := o.CreateProvider(t.Context(), o.owner, ProviderForm{
		Name: ptr("Acme models"), BaseURL: ptr("https://api.acme.example"), Models: &[]access.Model{{Name: "small"}, {Name: "large"}, {Name: "embed-1"}},
	})
	o.must(err)
	return o, row.Provider
}

func (o *office) botForm(p access.Provider) BotForm {
	return BotForm{Name: ptr("Order desk"), Provider: &p.PublicID, Model: ptr("small")}
}

func TestBotPermissions(t *testing.T) {
	o, p := newLab(t)
	b, err := o.CreateBot(t.Context(), o.owner, o.botForm(p))
	o.must(err)
	o.matrix([]act{
		{"see", func(ctx context.Context, by access.Actor) error { _, err := o.Bot(ctx, by, b.PublicID); return err }, access.SeeLists},
		{"reach", func(ctx context.Context, by access.Actor) error {
			_, err := o.BotReach(ctx, by, b.PublicID)
			return err
		}, access.SeeLists},
		{"edit", func(ctx context.Context, by access.Actor) error {
			_, err := o.EditBot(ctx, by, b.PublicID, BotForm{Welcome: ptr("Hi")})
			return err
		}, access.ChangeAccess},
	})
	// A neighbour's provider is none of this workspace's.
	_, err = o.CreateBot(t.Context(), o.neighbour, o.botForm(p))
	o.refused(err, "bot_provider_unknown")
	for _, by := range []access.Actor{o.as(access.Viewer), o.token("read"), o.token("chat"), {}} {
		if _, err := o.CreateBot(t.Context(), by, o.botForm(p)); access.KindOf(err) != access.Forbidden && access.KindOf(err) != access.SignedOut {
			t.Errorf("created as %s %v: %v", by.Role, by.Permissions, err)
		}
		if err := o.DeleteBot(t.Context(), by, b.PublicID, true); access.KindOf(err) != access.Forbidden && access.KindOf(err) != access.SignedOut {
			t.Errorf("deleted as %s %v: %v", by.Role, by.Permissions, err)
		}
	}
	o.refused(o.DeleteBot(t.Context(), o.neighbour, b.PublicID, true), "not_found")
	o.must(o.DeleteBot(t.Context(), o.token("manage"), b.PublicID, false))
}

func TestShortNames(t *testing.T) {
	o, p := newLab(t)
	for _, c := range [][2]string{
		{"Acme Help (EU)", "acme-help-eu"},
		{"Acme  Help -- EU!", "acme-help-eu-2"},
		{"Café Über", "cafe-uber"},
		{"Ａ１ desk", "a1-desk"},
		{strings.Repeat("long ", 19), "long-long-long-long-long-long-long-long"},
	} {
		f := o.botForm(p)
		f.Name = &c[0]
		b, err := o.CreateBot(t.Context(), o.owner, f)
		o.must(err)
		if b.Slug != c[1] {
			t.Errorf("%q is called %q, want %q", c[0], b.Slug, c[1])
		}
	}
	f := o.botForm(p)
	f.Name = ptr("退货助手")
	b, err := o.CreateBot(t.Context(), o.owner, f)
	o.must(err)
	if b.Slug != "bot-"+b.PublicID[:6] {
		t.Errorf("a name without Latin letters is called %q", b.Slug)
	}
	for range 12 { // beyond -2 … -9
		_, err := o.CreateBot(t.Context(), o.owner, o.botForm(p))
		o.must(err)
	}
	f.Slug = ptr("cafe-uber")
	_, err = o.CreateBot(t.Context(), o.owner, f)
	o.refused(err, "slug_taken")
	for _, slug := range []string{"Caps", "two words", "-x", "x-", "客服", strings.Repeat("a", SlugMax+1)} {
		_, err = o.EditBot(t.Context(), o.owner, b.PublicID, BotForm{Slug: &slug})
		o.refused(err, "slug_invalid")
	}
	renamed, err := o.EditBot(t.Context(), o.owner, b.PublicID, BotForm{Name: ptr("Returns")})
	o.must(err)
	if renamed.Slug != b.Slug {
		t.Error("a new name moved the short name that programs use")
	}
}

func TestBotFields(t *testing.T) {
	o, p := newLab(t)
	days := func(n int64) **int64 { return ptr(&n) }
	for _, c := range []struct {
		code, field string
		change      func(*BotForm)
	}{
		{"name_missing", "name", func(f *BotForm) { f.Name = nil }},
		{"bot_provider_unknown", "provider_id", func(f *BotForm) { f.Provider = nil }},
		{"bot_provider_unknown", "provider_id", func(f *BotForm) { f.Provider = ptr(strings.Repeat("0", 32)) }},
		{"bot_model_missing", "model", func(f *BotForm) { f.Model = nil }},
		{"bot_model_unknown", "model", func(f *BotForm) { f.Model = ptr("huge") }},
		{"bot_model_kind", "model", func(f *BotForm) { f.Model = ptr("embed-1") }},
		{"text_long", "welcome", func(f *BotForm) { f.Welcome = ptr(strings.Repeat("好", access.WelcomeMax+1)) }},
		{"prompt_long", "system_prompt", func(f *BotForm) { f.SystemPrompt = ptr(strings.Repeat("x", access.SystemPromptMax+1)) }},
		{"text_characters", "system_prompt", func(f *BotForm) { f.SystemPrompt = ptr("a\u202eb") }},
		{"questions_too_many", "suggested_questions", func(f *BotForm) { f.SuggestedQuestions = &[]string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} }},
		{"text_long", "suggested_questions", func(f *BotForm) { f.SuggestedQuestions = &[]string{strings.Repeat("x", access.SuggestionMax+1)} }},
		{"origin_invalid", "allowed_origins", func(f *BotForm) { f.AllowedOrigins = &[]string{"https://*.acme.example"} }},
		{"bot_kind", "kind", func(f *BotForm) { f.Kind = ptr("robot") }},
		{"retention_range", "retention_days", func(f *BotForm) { f.RetentionDays = days(RetentionMax + 1) }},
		{"retention_range", "retention_days", func(f *BotForm) { f.RetentionDays = days(-1) }},
		{"avatar_url", "avatar_url", func(f *BotForm) { f.AvatarURL = ptr("javascript:alert(1)") }},
		{"object_invalid", "settings", func(f *BotForm) { f.Settings = ptr("[]") }},
		{"object_large", "settings", func(f *BotForm) { f.Settings = ptr(`{"x":"` + strings.Repeat("x", access.SettingsMax) + `"}`) }},
	} {
		f := o.botForm(p)
		c.change(&f)
		_, err := o.CreateBot(t.Context(), o.owner, f)
		o.refused(err, c.code)
		if got := access.Problems(err)[0].Field; got != c.field {
			t.Errorf("%s stands at %q, want %q", c.code, got, c.field)
		}
	}
	f := o.botForm(p)
	f.Name, f.Model, f.Kind = ptr(""), ptr("huge"), ptr("robot")
	_, err := o.CreateBot(t.Context(), o.owner, f)
	o.refused(err, "name_missing", "bot_model_unknown", "bot_kind") // all at once
}

func TestBotParameters(t *testing.T) {
	o, p := newLab(t)
	b, err := o.CreateBot(t.Context(), o.owner, o.botForm(p))
	o.must(err)
	for text, want := range map[string]string{
		``:                              `{}`,
		`{"temperature": 0.3}`:          `{"temperature":0.3}`,
		`{"temperature":2,"top_p":1.0}`: `{"temperature":2,"top_p":1.0}`,
		`{"presence_penalty":-2}`:       `{"presence_penalty":-2}`,
		`{"temperature":null}`:          `{"temperature":null}`,
		`{"max_tokens":1e3}`:            `{"max_tokens":1e3}`,
		`{"house_rule":{"x":[1]}}`:      `{"house_rule":{"x":[1]}}`,
		`{"temperature":2.0001}`:        "params_range",
		`{"temperature":"0.3"}`:         "params_range",
		`{"temperature":1e999999999}`:   "params_range",
		`{"top_p":-0.1}`:                "params_range",
		`{"max_tokens":0}`:              "params_range_whole",
		`{"max_tokens":1.5}`:            "params_range_whole",
		`{"n":2}`:                       "params_range_whole",
		`{"model":"gpt"}`:               "params_reserved",
		`{"stream":true}`:               "params_reserved",
		`{"a":1,"a":2}`:                 "object_invalid",
		`{"a":1} {}`:                    "object_invalid",
		`[]`:                            "object_invalid",
		`{"x":"` + strings.Repeat("x", access.ParamsMax) + `"}`: "object_large",
	} {
		row, err := o.EditBot(t.Context(), o.owner, b.PublicID, BotForm{Params: &text})
		if !strings.HasPrefix(want, "{") {
			o.refused(err, want)
			continue
		}
		o.must(err)
		if row.Params != want {
			t.Errorf("%s is kept as %s, want %s", text, row.Params, want)
		}
	}
}

func TestBotWithoutItsModelCanStillBeMended(t *testing.T) {
	o, p := newLab(t)
	b, err := o.CreateBot(t.Context(), o.owner, o.botForm(p))
	o.must(err)
	_, err = o.EditProvider(t.Context(), o.owner, p.PublicID, ProviderForm{Models: &[]access.Model{{Name: "large"}}})
	o.must(err)
	whole := o.botForm(p)
	whole.Welcome = ptr("Hello") // the page sends all fields
	row, err := o.EditBot(t.Context(), o.owner, b.PublicID, whole)
	o.must(err)
	if row.Trouble != "model_missing" || row.Welcome != "Hello" {
		t.Errorf("after the edit it is in trouble %q, welcome %q", row.Trouble, row.Welcome)
	}
	row, err = o.EditBot(t.Context(), o.owner, b.PublicID, BotForm{Model: ptr("large")})
	o.must(err)
	if row.Trouble != "" {
		t.Errorf("with a model that is there: %q", row.Trouble)
	}
	o.must(o.DeleteProvider(t.Context(), o.owner, p.PublicID, true))
	_, err = o.EditBot(t.Context(), o.owner, b.PublicID, BotForm{Model: ptr("large")})
	o.refused(err, "bot_provider_gone")
	_, err = o.EditBot(t.Context(), o.owner, b.PublicID, BotForm{Welcome: ptr("Hi")})
	o.must(err)
}

func TestDeleteBotSaysWhatGoesWithIt(t *testing.T) {
	o, p := newLab(t)
	b, err := o.CreateBot(t.Context(), o.owner, o.botForm(p))
	o.must(err)
	issued, err := o.CreateToken(t.Context(), o.owner, TokenForm{Name: ptr("CI"), Bot: &b.PublicID})
	o.must(err)
	err = o.DeleteBot(t.Context(), o.owner, b.PublicID, false)
	o.refused(err, "bot_in_use")
	if !strings.Contains(err.Error(), "revoked") || !slices.Equal(access.Problems(err)[0].Args, []any{int64(0), int64(1)}) {
		t.Errorf("it says %q", err)
	}
	o.must(o.DeleteBot(t.Context(), o.owner, b.PublicID, true))
	token, err := o.Token(t.Context(), o.owner, issued.Row.PublicID)
	o.must(err)
	if token.RevokedAt.IsZero() {
		t.Error("the bot's token still works")
	}
}
