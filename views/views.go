// Package views holds what pages are drawn with: templ components and the
// structs they are drawn from, made of finished strings and of bools to branch
// on. A component X takes its struct XView.
//
// It promises that everything shown is escaped, that no element carries a style
// or an event attribute (the content security policy forbids both), and that a
// part swapped in by htmx is the very component its whole page uses. It decides
// nothing: no rule, no clock, no number is worked out here but the geometry of
// a chart.
//
// The words of the kit itself come from the language in the context, which
// web/page puts there together with the nonce and the workspace. Start with
// shell.templ for the frame, then kit_*.templ for the pieces; docs/kit.md shows
// how a page is made of them.
package views

import (
	"context"

	"latchkey/internal/lang"
)

// Tone says how good or bad something is; it chooses a colour, and a word
// always stands beside it.
type Tone string

const (
	Ok   Tone = "ok"
	Warn Tone = "warn"
	Bad  Tone = "bad"
	Off  Tone = "off"
	Info Tone = "info"
)

// T is a text of the catalogue in the reader's language.
func T(ctx context.Context, key string, args ...any) string {
	return lang.From(ctx).T(key, args...)
}

type workspaceKey struct{}

// WithWorkspace returns a context in which every form of the kit carries the
// public id of the workspace it was drawn for.
func WithWorkspace(ctx context.Context, publicID string) context.Context {
	return context.WithValue(ctx, workspaceKey{}, publicID)
}

// WorkspaceOf is the id that WithWorkspace put into ctx, or "".
func WorkspaceOf(ctx context.Context) string {
	id, _ := ctx.Value(workspaceKey{}).(string)
	return id
}
