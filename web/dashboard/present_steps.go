package dashboard

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/views"
)

// rulesOf are the rules that a call goes through, in their order.
func rulesOf(r db.RequestRow) []string {
	switch {
	case r.TokenID != 0:
		return gateway.Rules()
	case r.ShareID != 0:
		return []string{gateway.RuleShare, gateway.RuleCustomer, gateway.RuleGroup, gateway.RuleRate, gateway.RuleConcurrent, gateway.RuleHold}
	}
	return []string{gateway.RuleRole, gateway.RuleHold}
}

// steps are the rules that ran, in the order they ran, and then those that were
// not reached; dry is how these would go now.
func (w words) steps(r db.RequestRow, dry map[string]access.Check) (all []views.TraceStepView, summary string) {
	var passed, refused, later int64
	ran := map[string]bool{}
	for _, check := range r.Trace {
		ran[check.Rule] = true
		step := w.step(r, check)
		step.Result, step.Icon, step.IconTone = w.T("requests.passed"), "circle-check", views.Ok
		if passed++; !check.Passed {
			passed, refused = passed-1, refused+1
			step.Result, step.Icon, step.IconTone, step.Refused = w.T("requests.refused_here"), "circle-x", views.Bad, true
		}
		all = append(all, step)
	}
	if r.Outcome == access.Refused {
		for _, rule := range rulesOf(r) {
			if !ran[rule] {
				later++
				all = append(all, w.laterStep(r, rule, dry))
			}
		}
	}
	for i := range all {
		all[i].Number = strconv.Itoa(i + 1)
	}
	parts := []string{w.N("requests.n_passed", passed)}
	if refused > 0 {
		parts = append(parts, w.N("requests.n_refused", refused))
	}
	if later > 0 {
		parts = append(parts, w.N("requests.n_later", later))
	}
	return all, strings.Join(append(parts, w.T("requests.in_all", w.took(r.Total))), " · ")
}

// laterStep is a rule that the call did not reach.
func (w words) laterStep(r db.RequestRow, rule string, dry map[string]access.Check) views.TraceStepView {
	check, tried := dry[rule]
	check.Rule = rule
	step := views.TraceStepView{Rule: w.T("requests.rule." + rule)}
	if tried {
		step = w.step(r, check)
	}
	step.Later, step.Icon, step.IconTone, step.Result = true, "circle-dashed", views.Off, w.T("requests.not_reached")
	switch {
	case tried && check.Passed:
		step.Result = w.T("requests.would_pass")
	case tried:
		step.Result = w.T("requests.would_refuse")
	}
	return step
}

