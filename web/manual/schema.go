package manual

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Schema is a JSON Schema, as OpenAPI 3.1 has them.
type Schema map[string]any

// Describer is a type that is spelled otherwise than its fields say.
type Describer interface{ Schema() Schema }

// Optional is a field of a body that may be left out or null.
type Optional interface{ Of() any }

// Plain schemas.
func String() Schema  { return Schema{"type": "string"} }
func Integer() Schema { return Schema{"type": "integer"} }
func Decimal() Schema { return Schema{"type": "number"} }
func Bool() Schema    { return Schema{"type": "boolean"} }
func Null() Schema    { return Schema{"type": "null"} }
func Any() Schema     { return Schema{} }

// Is is one value and no other.
func Is(value any) Schema { return Schema{"const": value} }

// OneOf is one of some texts.
func OneOf(texts ...string) Schema { return Schema{"type": "string", "enum": texts} }

// List is a list of items.
func List(items Schema) Schema { return Schema{"type": "array", "items": items} }

// Map is an object whose keys are data.
func Map(values Schema) Schema { return Schema{"type": "object", "additionalProperties": values} }

// OrNull is a schema, or null.
func OrNull(s Schema) Schema {
	if kind, ok := s["type"].(string); ok && s["enum"] == nil {
		s = maps.Clone(s)
		s["type"] = []string{kind, "null"}
		return s
	}
	return Either(s, Null())
}

// Either is one of some schemas, or several.
func Either(all ...Schema) Schema { return Schema{"anyOf": all} }

// Field is a field of an object.
type Field struct {
	Name     string
	Schema   Schema
	Optional bool
}

// F is a field that is always there.
func F(name string, s Schema) Field { return Field{Name: name, Schema: s} }

// O is a field that may be absent.
func O(name string, s Schema) Field { return Field{Name: name, Schema: s, Optional: true} }

// Object is an object with these fields and no other.
func Object(fields ...Field) Schema {
	s := Open(fields...)
	s["additionalProperties"] = false
	return s
}

// Open is an object with these fields and any others.
func Open(fields ...Field) Schema {
	properties, required := Schema{}, []string{}
	for _, f := range fields {
		properties[f.Name] = f.Schema
		if !f.Optional {
			required = append(required, f.Name)
		}
	}
	s := Schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// With is an object with more fields.
func With(s Schema, fields ...Field) Schema {
	s = maps.Clone(s)
	more := Open(fields...)
	properties := maps.Clone(s["properties"].(Schema))
	maps.Copy(properties, more["properties"].(Schema))
	s["properties"] = properties
	required, _ := s["required"].([]string)
	if added, ok := more["required"].([]string); ok {
		s["required"] = slices.Concat(required, added)
	}
	return s
}

// About says what a value is.
func About(s Schema, text string) Schema {
	s = maps.Clone(s)
	s["description"] = text
	return s
}

// Reader reads schemas out of Go types. Values are the texts that a type of text
// may hold; Notes say what a field is, by its name, where its tag "note" does not.
type Reader struct {
	Values map[reflect.Type][]string
	Notes  map[string]string
}

// Of is the schema of a value's type.
func (r Reader) Of(v any) Schema { return r.of(reflect.TypeOf(v)) }

var (
	describer = reflect.TypeFor[Describer]()
	optional  = reflect.TypeFor[Optional]()
	raw       = reflect.TypeFor[json.RawMessage]()
	number    = reflect.TypeFor[json.Number]()
)

func (r Reader) of(t reflect.Type) Schema {
	switch {
	case t == nil || t == raw:
		return Any()
	case t == number:
		return Decimal()
	case t.Implements(describer):
		return reflect.Zero(t).Interface().(Describer).Schema()
	case t.Implements(optional):
		return OrNull(r.of(reflect.TypeOf(reflect.Zero(t).Interface().(Optional).Of())))
	}
	switch t.Kind() {
	case reflect.String:
		if texts := r.Values[t]; texts != nil {
			return OneOf(texts...)
		}
		return String()
	case reflect.Bool:
		return Bool()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return Integer()
	case reflect.Float64:
		return Decimal()
	case reflect.Pointer:
		return OrNull(r.of(t.Elem()))
	case reflect.Slice:
		return List(r.of(t.Elem()))
	case reflect.Map:
		return Map(r.of(t.Elem()))
	case reflect.Struct:
		return r.object(t)
	}
	return Any()
}

func (r Reader) object(t reflect.Type) Schema {
	return Object(r.fields(t, false)...)
}

// fields lists the fields of a struct, those of embedded structs among them. What
// an embedded pointer holds may be absent.
func (r Reader) fields(t reflect.Type, absent bool) (all []Field) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch inner := f.Type; {
		case f.Anonymous && name == "" && inner.Kind() == reflect.Pointer:
			all = append(all, r.fields(inner.Elem(), true)...)
		case f.Anonymous && name == "":
			all = append(all, r.fields(inner, absent)...)
		case name != "" && name != "-":
			all = append(all, Field{name, r.field(f, name), absent || strings.Contains(options, "omitempty") || inner.Implements(optional)})
		}
	}
	return all
}

func (r Reader) field(f reflect.StructField, name string) Schema {
	s := r.of(f.Type)
	if f.Tag.Get("manual") == "null" {
		s = OrNull(s)
	}
	note, own := f.Tag.Lookup("note")
	if !own {
		note = r.Notes[name]
	}
	if note != "" {
		s = About(s, note)
	}
	return s
}
