package db

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
)

func TestCustomerNames(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	k.must(k.change(ctx, func(t *Tx) error {
		_, err := t.exec(`INSERT INTO users (public_id, username, username_key, password_hash, created_at) VALUES ($1, 'Ana', 'ana', '', 0)`, k.id())
		return err
	}))
	mei := k.customer("mei")
	enrol := func(workspace int64, key string) error {
		_, err := k.MakeCustomer(ctx, k.owner, access.Customer{PublicID: k.id(), WorkspaceID: workspace, Username: key, UsernameKey: key})
		return err
	}
	k.refused(enrol(k.workspace, "mei"), "customer_taken")
	k.refused(enrol(k.workspace, "ana"), "customer_taken")
	other, _ := k.newWorkspace("northwind")
	k.must(enrol(other, "mei"))

	jonas := k.customer("jonas")
	edit := func(key string) error {
		_, err := k.EditCustomer(ctx, k.owner, k.workspace, jonas.PublicID, CustomerChange{Username: &key, UsernameKey: &key})
		return err
	}
	k.refused(edit("mei"), "customer_taken")
	k.refused(edit("ana"), "customer_taken")
	k.must(edit("jonas.weber"))
	if w, err := k.FindWorkspace(ctx, k.workspace); err != nil || w.CustomerCount != 2 {
		t.Fatalf("%d customers are counted (%v), want 2: what was refused does not count", w.CustomerCount, err)
	}

	named, err := k.CustomersNamed(ctx, "mei", 4)
	k.must(err)
	if len(named) != 2 || named[0].ID != mei.ID {
		t.Fatalf("customers named mei: %+v", named)
	}
	_, err = k.DeleteCustomer(ctx, k.owner, k.workspace, mei.PublicID)
	k.must(err)
	k.must(enrol(k.workspace, "mei"))
	if again, err := k.CustomerByName(ctx, k.workspace, "mei"); err != nil || again.ID == mei.ID {
		t.Fatalf("the name leads to %d (%v), want the new customer", again.ID, err)
	}
}

// Every act that keeps a customer out ends all sign-ins in the same fact, and the
// cached customer says so at once.
func TestCustomerSignIns(t *testing.T) {
	for name, act := range map[string]func(*desk, access.Customer) error{
		"disable": func(k *desk, m access.Customer) error {
			_, err := k.SetCustomerEnabled(background, k.owner, k.workspace, m.PublicID, false)
			return err
		},
		"reset-password": func(k *desk, m access.Customer) error {
			_, err := k.ResetCustomerPassword(background, k.owner, k.workspace, m.PublicID, "new", true)
			return err
		},
		"delete": func(k *desk, m access.Customer) error {
			_, err := k.DeleteCustomer(background, k.owner, k.workspace, m.PublicID)
			return err
		},
		"end-sessions": func(k *desk, m access.Customer) error {
			_, err := k.EndCustomerSessions(background, k.owner, k.workspace, m.PublicID)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := newDesk(t)
			mei, jonas := k.customer("mei"), k.customer("jonas")
			k.signIn(mei)
			k.signIn(jonas)
			if found, err := k.FindCustomer(t.Context(), mei.ID); err != nil || !found.Enabled {
				t.Fatalf("before: %+v, %v", found, err)
			}
			k.must(act(k, mei))
			if n := k.signIns(mei); n != 0 {
				t.Errorf("%d sign-ins are left", n)
			}
			if n := k.signIns(jonas); n != 2 {
				t.Errorf("%d of the other customer's 2 sign-ins are left", n)
			}
			found, err := k.FindCustomer(t.Context(), mei.ID)
			k.must(err)
			if found.Enabled != (name != "disable") || found.Deleted != (name == "delete") || found.MustChange != (name == "reset-password") {
				t.Errorf("the cache still says %+v", found)
			}
			if row := k.lastAudit(); row.Action != "customer."+name || !strings.Contains(row.Object, mei.PublicID) {
				t.Errorf("the audit log tells %s of %s", row.Action, row.Object)
			}
		})
	}
}

