package ops

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/views"
	"latchkey/web/manual"
	"latchkey/web/page"
)

// exampleBase is where the manual's examples call: it names no instance.
const exampleBase = "https://bots.acme.example"

// Docs serves GET /docs and /docs/{door}: the manual for people.
func (o *Ops) Docs(all func() manual.Manual) fiber.Handler {
	return func(c *fiber.Ctx) error {
		m := all()
		name := c.Params("door")
		if name == "" {
			name = m[0].Name
		}
		door, ok := m.Door(name)
		if !ok {
			return access.Fail(access.NotFound, "page_unknown", "There is nothing at this address.")
		}
		return page.Show(c, views.DocsPage(presentDoor(page.Lang(c), m, door)))
	}
}

func presentDoor(l lang.Lang, m manual.Manual, door manual.Door) views.DocsView {
	v := views.DocsView{Path: "/docs/" + door.Name, Title: l.Reference(door.Title), About: l.Reference(door.About)}
	for _, d := range m {
		v.Doors = append(v.Doors, views.TabView{Text: l.Reference(d.Title), Href: "/docs/" + d.Name, Active: d.Name == door.Name})
	}
	for _, o := range door.Operations {
		v.Operations = append(v.Operations, presentOperation(l, o))
	}
	return v
}

var tones = map[string]views.Tone{"GET": views.Info, "POST": views.Ok, "PUT": views.Warn, "PATCH": views.Warn, "DELETE": views.Bad}

func presentOperation(l lang.Lang, o manual.Operation) views.DocsOperationView {
	v := views.DocsOperationView{
		ID: o.ID(), Method: o.Method, Path: o.Path, Text: l.Reference(o.Text), Who: l.T("docs.who", who(l, o)), Tone: tones[o.Method],
		Body: presentRows(l, o.Body, needed), Answer: presentRows(l, o.Answer, absent), AnswerIs: strconv.Itoa(o.Code()), Curl: o.Curl(exampleBase),
	}
	for _, name := range o.Parameters() {
		v.Parameters = append(v.Parameters, views.DocsFieldView{Name: name, Kind: "string", Text: l.T("docs.path"), Mark: needed(l, true)})
	}
	for _, list := range [][]manual.Parameter{o.Query, o.Headers} {
		for _, p := range list {
			v.Parameters = append(v.Parameters, views.DocsFieldView{Name: p.Name, Kind: p.Schema.Kind(), Text: l.Reference(p.Text), Mark: needed(l, p.Required)})
		}
	}
	return v
}

func who(l lang.Lang, o manual.Operation) string {
	var all []string
	for _, by := range o.By {
		all = append(all, l.T("docs.by."+string(by)))
	}
	if o.Open {
		all = append(all, l.T("docs.anyone"))
	}
	return l.Enumerate(all)
}

// needed marks what a call has to hold.
func needed(l lang.Lang, always bool) string {
	if always {
		return l.T("docs.needed")
	}
	return ""
}

// absent marks what an answer may leave out.
func absent(l lang.Lang, always bool) string {
	if always {
		return ""
	}
	return l.T("docs.absent")
}

func presentRows(l lang.Lang, s manual.Schema, mark func(lang.Lang, bool) string) []views.DocsFieldView {
	if s == nil {
		return nil
	}
	var all []views.DocsFieldView
	for _, r := range s.Rows() {
		all = append(all, views.DocsFieldView{Name: r.Name, Kind: r.Kind, Text: l.Reference(r.Text), Mark: mark(l, r.Needed)})
	}
	return all
}
