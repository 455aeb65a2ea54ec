package page

import (
	"bytes"
	"context"

	"github.com/a-h/templ"

	"latchkey/internal/lang"
)

// AppendEvent appends parts to a stream as one server-sent event, which htmx swaps
// as if they had been answered. It is drawn while the stream runs, when the
// request's own context is gone: whatever the parts need is in l and themselves.
func AppendEvent(into []byte, l lang.Lang, parts ...templ.Component) ([]byte, error) {
	buffer := templ.GetBuffer()
	defer templ.ReleaseBuffer(buffer)
	ctx := lang.With(context.Background(), l)
	for _, part := range parts {
		if err := part.Render(ctx, buffer); err != nil {
			return into, err
		}
	}
	// A carriage return would end the line as well; no markup of ours needs one.
	for line := range bytes.Lines(bytes.ReplaceAll(buffer.Bytes(), []byte("\r"), nil)) {
		into = append(into, "data: "...)
		into = append(into, bytes.TrimSuffix(line, []byte("\n"))...)
		into = append(into, '\n')
	}
	return append(into, '\n'), nil
}
