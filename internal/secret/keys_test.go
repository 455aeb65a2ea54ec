package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/access"
)

// fixed is a master key of a known byte, for values that must never change.
func fixed(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, masterBytes))
}

func parse(t *testing.T, text string) *Keys {
	t.Helper()
	k, err := ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var home = Place{Table: "api_tokens", Row: "0123456789abcdef0123456789abcdef", Column: "sealed"}

func TestParseKeys(t *testing.T) {
	one, two := fixed(1), fixed(2)
	good := map[string][]int{
		one:                                  {1},
		one + "\n":                           {1},
		strings.TrimRight(one, "="):          {1},
		"1:" + one + "\n2:" + two + "\n":     {1, 2},
		"7:" + two + ",3:" + one:             {3, 7},
		"# made in May: keep safe\n4:" + one: {4},
	}
	for text, want := range good {
		if k := parse(t, text); !slices.Equal(k.Numbers(), want) || k.Current() != want[len(want)-1] {
			t.Errorf("%q: numbers %v, want %v", text, k.Numbers(), want)
		}
	}
	for _, text := range []string{
		"", "\n", "# nothing", "x", one[:20], one + one, "0:" + one, "-1:" + one, "a:" + one, "99999999999:" + one,
		one + "\n" + one, "2:" + one + " 2:" + two, "1:", "!" + one[1:],
	} {
		_, err := ParseKeys(text)
		if _, ok := errors.AsType[*KeyError](err); !ok {
			t.Errorf("%q: %v, want a KeyError", text, err)
		} else if len(text) > 10 && strings.Contains(err.Error(), text[len(text)-10:]) {
			t.Errorf("the refusal quotes the key: %v", err)
		}
	}
}

func TestCheckValue(t *testing.T) {
	k := parse(t, fixed(1))
	check := k.CheckValue(1)
	if err := k.Verify(1, check); err != nil {
		t.Error(err)
	}
	wrong := parse(t, fixed(2))
	for name, err := range map[string]error{
		"another key":                   wrong.Verify(1, check),
		"missing number":                k.Verify(2, check),
		"empty check":                   k.Verify(1, ""),
		"same key under another number": parse(t, "2:"+fixed(1)).Verify(2, check),
	} {
		if _, ok := errors.AsType[*KeyError](err); !ok {
			t.Errorf("%s: %v, want a KeyError", name, err)
		}
	}
	if k.CheckValue(9) != "" {
		t.Error("a check value of no key")
	}
}

// TestDerivedKeysStay pins what is derived: a change here would lock every
// existing database.
func TestDerivedKeysStay(t *testing.T) {
	k := parse(t, fixed(1))
	got := fmt.Sprintf("%s %x %x %s", k.CheckValue(1), k.CookieKey()[:4], k.AuditMAC([]byte("row"))[:4], k.SignCursor("tokens", []byte("42")))
	const want = "c51f5fa598431352494ddfd6c9e11a99 597b9ee1 24c85e88 bwW9nIfjllBnkSevS_iLtzQy"
	if got != want {
		t.Errorf("derived values moved:\n got %s\nwant %s", got, want)
	}
}

func TestChildrenDiffer(t *testing.T) {
	k := parse(t, fixed(1))
	one := k.byNum[1]
	all := [][]byte{one.master, one.cookie, one.cursor, one.audit, one.check, derive(one.master, "latchkey field encryption v1")}
	for i := range all {
		for j := range i {
			if bytes.Equal(all[i], all[j]) {
				t.Errorf("keys %d and %d are the same", i, j)
			}
		}
	}
}

func TestSealOpen(t *testing.T) {
	k := NewKeys(rand.Reader)
	for _, plain := range [][]byte{nil, {}, []byte("sk-lk"), bytes.Repeat([]byte("x"), 1<<16)} {
		sealed, err := k.Seal(home, plain)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := k.Seal(home, plain)
		if bytes.Equal(sealed, again) {
			t.Fatal("one nonce twice")
		}
		if len(plain) > 0 && bytes.Contains(sealed, plain) {
			t.Fatal("sealed in clear")
		}
		got, err := k.Open(home, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %q, %v", got, err)
		}
	}
}

func TestSealedOpensOnlyAtHome(t *testing.T) {
	k := NewKeys(rand.Reader)
	sealed, err := k.Seal(home, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []Place{
		{"shares", home.Row, home.Column},
		{home.Table, strings.Replace(home.Row, "0", "1", 1), home.Column},
		{home.Table, home.Row, "beta_sealed"},
		// The same bytes, split elsewhere.
		{home.Table + home.Row[:1], home.Row[1:], home.Column},
		{home.Table, home.Row + home.Column[:1], home.Column[1:]},
		{"", "", ""},
	} {
		if plain, err := k.Open(place, sealed); !errors.Is(err, ErrSealed) || plain != nil {
			t.Errorf("opened in %+v: %v", place, err)
		}
	}
	if _, err := NewKeys(rand.Reader).Open(home, sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("opened under another key: %v", err)
	}
	for _, place := range []Place{{}, {Table: "t"}, {Table: "t", Row: "r"}, {Row: "r", Column: "c"}} {
		if _, err := k.Seal(place, []byte("x")); err == nil {
			t.Errorf("sealed for %+v", place)
		}
	}
}

func TestRotation(t *testing.T) {
	old := parse(t, fixed(1))
	before, _ := old.Seal(home, []byte("secret"))
	cursor := old.SignCursor("tokens", []byte("42"))
	row := old.AuditMAC([]byte("row"))

	both := old.With(rand.Reader)
	if both.Current() != 2 || !slices.Equal(old.Numbers(), []int{1}) {
		t.Fatalf("With changed the old keys, or made no key 2: %v %v", both.Numbers(), old.Numbers())
	}
	if plain, err := both.Open(home, before); err != nil || string(plain) != "secret" {
		t.Fatal(err)
	}
	after, _ := both.Seal(home, []byte("secret"))
	if n, _ := KeyNumber(after); n != 2 {
		t.Errorf("sealed under key %d", n)
	}
	// The number in front is bound too: renumbering does not open.
	moved := slices.Clone(before)
	moved[4] = 2
	if _, err := both.Open(home, moved); !errors.Is(err, ErrSealed) {
		t.Errorf("renumbered value: %v", err)
	}
	if _, err := both.OpenCursor("tokens", cursor); err != nil {
		t.Error("a cursor died with the rotation")
	}
	if ok, known := both.VerifyAudit(1, []byte("row"), row); !ok || !known {
		t.Error("an audit row died with the rotation")
	}
	if keys := both.CookieKeys(); len(keys) != 2 || !bytes.Equal(keys[1], old.CookieKey()) || !bytes.Equal(keys[0], both.CookieKey()) {
		t.Error("cookie keys are not newest first")
	}

	only := both.Without(1)
	if _, known := only.VerifyAudit(1, []byte("row"), row); known {
		t.Error("key 1 is still known")
	}
	if _, err := only.Open(home, before); err == nil {
		t.Error("opened without its key")
	} else if _, ok := errors.AsType[*KeyError](err); !ok {
		t.Errorf("%v, want a KeyError", err)
	}
	if !slices.Equal(only.Without(2).Numbers(), []int{2}) {
		t.Error("the current key was dropped")
	}
	if again := parse(t, both.Spell().Reveal()); again.CheckValue(2) != both.CheckValue(2) || again.CheckValue(1) != old.CheckValue(1) {
		t.Error("Spell and ParseKeys disagree")
	}
}

func TestCursor(t *testing.T) {
	k := NewKeys(rand.Reader)
	text := k.SignCursor("tokens?q=a", []byte("42"))
	if got, err := k.OpenCursor("tokens?q=a", text); err != nil || string(got) != "42" {
		t.Fatalf("%q, %v", got, err)
	}
	if !Plausible(text) {
		t.Errorf("%q does not stand in a URL", text)
	}
	bad := map[string]string{"": "tokens?q=a", "x": "tokens?q=a", "####": "tokens?q=a", text + "A": "tokens?q=a", text[1:]: "tokens?q=a"}
	bad[text] = "shares"
	for text, scope := range bad {
		if _, err := k.OpenCursor(scope, text); !errors.Is(err, access.Invalid) {
			t.Errorf("%q in %s: %v, want Invalid", text, scope, err)
		}
	}
	if _, err := NewKeys(rand.Reader).OpenCursor("tokens?q=a", text); !errors.Is(err, access.Invalid) {
		t.Error("a foreign cursor opened")
	}
}

// FuzzOpenChanged changes a sealed value in one place, cuts or lengthens it: it
// must never open.
func FuzzOpenChanged(f *testing.F) {
	k, err := ParseKeys("1:" + fixed(1) + "\n2:" + fixed(2))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := k.Seal(home, []byte("the upstream key"))
	if err != nil {
		f.Fatal(err)
	}
	for i := range sealed {
		f.Add(i, byte(1), 0, []byte(nil))
	}
	f.Add(4, byte(3), 0, []byte(nil))
	f.Add(0, byte(0), 1, []byte(nil))
	f.Add(0, byte(0), 0, []byte{0})
	f.Fuzz(func(t *testing.T, at int, flip byte, cut int, tail []byte) {
		changed := slices.Clone(sealed)
		changed[((at%len(changed))+len(changed))%len(changed)] ^= flip
		changed = append(changed[:len(changed)-((cut%len(changed))+len(changed))%len(changed)], tail...)
		plain, err := k.Open(home, changed)
		if same := bytes.Equal(changed, sealed); (err == nil) != same {
			t.Fatalf("same=%v, opened %q, %v", same, plain, err)
		}
		if err != nil && plain != nil {
			t.Fatal("an error with a text beside it")
		}
	})
}
