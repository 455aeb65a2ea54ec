package dashboard

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/views"
)

// auditFields reads the detail of a row: what changed, with before and after, or
// what was written.
func (w words) auditFields(detail string, known auditNames) (fields []views.AuditFieldView, hasBefore bool) {
	var d map[string]any
	if json.Unmarshal([]byte(detail), &d) != nil {
		return nil, false
	}
	before, hasBefore := d["before"].(map[string]any)
	after, _ := d["after"].(map[string]any)
	if !hasBefore {
		after = d
	}
	names := map[string]bool{}
	for name := range before {
		names[name] = true
	}
	for name := range after {
		names[name] = true
	}
	for name := range names {
		if !hasBefore && empty(after[name]) {
			continue // of what was made, only what was chosen
		}
		known.replace(name, before, after)
		fields = append(fields, views.AuditFieldView{Name: name, Before: w.auditValue(name, before[name]), After: w.auditValue(name, after[name])})
	}
	sort.Slice(fields, func(i, j int) bool { return fields[i].Name < fields[j].Name })
	for i, f := range fields {
		if w.Has("audit.field." + f.Name) {
			fields[i].Name = w.T("audit.field." + f.Name)
		}
	}
	return fields, hasBefore
}

// auditNames are the names of members by public id, and of what fields point to by
// row number.
type auditNames struct {
	people map[string]string
	fields map[string]map[int64]string
}

// person is what people call a user, otherwise the name that the log kept.
func (n auditNames) person(kind, id, name string) string {
	if shown := n.people[id]; kind == "user" && shown != "" {
		return shown
	}
	return name
}

// replace puts the name of a bot or a provider in the place of its row number.
func (n auditNames) replace(field string, sides ...map[string]any) {
	for _, side := range sides {
		number, ok := side[field].(float64)
		if !ok || n.fields[field] == nil {
			continue
		}
		side[field] = nil
		if name := n.fields[field][int64(number)]; name != "" {
			side[field] = name
		} else if number != 0 {
			side[field] = "#" + strconv.FormatInt(int64(number), 10)
		}
	}
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case float64:
		return v == 0
	case string:
		return v == "" || v == "{}"
	case []any:
		return len(v) == 0
	}
	return false
}

// longValue is as much of a text as a cell shows.
const longValue = 400

// auditValue spells what a field held for the reader.
func (w words) auditValue(name string, value any) string {
	switch v := value.(type) {
	case nil:
		return w.T("audit.value.none")
	case bool:
		return w.T("audit.value." + strconv.FormatBool(v))
	case float64:
		return w.auditNumber(name, v)
	case string:
		return w.auditText(name, v)
	case []any:
		if len(v) == 0 {
			return w.T("audit.value.none")
		}
		parts := make([]string, 0, len(v))
		for _, one := range v {
			parts = append(parts, w.auditValue("", one))
		}
		return cut(strings.Join(parts, ", "))
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return cut(string(text))
}

// amounts are fields in units, which are shown as money.
var amounts = []string{"quota", "remain", "cap", "prompt", "completion"}

func (w words) auditNumber(name string, n float64) string {
	switch {
	case slices.Contains(amounts, name):
		return w.Money(int64(n), w.per)
	case name == "ratio_ppm":
		return strconv.FormatFloat(n/access.RatioOne, 'f', -1, 64)
	case strings.HasSuffix(name, "_at") && n > 1e11:
		return w.Moment(time.UnixMilli(int64(n)), w.zone)
	case n == float64(int64(n)):
		return w.Number(int64(n))
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

func (w words) auditText(name, text string) string {
	switch {
	case text == "":
		return w.T("audit.value.none")
	case strings.HasSuffix(name, "_at") || name == "keep_old":
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			if at.IsZero() || at.Year() < 1971 {
				return w.T("audit.value.never")
			}
			return w.Moment(at, w.zone)
		}
	case name == "role" && w.Has("role."+text):
		return w.T("role." + text)
	case name == "refill" && w.Has("tokens.refill."+text):
		return w.T("tokens.refill." + text)
	}
	return cut(text)
}

func cut(text string) string {
	if r := []rune(text); len(r) > longValue {
		return string(r[:longValue]) + "…"
	}
	return text
}
