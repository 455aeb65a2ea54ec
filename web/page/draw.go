package page

import (
	"context"

	"github.com/a-h/templ"

	"latchkey/internal/lang"
)

// Drawn is a component as markup, for an answer that carries it inside something
// else.
type Drawn struct {
	HTML string
	Err  error
}

// Draw draws a component while a stream runs, when the request's own context is
// gone: whatever it needs is in l and in itself.
func Draw(l lang.Lang, part templ.Component) Drawn {
	buffer := templ.GetBuffer()
	defer templ.ReleaseBuffer(buffer)
	err := part.Render(lang.With(context.Background(), l), buffer)
	return Drawn{HTML: buffer.String(), Err: err}
}