func TestChangeCustomerPassword(t *testing.T) {
	k := newDesk(t)
	mei := k.customer("mei")
	k.signIn(mei)
	sessions, err := k.Sessions(t.Context(), access.SubjectCustomer, mei.ID)
	k.must(err)
	by := access.Actor{Kind: access.ActorCustomer, ID: mei.ID, PublicID: mei.PublicID, WorkspaceID: k.workspace, SessionHash: sessions[0].Hash}
	_, err = k.ChangeCustomerPassword(t.Context(), by, mei.ID, "another", "new")
	k.refused(err, "stale")
	changed, err := k.ChangeCustomerPassword(t.Context(), by, mei.ID, mei.PasswordHash, "new")
	k.must(err)
	if changed.PasswordHash != "new" || k.signIns(mei) != 1 {
		t.Fatalf("hash %q, %d sign-ins: want the new one and the present session", changed.PasswordHash, k.signIns(mei))
	}
}

func TestEditCustomerStale(t *testing.T) {
	k := newDesk(t)
	mei := k.customer("mei")
	_, err := k.EditCustomer(t.Context(), k.owner, k.workspace, mei.PublicID, CustomerChange{Note: ptr("calls on Mondays"), Version: 1})
	k.must(err)
	_, err = k.EditCustomer(t.Context(), k.owner, k.workspace, mei.PublicID, CustomerChange{Note: ptr("never calls"), Version: 1})
	k.refused(err, "stale")
	other, _ := k.newWorkspace("northwind")
	_, err = k.EditCustomer(t.Context(), k.owner, other, mei.PublicID, CustomerChange{Note: ptr("ours now")})
	k.refused(err, "not_found")
	row, err := k.Customer(t.Context(), k.workspace, mei.PublicID)
	k.must(err)
	if row.Note != "calls on Mondays" {
		t.Fatalf("the note is %q", row.Note)
	}
}

func TestCustomersList(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	for i := range 5 {
		k.customer(fmt.Sprintf("customer-%d", i))
	}
	wang := k.customer("王芳")
	k.open(k.share("Help desk", nil), wang)
	k.signIn(wang)
	_, err := k.SetCustomerEnabled(ctx, k.owner, k.workspace, k.customer("off").PublicID, false)
	k.must(err)
	for _, c := range []struct {
		page Page
		want int
	}{
		{Page{Limit: 50}, 7},
		{Page{Limit: 50, Query: "CUSTOMER"}, 5},
		{Page{Limit: 50, Query: "王芳"}, 1},
		{Page{Limit: 50, Query: "mer-3"}, 1},
		{Page{Limit: 50, Query: `%`}, 0},
		{Page{Limit: 50, Status: access.StatusDisabled}, 1},
		{Page{Limit: 50, Status: access.StatusEnabled, Query: "customer"}, 5},
	} {
		rows, err := k.Customers(ctx, k.workspace, c.page)
		k.must(err)
		n, err := k.CountCustomers(ctx, k.workspace, c.page)
		k.must(err)
		if len(rows) != c.want || n != int64(c.want) {
			t.Errorf("%+v lists %d and counts %d, want %d", c.page, len(rows), n, c.want)
		}
	}
	first, err := k.Customers(ctx, k.workspace, Page{Limit: 3})
	k.must(err)
	rest, err := k.Customers(ctx, k.workspace, Page{Limit: 50, Before: first[2].ID})
	k.must(err)
	if len(rest) != 4 || rest[0].ID >= first[2].ID {
		t.Errorf("the second page has %d rows", len(rest))
	}
	row, err := k.Customer(ctx, k.workspace, wang.PublicID)
	k.must(err)
	if row.Links != 1 || row.Sessions != 1 {
		t.Errorf("王芳 has %d links and %d sessions, want 1 and 1", row.Links, row.Sessions)
	}
	other, _ := k.newWorkspace("northwind")
	if rows, err := k.Customers(ctx, other, Page{Limit: 50}); err != nil || len(rows) != 0 {
		t.Errorf("another workspace sees %d customers (%v)", len(rows), err)
	}
}

func TestReach(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	mei, jonas := k.customer("mei"), k.customer("jonas")
	s := k.share("Help desk", nil)
	k.answered(k.open(s, mei), 10)
	k.wait(24 * time.Hour)
	k.answered(k.open(s, mei), 10)
	k.answered(k.open(s, mei), 10)
	k.open(s, jonas)
	k.signIn(mei)
	share, err := k.ShareReach(ctx, k.workspace, s.ID, time.UTC)
	k.must(err)
	if share != (ShareReach{Customers: 2, Today: 2}) {
		t.Errorf("the link reaches %+v", share)
	}
	customer, err := k.CustomerReach(ctx, k.workspace, mei.ID, time.UTC)
	k.must(err)
	if customer != (CustomerReach{Links: 1, Sessions: 2, Today: 2}) {
		t.Errorf("the customer has %+v", customer)
	}
	_, err = k.DeleteCustomer(ctx, k.owner, k.workspace, jonas.PublicID)
	k.must(err)
	if share, err = k.ShareReach(ctx, k.workspace, s.ID, time.UTC); err != nil || share.Customers != 1 {
		t.Errorf("the link reaches %d customers (%v), want 1", share.Customers, err)
	}
}

