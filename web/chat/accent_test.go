package chat

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Whatever colour an owner chooses, what stands on it and in it can be read.
func TestAccentCanBeRead(t *testing.T) {
	colours := []string{"#204ec3", "#ffffff", "#000000", "#ffff00", "#00ff00", "#808080", "#ff00ff", "#7a1fa2"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		colours = append(colours, "#"+rgb{random.Float64() * 255, random.Float64() * 255, random.Float64() * 255}.hex())
	}
	for _, text := range colours {
		colour, ok := parseColour(text)
		if !ok {
			t.Fatalf("%s is no colour", text)
		}
		for i, sheet := range strings.SplitN(accentSheet(colour), "}", 3)[:2] {
			ground := [2]rgb{white, night}[i]
			is := values(t, sheet)
			for pair, c := range map[string]float64{
				"the text of a button": contrast(is["--primary"], is["--primary-foreground"]), "a button on its page": contrast(is["--primary"], ground),
				"text on the tint": contrast(is["--tint-text"], is["--tint"]),
			} {
				if c < 4.5 {
					t.Errorf("%s: %s has a contrast of %.2f", text, pair, c)
				}
			}
		}
	}
}

func values(t *testing.T, sheet string) map[string]rgb {
	t.Helper()
	all := map[string]rgb{}
	_, inside, _ := strings.Cut(sheet, "{")
	for one := range strings.SplitSeq(inside, ";") {
		name, value, _ := strings.Cut(one, ":")
		colour, ok := parseColour(value)
		if !ok {
			t.Fatalf("%q is no colour", one)
		}
		all[name] = colour
	}
	return all
}