// step spells what a rule compared: this call, the relation, what is allowed.
func (w words) step(r db.RequestRow, c access.Check) views.TraceStepView {
	v := views.TraceStepView{Rule: w.T("requests.rule." + c.Rule), Call: or(c.Call, "–"), Relation: w.T("requests.is"), Allowed: w.T("requests.allowed_any")}
	listed := func(any string) {
		v.Mono, v.MonoAllowed, v.Relation, v.Allowed = true, true, w.T("requests.in"), c.Allowed
		if !c.Passed {
			v.Relation = w.T("requests.not_in")
		}
		if c.Allowed == "" {
			v.Allowed, v.MonoAllowed = w.T(any), false
		}
	}
	switch c.Rule {
	case gateway.RuleToken, gateway.RuleShare:
		v.Allowed, v.Call = w.T("requests.usable"), w.T("requests.usable")
		if !c.Passed {
			v.Relation, v.Call = w.T("requests.is_not"), w.codeText(or(c.Allowed, c.Call))
		}
	case gateway.RuleQuota:
		w.quotaStep(c, &v)
	case gateway.RuleAddress:
		listed("requests.any_address")
	case gateway.RuleModel, gateway.RuleGroup:
		listed("requests.all_models")
	case gateway.RulePermission:
		listed("requests.none_listed")
	case gateway.RuleBot:
		v.Call, v.Allowed = or(c.Call, w.T("requests.no_bot")), or(c.Allowed, w.T("requests.allowed_bot"))
		if !c.Passed {
			v.Relation = w.T("requests.is_not")
		}
	case gateway.RuleCustomer:
		v.Relation, v.Allowed = w.T("requests.may"), w.T("requests.use_link")
		if !c.Passed {
			v.Relation, v.Allowed = w.T("requests.may_not"), w.codeText(c.Allowed)
		}
	case gateway.RuleRate:
		v.Call, v.Relation, v.Allowed = or(w.pace(c.Call), w.T("requests.within")), w.T("requests.up_to"), or(w.pace(c.Allowed), w.T("requests.no_limit"))
	case gateway.RuleConcurrent:
		v.Call, v.Relation, v.Allowed = or(c.Call, w.T("requests.free_place")), w.T("requests.up_to"), or(c.Allowed, w.T("requests.no_limit"))
	case gateway.RuleHold:
		w.holdStep(r, c, &v)
	case "provider":
		v.Relation, v.Allowed = w.T("requests.answered_with"), w.codeText(c.Allowed)
	case gateway.RuleRole:
		if v.Call, v.Allowed = c.Call, w.T("requests.may_ask"); w.Has("role." + c.Call) {
			v.Call = w.T("role." + c.Call)
		}
	}
	return v
}

// tracedPurse is how the gateway notes a purse.
type tracedPurse struct {
	Unit                  access.Unit `json:"unit"`
	Quota, Used, Reserved int64
}

func readPurse(text string) (p tracedPurse, ok bool) {
	return p, text != "" && json.Unmarshal([]byte(text), &p) == nil
}

func (w words) inUnit(unit access.Unit, n int64) string {
	if unit == access.Messages {
		return w.N("shares.questions", n)
	}
	return w.Money(n, w.per)
}

func (w words) quotaStep(c access.Check, v *views.TraceStepView) {
	p, limited := readPurse(c.Allowed)
	if !limited {
		v.Call, v.Relation, v.Allowed = w.T("requests.any_spend"), w.T("requests.up_to"), w.T("requests.no_limit")
		return
	}
	v.Call, v.Relation = w.T("requests.spent", w.inUnit(p.Unit, p.Used+p.Reserved)), w.T("requests.below")
	v.Allowed = w.inUnit(p.Unit, p.Quota)
	if !c.Passed {
		v.Relation = w.T("requests.not_below")
	}
}

func (w words) holdStep(r db.RequestRow, c access.Check, v *views.TraceStepView) {
	p, limited := readPurse(c.Allowed)
	units, err := strconv.ParseInt(c.Call, 10, 64)
	switch {
	case err != nil:
		v.Call = w.T("requests.free")
	case limited && p.Unit == access.Messages:
		v.Call = w.inUnit(access.Messages, 1)
	default:
		v.Call = w.T("requests.at_most", w.Money(units, w.per))
	}
	v.Relation, v.Allowed = w.T("requests.fits"), w.T("requests.what_is_left")
	if limited {
		v.Allowed = w.T("requests.left", w.inUnit(p.Unit, p.Quota-p.Used-p.Reserved))
	}
	if !c.Passed {
		v.Relation = w.T("requests.does_not_fit")
	}
}

var paceParts = regexp.MustCompile(`(\d+) (requests|tokens)`)

// pace spells the gateway's note of a rate in the reader's words.
func (w words) pace(text string) string {
	var parts []string
	for _, m := range paceParts.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err == nil {
			parts = append(parts, w.N("requests.a_minute."+m[2], n))
		}
	}
	return w.Enumerate(slices.Compact(parts))
}

// codeText spells a refusal's code in a few words.
func (w words) codeText(code string) string {
	if code == "" {
		return "–"
	}
	return w.because(db.RequestRow{Request: access.Request{Rule: code}})
}
