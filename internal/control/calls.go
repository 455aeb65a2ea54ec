package control

import (
	"context"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// callKeyMax is the most characters of an Idempotency-Key.
const callKeyMax = 255

// callRuns is how long a call may still be under way; a key that has run longer
// belongs to a process that ended.
const callRuns = 2 * time.Minute

// Call is a call that creates something and may be sent twice.
type Call struct {
	Key    string // of the header Idempotency-Key, "" for none
	Method string
	Path   string
	Body   []byte
}

// Answer is what a call answered.
type Answer struct {
	Status int
	Body   []byte
	Again  bool // kept from the first time
}

// OnceForCall carries a call out once for each key of its caller, within a day.
// The same call again gets the first answer; another call with the key is Invalid
// with the code "key_reused"; one still under way is a Conflict. When act fails,
// nothing is kept and the call may be sent again.
func (c *Control) OnceForCall(ctx context.Context, by access.Actor, call Call, act func() (Answer, error)) (Answer, error) {
	if call.Key == "" {
		return act()
	}
	if len(call.Key) > callKeyMax || strings.ContainsFunc(call.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Answer{}, access.Fail(access.Invalid, "key_malformed", "An Idempotency-Key has 1 to %d visible characters.", callKeyMax).At("Idempotency-Key")
	}
	caller := "call " + strconv.Itoa(int(by.Kind)) + ":" + by.PublicID
	claim, err := c.DB.ClaimCall(ctx, caller, call.Key, call.hash(caller, by.WorkspaceID))
	if err != nil {
		return Answer{}, err
	}
	place := secret.Place{Table: "idempotency", Row: caller + " " + call.Key, Column: "answer_sealed"}
	switch {
	case claim.Fresh:
		return c.carryOut(ctx, caller, call.Key, place, act)
	case !claim.Same:
		return Answer{}, access.Fail(access.Invalid, "key_reused", "This Idempotency-Key came with another call. Use a new key for each thing that is created.")
	case !claim.Done:
		return Answer{}, underWay(c.Now().Sub(claim.Since))
	}
	body, err := c.Keys.Open(place, claim.AnswerSealed)
	return Answer{Status: claim.Status, Body: body, Again: true}, err
}

// hash is of everything that makes two calls the same.
func (c Call) hash(caller string, workspaceID int64) []byte {
	sum := sha256.New()
	for _, part := range []string{caller, strconv.FormatInt(workspaceID, 10), c.Method, c.Path, string(c.Body)} {
		sum.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return sum.Sum(nil)
}

func underWay(since time.Duration) error {
	if since > callRuns || since < 0 {
		return access.Fail(access.Conflict, "call_unsure",
			"The first call with this key was cut off and may have been carried out. Look at the list, then use a new key.")
	}
	return access.Fail(access.Conflict, "call_running", "The first call with this key is still under way. Ask again in a moment.").After(time.Second)
}

func (c *Control) carryOut(ctx context.Context, caller, key string, place secret.Place, act func() (Answer, error)) (answer Answer, err error) {
	done := false
	defer func() {
		if !done {
			// Also when act panics: the key must not stay taken.
			if err := c.DB.ReleaseForm(context.WithoutCancel(ctx), caller, key); err != nil {
				c.Log.Warn("a call's key could not be released", "error", err)
			}
		}
	}()
	if answer, err = act(); err != nil {
		return Answer{}, err
	}
	done = true
	sealed, err := c.Keys.Seal(place, answer.Body)
	if err != nil {
		return Answer{}, err
	}
	return answer, c.DB.EndCall(context.WithoutCancel(ctx), caller, key, answer.Status, sealed)
}
