package fess_test

import (
	"context"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream/faulty"
)

// The search call is a call like any other: logged with its door, charged once.
func TestSearchIsMetered(t *testing.T) {
	s := newSite(t, 0)
	s.Price(t, "gpt-4o-mini", 1_000_000, 1_000_000)
	s.Faulty.Charge(3, 4)
	units := int64(5000)
	s.make("bound", s.Owner, control.TokenForm{Bot: &s.Bot.PublicID, ParameterName: new("token"), Quota: db.QuotaChange{Quota: &units}})
	status, v := s.object("nobody", "GET", "/json/?q=hello&token="+s.Values["bound.text"], "")
	if status != 200 {
		t.Fatal(status, v)
	}
	row, err := s.DB.Token(t.Context(), s.Workspace.ID, s.Values["bound"])
	s.Must(err)
	if row.Purse.Used != 7 || row.Purse.Reserved != 0 {
		t.Errorf("used %d, reserved %d", row.Purse.Used, row.Purse.Reserved)
	}
	rows, err := s.DB.Requests(t.Context(), s.Workspace.ID, db.RequestPage{Limit: 10})
	s.Must(err)
	if len(rows) != 1 || rows[0].Door != access.DoorFess || rows[0].Outcome != access.Answered || rows[0].Units != 7 {
		t.Errorf("the log says %+v", rows)
	}
}

// A client that leaves before the answer stops the provider, and pays nothing.
func TestSearchStopsWithItsClient(t *testing.T) {
	s := newSite(t, 0)
	p := s.AddProvider(t, "slow", s.Faulty.URL+"/v1", string(faulty.SlowFirst))
	b, err := s.Control.CreateBot(t.Context(), s.Owner, control.BotForm{Name: new("Slow"), Provider: &p.PublicID, Model: new(string(faulty.SlowFirst))})
	s.Must(err)
	s.make("bound", s.Owner, control.TokenForm{Bot: &b.PublicID})
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		resp, err := s.Ask(ctx, "bound", "GET", "/json/?q=hello", "")
		if err == nil {
			resp.Body.Close()
		}
		ended <- err
	}()
	call := s.Faulty.Call(0)
	leave()
	if err := <-ended; err == nil {
		t.Error("the client was answered")
	}
	call.WaitGone()
	testbed.Eventually(t, "nothing is reserved", func() bool {
		row, err := s.DB.Token(t.Context(), s.Workspace.ID, s.Values["bound"])
		return err == nil && row.Purse.Reserved == 0 && row.Purse.Used == 0
	})
}

// A provider that fails is a failure here too, and charges nothing.
func TestSearchWithAFailingProvider(t *testing.T) {
	s := newSite(t, 0)
	p := s.AddProvider(t, "broken", s.Faulty.URL+"/v1", string(faulty.HTML))
	b, err := s.Control.CreateBot(t.Context(), s.Owner, control.BotForm{Name: new("Broken"), Provider: &p.PublicID, Model: new(string(faulty.HTML))})
	s.Must(err)
	s.make("bound", s.Owner, control.TokenForm{Bot: &b.PublicID})
	status, v := s.object("bound", "GET", "/json/?q=hello", "")
	if status != 502 || v["status"] != 9.0 || v["message"] == "" {
		t.Errorf("%d %v", status, v)
	}
}
