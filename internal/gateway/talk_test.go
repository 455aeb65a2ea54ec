package gateway_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
)

func TestTurnsOf(t *testing.T) {
	said := func(pairs ...string) []access.Message {
		var all []access.Message
		for i, text := range pairs {
			role := access.RoleQuestion
			if i%2 == 1 {
				role = access.RoleAnswer
			}
			all = append(all, access.Message{Role: role, Text: text})
		}
		return all
	}
	text := func(turns []gateway.Turn) []string {
		var all []string
		for _, x := range turns {
			all = append(all, x.Role+": "+x.Text)
		}
		return all
	}
	for name, c := range map[string]struct {
		before []access.Message
		want   []string
	}{
		"alone":        {nil, []string{"user: now"}},
		"in order":     {said("a", "b", "c", "d"), []string{"user: a", "assistant: b", "user: c", "assistant: d", "user: now"}},
		"what failed":  {said("a", "b", "c", ""), []string{"user: a", "assistant: b", "user: now"}},
		"not kept":     {said("", "", "c", "d"), []string{"user: c", "assistant: d", "user: now"}},
		"cut in two":   {said("a", "b", "c", "d")[1:], []string{"user: c", "assistant: d", "user: now"}},
		"too long":     {said("a", strings.Repeat("b", 96<<10), "c", "d"), []string{"user: c", "assistant: d", "user: now"}},
		"no answer":    {said("a"), []string{"user: now"}},
		"two in a row": {append(said("a"), said("c", "d")...), []string{"user: c", "assistant: d", "user: now"}},
	} {
		if diff := cmp.Diff(c.want, text(gateway.TurnsOf(c.before, "now"))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if n := len(gateway.TurnsOf(said(strings.Split(strings.Repeat("x,", 99), ",")...), "now")); n != 41 {
		t.Errorf("%d turns of a long conversation", n)
	}
}
