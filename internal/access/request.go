package access

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Outcome is how a request ended.
type Outcome string

const (
	Answered Outcome = "answered"
	Partial  Outcome = "partial" // cut or stopped after the first byte: charged for what was delivered
	Refused  Outcome = "refused" // by a rule: not charged
	Broken   Outcome = "failed"  // by the provider, before the first byte: not charged
)

// Check is one line of a request's trace: a rule, whether it held, and the two
// values that were compared.
type Check struct {
	Rule    string `json:"rule"`
	Passed  bool   `json:"passed"`
	Dry     bool   `json:"dry,omitempty"` // tried only to see, after an earlier rule refused
	Call    string `json:"call,omitempty"`
	Allowed string `json:"allowed,omitempty"`
}

// AppendTrace appends a trace as JSON.
func AppendTrace(b []byte, checks []Check) []byte {
	b = append(b, '[')
	for i, c := range checks {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"rule":`...), c.Rule)
		b = strconv.AppendBool(append(b, `,"passed":`...), c.Passed)
		if c.Dry {
			b = append(b, `,"dry":true`...)
		}
		if c.Call != "" {
			b = appendText(append(b, `,"call":`...), c.Call)
		}
		if c.Allowed != "" {
			b = appendText(append(b, `,"allowed":`...), c.Allowed)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendText appends a JSON text. Most are words and numbers and are copied; only
// quotes and backslashes are spelled here.
func appendText(b []byte, text string) []byte {
	for _, r := range text {
		if r < ' ' || r == utf8.RuneError {
			spelled, _ := json.Marshal(text) // a text always has a spelling
			return append(b, spelled...)
		}
	}
	b = append(b, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return append(b, '"')
}

// Request is one row of the request log.
type Request struct {
	ID          int64
	RequestID   string
	At          time.Time
	WorkspaceID int64
	TokenID     int64
	ShareID     int64
	CustomerID  int64
	BotID       int64
	ProviderID  int64
	Model       string
	Door        Door
	Stream      bool
	Outcome     Outcome
	Status      int
	Rule        string // that refused, or the fault's code
	Usage       Usage
	Units       int64
	FirstByte   time.Duration // 0: none came
	Total       time.Duration
	Address     string
	Trace       []Check
}
