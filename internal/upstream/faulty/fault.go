package faulty

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Fault is a way to misbehave, and the model name that asks for it.
type Fault string

// The faults. Those in the middle of an answer come after its first two words.
const (
	Good    Fault = "good"    // answers well
	Stepped Fault = "stepped" // answers well, a word at each Call.Send

	SlowFirst Fault = "slow-first" // never begins to answer
	SlowBody  Fault = "slow-body"  // sends a good head, and nothing after it
	HangUp    Fault = "hang-up"    // closes the connection instead of answering

	Reset       Fault = "reset"         // breaks the connection in the middle
	Silent      Fault = "silent"        // says no more in the middle, and stays
	Comments    Fault = "comments"      // sends SSE comments for ever, after two words
	OneByte     Fault = "one-byte"      // answers well, in single bytes
	Malformed5  Fault = "malformed-5"   // answers well, with 5 events that are no JSON
	Malformed6  Fault = "malformed-6"   // 6 events that are no JSON
	Line8MB     Fault = "line-8mb"      // answers well, with one line of 8 MB
	Line17MiB   Fault = "line-17mib"    // one line of 17 MiB
	NoDone      Fault = "no-done"       // ends with a finish_reason and no [DONE]
	Cut         Fault = "cut"           // ends without finish_reason and [DONE]
	Multi       Fault = "multi-line"    // one event over several data lines, CRLF line ends
	ErrorObject Fault = "error-object"  // 200 with an error object: a rate limit
	ErrorMid    Fault = "error-mid"     // an error object in the middle
	Whole       Fault = "whole"         // answers a question for a stream with one object
	Ignores     Fault = "ignores-limit" // ignores max_tokens: 1,000 words

	UsageMissing  Fault = "usage-missing"
	UsageNegative Fault = "usage-negative"
	UsageAbsurd   Fault = "usage-absurd"
	UsageText     Fault = "usage-text"

	ChoicesEmpty Fault = "choices-empty" // choices: [] before the answer, or instead of it
	ChoicesNull  Fault = "choices-null"
	ChoicesWrong Fault = "choices-wrong" // a number where a list belongs

	GzipBomb       Fault = "gzip-bomb"
	Flood1xx       Fault = "flood-1xx"
	EndlessHeaders Fault = "endless-headers"
	HTML           Fault = "html"
	NotJSON        Fault = "not-json"
	Huge           Fault = "huge" // a plain answer of 40 MiB
	Redirect       Fault = "redirect"
)

// Status is the fault of answering with a status and an error object.
func Status(code int) Fault { return Fault("status-" + strconv.Itoa(code)) }

// Limited is a 429 with a Retry-After.
func Limited(retryAfter string) Fault { return Fault("limited-" + retryAfter) }

// Secret is in the words of every error object: no client may ever see it.
const Secret = "sk-faulty0123456789abcdef"

// answer is a call being answered.
type answer struct {
	*Call
	w      http.ResponseWriter
	r      *http.Request
	ctrl   *http.ResponseController
	left   bool // a write failed: the caller has gone
	stream bool // how it is answered; the Call says how it was asked
}

func (a *answer) run(f Fault) {
	if code, ok := strings.CutPrefix(string(f), "status-"); ok {
		if n, err := strconv.Atoi(code); err == nil {
			a.refuse(n)
			return
		}
	}
	if wait, ok := strings.CutPrefix(string(f), "limited-"); ok {
		a.w.Header().Set("Retry-After", wait)
		a.refuse(http.StatusTooManyRequests)
		return
	}
	if do := faults[f]; do != nil {
		do(a)
		return
	}
	a.good()
}

var faults = map[Fault]func(*answer){
	Stepped:   (*answer).stepped,
	SlowFirst: (*answer).wait,
	SlowBody:  func(a *answer) { a.head(); a.flush(); a.wait() },
	HangUp:    func(*answer) { panic(http.ErrAbortHandler) },

	Reset:    func(a *answer) { a.half(); a.reset() },
	Silent:   func(a *answer) { a.half(); a.wait() },
	Comments: (*answer).comments,
	OneByte:  func(a *answer) { a.byByte(a.wellFormed(a.words())) },

	Malformed5:  func(a *answer) { a.malformed(5) },
	Malformed6:  func(a *answer) { a.malformed(6) },
	Line8MB:     func(a *answer) { a.long(8_000_000) },
	Line17MiB:   func(a *answer) { a.long(17 << 20) },
	NoDone:      func(a *answer) { a.write(strings.TrimSuffix(a.wellFormed(a.words()), doneEvent)) },
	Cut:         (*answer).half,
	Multi:       (*answer).multi,
	ErrorObject: func(a *answer) { a.errorObject(false) },
	ErrorMid:    func(a *answer) { a.errorObject(true) },
	Whole:       func(a *answer) { a.stream = false; a.good() },
	Ignores: func(a *answer) {
		a.write(a.wellFormed(strings.Fields(strings.Repeat("more ", 1000))))
	},

	UsageMissing: func(a *answer) { a.withUsage(nil) },
	UsageNegative: func(a *answer) {
		a.withUsage(object{"prompt_tokens": 5, "completion_tokens": -1000, "total_tokens": -995})
	},
	UsageAbsurd: func(a *answer) {
		a.withUsage(object{"prompt_tokens": 5, "completion_tokens": 9e15, "total_tokens": 9e15})
	},
	UsageText: func(a *answer) { a.withUsage(object{"prompt_tokens": "5", "completion_tokens": "many"}) },

	ChoicesEmpty: func(a *answer) { a.choices(`[]`) },
	ChoicesNull:  func(a *answer) { a.choices(`null`) },
	ChoicesWrong: func(a *answer) { a.choices(`17`) },

	GzipBomb:       (*answer).bomb,
	Flood1xx:       (*answer).flood,
	EndlessHeaders: (*answer).headers,
	HTML:           (*answer).html,
	NotJSON: func(a *answer) {
		a.w.Header().Set("Content-Type", "text/plain")
		a.write("Service is fine, thank you.\n")
	},
	Huge: (*answer).huge,
	Redirect: func(a *answer) {
		http.Redirect(a.w, a.r, a.server.URL+"/elsewhere", http.StatusFound)
	},
}

// All are the faults by name, for tables that must be complete.
func All() []Fault {
	all := []Fault{Good}
	for f := range faults {
		all = append(all, f)
	}
	return all
}

// write sends and notes a caller who has gone.
func (a *answer) write(s string) bool {
	if a.w.Header().Get("Content-Type") == "" {
		a.head()
	}
	if _, err := a.w.Write([]byte(s)); err != nil {
		a.left = true
	}
	return a.flush()
}

func (a *answer) flush() bool {
	if a.ctrl.Flush() != nil {
		a.left = true
	}
	return !a.left
}

func (a *answer) head() {
	kind := "application/json"
	if a.stream {
		kind = "text/event-stream"
	}
	a.w.Header().Set("Content-Type", kind)
}

// wait says nothing until the caller leaves or the test ends.
func (a *answer) wait() {
	select {
	case <-a.r.Context().Done():
		a.left = true
	case <-a.server.done:
	}
}

func (a *answer) refuse(code int) {
	a.w.Header().Set("Content-Type", "application/json")
	a.w.WriteHeader(code)
	a.write(fmt.Sprintf(`{"error":{"message":"Faulty says %d to %s: see https://inner.example/keys\u0007","type":"faulty_error","code":"faulty_%d","param":null}}`,
		code, Secret, code))
}
