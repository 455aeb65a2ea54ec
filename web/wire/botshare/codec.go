// Package botshare is the bot-share API: share tokens, customer accounts, what a
// customer may see of a shared bot, the chat on it, and signing in.
//
// bot-share's dialect, in five lines:
//
//	A caller is a login token, an API token or the master key, as Authorization: Bearer.
//	A body is checked before the caller is; a refusal is {"detail": text or list} with a true HTTP status.
//	Ids are UUIDs, 32 hex digits are taken too; what is absent stands there as null.
//	Times are ISO 8601 as Python prints them, in UTC and with the offset.
//	Lists are {"items"}, whole and newest first; making something answers 200.
//
// It promises that of a bot a customer sees its name, picture, welcome, questions
// and four settings, and nothing else; that a link that is revoked, expired or
// another's answers no question; and that the words of the contract are those of
// the contract. It refuses to tell the contract's "nobody" from "no longer".
//
// Start with shares.go, customers.go, public.go and chat.go for the addresses,
// caller.go for who may call, errors.go for how a refusal is spelled.
package botshare

import (
	"encoding/json"
	"strings"
	"time"

	"latchkey/internal/access"
)

// uuid spells a public id as this contract does.
func uuid(publicID string) string {
	if len(publicID) != idDigits {
		return publicID
	}
	return publicID[:8] + "-" + publicID[8:12] + "-" + publicID[12:16] + "-" + publicID[16:20] + "-" + publicID[20:]
}

const idDigits = 32

// publicID reads an id in either spelling; what is none is "", which nothing has.
func publicID(text string) string {
	if len(text) == idDigits+4 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		text = text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	}
	text = strings.ToLower(text)
	if len(text) != idDigits || strings.Trim(text, "0123456789abcdef") != "" {
		return ""
	}
	return text
}

// moment spells a time as Python's isoformat does: a fraction only where there is
// one, then of six digits.
func moment(t time.Time) string {
	const second, micro = "2006-01-02T15:04:05", "2006-01-02T15:04:05.000000"
	layout := second
	if t.Nanosecond() >= int(time.Microsecond) {
		layout = micro
	}
	return t.UTC().Format(layout) + "+00:00"
}

func orNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := moment(t)
	return &text
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// items is a list as it is answered.
type items[T any] struct {
	Items []T `json:"items"`
}

// done is the answer of an act that has nothing to show.
type done struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// shareView is a share token as it is answered.
type shareView struct {
	ID        string  `json:"id"`
	BotID     string  `json:"bot_id"`
	Token     string  `json:"share_token"`
	Name      *string `json:"name"`
	CreatedAt string  `json:"created_at"`
	ExpiresAt *string `json:"expires_at"`
	RevokedAt *string `json:"revoked_at"`
}

// spellShare spells a link; bot is the id as the caller wrote it.
func spellShare(s access.Share, bot, token string) shareView {
	return shareView{
		ID: uuid(s.PublicID), BotID: bot, Token: token, Name: textOrNull(s.Name), CreatedAt: moment(s.CreatedAt),
		ExpiresAt: orNull(s.ExpiresAt), RevokedAt: orNull(s.RevokedAt),
	}
}

// customerView is a customer as it is answered.
type customerView struct {
	ID        string  `json:"id"`
	Username  string  `json:"username"`
	Email     *string `json:"email"`
	IsActive  bool    `json:"is_active"`
	CreatedAt string  `json:"created_at"`
	LastLogin *string `json:"last_login"`
}

func spellCustomer(m access.Customer) customerView {
	return customerView{
		ID: uuid(m.PublicID), Username: m.Username, Email: textOrNull(m.Email), IsActive: m.Enabled, CreatedAt: moment(m.CreatedAt),
		LastLogin: orNull(m.LastLoginAt),
	}
}

// botView is what a customer sees of a bot.
type botView struct {
	ID        string                     `json:"bot_id"`
	UUID      string                     `json:"bot_uuid"`
	Name      string                     `json:"name"`
	AvatarURL *string                    `json:"avatar_url"`
	Welcome   *string                    `json:"welcome"`
	Questions json.RawMessage            `json:"suggested_questions"`
	Settings  map[string]json.RawMessage `json:"settings"`
}

// shown are the settings that a customer may see. The contract spells memori so.
var shown = []string{"language", "enable_thinking", "enable_memori", "tool_response"}

// spellBot spells a bot: its own fields, else what its settings name. picture is
// where its own picture is found, "" where it has none.
func spellBot(b access.Bot, picture string) (botView, error) {
	v := botView{ID: uuid(b.PublicID), UUID: uuid(b.PublicID), Name: b.Name, Settings: map[string]json.RawMessage{}}
	settings := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(firstText(b.Settings, "{}")), &settings); err != nil {
		return v, err
	}
	for _, key := range shown {
		if raw, there := settings[key]; there {
			v.Settings[key] = raw
		}
	}
	v.AvatarURL = textOrNull(firstText(picture, b.AvatarURL, textOf(settings["avatar_url"])))
	v.Welcome = textOrNull(firstText(b.Welcome, textOf(settings["welcome"]), textOf(settings["welcome_message"])))
	own, err := json.Marshal(b.SuggestedQuestions)
	for _, raw := range []json.RawMessage{own, settings["suggested_questions"], settings["guide_questions"]} {
		if v.Questions == nil && len(raw) > 0 && raw[0] == '[' && string(raw) != "[]" {
			v.Questions = raw
		}
	}
	return v, err
}

func firstText(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// textOf is a value that is a text, else "".
func textOf(raw json.RawMessage) (text string) {
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// accountView is who is signed in.
type accountView struct {
	UserID    string `json:"user_id"`
	Username  string `json:"username"`
	IsAdmin   bool   `json:"is_admin"`
	IsEndUser bool   `json:"is_end_user"`
}

// masterName is what the contract calls whoever holds the master key.
const masterName = "__masterkey__"

func spellAccount(by access.Actor, admin bool) accountView {
	if by.Kind == access.ActorMaster {
		return accountView{UserID: masterName, Username: masterName, IsAdmin: true}
	}
	return accountView{UserID: uuid(by.PublicID), Username: by.Name, IsAdmin: admin, IsEndUser: by.Kind == access.ActorCustomer}
}
