package gateway_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/gateway"
	"latchkey/internal/testbed"
	"latchkey/internal/upstream"
	"latchkey/internal/upstream/faulty"
)

// faultRow is a row of the table of faults: what a fault is to a plain call and to
// a stream.
type faultRow struct {
	fault         faulty.Fault
	plain, stream string // failure codes, "" for a whole answer
	status        int    // of a refusal of the provider's that is passed on
	early         bool   // a stream fails before its first byte, too
	pause         bool   // the provider is paused
	text          string // of a stream that broke, as far as it came
	estimated     string // "plain", "stream" or "both": what the provider says of usage is nothing, or nothing to believe
	wait          upstream.Settings
}

const delivered = "Well, here "

var faultTable = []faultRow{
	{fault: faulty.Good},
	{fault: faulty.HangUp, plain: "provider_broke", stream: "provider_broke", early: true},
	{fault: faulty.SlowFirst, plain: "provider_first_byte", stream: "provider_first_byte", early: true, wait: upstream.Settings{FirstByte: 250 * time.Millisecond}},
	{fault: faulty.SlowBody, plain: "provider_first_byte", stream: "provider_first_byte", early: true, wait: upstream.Settings{FirstByte: 250 * time.Millisecond}},
	{fault: faulty.Limited("7"), plain: "provider_limited", stream: "provider_limited", early: true},
	{fault: faulty.Status(500), plain: "provider_failed", stream: "provider_failed", early: true},
	{fault: faulty.Status(502), plain: "provider_failed", stream: "provider_failed", early: true},
	{fault: faulty.Status(503), plain: "provider_failed", stream: "provider_failed", early: true},
	{fault: faulty.Status(529), plain: "provider_failed", stream: "provider_failed", early: true},
	{fault: faulty.Status(400), plain: "provider_rejected", stream: "provider_rejected", status: 400, early: true},
	{fault: faulty.Status(404), plain: "provider_rejected", stream: "provider_rejected", status: 404, early: true},
	{fault: faulty.Status(422), plain: "provider_rejected", stream: "provider_rejected", status: 422, early: true},
	{fault: faulty.Status(401), plain: "provider_key_refused", stream: "provider_key_refused", early: true, pause: true},
	{fault: faulty.Status(403), plain: "provider_key_refused", stream: "provider_key_refused", early: true, pause: true},
	{fault: faulty.Status(402), plain: "provider_unpaid", stream: "provider_unpaid", early: true},
	{fault: faulty.Reset, plain: "provider_reset", stream: "provider_reset", text: delivered},
	{fault: faulty.Silent, plain: "provider_silent", stream: "provider_silent", text: delivered, wait: upstream.Settings{Silence: 250 * time.Millisecond}},
	{fault: faulty.Comments, plain: "provider_reset", stream: "provider_overlong", text: delivered, wait: upstream.Settings{Total: 4 * time.Second}},
	{fault: faulty.OneByte},
	{fault: faulty.Malformed5, plain: "provider_not_json"},
	{fault: faulty.Malformed6, plain: "provider_not_json", stream: "provider_malformed", early: true},
	{fault: faulty.Line8MB},
	{fault: faulty.Line17MiB, stream: "provider_long_line", early: true},
	{fault: faulty.NoDone},
	{fault: faulty.Cut, plain: "provider_not_json", stream: "provider_unfinished", text: delivered},
	{fault: faulty.Multi},
	{fault: faulty.ErrorObject, plain: "provider_limited", stream: "provider_limited", early: true},
	{fault: faulty.ErrorMid, plain: "provider_limited", stream: "provider_limited", text: delivered},
	{fault: faulty.Whole, stream: "provider_not_stream", early: true},
	{fault: faulty.Ignores},
	{fault: faulty.UsageMissing, estimated: "both"},
	{fault: faulty.UsageNegative, estimated: "both"},
	{fault: faulty.UsageAbsurd, estimated: "both"},
	{fault: faulty.UsageText, estimated: "both"},
	{fault: faulty.ChoicesEmpty, estimated: "plain"},
	{fault: faulty.ChoicesNull, estimated: "plain"},
	{fault: faulty.ChoicesWrong, estimated: "plain"},
	{fault: faulty.GzipBomb, plain: "provider_compressed", stream: "provider_compressed", early: true},
	{fault: faulty.Flood1xx, plain: "provider_headers", stream: "provider_headers", early: true},
	{fault: faulty.EndlessHeaders, plain: "provider_headers", stream: "provider_headers", early: true},
	{fault: faulty.HTML, plain: "provider_html", stream: "provider_html", early: true},
	{fault: faulty.NotJSON, plain: "provider_not_json", stream: "provider_unfinished", early: true},
	{fault: faulty.Huge, plain: "provider_too_large"},
	{fault: faulty.Redirect, plain: "provider_redirects", stream: "provider_redirects", early: true},
}

