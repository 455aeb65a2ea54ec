package db

import (
	"testing"
	"time"

	"latchkey/internal/access"
)

// Usage is summed by every side, names deleted rows, counts what belongs to none,
// and never mixes workspaces.
func TestUsage(t *testing.T) {
	d, c := peopleFile(t)
	_, mine, err := d.MakeFirstAdmin(t.Context(), shell, NewUser{User: access.User{PublicID: "u1", Username: "lin", UsernameKey: "lin"}, Workspace: "Acme"})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := d.MakeUser(t.Context(), shell, NewUser{User: access.User{PublicID: "u2", Username: "ada", UsernameKey: "ada"}, Workspace: "Northwind"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := d.MakeToken(t.Context(), shell, NewToken{
		Token: access.Token{PublicID: "k1", WorkspaceID: mine.ID, Name: "Pipeline", PermissionsShape: "array"}, Purse: access.Purse{Unlimited: true},
		Hash: [32]byte{1}, BetaHash: [32]byte{2}, Zone: time.UTC,
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	log := func(workspaceID, tokenID int64, model string, times int) {
		t.Helper()
		for range times {
			n++
			err := d.LogRequests(t.Context(), []Logged{{Zone: time.UTC, Request: access.Request{
				RequestID: string(rune('a' + n)), At: c.now(), WorkspaceID: workspaceID, TokenID: tokenID, Model: model, Outcome: access.Refused, Door: access.DoorGateway,
			}}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	log(mine.ID, token.ID, "qwen-max", 2)
	log(mine.ID, 0, "gpt-4o-mini", 1)
	log(other.ID, 0, "gpt-4o-mini", 5)
	c.forward(48 * time.Hour)
	log(mine.ID, token.ID, "gpt-4o-mini", 4)
	if _, err := d.DeleteToken(t.Context(), shell, mine.ID, "k1"); err != nil {
		t.Fatal(err)
	}

	type row struct {
		key, name string
		refused   int64
	}
	for _, k := range []struct {
		q    UsageQuery
		want []row
	}{
		{UsageQuery{By: ByDay}, []row{{"2026-11-20", "", 3}, {"2026-11-22", "", 4}}},
		{UsageQuery{By: ByDay, Newest: true}, []row{{"2026-11-22", "", 4}, {"2026-11-20", "", 3}}},
		{UsageQuery{By: ByModel}, []row{{"gpt-4o-mini", "gpt-4o-mini", 5}, {"qwen-max", "qwen-max", 2}}},
		{UsageQuery{By: ByToken}, []row{{"0", "", 1}, {"1", "Pipeline", 6}}},
		{UsageQuery{By: ByShare}, []row{{"0", "", 7}}},
		{UsageQuery{By: ByCustomer}, []row{{"0", "", 7}}},
		{UsageQuery{By: ByBot}, []row{{"0", "", 7}}},
		{UsageQuery{By: ByToken, To: "2026-11-21"}, []row{{"0", "", 1}, {"1", "Pipeline", 2}}},
		{UsageQuery{By: ByToken, Offset: 1, Limit: 1}, []row{{"1", "Pipeline", 6}}},
	} {
		k.q.From = "2026-11-01"
		if k.q.To == "" {
			k.q.To = "2026-11-30"
		}
		if k.q.Limit == 0 {
			k.q.Limit = 10
		}
		got, total, err := d.Usage(t.Context(), mine.ID, k.q)
		if err != nil || len(got) != len(k.want) || total != int64(k.q.Offset+len(k.want)) {
			t.Errorf("%+v: %+v of %d, %v", k.q, got, total, err)
			continue
		}
		for i, u := range got {
			if (row{u.Key, u.Name, u.Refused}) != k.want[i] {
				t.Errorf("%+v: row %d is %+v, want %+v", k.q, i, u, k.want[i])
			}
		}
	}
	days, err := d.UsageByDay(t.Context(), mine.ID, "2026-11-19", "2026-11-22")
	if err != nil || len(days) != 4 || days[0].Refused != 0 || days[1].Refused != 3 || days[2].Key != "2026-11-21" || days[3].Refused != 4 {
		t.Errorf("by day: %+v, %v", days, err)
	}
	sum, err := d.UsageTotal(t.Context(), mine.ID, "2026-11-20", "2026-11-22")
	if err != nil || sum.Refused != 7 {
		t.Errorf("total: %+v, %v", sum, err)
	}
	if _, _, err := d.Usage(t.Context(), mine.ID, UsageQuery{By: "hour"}); access.KindOf(err) != access.Invalid {
		t.Errorf("by hour: %v", err)
	}
}
