package upstream

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	const key = "sk-live-0123456789"
	for said, want := range map[string]string{
		"plain":                              "plain",
		"key " + key + " bad":                "key … bad",
		"see https://inner.example/x?y now":  "see … now",
		"at 10.0.0.1:8000 and [fd00::1]:80.": "at … and ….",
		"a\x00b\r\n\tc\u202ed\u200b":         "ab cd",
		"Authorization: Bearer abc.def":      "Authorization: …",
		"sk-\u200blive-0123456789":           "…",
		"bad \xff utf":                       "bad utf",
		"Incorrect API key provided: sk-proj-ab**34. You can find it": "Incorrect API key provided: … You can find it",
		"this model's maximum context length is 8192 tokens (v1.2.3)": "this model's maximum context length is 8192 tokens (v1.2.3)",
	} {
		if got := clean(said, key); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
	if got := clean(strings.Repeat("很", 5000), ""); len([]rune(got)) != maxSaid {
		t.Errorf("%d characters", len([]rune(got)))
	}
	for code, want := range map[string]string{"context_length_exceeded": "context_length_exceeded", "a b": "", key: "", "messages[0].content": "messages[0].content"} {
		if got := cleanCode(code, key); got != want {
			t.Errorf("%q: %q", code, got)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("see https://x for sk-0123456789", "sk-0123456789")
	f.Add("a\u200bb c", "abcd")
	f.Fuzz(func(t *testing.T, said, key string) {
		got := clean(said, key)
		if len([]rune(got)) > maxSaid || strings.ContainsAny(got, "\r\n\x00\x1b") || strings.Contains(got, "://") {
			t.Errorf("%q", got)
		}
		if len(key) >= 8 && strings.Trim(key, "\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") == "" && strings.Contains(got, key) {
			t.Errorf("%q holds the key %q", got, key)
		}
	})
}