// The usage that good answers report, and what that costs at one unit a token.
const (
	usedPrompt, usedCompletion = 11, 7
	usedUnits                  = usedPrompt + usedCompletion
)

// Every fault of a provider, plain and streamed, from the question to the books:
// what the caller sees, what is charged, what is held afterwards, what is logged.
func TestEveryFaultIsBookedRight(t *testing.T) {
	h := testbed.New(t)
	h.Faulty.Charge(usedPrompt, usedCompletion)
	for _, row := range faultTable {
		provider := h.AddProvider(t, string(row.fault), h.Faulty.URL+"/v1", string(row.fault))
		for _, stream := range []bool{false, true} {
			t.Run(string(row.fault)+map[bool]string{false: "/plain", true: "/stream"}[stream], func(t *testing.T) {
				r := newRig(t, h, row.wait)
				row.check(r, provider, stream)
			})
		}
	}
	for _, stream := range []bool{false, true} {
		name := map[bool]string{false: "/plain", true: "/stream"}[stream]
		for _, row := range unreachable(t) {
			t.Run(row.name+name, func(t *testing.T) {
				r := newRig(t, h, upstream.Settings{PrivateHosts: func() []string { return row.private }})
				provider := h.AddProvider(t, row.name+name, row.url, row.name+name)
				faultRow{fault: faulty.Fault(row.name + name), plain: row.code, stream: row.code, early: true}.check(r, provider, stream)
			})
		}
	}
	if faults, err := h.DB.CheckLedger(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("the ledger: %v %v", faults, err)
	}
}

type unreached struct {
	name, url, code string
	private         []string
}

// unreachable are providers that no connection leads to.
func unreachable(t *testing.T) []unreached {
	url, address := faulty.Refused(t)
	plain := faulty.Start(t)
	return []unreached{
		{"refuses", url, "provider_unreachable", []string{address}},
		{"bad TLS", strings.Replace(plain.URL, "http:", "https:", 1), "provider_tls", plain.Private()},
		{"not listed", plain.URL, "provider_not_allowed", nil},
		{"metadata", "http://169.254.169.254/v1", "provider_metadata", []string{"169.254.0.0/16"}},
	}
}

func TestFaultTableIsComplete(t *testing.T) {
	for _, f := range faulty.All() {
		found := f == faulty.Stepped // the tests of streams use it
		for _, row := range faultTable {
			found = found || row.fault == f
		}
		if !found {
			t.Errorf("no row for %s", f)
		}
	}
}

func (row faultRow) check(r *rig, provider access.Provider, stream bool) {
	t := r.t
	more, code, early := "", row.plain, true
	if stream {
		more, code, early = `,"stream":true`, row.stream, row.early
	}
	k := r.Token(t, control.TokenForm{Quota: quota(1_000_000)})
	got := r.call(t.Context(), question(t, k.Secret, string(row.fault), more))
	logged, purse := r.logged(k.Row.ID), rowOf(r, k).Purse
	switch {
	case code == "":
		row.whole(r, got, stream, logged, purse)
	case early:
		row.released(r, got, code, logged, purse)
	default:
		row.partly(r, got, code, logged, purse)
	}
	if purse.Reserved != 0 || purse.Used != logged.Units || r.gate.Running() != 0 {
		t.Errorf("used %d, logged %d units, reserved %d, %d run", purse.Used, logged.Units, purse.Reserved, r.gate.Running())
	}
	if len(logged.Trace) == 0 || logged.Stream != stream {
		t.Errorf("logged %+v", logged)
	}
	p, err := r.DB.Provider(t.Context(), r.Workspace.ID, provider.PublicID)
	if err != nil || p.PausedAt.IsZero() == row.pause || row.pause && p.PauseReason != code {
		t.Errorf("paused at %s for %q, %v", p.PausedAt, p.PauseReason, err)
	}
	if row.pause {
		if err := r.DB.ResumeProvider(t.Context(), r.Owner, r.Workspace.ID, provider.PublicID); err != nil {
			t.Error(err)
		}
	}
}

