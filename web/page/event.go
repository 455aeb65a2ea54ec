package page

import (
	"strings"

	"github.com/a-h/templ"

	"latchkey/internal/lang"
)

// AppendEvent appends parts to a stream as one server-sent event, which htmx swaps
// as if they had been answered. They are drawn as Draw does.
func AppendEvent(into []byte, l lang.Lang, parts ...templ.Component) ([]byte, error) {
	drawn := Draw(l, templ.Join(parts...))
	if drawn.Err != nil {
		return into, drawn.Err
	}
	// A carriage return would end the line as well; no markup of ours needs one.
	for line := range strings.Lines(strings.ReplaceAll(drawn.HTML, "\r", "")) {
		into = append(into, "data: "...)
		into = append(into, strings.TrimSuffix(line, "\n")...)
		into = append(into, '\n')
	}
	return append(into, '\n'), nil
}
