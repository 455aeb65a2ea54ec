package db

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestClaimFormOnce(t *testing.T) {
	k := newDesk(t)
	var fresh atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			c, err := k.ClaimForm(t.Context(), "form 1:a", "key")
			if err != nil {
				t.Error(err)
			}
			if c.Fresh {
				fresh.Add(1)
			}
		})
	}
	all.Wait()
	if fresh.Load() != 1 {
		t.Errorf("%d copies of a form were fresh, want one", fresh.Load())
	}
	if c, err := k.ClaimForm(t.Context(), "form 1:b", "key"); err != nil || !c.Fresh {
		t.Errorf("another's form of the same key: %+v, %v", c, err)
	}
	k.must(k.ReleaseForm(t.Context(), "form 1:a", "key"))
	if c, err := k.ClaimForm(t.Context(), "form 1:a", "key"); err != nil || !c.Fresh {
		t.Errorf("a released form: %+v, %v", c, err)
	}
	k.must(k.EndForm(t.Context(), "form 1:a", "key", []byte("answer")))
	k.must(k.ReleaseForm(t.Context(), "form 1:a", "key")) // too late
	c, err := k.FindForm(t.Context(), "form 1:a", "key")
	k.must(err)
	if !c.Done || string(c.AnswerSealed) != "answer" {
		t.Errorf("a form that was carried out: %+v", c)
	}
	k.wait(FormLife + time.Second)
	if c, err = k.ClaimForm(t.Context(), "form 1:a", "key"); err != nil || !c.Fresh {
		t.Errorf("a form of another day: %+v, %v", c, err)
	}
}
