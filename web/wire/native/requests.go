package native

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
)

type requestView struct {
	ID          string       `json:"id"`
	At          *string      `json:"at"`
	WorkspaceID string       `json:"workspace_id"`
	Token       *subjectView `json:"token"`
	Share       *subjectView `json:"share"`
	Customer    *subjectView `json:"customer"`
	Bot         *subjectView `json:"bot"`
	Provider    *subjectView `json:"provider"`
	Model       string       `json:"model"`
	Door        string       `json:"door"`
	Stream      bool         `json:"stream"`
	Outcome     string       `json:"outcome"`
	Status      int          `json:"status" note:"HTTP status of the answer."`
	Rule        *string      `json:"rule"`
	Prompt      int64        `json:"prompt_tokens"`
	Completion  int64        `json:"completion_tokens"`
	Estimated   bool         `json:"estimated"` // counted here, not reported by the provider
	Units       int64        `json:"units"`
	Dollars     decimal      `json:"dollars"`
	FirstByteMS *int64       `json:"first_byte_ms"`
	TotalMS     int64        `json:"total_ms"`
	Address     string       `json:"address"`
}

// traceView is a request with each rule that was asked about it.
type traceView struct {
	requestView
	Checks []access.Check `json:"checks"`
}

func (d *Door) request(s scene, r db.RequestRow) requestView {
	v := requestView{
		ID: r.RequestID, At: at(r.At), WorkspaceID: s.workspace.PublicID, Token: subject(r.TokenPublicID, r.TokenName),
		Share: subject(r.SharePublicID, r.ShareName), Customer: subject(r.CustomerPublicID, r.CustomerName), Bot: subject(r.BotPublicID, r.BotName),
		Provider: subject(r.ProviderPublicID, r.ProviderName), Model: r.Model, Door: string(r.Door), Stream: r.Stream, Outcome: string(r.Outcome),
		Status: r.Status, Rule: orNull(r.Rule), Prompt: r.Usage.Prompt, Completion: r.Usage.Completion, Estimated: r.Usage.Estimated,
		Units: r.Units, Dollars: d.dollars(r.Units), TotalMS: r.Total.Milliseconds(), Address: r.Address,
	}
	if r.FirstByte > 0 {
		ms := r.FirstByte.Milliseconds()
		v.FirstByteMS = &ms
	}
	return v
}

func subject(id, name string) *subjectView {
	if id == "" {
		return nil
	}
	return &subjectView{&id, name}
}

// flush writes what waits for the request log, so that it is shown.
func (d *Door) flush() {
	if d.Gateway != nil {
		d.Gateway.Flush()
	}
}

// Requests serves GET requests, newest first. Beside the parameters of every list
// it takes token_id, share_id, customer_id, bot_id, from and to.
func (d *Door) Requests(c *fiber.Ctx, by access.Actor) error {
	l, err := d.listing(c, by, states(access.Answered, access.Partial, access.Refused, access.Broken),
		"token_id", "share_id", "customer_id", "bot_id", "from", "to")
	if err != nil {
		return err
	}
	p := db.RequestPage{
		Token: c.Query("token_id"), Share: c.Query("share_id"), Customer: c.Query("customer_id"), Bot: c.Query("bot_id"),
		Query: l.Query, Outcome: access.Outcome(l.Status), Oldest: l.Oldest,
	}
	for name, into := range map[string]*time.Time{"from": &p.From, "to": &p.To} {
		if *into, err = queryTime(c, name); err != nil {
			return err
		}
	}
	s, err := d.scene(c.UserContext(), by)
	if err != nil {
		return err
	}
	d.flush()
	fetch := func(ctx context.Context, page db.Page) ([]db.RequestRow, int64, error) {
		p.Before, p.Limit = page.Before, page.Limit
		return d.Control.Requests(ctx, by, p)
	}
	return rows(d, c, l, fetch, func(r db.RequestRow) int64 { return r.ID }, func(r db.RequestRow) any { return d.request(s, r) })
}

func queryTime(c *fiber.Ctx, name string) (time.Time, error) {
	text := c.Query(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, access.Fail(access.Invalid, "time_malformed", "A time is written like 2026-11-20T14:21:00Z.").At(name)
	}
	return at, nil
}

// Trace serves GET requests/{id}/trace.
func (d *Door) Trace(c *fiber.Ctx, by access.Actor) error {
	d.flush()
	row, err := d.Control.Request(c.UserContext(), by, c.Params("id"))
	if err != nil {
		return err
	}
	s, err := d.scene(c.UserContext(), by)
	return show(c, traceView{requestView: d.request(s, row), Checks: nonNil(row.Trace)}, err)
}
