package dashboard

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
)

// sentProvider is the form of a provider as it was sent.
type sentProvider struct {
	form   control.ProviderForm
	ticked []string // boxes
	listed []string // boxes that were shown
	lines  string   // what was written
	test   string   // the model to test
}

// readProvider reads the form. The error is of what control cannot see: a line
// that is no model, a priority that is no number.
func readProvider(c *fiber.Ctx) (sentProvider, error) {
	s := sentProvider{
		form: control.ProviderForm{
			Name: sent(c, "name"), BaseURL: sent(c, "base_url"), Version: versionOf(c),
			AllowPrivate: field(c, "allow_private") != "" && field(c, "allow_private") == control.HostOf(field(c, "base_url")),
		},
		ticked: fields(c, "model"), listed: fields(c, "listed"), lines: field(c, "models"), test: field(c, "test_model"),
	}
	if key := field(c, "api_key"); key != "" || ticked(c, "forget_key") {
		s.form.Key = &key
	}
	models, err := readModels(s.ticked, s.lines)
	if err != nil {
		return s, err
	}
	s.form.Models = &models
	priority, err := strconv.ParseInt(or(strings.TrimSpace(field(c, "priority")), "0"), 10, 64)
	if err != nil {
		return s, access.Fail(access.Invalid, "priority_range", "A priority is a whole number from %d to %d.", -control.PriorityMax, control.PriorityMax).At("priority")
	}
	s.form.Priority = &priority
	return s, nil
}

// testModel is the model that a test asks: the chosen one, else the first that
// chats.
func (s sentProvider) testModel() string {
	if s.test != "" || s.form.Models == nil {
		return s.test
	}
	for _, m := range *s.form.Models {
		if m.Kind != access.EmbeddingModel && access.GuessKind(m.Name) == access.ChatModel {
			return m.Name
		}
	}
	return ""
}

// readModels joins the boxes that were ticked with the lines that were written. A
// line says more than a box of the same name, and wins.
func readModels(ticked []string, lines string) ([]access.Model, error) {
	models := map[string]access.Model{}
	for _, name := range ticked {
		models[name] = access.Model{Name: name}
	}
	written := map[string]bool{}
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		m, ok := readModel(line)
		if !ok {
			return nil, access.Fail(access.Invalid, "model_line",
				"%q is no model: write a name, or name = upstream name, then if you like: , max 4096 or , embedding.", line).At("models")
		}
		if written[m.Name] {
			return nil, access.Fail(access.Invalid, "model_twice", "The model %s is listed twice.", m.Name).At("models")
		}
		written[m.Name] = true
		models[m.Name] = m
	}
	return slices.SortedFunc(maps.Values(models), func(a, b access.Model) int { return strings.Compare(a.Name, b.Name) }), nil
}

// readModel reads a line such as "fast = vendor/fast, max 4096, chat".
func readModel(line string) (access.Model, bool) {
	parts := strings.Split(line, ",")
	name, upstreamName, _ := strings.Cut(parts[0], "=")
	m := access.Model{Name: strings.TrimSpace(name), UpstreamName: strings.TrimSpace(upstreamName)}
	for _, part := range parts[1:] {
		part = strings.TrimSpace(part)
		if digits, ok := strings.CutPrefix(part, "max "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
			if err != nil || n < 0 {
				return m, false
			}
			m.MaxOutput = n
			continue
		}
		if m.Kind = access.ModelKind(part); m.Kind != access.ChatModel && m.Kind != access.EmbeddingModel {
			return m, false
		}
	}
	return m, m.Name != ""
}

// modelLine writes a model the way readModel reads it, and says whether a box
// would have been enough.
func modelLine(m access.Model) (line string, plain bool) {
	line = m.Name
	if m.UpstreamName != m.Name {
		line += " = " + m.UpstreamName
	}
	if m.MaxOutput > 0 {
		line += ", max " + strconv.FormatInt(m.MaxOutput, 10)
	}
	if m.Kind != access.GuessKind(m.UpstreamName) {
		line += ", " + string(m.Kind)
	}
	return line, line == m.Name
}

// askedHost is the host whose listing would lift err, "" when none would.
func askedHost(raw string, err error) string {
	if err == nil || !control.PrivateHostAsked(err) {
		return ""
	}
	return control.HostOf(raw)
}

func or(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}
