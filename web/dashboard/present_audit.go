package dashboard

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
)

// chain says how the audit chain stands.
func (w words) chain(s db.ChainState) views.ChainView {
	when := w.Ago(s.At, w.now)
	switch {
	case s.Broken != 0:
		return views.ChainView{Tone: views.Bad, Text: w.T("audit.broken", w.Number(s.Broken)), Title: w.T("audit.broken_text")}
	case s.Whole():
		return views.ChainView{Tone: views.Ok, Text: w.N("audit.whole", s.Rows, when), Title: w.T("audit.whole_text", w.Moment(s.At, w.zone))}
	}
	return views.ChainView{Tone: views.Warn, Text: w.T("audit.partly", w.Number(s.Rows), w.Number(s.Last)), Title: w.T("audit.partly_text")}
}

// named takes apart how the log spells an actor or an object: kind:id name.
func named(text string) (kind, id, name string) {
	kind, rest, _ := strings.Cut(text, ":")
	id, name, _ = strings.Cut(rest, " ")
	return kind, id, name
}

// auditActor is who did it, as people call them.
func (w words) auditActor(text string, names auditNames) string {
	kind, id, name := named(text)
	switch {
	case kind == "upkeep" || kind == "shell" || kind == "master" || kind == "nobody":
		return w.T("audit.by." + kind)
	case name == "":
		return w.T("audit.by.nobody")
	}
	return names.person(kind, id, name)
}

// auditHrefs lead to what was changed.
var auditHrefs = map[string]string{
	"token": "/tokens/", "share": "/shares/", "customer": "/customers/", "bot": "/bots/", "provider": "/providers/", "conversation": "/conversations/",
}

func (w words) auditNoun(kind string) string {
	if w.Has("audit.noun." + kind) {
		return w.T("audit.noun." + kind)
	}
	return kind
}

var auditIcons = map[string]string{
	"token": "key-round", "share": "share-2", "customer": "users", "bot": "bot", "provider": "server", "conversation": "message-square",
	"user": "user", "workspace": "building-2", "settings": "settings", "price": "tag", "group": "layers",
}

// verbTones colour what was done: made, taken away, shown.
var verbTones = map[string]views.Tone{
	"create": views.Ok, "add": views.Ok, "enable": views.Ok, "resume": views.Ok, "undo-revoke": views.Ok, "allow": views.Ok,
	"revoke": views.Bad, "delete": views.Bad, "remove": views.Bad, "disallow": views.Bad, "reveal": views.Warn, "reset-password": views.Warn,
	"pause": views.Warn, "read": views.Warn, "list": views.Warn, "edit": views.Info, "rotate": views.Info,
}

func (w words) verb(action string) (text string, tone views.Tone) {
	_, verb, _ := strings.Cut(action, ".")
	tone = views.Off
	if t, ok := verbTones[verb]; ok {
		tone = t
	}
	if w.Has("audit.verb." + verb) {
		return w.T("audit.verb." + verb), tone
	}
	return action, tone
}

// event tells a row in plain words.
func (w words) event(r db.AuditRow, names auditNames) views.EventView {
	kind, id, name := named(r.Object)
	name = names.person(kind, id, name)
	_, tone := w.verb(r.Action)
	if tone == views.Info || tone == views.Ok {
		tone = views.Off
	}
	v := views.EventView{
		Icon: or(auditIcons[kind], "history"), Tone: tone, Actor: w.auditActor(r.Actor, names), Object: or(name, w.auditNoun(kind)),
		When: w.since(r.At.Time), WhenAt: w.Moment(r.At.Time, w.zone),
	}
	if base := auditHrefs[kind]; base != "" && id != "" && !strings.HasSuffix(r.Action, ".delete") {
		v.Href = base + id
	}
	v.Words = r.Action
	if key := "audit.did." + r.Action; w.Has(key) {
		v.Words = w.T(key)
	}
	if isSignIn(r.Action) || strings.HasSuffix(r.Action, ".change-password") {
		v.Object, v.Href = "", ""
	} else if r.Action == "user.edit" && r.Actor == r.Object {
		v.Words, v.Object = w.T("audit.did.own"), ""
	}
	return v
}

// isSignIn reports whether somebody came or went, which changes nothing.
func isSignIn(action string) bool {
	return strings.HasSuffix(action, ".sign-in") || strings.HasSuffix(action, ".sign-out")
}

func auditHref(seq int64) string { return "/audit/" + strconv.FormatInt(seq, 10) }

func (w words) auditRow(r db.AuditRow, names auditNames) views.AuditRowView {
	kind, id, name := named(r.Object)
	name = names.person(kind, id, name)
	actor := w.auditActor(r.Actor, names)
	v := views.AuditRowView{
		ID: strconv.FormatInt(r.Seq, 10), Href: auditHref(r.Seq), When: w.When(r.At.Time, w.now, w.zone), WhenAt: w.Moment(r.At.Time, w.zone),
		Actor: actor, Initials: initials(actor), Object: or(name, w.auditNoun(kind)), Source: w.auditSource(r),
	}
	if name != "" {
		v.Noun = "· " + w.auditNoun(kind)
	}
	v.Action, v.Tone = w.verb(r.Action)
	return v
}

// auditEntry is a row, opened.
func (w words) auditEntry(r db.AuditRow, names auditNames) views.AuditEntryView {
	row := w.auditRow(r, names)
	v := views.AuditEntryView{ID: row.ID, Title: row.Action + ": " + row.Object, Text: row.Actor + " · " + row.When, JSON: auditJSON(r)}
	v.Fields, v.HasBefore = w.auditFields(r.Detail, names)
	v.Facts = []views.Definition{
		{Term: w.T("audit.number"), Text: w.Number(r.Seq)},
		{Term: w.T("audit.exact"), Text: row.WhenAt},
		{Term: w.T("audit.by"), Text: r.Actor},
		{Term: w.T("audit.via"), Text: row.Source},
		{Term: w.T("audit.hash"), Text: shortHash(r.Hash), Mono: true},
		{Term: w.T("audit.prev"), Text: shortHash(r.Prev), Mono: true},
	}
	kind, id, _ := named(r.Object)
	if base := auditHrefs[kind]; base != "" && id != "" && !strings.HasSuffix(r.Action, ".delete") {
		v.Open = views.LinkView{Text: w.T("audit.open"), Href: base + id}
	}
	return v
}

// auditSource says from where and through which door.
func (w words) auditSource(r db.AuditRow) string {
	switch kind, _, _ := named(r.Actor); {
	case kind == "upkeep":
		return w.door(access.DoorUpkeep)
	case r.Address == "":
		return w.door(access.Door(r.Door))
	}
	return r.Address + " · " + w.door(access.Door(r.Door))
}

func shortHash(hash []byte) string {
	text := hex.EncodeToString(hash)
	if len(text) < 16 {
		return or(text, "–")
	}
	return text[:8] + "…" + text[len(text)-4:]
}

func auditJSON(r db.AuditRow) string {
	text, err := json.Marshal(map[string]any{
		"seq": r.Seq, "at": csvTime(r.At.Time), "actor": r.Actor, "door": r.Door, "address": r.Address, "action": r.Action, "object": r.Object,
		"result": r.Result, "detail": json.RawMessage(or(r.Detail, "{}")), "prev": hex.EncodeToString(r.Prev), "hash": hex.EncodeToString(r.Hash),
	})
	if err != nil {
		return ""
	}
	return string(text)
}

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
