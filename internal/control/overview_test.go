package control

import (
	"context"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

func (o *office) past(id string, at time.Time, units int64, outcome access.Outcome) db.PastCall {
	return db.PastCall{
		Request: access.Request{
			RequestID: id, At: at, WorkspaceID: o.workspace.ID, BotID: o.bot.ID, Model: "demo", Door: access.DoorPage, Outcome: outcome, Status: 200, Units: units,
		},
		Purses: db.Purses{Workspace: o.workspace.PurseID},
	}
}

// What yesterday had by now is exact to the call, also where midnight and the
// pieces do not meet, and every sum is the ledger's.
func TestOverviewAgainstTheSameTime(t *testing.T) {
	o := newOffice(t) // 14:21
	now := o.now()
	yesterday := now.AddDate(0, 0, -1)
	o.must(o.DB.Ledger.MakeHistory(t.Context(), time.UTC, []db.PastCall{
		o.past("a", yesterday.Add(-time.Millisecond), 10, access.Answered), // the last one by now
		o.past("b", yesterday, 10, access.Answered),                        // and the first one after
		o.past("c", yesterday.Add(-14*time.Hour-20*time.Minute), 10, access.Answered),
		o.past("d", now.Add(-time.Minute), 7, access.Answered),
		o.past("e", now.Add(-time.Hour), 0, access.Refused),
		o.past("f", now.AddDate(0, 0, -31), 100, access.Answered),
	}))
	v, err := o.Overview(t.Context(), o.owner)
	o.must(err)
	if v.ByNow.Requests != 2 || v.ByNow.Units != 20 || v.Today.Requests != 1 || v.Today.Units != 7 || v.Today.Refused != 1 {
		t.Errorf("by now %+v, today %+v", v.ByNow, v.Today)
	}
	if last := v.YesterdayLine[len(v.YesterdayLine)-1]; last.Requests != 3 {
		t.Errorf("all of yesterday is %+v", last)
	}
	if last := v.TodayLine[len(v.TodayLine)-1]; last.Requests != 1 || last.Refused != 1 || len(v.TodayLine) >= len(v.YesterdayLine) {
		t.Errorf("today so far is %+v of %d pieces", last, len(v.TodayLine))
	}
	if len(v.Days) != 30 || v.Before.Requests != 1 || v.Before.Units != 100 {
		t.Errorf("%d days, before them %+v", len(v.Days), v.Before)
	}
	var units int64
	for _, day := range v.Days {
		units += day.Units
	}
	sum, err := o.DB.UsageTotal(t.Context(), o.workspace.ID, v.Days[0].Day, v.Days[29].Day)
	o.must(err)
	if units != sum.Units {
		t.Errorf("%d units in the chart, %d in the ledger", units, sum.Units)
	}
	if v.ExpectedRequests != 1 { // 1 × 3 ÷ 2, whole calls
		t.Errorf("%d expected today", v.ExpectedRequests)
	}
}

// A bot whose model nobody serves is in trouble; one that another provider serves
// is not.
func TestOverviewFindsStuckBots(t *testing.T) {
	o := newOffice(t)
	v, err := o.Overview(t.Context(), o.owner)
	o.must(err)
	if len(v.Stuck) != 0 || len(v.Stopped) != 0 {
		t.Fatalf("in trouble: %+v, %+v", v.Stuck, v.Stopped)
	}
	providers, err := o.DB.FindProviders(t.Context(), o.workspace.ID)
	o.must(err)
	o.must(o.DB.SetProviderPaused(t.Context(), access.Actor{Kind: access.ActorUpkeep, Door: access.DoorGateway}, providers[0], "provider_key_refused"))
	v, err = o.Overview(t.Context(), o.owner)
	o.must(err)
	if len(v.Stuck) != 1 || v.Stuck[0].Name != "Support Bot" || v.Stuck[0].Provider.ID != providers[0].ID || len(v.Stopped) != 1 {
		t.Errorf("in trouble: %+v, %+v", v.Stuck, v.Stopped)
	}
	o.makeBot(o.owner, "Second Bot") // brings a provider with the same model
	v, err = o.Overview(t.Context(), o.owner)
	o.must(err)
	if len(v.Stuck) != 0 {
		t.Errorf("in trouble: %+v", v.Stuck)
	}
}

// Who may see what of it; the neighbour sees nothing of ours.
func TestInsightPermissions(t *testing.T) {
	o := newOffice(t)
	rows, _, err := o.Audit(t.Context(), o.owner, db.Page{Limit: 1})
	o.must(err)
	o.matrix([]act{
		{"AuditEntry", func(ctx context.Context, by access.Actor) error {
			_, err := o.AuditEntry(ctx, by, rows[0].Seq)
			return err
		}, access.ReadAudit},
	})
	for name, do := range map[string]func(access.Actor) error{
		"Overview": func(by access.Actor) error { _, err := o.Overview(t.Context(), by); return err },
		"RequestPage": func(by access.Actor) error {
			_, err := o.RequestPage(t.Context(), by, db.RequestPage{Limit: 1})
			return err
		},
		"DefaultPriced": func(by access.Actor) error { _, err := o.DefaultPriced(t.Context(), by, []string{"demo"}); return err },
	} {
		for _, by := range []access.Actor{o.as(access.Viewer), o.token("read")} {
			o.must(do(by))
		}
		for _, by := range []access.Actor{o.as(access.NoRole), o.token("chat"), {}} {
			if kind := access.KindOf(do(by)); kind != access.Forbidden && kind != access.SignedOut {
				t.Errorf("%s: %v", name, kind)
			}
		}
	}
	for _, by := range []access.Actor{o.as(access.Editor), o.as(access.Viewer), o.token("manage")} {
		if _, err := o.AuditChain(t.Context(), by, false); access.KindOf(err) != access.Forbidden {
			t.Errorf("the chain: %v", err)
		}
	}
}

// A model is marked while neither it nor what it stands for has a price.
func TestDefaultPriced(t *testing.T) {
	o := newOffice(t)
	marked := func(name string) bool {
		t.Helper()
		all, err := o.DefaultPriced(t.Context(), o.owner, []string{name, name, ""})
		o.must(err)
		return all[name]
	}
	if !marked("demo") || !marked("bot:"+o.bot.Slug) || marked("bot:nobody") {
		t.Error("a model without a price is not marked, or a bot that is gone is")
	}
	admin := o.owner
	admin.IsAdmin = true
	_, err := o.CreatePrice(t.Context(), admin, PriceForm{Model: ptr("demo"), Prompt: ptr("0"), Completion: ptr("0")})
	o.must(err)
	if marked("demo") || marked("bot:"+o.bot.Slug) {
		t.Error("a free model is marked")
	}
}
