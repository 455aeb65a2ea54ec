package db

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
)

// A search for a model finds every row of it, whoever wrote it and however many
// came within a second, page by page and in order.
func TestRequestsOfAModel(t *testing.T) {
	k := newDesk(t)
	ctx := t.Context()
	r := rand.New(rand.NewPCG(1, 2))
	models := []string{"gpt-4o", "gpt-4o", "gpt-4o", "gpt-4o", "GPT-4o-mini", "qwen_max", "通义千问", ""}
	for i := range 1_500 {
		k.wait(time.Duration(r.IntN(3)) * 300 * time.Millisecond)
		model := models[r.IntN(len(models))]
		if i%400 == 7 {
			model = "rare-one"
		}
		k.must(k.LogRequests(ctx, []Logged{{Zone: time.UTC, Request: access.Request{
			RequestID: fmt.Sprintf("request-%04d", i), At: k.now().Add(-time.Duration(r.IntN(5)) * time.Second), WorkspaceID: k.workspace, Model: model,
			Door: access.DoorGateway, Outcome: access.Refused, Status: 403, Rule: "models",
		}}}))
	}
	var leads int
	k.must(k.row(ctx, "SELECT COUNT(*) FROM requests WHERE leads = 1").Scan(&leads))
	if leads == 1_500 {
		t.Error("every row leads")
	}
	all, err := requestsOf(k, RequestPage{})
	k.must(err)
	for _, query := range []string{"gpt", "gpt-4o", "GPT-4O-M", "rare", "qwen_", "qwen%", "通", "none", "request-0700", "r"} {
		for _, p := range []RequestPage{
			{Query: query, Limit: 51},
			{Query: query, Limit: 51, Oldest: true},
			{Query: query, Limit: 51, From: deskStart.Add(100 * time.Second), To: deskStart.Add(200 * time.Second)},
			{Query: query, Limit: 51, Outcome: access.Refused},
		} {
			var want []string
			for _, one := range all {
				holds := one.RequestID == query || strings.HasPrefix(strings.ToLower(one.Model), strings.ToLower(query))
				if holds && (p.From.IsZero() || !one.At.Before(p.From) && one.At.Before(p.To)) {
					want = append(want, one.RequestID)
				}
			}
			if p.Oldest {
				slices.Reverse(want)
			}
			rows, err := requestsOf(k, p)
			k.must(err)
			var got []string
			for _, one := range rows {
				got = append(got, one.RequestID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v lists %d rows of %d", p, len(got), len(want))
			}
			if n, err := k.CountRequests(ctx, k.workspace, p); err != nil || n != int64(min(len(want), CountMax+1)) {
				t.Errorf("%+v counts %d of %d, %v", p, n, len(want), err)
			}
		}
	}
	plan := k.plan("SELECT r.at / 1000 FROM requests r WHERE r.workspace_id = $1 AND r.leads = 1 AND lower(r.model) = $2 ORDER BY r.at DESC LIMIT 64", []any{k.workspace, "gpt"})
	if !strings.Contains(plan, "requests_model (workspace_id=? AND <expr>=?)") || strings.Contains(plan, "TEMP") {
		t.Errorf("the seconds of a model are read by\n%s", plan)
	}
}

// requestsOf reads the log page by page.
func requestsOf(k *desk, p RequestPage) (all []RequestRow, err error) {
	p.Limit = max(p.Limit, 51)
	for {
		rows, err := k.Requests(k.t.Context(), k.workspace, p)
		all = append(all, rows...)
		if err != nil || len(rows) < p.Limit {
			return all, err
		}
		p.Before = rows[len(rows)-1].ID
	}
}
