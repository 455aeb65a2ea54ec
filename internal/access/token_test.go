package access

import (
	"net/netip"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// Every pair of states: the one that comes first in the order of the model wins.
func TestTokenStatus(t *testing.T) {
	order := []struct {
		status Status
		kind   Kind
		code   string
		make   func(*Token, *Purse)
	}{
		{StatusDeleted, SignedOut, "invalid_api_key", func(k *Token, _ *Purse) { k.Deleted = true }},
		{StatusRevoked, Revoked, "token_revoked", func(k *Token, _ *Purse) { k.RevokedAt = noon.Add(time.Hour) }},
		{StatusDisabled, Revoked, "token_disabled", func(k *Token, _ *Purse) { k.Enabled = false }},
		{StatusExpired, Expired, "token_expired", func(k *Token, _ *Purse) { k.ExpiresAt = noon }},
		{StatusExhausted, 0, "", func(_ *Token, p *Purse) { p.Quota, p.Used, p.Unlimited = 5, 5, false }},
		{StatusEnabled, 0, "", func(*Token, *Purse) {}},
	}
	for i, first := range order {
		for _, second := range order[i:] {
			k, p := Token{Enabled: true}, Purse{Unlimited: true}
			second.make(&k, &p)
			first.make(&k, &p)
			if got := k.Status(p, noon); got != first.status {
				t.Errorf("%s and %s: %s", first.status, second.status, got)
			}
			err := k.Usable(noon)
			if KindOf(err) != first.kind {
				t.Errorf("%s and %s may be used: %v", first.status, second.status, err)
			}
			if all := Problems(err); len(all) > 0 && all[0].Code != first.code {
				t.Errorf("%s is refused with %s", first.status, all[0].Code)
			}
		}
	}
}

func TestTokenExpired(t *testing.T) {
	for _, c := range []struct {
		name    string
		expires time.Time
		seen    time.Time
		want    bool
	}{
		{"never", time.Time{}, time.Time{}, false},
		{"in a moment", noon.Add(1), time.Time{}, false},
		{"just now", noon, time.Time{}, true},
		{"an hour ago", noon.Add(-time.Hour), time.Time{}, true},
		{"seen, and the clock went back", noon.Add(time.Hour), noon.Add(2 * time.Hour), true},
		{"seen, without an end", time.Time{}, noon, true},
	} {
		k := Token{Enabled: true, ExpiresAt: c.expires, ExpiredSeenAt: c.seen}
		if got := k.Expired(noon); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
		if got := KindOf(k.Usable(noon)) == Expired; got != c.want {
			t.Errorf("%s: usable says %t", c.name, got)
		}
	}
}

func TestTokenAllows(t *testing.T) {
	list, err := ParseAddresses([]string{"10.0.0.0/8", "2001:db8::/32", "192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	limited := Token{Addresses: list}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "11.0.0.1": false, "192.0.2.7": true, "192.0.2.8": false,
		"2001:db8::1": true, "2001:db9::1": false, "2001:db8::1%eth0": true, "::ffff:11.0.0.1": false,
	} {
		if got := limited.AllowsAddress(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
		if !(Token{}).AllowsAddress(netip.MustParseAddr(text)) {
			t.Errorf("an empty list refuses %s", text)
		}
	}
	if limited.AllowsAddress(netip.Addr{}) || !(Token{}).AllowsAddress(netip.Addr{}) {
		t.Error("an address that could not be read is allowed by an empty list, and by no other")
	}

	for _, c := range []struct {
		name  string
		token Token
		model string
		want  bool
	}{
		{"no limit", Token{}, "gpt-4o", true},
		{"a list that is switched off", Token{Models: []string{"gpt-4o"}}, "qwen-max", true},
		{"on the list", Token{ModelsLimited: true, Models: []string{"qwen-max", "gpt-4o"}}, "gpt-4o", true},
		{"not on the list", Token{ModelsLimited: true, Models: []string{"gpt-4o"}}, "gpt-4o-mini", false},
		{"of another case", Token{ModelsLimited: true, Models: []string{"gpt-4o"}}, "GPT-4o", false},
		{"an empty list", Token{ModelsLimited: true}, "gpt-4o", false},
	} {
		if got := c.token.AllowsModel(c.model); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	for _, c := range []struct {
		bound, bot int64
		want       bool
	}{{0, 0, true}, {0, 5, true}, {5, 5, true}, {5, 6, false}, {5, 0, false}} {
		if got := (Token{BotID: c.bound}).AllowsBot(c.bot); got != c.want {
			t.Errorf("bound to %d asks %d: %t", c.bound, c.bot, got)
		}
	}
	for _, c := range []struct {
		group Group
		want  bool
	}{
		{Group{AllModels: true}, true},
		{Group{Models: []string{"gpt-4o"}}, true},
		{Group{Models: []string{"GPT-4o"}}, false},
		{Group{}, false},
	} {
		if got := c.group.AllowsModel("gpt-4o"); got != c.want {
			t.Errorf("group %+v: %t", c.group, got)
		}
	}
}
