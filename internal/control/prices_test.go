package control

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/internal/access"
)

func TestPricesAreExact(t *testing.T) {
	o := newOffice(t)
	for text, want := range map[string]int64{
		"0": 0, "2": 1_000_000, "0.15": 75_000, "0.000002": 1, "10.50": 5_250_000, " 3 ": 1_500_000, "00.1": 50_000, "0.1000000": 50_000,
	} {
		p, err := o.CreatePrice(t.Context(), o.admin(), PriceForm{Model: ptr("m " + text), Prompt: &text, Completion: ptr("0")})
		o.must(err)
		if p.Prompt != want {
			t.Errorf("$%s a million is %d units, want %d", text, p.Prompt, want)
		}
		if back := o.Dollars(p.Prompt); strings.TrimSpace(text) == "0.15" && back != "0.15" {
			t.Errorf("it comes back as %s", back)
		}
	}
	for text, code := range map[string]string{
		"0.000001": "decimal_fine", "0.1500001": "decimal_fine", "-1": "decimal_malformed", "1e3": "decimal_malformed", "1,5": "decimal_malformed",
		"": "decimal_malformed", ".": "decimal_malformed", "1.": "decimal_malformed", "0x10": "decimal_malformed", "NaN": "decimal_malformed",
		"99999999999999999999": "decimal_large", strings.Repeat("9", 100): "decimal_malformed", "１": "decimal_malformed",
	} {
		_, err := o.CreatePrice(t.Context(), o.admin(), PriceForm{Model: ptr("m"), Prompt: &text, Completion: ptr("1")})
		o.refused(err, code)
		if access.Problems(err)[0].Field != "prompt" {
			t.Errorf("%q is refused at %q", text, access.Problems(err)[0].Field)
		}
	}
	_, err := o.CreatePrice(t.Context(), o.admin(), PriceForm{})
	o.refused(err, "model_name", "decimal_malformed", "decimal_malformed")
}

func TestPriceOnlyOnce(t *testing.T) {
	o := newOffice(t)
	f := PriceForm{Model: ptr("gpt-4o-mini"), Prompt: ptr("0.15"), Completion: ptr("0.60")}
	p, err := o.CreatePrice(t.Context(), o.admin(), f)
	o.must(err)
	_, err = o.CreatePrice(t.Context(), o.admin(), f)
	o.refused(err, "price_taken")
	p, err = o.EditPrice(t.Context(), o.admin(), p.PublicID, PriceForm{Completion: ptr("0.7"), Version: p.Version})
	o.must(err)
	if p.Prompt != 75_000 || p.Completion != 350_000 {
		t.Errorf("after the edit it is %+v", p)
	}
	_, err = o.EditPrice(t.Context(), o.admin(), p.PublicID, PriceForm{Prompt: ptr("1"), Version: 1})
	o.refused(err, "stale")
	o.must(o.SetDefaultPrice(t.Context(), o.admin(), "1", "4", 0))
	o.must(o.DeletePrice(t.Context(), o.admin(), p.PublicID))
	p, err = o.DB.FindPrice(t.Context(), "gpt-4o-mini")
	o.must(err)
	if !p.Default || p.Prompt != 500_000 || p.Completion != 2_000_000 {
		t.Errorf("without a price of its own the model costs %+v", p)
	}
	o.refused(o.SetDefaultPrice(t.Context(), o.admin(), "x", "", 0), "decimal_malformed", "decimal_malformed")
}

func TestGroupForms(t *testing.T) {
	o := newOffice(t)
	g, err := o.CreateGroup(t.Context(), o.admin(), GroupForm{Name: ptr("vip"), Ratio: ptr("0.8"), RPM: ptr[int64](60), Models: &[]string{"a", "a", " "}})
	o.must(err)
	if g.RatioPPM != 800_000 || g.AllModels || len(g.Models) != 1 || !g.Enabled {
		t.Errorf("the group is %+v", g.Group)
	}
	g, err = o.EditGroup(t.Context(), o.admin(), g.PublicID, GroupForm{AllModels: ptr(true), Version: g.Version})
	o.must(err)
	if !g.AllModels || g.RPM != 60 {
		t.Errorf("after the edit it is %+v", g.Group)
	}
	plain, err := o.CreateGroup(t.Context(), o.admin(), GroupForm{Name: ptr("plain")})
	o.must(err)
	if plain.RatioPPM != access.RatioOne || !plain.AllModels {
		t.Errorf("a group of its name alone is %+v", plain.Group)
	}
	for code, f := range map[string]GroupForm{
		"ratio_range":  {Ratio: ptr("1000.000001")},
		"number_range": {TPM: ptr[int64](-1)},
		"text_long":    {Description: ptr(strings.Repeat("x", access.NoteMax+1))},
		"name_missing": {Name: ptr(" ")},
	} {
		_, err := o.EditGroup(t.Context(), o.admin(), g.PublicID, f)
		o.refused(err, code)
	}
	for _, ratio := range []string{"", "-1", "0.0000001", "1/2"} {
		_, err := o.EditGroup(t.Context(), o.admin(), g.PublicID, GroupForm{Ratio: &ratio})
		o.refused(err, "ratio_range")
	}
	o.must(o.DeleteGroup(t.Context(), o.admin(), g.PublicID))
}

