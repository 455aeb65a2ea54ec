package db

import (
	"crypto/rand"
	"testing"
	"time"
)

func TestCountTry(t *testing.T) {
	d, c := peopleFile(t)
	limits := []Limit{{"a", 3, time.Minute}, {"b", 2, 15 * time.Minute}}
	count := func(want int) time.Duration {
		t.Helper()
		over, wait, err := d.CountTry(t.Context(), limits)
		if err != nil || over != want {
			t.Fatalf("over %d (%v), want %d", over, err, want)
		}
		return wait
	}
	count(-1)
	c.forward(10 * time.Second)
	count(-1)
	if wait := count(1); wait != 15*time.Minute-10*time.Second {
		t.Fatalf("wait %s", wait)
	}
	if wait := count(0); wait != 50*time.Second { // the third of a; nothing more of b is counted
		t.Fatalf("wait %s", wait)
	}
	c.forward(50 * time.Second)
	count(1) // a began anew, b is still full
	if err := d.Forgive(t.Context(), []string{"b"}, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	count(-1)
	count(-1)
	// A clock that goes back a day makes no window longer than a whole one.
	c.forward(-24 * time.Hour)
	count(-1)
	count(-1)
	if wait := count(1); wait > 15*time.Minute || wait <= 0 {
		t.Fatalf("wait %s", wait)
	}
}

func TestCountTryOutlivesTheProcess(t *testing.T) {
	d, c := peopleFile(t)
	limits := []Limit{{"a", 1, time.Minute}}
	if over, _, err := d.CountTry(t.Context(), limits); err != nil || over != -1 {
		t.Fatal(over, err)
	}
	again, err := Open(t.Context(), Options{Path: d.Path, Now: c.now, Random: rand.Reader, BootID: "second"})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if over, _, err := again.CountTry(t.Context(), limits); err != nil || over != 0 {
		t.Fatal(over, err)
	}
}
