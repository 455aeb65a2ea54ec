package dashboard

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
)

// The snippets, in the order of their tabs. bot says that the address or the body
// names one, chats that only a model that chats can answer.
var snippets = []struct {
	key, text  string
	bot, chats bool
}{
	{"curl", "curl", false, false},
	{"python", "Python", false, false},
	{"node", "Node", false, false},
	{"ragflow", "RAGFlow", true, true},
	{"newapi", "New API", false, false},
	{"fess", "Fess", false, true},
	{"botshare", "bot-share", true, true},
}

// snippet is a call to try. It reads the key from a variable, so that it can be
// pasted into a ticket.
func (d *Dashboard) snippet(c *fiber.Ctx, row db.TokenRow, key string) (views.SnippetView, error) {
	var v views.SnippetView
	model, err := d.Control.ModelToTry(c.UserContext(), d.actor(c), row.Token)
	if err != nil {
		return v, err
	}
	chosen := "curl"
	for _, s := range snippets {
		if s.key == key {
			chosen = key
		}
	}
	for _, s := range snippets {
		if s.bot && row.BotPublicID == "" || s.chats && model.Kind == access.EmbeddingModel {
			continue
		}
		v.Tabs = append(v.Tabs, views.TabView{Text: s.text, Href: tokenHref(row.PublicID) + "/snippet?for=" + s.key, Active: s.key == chosen})
	}
	v.Code = sample{origin: d.Origin(c), model: model, bot: row.BotPublicID}.text(chosen)
	return v, nil
}

// sample is what a call to try is made of.
type sample struct {
	origin string
	model  access.Model
	bot    string // public id, "" for none
	key    string // in clear, "" to read it from the variable LATCHKEY_KEY
}

// text is a call in one language or dialect.
func (s sample) text(kind string) string {
	s.model.Name = or(s.model.Name, "gpt-4o-mini")
	switch kind {
	case "python":
		return "# pip install openai\n" + s.imports("import os\n") + "from openai import OpenAI\n\nclient = OpenAI(base_url=" + quoted(s.origin+"/v1") + ", api_key=" + s.literal(`os.environ["LATCHKEY_KEY"]`) + ")\n" + s.python()
	case "node":
		return "// npm install openai\nimport OpenAI from \"openai\";\n\nconst client = new OpenAI({ baseURL: " + quoted(s.origin+"/v1") + ", apiKey: " + s.literal("process.env.LATCHKEY_KEY") + " });\n" + s.node()
	case "ragflow":
		return s.curl("/api/v1/chats_openai/"+s.bot+"/chat/completions", s.question("model", quoted(s.model.Name)))
	case "newapi":
		return "curl " + s.origin + "/api/usage/token \\\n  -H " + s.bearer()
	case "fess":
		return "curl \"" + s.origin + "/json/?q=Hello\" \\\n  -H " + s.bearer()
	case "botshare":
		return s.curl("/api/v3/chat/completions", s.question("bot_id", quoted(s.bot)))
	case "env":
		return "OPENAI_BASE_URL=" + s.origin + "/v1\nOPENAI_API_KEY=" + or(s.key, "sk-…") + "\nOPENAI_MODEL=" + shellWord(s.model.Name)
	}
	if s.embeds() {
		return s.curl("/v1/embeddings", `{"model": `+quoted(s.model.Name)+`, "input": "Hello"}`)
	}
	return s.curl("/v1/chat/completions", s.question("model", quoted(s.model.Name)))
}

// embeds says that the key is for embeddings alone.
func (s sample) embeds() bool { return s.model.Kind == access.EmbeddingModel }

func (s sample) python() string {
	if s.embeds() {
		return "answer = client.embeddings.create(model=" + quoted(s.model.Name) + ", input=\"Hello\")\nprint(answer.data[0].embedding)"
	}
	return "answer = client.chat.completions.create(\n    model=" + quoted(s.model.Name) + ",\n    messages=[{\"role\": \"user\", \"content\": \"Hello\"}],\n)\n" +
		"print(answer.choices[0].message.content)"
}

func (s sample) node() string {
	if s.embeds() {
		return "const answer = await client.embeddings.create({ model: " + quoted(s.model.Name) + ", input: \"Hello\" });\nconsole.log(answer.data[0].embedding);"
	}
	return "const answer = await client.chat.completions.create({\n  model: " + quoted(s.model.Name) + ",\n  messages: [{ role: \"user\", content: \"Hello\" }],\n});\n" +
		"console.log(answer.choices[0].message.content);"
}

func (s sample) curl(path, body string) string {
	return "curl " + s.origin + path + " \\\n  -H " + s.bearer() + " \\\n  -H \"Content-Type: application/json\" \\\n  -d '" +
		strings.ReplaceAll(body, "'", `'\''`) + "'"
}

func (s sample) question(field, value string) string {
	return `{"` + field + `": ` + value + ", \"stream\": true,\n       \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}"
}

func (s sample) bearer() string { return `"Authorization: Bearer ` + or(s.key, "$LATCHKEY_KEY") + `"` }

// imports is left out where the key is written down.
func (s sample) imports(text string) string {
	if s.key != "" {
		return ""
	}
	return text
}

func (s sample) literal(variable string) string {
	if s.key != "" {
		return quoted(s.key)
	}
	return variable
}

// quoted is a string as JSON, JavaScript and Python spell it alike.
func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(text) != nil {
		return `""`
	}
	return strings.TrimSpace(b.String())
}

// shellWord quotes what a shell would read as more than a word.
func shellWord(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("-._:/@+", r) && !isWord(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
