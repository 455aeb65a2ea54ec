package views

import "github.com/a-h/templ"

// tryForm sends a question of the panel; the answer streams back as parts.
func tryForm(href string) templ.OrderedAttributes {
	return templ.OrderedAttributes{
		{Key: "method", Value: "post"},
		{Key: "action", Value: href + "/try#try"},
		{Key: "hx-post", Value: href + "/try"},
		{Key: "hx-target", Value: "#try-thread"},
		{Key: "hx-swap", Value: "none"},
		{Key: "hx-sync", Value: "#try-form:drop"}, // one answer at a time
		{Key: "hx-config", Value: "timeout:0"},
	}
}
