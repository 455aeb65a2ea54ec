package control

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// addressSpan is how far back calls are looked at that a list would have refused.
const addressSpan = 30 * 24 * time.Hour

// AddressTest is what an address list means, before it is saved.
type AddressTest struct {
	Entries []AddressEntry
	Own     bool  // the list lets the caller's own address in; an empty list does
	Calls   int64 // of the token in the last 30 days
	Refused int64 // those that the list would have refused
	From    []db.AddressCount
}

// AddressEntry is one entry as it was typed.
type AddressEntry struct {
	Text   string
	Means  string // as it is kept: masked, without a prefix length where it is one address
	Single bool
	Own    bool  // the caller's own address is in it
	Wrong  error // nil for nothing
}

// TestAddresses says what each entry of a list means, whether the caller would get
// in, and which past calls of a token the list would have refused; token is "" for
// one that is not made yet. Where an entry cannot be read it allows nothing.
func (c *Control) TestAddresses(ctx context.Context, by access.Actor, token string, entries []string, own netip.Addr) (AddressTest, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return AddressTest{}, err
	}
	var t AddressTest
	var list []netip.Prefix
	for _, text := range entries {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		e := AddressEntry{Text: text}
		parsed, err := access.ParseAddresses([]string{text})
		if e.Wrong = err; err == nil {
			e.Means, e.Single, e.Own = access.FormatAddresses(parsed)[0], parsed[0].IsSingleIP(), access.AllowsAddress(parsed, own)
			list = append(list, parsed...)
		}
		t.Entries = append(t.Entries, e)
	}
	t.Own = len(t.Entries) == 0 || len(list) > 0 && access.AllowsAddress(list, own)
	if token == "" {
		return t, nil
	}
	row, err := c.DB.Token(ctx, by.WorkspaceID, token)
	if err != nil {
		return t, err
	}
	from, err := c.DB.TokenAddresses(ctx, by.WorkspaceID, row.ID, c.Now().Add(-addressSpan))
	for _, one := range from {
		t.Calls += one.Calls
		at, bad := netip.ParseAddr(one.Address)
		if len(t.Entries) > 0 && (bad != nil || len(list) == 0 || !access.AllowsAddress(list, at)) {
			t.Refused += one.Calls
			t.From = append(t.From, one)
		}
	}
	return t, err
}