func TestTokenReach(t *testing.T) {
	k := newDesk(t)
	call := func(at time.Time, token int64) {
		k.must(k.LogRequests(t.Context(), []Logged{{Request: access.Request{
			RequestID: k.id(), At: at, WorkspaceID: k.workspace, TokenID: token, Door: access.DoorGateway, Outcome: access.Refused,
		}, Zone: time.UTC}}))
	}
	call(k.now(), 7)
	call(k.now().Add(-23*time.Hour), 7)
	call(k.now().Add(-25*time.Hour), 7)
	call(k.now(), 8)
	r, err := k.TokenReach(t.Context(), k.workspace, 7, k.now().Add(-24*time.Hour))
	k.must(err)
	if r.Calls != 2 || r.Embeds != 0 {
		t.Errorf("the token reaches %+v, want 2 calls", r)
	}
}

func TestUseOf(t *testing.T) {
	k := newDesk(t)
	mei, jonas := k.customer("mei"), k.customer("jonas")
	s := k.share("Help desk", nil)
	k.answered(k.open(s, mei), 10)
	k.wait(48 * time.Hour)
	k.answered(k.open(s, mei), 7)
	k.answered(k.open(s, jonas), 5)
	days, err := k.UseOf(t.Context(), k.workspace, Subject{Customer: mei.ID}, 3, time.UTC)
	k.must(err)
	want := []DayUse{{Day: "2026-11-20", Requests: 1, Units: 10}, {Day: "2026-11-21"}, {Day: "2026-11-22", Requests: 1, Units: 7}}
	if !slices.Equal(days, want) {
		t.Errorf("the customer's days: %+v", days)
	}
	days, err = k.UseOf(t.Context(), k.workspace, Subject{Share: s.ID}, 1, time.UTC)
	k.must(err)
	if !slices.Equal(days, []DayUse{{Day: "2026-11-22", Requests: 2, Units: 12}}) {
		t.Errorf("the link's day: %+v", days)
	}
	other, _ := k.newWorkspace("northwind")
	if days, err = k.UseOf(t.Context(), other, Subject{Share: s.ID}, 1, time.UTC); err != nil || days[0].Requests != 0 {
		t.Errorf("another workspace sees %+v (%v)", days, err)
	}
}

func TestAllowCustomer(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	mei := k.customer("mei")
	s := k.share("Help desk", func(n *NewShare) { n.Share.Restricted = true })
	_, err := k.OpenShare(ctx, s.ID, mei.ID, time.UTC)
	k.refused(err, "share_not_for_you")
	k.must(k.AllowCustomer(ctx, k.owner, k.workspace, s.PublicID, mei.PublicID, true))
	k.open(s, mei)
	links, err := k.LinksOfCustomer(ctx, k.workspace, mei.ID, 10)
	if k.must(err); len(links) != 1 || links[0].Share.ID != s.ID || links[0].PurseID == 0 {
		t.Fatalf("links: %+v", links)
	}
	k.must(k.AllowCustomer(ctx, k.owner, k.workspace, s.PublicID, mei.PublicID, false))
	_, err = k.OpenShare(ctx, s.ID, mei.ID, time.UTC)
	k.refused(err, "share_not_for_you")
	other, _ := k.newWorkspace("northwind")
	k.refused(k.AllowCustomer(ctx, k.owner, other, s.PublicID, mei.PublicID, true), "not_found")
	open := k.share("For all", nil)
	k.refused(k.AllowCustomer(ctx, k.owner, k.workspace, open.PublicID, mei.PublicID, true), "share_open_to_all")
	// What is open to all is among the links of a customer who never came.
	links, err = k.LinksOfCustomer(ctx, k.workspace, k.customer("jonas").ID, 10)
	if k.must(err); len(links) != 1 || links[0].Share.ID != open.ID {
		t.Fatalf("links of a newcomer: %+v", links)
	}
}
