package views

import "github.com/a-h/templ"

// fieldAttributes gathers what an input or a textarea says about itself; only
// what is set is written.
func fieldAttributes(v FieldView) templ.OrderedAttributes {
	id := "f-" + v.Name
	all := templ.OrderedAttributes{{Key: "id", Value: id}, {Key: "name", Value: v.Name}}
	add := func(key, value string) {
		if value != "" {
			all = append(all, templ.KeyValue[string, any]{Key: key, Value: value})
		}
	}
	flag := func(key string, on bool) {
		if on {
			all = append(all, templ.KeyValue[string, any]{Key: key, Value: true})
		}
	}
	if v.Rows != "" {
		add("rows", v.Rows)
	} else {
		add("type", or(v.Type, "text"))
		// A password never goes back into the page.
		if v.Type != "password" && v.Type != "file" {
			add("value", v.Value)
		}
	}
	add("placeholder", v.Placeholder)
	add("autocomplete", or(v.Autocomplete, "off"))
	add("inputmode", v.InputMode)
	add("maxlength", v.MaxLength)
	add("min", v.Min)
	add("max", v.Max)
	add("accept", v.Accept)
	flag("required", v.Required)
	flag("autofocus", v.Autofocus)
	flag("readonly", v.ReadOnly)
	return append(all, described(id, v.Help, v.Error)...)
}

func described(id, help, problem string) templ.OrderedAttributes {
	var all templ.OrderedAttributes
	if problem != "" {
		all = append(all, templ.KeyValue[string, any]{Key: "aria-invalid", Value: "true"})
	}
	if problem != "" || help != "" {
		all = append(all, templ.KeyValue[string, any]{Key: "aria-describedby", Value: id + "-help"})
	}
	return all
}

func selectAttributes(v SelectView) templ.OrderedAttributes {
	id := "f-" + v.Name
	all := templ.OrderedAttributes{{Key: "id", Value: id}, {Key: "name", Value: v.Name}}
	if v.Multiple {
		all = append(all, templ.KeyValue[string, any]{Key: "multiple", Value: true})
	}
	if v.Required {
		all = append(all, templ.KeyValue[string, any]{Key: "required", Value: true})
	}
	return append(all, described(id, v.Help, v.Error)...)
}

func checkAttributes(v CheckView) templ.OrderedAttributes {
	all := templ.OrderedAttributes{
		{Key: "id", Value: checkID(v)},
		{Key: "name", Value: v.Name},
		{Key: "value", Value: or(v.Value, "1")},
		{Key: "checked", Value: v.Checked},
		{Key: "disabled", Value: v.Disabled},
	}
	if v.Switch {
		all = append(all, templ.KeyValue[string, any]{Key: "role", Value: "switch"})
	}
	return all
}

func checkID(v CheckView) string { return "f-" + or(v.ID, v.Name) }

func asMoney(v FieldView) FieldView {
	v.Prefix, v.InputMode = "$", "decimal"
	v.Placeholder = or(v.Placeholder, "0.00")
	return v
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}
