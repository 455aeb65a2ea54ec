package access

import (
	"testing"
	"time"
)

// Every pair of states of a link: the one that comes first on the wire wins.
func TestShareStatus(t *testing.T) {
	order := []struct {
		status Status
		kind   Kind
		code   string
		make   func(*Share)
	}{
		{StatusDeleted, NotFound, "share_unknown", func(s *Share) { s.Deleted = true }},
		{StatusRevoked, Revoked, "share_revoked", func(s *Share) { s.RevokedAt = noon.Add(time.Hour) }},
		{StatusExpired, Expired, "share_expired", func(s *Share) { s.ExpiresAt = noon }},
		{StatusPaused, Revoked, "share_paused", func(s *Share) { s.PausedAt = noon }},
		{StatusEnabled, 0, "", func(*Share) {}},
	}
	for i, first := range order {
		for _, second := range order[i:] {
			var s Share
			second.make(&s)
			first.make(&s)
			if got := s.Status(noon); got != first.status {
				t.Errorf("%s and %s: %s", first.status, second.status, got)
			}
			err := s.Usable(noon)
			if KindOf(err) != first.kind {
				t.Errorf("%s and %s may be used: %v", first.status, second.status, err)
			}
			if all := Problems(err); len(all) > 0 && all[0].Code != first.code {
				t.Errorf("%s is refused with %s", first.status, all[0].Code)
			}
		}
	}
	if err := (Share{ExpiresAt: noon.Add(1)}).Usable(noon); err != nil {
		t.Errorf("a link that expires in a moment: %v", err)
	}
}

func TestShareUsableBy(t *testing.T) {
	const here, elsewhere = 1, 2
	mei := Customer{WorkspaceID: here, Enabled: true}
	for _, c := range []struct {
		name     string
		share    Share
		customer Customer
		seat     Seat
		code     string
	}{
		{"open to all", Share{WorkspaceID: here}, mei, Seat{}, ""},
		{"restricted, named", Share{WorkspaceID: here, Restricted: true}, mei, Seat{Allowed: true}, ""},
		{"restricted, not named", Share{WorkspaceID: here, Restricted: true}, mei, Seat{}, "share_not_for_you"},
		{"restricted, opened before, not named any more", Share{WorkspaceID: here, Restricted: true}, mei, Seat{FirstOpenedAt: noon, PurseID: 3}, "share_not_for_you"},
		{"disabled", Share{WorkspaceID: here}, Customer{WorkspaceID: here}, Seat{}, "customer_disabled"},
		{"disabled, and named", Share{WorkspaceID: here, Restricted: true}, Customer{WorkspaceID: here}, Seat{Allowed: true}, "customer_disabled"},
		{"deleted", Share{WorkspaceID: here}, Customer{WorkspaceID: here, Enabled: true, Deleted: true}, Seat{Allowed: true}, "signed_out"},
		{"of another workspace", Share{WorkspaceID: here}, Customer{WorkspaceID: elsewhere, Enabled: true}, Seat{Allowed: true}, "signed_out"},
		{"of no workspace", Share{WorkspaceID: here}, Customer{Enabled: true}, Seat{Allowed: true}, "signed_out"},
	} {
		code := ""
		for _, p := range Problems(c.share.UsableBy(c.customer, c.seat)) {
			code = p.Code
		}
		if code != c.code {
			t.Errorf("%s: %q, want %q", c.name, code, c.code)
		}
	}
}
