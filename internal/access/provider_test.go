package access

import (
	"testing"
	"time"
)

func TestServing(t *testing.T) {
	paused := time.Unix(1, 0)
	for _, c := range []struct {
		name string
		p    Provider
		want bool
	}{
		{"enabled", Provider{Enabled: true}, true},
		{"switched off", Provider{}, false},
		{"paused", Provider{Enabled: true, PausedAt: paused}, false},
		{"paused and switched off", Provider{PausedAt: paused}, false},
		{"deleted", Provider{Enabled: true, Deleted: true}, false},
	} {
		if c.p.Serving() != c.want {
			t.Errorf("%s: serving %t", c.name, !c.want)
		}
	}
}

func TestModelOfAProvider(t *testing.T) {
	p := Provider{Models: []Model{{Name: "fast", UpstreamName: "gpt-4o-mini"}, {Name: "qwen-max", UpstreamName: "qwen-max"}}}
	for name, want := range map[string]string{"fast": "gpt-4o-mini", "qwen-max": "qwen-max", "gpt-4o-mini": "", "FAST": "", "": ""} {
		if m, ok := p.Model(name); ok != (want != "") || m.UpstreamName != want {
			t.Errorf("%q is %+v, %t", name, m, ok)
		}
	}
	for name, want := range map[string]ModelKind{"text-embedding-3-small": EmbeddingModel, "BGE-Embed": EmbeddingModel, "gpt-4o-mini": ChatModel, "": ChatModel} {
		if got := GuessKind(name); got != want {
			t.Errorf("%q is guessed to be %s", name, got)
		}
	}
}

// A bot keeps what is said, unless it is told to keep nothing.
func TestKeepsText(t *testing.T) {
	for days, want := range map[int64]bool{0: false, 1: true, 30: true} {
		if (Bot{RetentionDays: &days}).KeepsText() != want {
			t.Errorf("%d days", days)
		}
	}
	if !(Bot{}).KeepsText() {
		t.Error("without a limit nothing is kept")
	}
}

// The limits of sessions are those of the checklist.
func TestSessionLimits(t *testing.T) {
	for name, c := range map[string]struct {
		got   time.Duration
		hours int
	}{
		"idle": {UserIdle, 12}, "life": {UserLifetime, 7 * 24}, "customer idle": {CustomerIdle, 30 * 24}, "customer life": {CustomerLife, 90 * 24},
		"login token": {LoginTokenLife, 30 * 24},
	} {
		if c.got.Hours() != float64(c.hours) {
			t.Errorf("%s: %s", name, c.got)
		}
	}
}
