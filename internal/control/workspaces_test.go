package control

import (
	"testing"
)

func TestBrandAndZone(t *testing.T) {
	k := newDesk(t)
	_, err := k.EditWorkspace(t.Context(), k.owner, WorkspaceForm{Name: ptr(""), TimeZone: ptr("x"), Brand: &Brand{Colour: "red"}})
	k.refused(err, "name_missing", "time_zone_unknown", "colour_invalid")
	w, err := k.EditWorkspace(t.Context(), k.owner, WorkspaceForm{TimeZone: ptr("Asia/Shanghai"), Brand: &Brand{Name: "Acme", Colour: "#0a7d4b", NoCredit: true}})
	k.must(err)
	if b := brandOf(w); b.Name != "Acme" || b.Colour != "#0a7d4b" || !b.NoCredit || w.Location().String() != "Asia/Shanghai" {
		t.Fatalf("%+v %+v", b, w)
	}
	_, err = k.EditWorkspace(t.Context(), k.owner, WorkspaceForm{Name: ptr("x"), Version: w.Version - 1})
	k.refused(err, "stale")
}
