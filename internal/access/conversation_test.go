package access

import "testing"

// All pairs of states of a message, and of what is no state.
func TestMessageMayBecome(t *testing.T) {
	states := []MessageState{Pending, Running, Done, Stopped, Failed, Cut, "", "answered"}
	allowed := map[[2]MessageState]bool{
		{Pending, Running}: true, {Pending, Failed}: true, {Pending, Stopped}: true,
		{Running, Done}: true, {Running, Stopped}: true, {Running, Failed}: true, {Running, Cut}: true,
	}
	for _, from := range states {
		moves := 0
		for _, to := range states {
			got := from.MayBecome(to)
			if got != allowed[[2]MessageState{from, to}] {
				t.Errorf("%q may become %q: %t", from, to, got)
			}
			if got {
				moves++
			}
		}
		if final := from == Done || from == Stopped || from == Failed || from == Cut; from.Final() != final || final && moves > 0 {
			t.Errorf("%q: final is %t, and it may become %d others", from, from.Final(), moves)
		}
	}
}
