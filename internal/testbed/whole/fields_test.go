package whole

import (
	"os"
	"strings"
	"testing"
)

// docs/dialects.md has a row for every field that a door answers.
func TestFieldTableIsComplete(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/dialects.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	s := newStore(t)
	k := s.issue(t, speakers[3])
	l := &link{T: t}
	linkers["native"](s, l)
	p := s.enrolled(t, "native", l)
	fields := 0
	for name, row := range map[string]any{
		"native": seeNative(s, k), "newapi": seeNewAPI(s, k), "ragflow": seeRAGFlow(s, k), "fess": seeFess(s, k),
		"a link": s.as("native", "GET", api+"/shares/"+l.id, "").JSON(), "a customer": s.as("native", "GET", api+"/customers/"+p.id, "").JSON(),
		"a share token": s.as("botshare", "GET", "/api/v1/bots/"+s.Bot.PublicID+"/share-tokens", "").At("items", 0),
		"an end user":   s.as("botshare", "GET", "/api/v1/end-users", "").At("items", 0),
	} {
		for field := range row.(object) {
			if fields++; !strings.Contains(page, "`"+field+"`") {
				t.Errorf("%s answers %s, which docs/dialects.md does not have", name, field)
			}
		}
	}
	if fields < 90 {
		t.Errorf("only %d fields were looked at", fields)
	}
}
