package control

import (
	"context"
	"strconv"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// How long a second copy of a form waits for the first, and how often it looks.
const (
	formWait = 10 * time.Second
	formLook = 50 * time.Millisecond
)

// Once carries an act out once for each key of the actor's forms, however often
// the form is sent. act returns what is kept for the copies: the address that
// the first one led to, say. A copy gets that and again = true; when act fails,
// nothing is kept and the form may be sent again. Without a key act just runs.
func (c *Control) Once(ctx context.Context, by access.Actor, key string, act func() (string, error)) (answer string, again bool, err error) {
	if key == "" || len(key) > 64 {
		answer, err = act()
		return answer, false, err
	}
	caller := "form " + strconv.Itoa(int(by.Kind)) + ":" + by.PublicID
	claim, err := c.DB.ClaimForm(ctx, caller, key)
	if err != nil {
		return "", false, err
	}
	place := secret.Place{Table: "idempotency", Row: caller + " " + key, Column: "answer_sealed"}
	if !claim.Fresh {
		answer, err = c.firstAnswer(ctx, caller, key, place)
		return answer, true, err
	}
	done := false
	defer func() {
		if !done {
			// Also when act panics: the form must not stay taken.
			err := c.DB.ReleaseForm(context.WithoutCancel(ctx), caller, key)
			if err != nil {
				c.Log.Warn("a form's key could not be released", "error", err)
			}
		}
	}()
	if answer, err = act(); err != nil {
		return "", false, err
	}
	sealed, err := c.Keys.Seal(place, []byte(answer))
	if err != nil {
		return "", false, err
	}
	done = true
	return answer, false, c.DB.EndForm(context.WithoutCancel(ctx), caller, key, sealed)
}

// firstAnswer waits until the first copy of a form was carried out.
func (c *Control) firstAnswer(ctx context.Context, caller, key string, place secret.Place) (string, error) {
	unsure := access.Fail(access.Conflict, "form_sent",
		"This form was sent already and may have been carried out. Look at the list before you send it again.")
	late := time.NewTimer(formWait)
	defer late.Stop()
	for {
		claim, err := c.DB.FindForm(ctx, caller, key)
		switch {
		case err != nil:
			return "", err
		case claim.Fresh:
			return "", unsure
		case claim.Done:
			text, err := c.Keys.Open(place, claim.AnswerSealed)
			return string(text), err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-late.C:
			return "", unsure
		case <-time.After(formLook):
		}
	}
}

// NewFormKey makes the key that a form carries in a hidden field.
func (c *Control) NewFormKey() string { return secret.NewPublicID(c.Random) }
