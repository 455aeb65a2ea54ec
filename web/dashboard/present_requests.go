package dashboard

import (
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/views"
)

func (w words) requestRow(r db.RequestRow, marked bool) views.RequestRowView {
	v := views.RequestRowView{
		ID: r.RequestID, Href: "/requests/" + r.RequestID, When: w.When(r.At, w.now, w.zone), WhenAt: w.Moment(r.At, w.zone),
		Bot: or(r.BotName, w.T("requests.no_bot")), Model: r.Model, Marked: marked && r.Units > 0, Uncharged: !charged(r),
		Tokens: "–", Cost: "–", First: "–", Because: w.because(r),
	}
	v.Who, v.Under = w.who(r)
	v.Tone, v.Outcome = outcomeTones[r.Outcome], w.T("requests.outcome."+string(r.Outcome))
	if charged(r) {
		v.Tokens, v.Cost = w.T("requests.in_out", w.Number(r.Usage.Prompt), w.Number(r.Usage.Completion)), w.Money(r.Units, w.per)
	}
	if r.FirstByte > 0 {
		v.First = w.Duration(r.FirstByte)
	}
	return v
}

var outcomeTones = map[access.Outcome]views.Tone{
	access.Answered: views.Ok, access.Partial: views.Warn, access.Refused: views.Bad, access.Broken: views.Bad,
}

// charged reports whether something was answered, which is what is charged.
func charged(r db.RequestRow) bool {
	return r.Outcome == access.Answered || r.Outcome == access.Partial
}

// who names who asked: a token, a customer on a link, or a user who tried a bot.
func (w words) who(r db.RequestRow) (name, under string) {
	switch {
	case r.TokenID != 0:
		return or(r.TokenName, w.T("requests.gone")), w.T("requests.by_token")
	case r.CustomerID != 0:
		return or(r.CustomerName, w.T("requests.gone")), or(r.ShareName, w.T("overview.unnamed"))
	}
	return w.T("requests.by_user"), w.door(r.Door)
}

func (w words) door(d access.Door) string {
	if w.Has("door." + string(d)) {
		return w.T("door." + string(d))
	}
	return string(d)
}

// because is the rule of a call that was not answered whole, in a few words.
func (w words) because(r db.RequestRow) string {
	switch {
	case r.Rule == "":
		return ""
	case w.Has("requests.rule_of." + r.Rule):
		return w.T("requests.rule_of." + r.Rule)
	}
	return r.Rule
}

// took is how long a call took.
func (w words) took(d time.Duration) string {
	if d <= 0 {
		return "–"
	}
	return w.Duration(d)
}
