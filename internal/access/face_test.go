package access

import (
	"slices"
	"testing"
)

func TestFace(t *testing.T) {
	for name, c := range map[string]struct {
		bot  Bot
		want Face
	}{
		"its own": {
			Bot{Welcome: " Hello ", SuggestedQuestions: []string{"a"}, Settings: `{"welcome":"no","suggested_questions":["no"],"description":"Orders."}`},
			Face{"Hello", "Orders.", []string{"a"}},
		},
		"of the settings": {Bot{Settings: `{"welcome":"Hi","suggested_questions":["a","b"]}`}, Face{"Hi", "", []string{"a", "b"}}},
		"by other names":  {Bot{Settings: `{"welcome":"","welcome_message":"Hi","guide_questions":["a"]}`}, Face{"Hi", "", []string{"a"}}},
		"of other kinds":  {Bot{Settings: `{"welcome":7,"welcome_message":["x"],"suggested_questions":"a","guide_questions":[1]}`}, Face{}},
		"no settings":     {Bot{Settings: `nonsense`}, Face{}},
		"too many":        {Bot{SuggestedQuestions: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}}, Face{"", "", []string{"1", "2", "3", "4", "5", "6", "7", "8"}}},
	} {
		got := c.bot.Face()
		if got.Welcome != c.want.Welcome || got.Description != c.want.Description || !slices.Equal(got.Questions, c.want.Questions) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
