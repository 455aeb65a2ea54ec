package access

import (
	"encoding/json"
	"strings"
)

// Face is what a bot shows of itself to whoever may open its chat: the fields of
// its own, and where they are empty those that its settings name.
type Face struct {
	Welcome     string
	Description string
	Questions   []string // suggested ones, at most SuggestionsMax
}

// Face returns the bot's public view.
func (b Bot) Face() Face {
	var settings map[string]json.RawMessage
	if json.Unmarshal([]byte(b.Settings), &settings) != nil {
		settings = nil
	}
	f := Face{
		Welcome:     firstText(b.Welcome, settings["welcome"], settings["welcome_message"]),
		Description: firstText("", settings["description"]),
		Questions:   b.SuggestedQuestions,
	}
	for _, key := range []string{"suggested_questions", "guide_questions"} {
		if len(f.Questions) == 0 {
			f.Questions = nil
			if json.Unmarshal(settings[key], &f.Questions) != nil {
				f.Questions = nil
			}
		}
	}
	f.Questions = f.Questions[:min(len(f.Questions), SuggestionsMax)]
	return f
}

func firstText(text string, others ...json.RawMessage) string {
	for i := 0; strings.TrimSpace(text) == "" && i < len(others); i++ {
		if json.Unmarshal(others[i], &text) != nil {
			text = ""
		}
	}
	return strings.TrimSpace(text)
}
