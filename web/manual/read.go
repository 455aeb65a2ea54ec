package manual

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Row is one field of a body or an answer, as people read it.
type Row struct {
	Name, Kind, Text string
	Needed           bool
}

// deepest is how far fields of fields are listed.
const deepest = 4

// Rows lists the fields of a schema, those within others under names with dots.
// Where a value is one of several, the first that has fields is told.
func (s Schema) Rows() []Row { return s.rows("", deepest) }

func (s Schema) rows(prefix string, depth int) (all []Row) {
	if depth == 0 {
		return nil
	}
	properties, isObject := s["properties"].(Schema)
	required, _ := s["required"].([]string)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		field := properties[name].(Schema)
		text, _ := field["description"].(string)
		all = append(all, Row{prefix + name, field.Kind(), text, slices.Contains(required, name)})
		all = append(all, field.within(prefix+name, depth-1)...)
	}
	if isObject {
		return all
	}
	return s.within(strings.TrimSuffix(prefix, "."), depth)
}

// within lists the fields of what a value holds.
func (s Schema) within(name string, depth int) []Row {
	if items, ok := s["items"].(Schema); ok {
		return items.rows(name+"[].", depth)
	}
	if choices, ok := s["anyOf"].([]Schema); ok {
		for _, c := range choices {
			if all := c.rows(name+".", depth); name != "" && len(all) > 0 {
				return all
			} else if all := c.rows("", depth); len(all) > 0 {
				return all
			}
		}
	}
	if s["properties"] != nil {
		return s.rows(name+".", depth)
	}
	return nil
}

// Kind names the kind of a value.
func (s Schema) Kind() string {
	if value, ok := s["const"]; ok {
		return fmt.Sprint(value)
	}
	if texts, ok := s["enum"].([]string); ok {
		return strings.Join(texts, " | ")
	}
	if choices, ok := s["anyOf"].([]Schema); ok {
		kinds := make([]string, 0, len(choices))
		for _, c := range choices {
			if k := c.Kind(); !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
		return strings.Join(kinds, " | ")
	}
	switch kind := s["type"].(type) {
	case string:
		if items, ok := s["items"].(Schema); ok {
			return "array of " + items.Kind()
		}
		return kind
	case []string:
		return strings.Join(kind, " | ")
	}
	return "any"
}

// Curl is the operation as a line of the shell. base is where the server is.
func (o Operation) Curl(base string) string {
	var b strings.Builder
	b.WriteString("curl ")
	if o.Method != "GET" {
		b.WriteString("-X " + o.Method + " ")
	}
	path := o.Path
	for _, name := range o.Parameters() {
		path = strings.Replace(path, "{"+name+"}", strings.ToUpper(name), 1)
	}
	b.WriteString(base + path)
	var needed []string
	for _, p := range o.Query {
		if p.Required {
			needed = append(needed, p.Name+"=…")
		}
	}
	if len(needed) > 0 {
		b.WriteString("?" + strings.Join(needed, "&"))
	}
	if len(o.By) > 0 {
		b.WriteString(" \\\n  -H 'Authorization: Bearer …'")
	}
	if o.Body != nil && o.Example != "" {
		b.WriteString(" \\\n  -H 'Content-Type: application/json' \\\n  -d '" + o.Example + "'")
	}
	return b.String()
}
