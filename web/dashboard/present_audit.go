package dashboard

import (
	"encoding/hex"
	"encoding/json"
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

// actorID is what stays of somebody who is renamed or gone.
func actorID(text string) string {
	_, id, _ := named(text)
	if len(id) < 8 {
		return ""
	}
	return id
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
	"pause": views.Warn, "read": views.Warn, "export": views.Warn, "list": views.Warn, "edit": views.Info, "rotate": views.Info,
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
	if isSignIn(r.Action) || strings.HasSuffix(r.Action, ".change-password") || strings.HasSuffix(r.Action, ".export") {
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
		{Term: w.T("audit.by"), Text: row.Actor, Under: actorID(r.Actor)},
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
		"seq": r.Seq, "at": r.At.UTC().Format(time.RFC3339), "actor": r.Actor, "door": r.Door, "address": r.Address, "action": r.Action, "object": r.Object,
		"result": r.Result, "detail": json.RawMessage(or(r.Detail, "{}")), "prev": hex.EncodeToString(r.Prev), "hash": hex.EncodeToString(r.Hash),
	})
	if err != nil {
		return ""
	}
	return string(text)
}
