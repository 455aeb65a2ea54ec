package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"
)

func TestKindsAreComplete(t *testing.T) {
	all := Kinds()
	names := map[string]bool{}
	for i, k := range all {
		if k != Kind(i+1) {
			t.Errorf("kind %d stands at place %d", k, i)
		}
		name := k.Error()
		if name == "" || name == "fault" || names[name] {
			t.Errorf("kind %d is called %q", k, name)
		}
		names[name] = true

		err := error(Fail(k, "code", "text"))
		wrapped := fmt.Errorf("while asking: %w", err)
		for _, other := range all {
			if errors.Is(wrapped, other) != (other == k) {
				t.Errorf("%v is %v: %t", k, other, other != k)
			}
		}
		if KindOf(err) != k || KindOf(wrapped) != k {
			t.Errorf("%v is taken for %v", k, KindOf(wrapped))
		}
	}
	if last := all[len(all)-1]; last != Upstream || len(all) != len(kindNames)-1 {
		t.Errorf("%d kinds, the last %v", len(all), last)
	}
	for _, none := range []Kind{0, Upstream + 1, 255} {
		if none.Error() != "fault" {
			t.Errorf("kind %d is called %q", none, none.Error())
		}
	}
}

func TestError(t *testing.T) {
	e := Fail(Limited, "rate", "At most %d calls a %s.", 5, "minute").At("rpm").After(3 * time.Second).Because(io.ErrUnexpectedEOF)
	if e.Text != "At most 5 calls a minute." || !slices.Equal(e.Args, []any{5, "minute"}) || e.Field != "rpm" || e.Wait != 3*time.Second {
		t.Errorf("%+v", e)
	}
	if got := e.Error(); got != "At most 5 calls a minute.: unexpected EOF" {
		t.Errorf("the log reads %q", got)
	}
	if !errors.Is(e, io.ErrUnexpectedEOF) || !errors.Is(e, Limited) || errors.Is(e, Busy) {
		t.Error("it is not what it should be")
	}
	if plain := Fail(Busy, "busy", "100%% full"); plain.Error() != "100% full" {
		t.Errorf("the text is %q", plain.Error())
	}
}

func TestKindOfAFault(t *testing.T) {
	for _, err := range []error{nil, io.EOF, context.Canceled, fmt.Errorf("a: %w", io.EOF), errors.Join(io.EOF, nil), errors.Join()} {
		if k := KindOf(err); k != 0 {
			t.Errorf("%v is a %v", err, k)
		}
		if all := Problems(err); len(all) != 0 {
			t.Errorf("%v has problems %v", err, all)
		}
	}
	if k := KindOf(errors.Join(io.EOF, Fail(Spent, "a", "a"), Fail(Busy, "b", "b"))); k != Spent {
		t.Errorf("the first kind of a joined error is %v", k)
	}
}

func TestProblems(t *testing.T) {
	a, b, c := Fail(Invalid, "a", "A."), Fail(Invalid, "b", "B."), Fail(Conflict, "c", "C.").Because(Fail(Busy, "hidden", "H."))
	for name, x := range map[string]struct {
		err  error
		want []*Error
	}{
		"one":                  {a, []*Error{a}},
		"wrapped":              {fmt.Errorf("x: %w", a), []*Error{a}},
		"joined":               {errors.Join(a, b), []*Error{a, b}},
		"joined in joined":     {errors.Join(a, errors.Join(b, c)), []*Error{a, b, c}},
		"with a fault between": {errors.Join(a, io.EOF, c), []*Error{a, c}},
		"joined, then wrapped": {fmt.Errorf("x: %w", errors.Join(a, b)), []*Error{a, b}},
		"wrapped twice over":   {fmt.Errorf("y: %w", fmt.Errorf("x: %w", errors.Join(b, a))), []*Error{b, a}},
		"two in one sentence":  {fmt.Errorf("%w and %w", a, b), []*Error{a, b}},
		"its cause is not one": {c, []*Error{c}},
	} {
		if got := Problems(x.err); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
	}
}