func TestInstanceIsTheAdminsAlone(t *testing.T) {
	o := newOffice(t)
	for name, do := range map[string]func(context.Context, access.Actor) error{
		"list prices": func(ctx context.Context, by access.Actor) error { _, err := o.Prices(ctx, by, ""); return err },
		"price":       func(ctx context.Context, by access.Actor) error { _, err := o.Price(ctx, by, "x"); return err },
		"make price": func(ctx context.Context, by access.Actor) error {
			_, err := o.CreatePrice(ctx, by, PriceForm{})
			return err
		},
		"edit price": func(ctx context.Context, by access.Actor) error {
			_, err := o.EditPrice(ctx, by, "x", PriceForm{})
			return err
		},
		"delete price":  func(ctx context.Context, by access.Actor) error { return o.DeletePrice(ctx, by, "x") },
		"default price": func(ctx context.Context, by access.Actor) error { return o.SetDefaultPrice(ctx, by, "", "", 0) },
		"list groups":   func(ctx context.Context, by access.Actor) error { _, err := o.Groups(ctx, by); return err },
		"group":         func(ctx context.Context, by access.Actor) error { _, err := o.Group(ctx, by, "x"); return err },
		"make group": func(ctx context.Context, by access.Actor) error {
			_, err := o.CreateGroup(ctx, by, GroupForm{})
			return err
		},
		"edit group": func(ctx context.Context, by access.Actor) error {
			_, err := o.EditGroup(ctx, by, "x", GroupForm{})
			return err
		},
		"delete group": func(ctx context.Context, by access.Actor) error { return o.DeleteGroup(ctx, by, "x") },
		"private host": func(ctx context.Context, by access.Actor) error { return o.AllowPrivateHost(ctx, by, "bad") },
	} {
		for who, by := range map[string]access.Actor{"owner": o.owner, "token": o.token("admin"), "nobody": {}} {
			if kind := access.KindOf(do(t.Context(), by)); kind != access.Forbidden && kind != access.SignedOut {
				t.Errorf("%s as %s: %v", name, who, kind)
			}
		}
		stranger := access.Actor{Kind: access.ActorUser, ID: 7, IsAdmin: true} // a member of nothing
		if kind := access.KindOf(do(t.Context(), stranger)); kind == access.Forbidden || kind == access.SignedOut {
			t.Errorf("%s as admin: %v", name, kind)
		}
	}
}

func TestOnce(t *testing.T) {
	o := newOffice(t)
	var ran atomic.Int64
	hold := make(chan struct{})
	act := func() (string, error) {
		if ran.Add(1) == 1 {
			<-hold
		}
		return "/bots/1", nil
	}
	var copies sync.WaitGroup
	var repeats atomic.Int64
	for range 5 {
		copies.Go(func() {
			answer, again, err := o.Once(t.Context(), o.owner, "key", act)
			if err != nil || answer != "/bots/1" {
				t.Errorf("a copy got %q, %v", answer, err)
			}
			if again {
				repeats.Add(1)
			}
		})
	}
	close(hold)
	copies.Wait()
	if ran.Load() != 1 || repeats.Load() != 4 {
		t.Errorf("the act ran %d times, %d copies were told so", ran.Load(), repeats.Load())
	}
	if _, again, err := o.Once(t.Context(), o.neighbour, "key", act); again || err != nil {
		t.Error("another's form of the same key was taken for a copy", err)
	}
	broken := errors.New("refused")
	for range 2 {
		if _, _, err := o.Once(t.Context(), o.owner, "refused", func() (string, error) { return "", broken }); !errors.Is(err, broken) {
			t.Errorf("a form that was refused cannot be sent again: %v", err)
		}
	}
	for range 2 {
		if _, again, err := o.Once(t.Context(), o.owner, "", act); again || err != nil {
			t.Error("a form without a key was taken for a copy", err)
		}
	}
}