// whole: the answer came to its end and is charged.
func (row faultRow) whole(r *rig, got result, stream bool, logged db.RequestRow, purse access.Purse) {
	t := r.t
	if got.err != nil {
		t.Fatalf("got %v, want a whole answer", got.err)
	}
	if logged.Outcome != access.Answered || logged.Status != 200 || logged.Rule != "" {
		t.Errorf("logged as %s %d %s", logged.Outcome, logged.Status, logged.Rule)
	}
	estimated := row.estimated == "both" || row.estimated == "plain" && !stream
	if logged.Usage.Estimated != estimated || !estimated && purse.Used != usedUnits || purse.Used <= 0 {
		t.Errorf("charged %d units, %+v", purse.Used, logged.Usage)
	}
	if got.answer.Units != purse.Used || got.answer.Usage != logged.Usage {
		t.Errorf("the answer says %d units, %+v", got.answer.Units, got.answer.Usage)
	}
}

// released: nothing was delivered, nothing is charged.
func (row faultRow) released(r *rig, got result, code string, logged db.RequestRow, purse access.Purse) {
	t := r.t
	if got.asked || got.err == nil {
		t.Fatalf("it was answered: %.80q, %v", got.text, got.err)
	}
	row.failure(t, got.err, code)
	if logged.Outcome != access.Broken || logged.Status != gateway.Status(got.err) || logged.Rule != code || logged.Units != 0 || purse.Used != 0 {
		t.Errorf("logged as %s %d %s, %d units, used %d", logged.Outcome, logged.Status, logged.Rule, logged.Units, purse.Used)
	}
}

// partly: what was delivered is charged, the rest given back.
func (row faultRow) partly(r *rig, got result, code string, logged db.RequestRow, purse access.Purse) {
	t := r.t
	if !got.asked || got.text != row.text {
		t.Fatalf("delivered %.80q, %v", got.text, got.err)
	}
	row.failure(t, got.err, code)
	if logged.Outcome != access.Partial || logged.Status != 200 || logged.Rule != code {
		t.Errorf("logged as %s %d %s", logged.Outcome, logged.Status, logged.Rule)
	}
	u := logged.Usage
	if !u.Estimated || u.Prompt < 1 || u.Prompt > 20 || u.Completion < 1 || u.Completion > 10 || purse.Used != u.Prompt+u.Completion {
		t.Errorf("charged %d units for %q, %+v", purse.Used, got.text, u)
	}
}

// faultStatus is what the caller sees, where it is not 502.
var faultStatus = map[string]int{"provider_first_byte": 504, "provider_silent": 504, "provider_overlong": 504, "provider_limited": 429}

func (row faultRow) failure(t *testing.T, err error, code string) {
	t.Helper()
	status := row.status
	if status == 0 {
		status = faultStatus[code]
	}
	if status == 0 {
		status = 502
	}
	p := access.Problems(err)
	if len(p) != 1 || p[0].Code != code || gateway.Status(err) != status {
		t.Fatalf("%v with %d, want %s with %d", err, gateway.Status(err), code, status)
	}
	if wait := p[0].Wait; (status == 429) != (wait > 0) || wait > time.Minute {
		t.Errorf("%s says to wait %s", code, wait)
	}
	for _, hidden := range []string{faulty.Secret, "127.0.0.1", "inner.example", "://", "\a", "upstream-key"} {
		if strings.Contains(p[0].Text, hidden) {
			t.Errorf("it shows %q: %s", hidden, p[0].Text)
		}
	}
}
