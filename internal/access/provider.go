package access

import (
	"strings"
	"time"
)

// DemoURL is the base URL of the built-in demo model.
const DemoURL = "demo:"

// Provider is a connection to an OpenAI-compatible endpoint. Its key is sealed
// and never leaves the server.
type Provider struct {
	ID          int64
	PublicID    string
	WorkspaceID int64
	Name        string
	BaseURL     string
	KeySealed   []byte
	Priority    int64 // higher first
	Enabled     bool
	PausedAt    time.Time // set by Latchkey when the provider refuses our key
	PauseReason string
	Models      []Model
	CreatedAt   time.Time
	Version     int64
	Deleted     bool
}

// Serving reports whether calls may go to the provider.
func (p Provider) Serving() bool { return !p.Deleted && p.Enabled && p.PausedAt.IsZero() }

// Model finds a model of the provider by the name that callers say.
func (p Provider) Model(name string) (Model, bool) {
	for _, m := range p.Models {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}

// ModelKind is what a model answers with.
type ModelKind string

const (
	ChatModel      ModelKind = "chat"
	EmbeddingModel ModelKind = "embedding"
)

// GuessKind says what a model probably answers with, judging by its name alone.
func GuessKind(upstreamName string) ModelKind {
	if strings.Contains(strings.ToLower(upstreamName), "embed") {
		return EmbeddingModel
	}
	return ChatModel
}

// Model is one model of a provider.
type Model struct {
	Name         string // what callers say
	UpstreamName string // what the provider is asked for
	Kind         ModelKind
	MaxOutput    int64 // tokens of one answer, 0: not known
}

// BotKind is RAGFlow's distinction; both ask the same way.
type BotKind string

const (
	DialogBot BotKind = "dialog"
	AgentBot  BotKind = "agent"
)

// Limits of a bot's fields.
const (
	SystemPromptMax = 32 << 10 // bytes
	WelcomeMax      = 2000     // characters
	SuggestionsMax  = 8        // entries
	SuggestionMax   = 200      // characters each
	ParamsMax       = 16 << 10 // bytes of JSON
	SettingsMax     = 64 << 10 // bytes of JSON
	OriginsMax      = 50       // allowed origins
)

// Bot is a named assistant on a provider's model.
type Bot struct {
	ID                 int64
	PublicID           string
	WorkspaceID        int64
	Slug               string
	Name               string
	Kind               BotKind
	ProviderID         int64
	Model              string
	SystemPrompt       string
	Params             string // JSON object: defaults of a call
	AvatarID           int64
	AvatarURL          string
	Welcome            string
	SuggestedQuestions []string
	Settings           string // JSON object
	AllowedOrigins     []string
	RetentionDays      *int64 // nil: keep, 0: never stored
	IdentityKeySealed  []byte // signs who an embed's visitors are, nil: they stay unnamed
	Enabled            bool
	CreatedBy          int64
	CreatedAt          time.Time
	Version            int64
	Deleted            bool
}

// KeepsText reports whether questions and answers are stored at all.
func (b Bot) KeepsText() bool { return b.RetentionDays == nil || *b.RetentionDays > 0 }
