package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
)

// trace is what the gateway would have noted: each rule up to the one that
// refused.
func (s *sample) trace(c *sampleCall, r access.Request, purse *access.Purse) []access.Check {
	var all []access.Check
	refused := false
	note := func(rule, code, call, allowed string) {
		if refused {
			return
		}
		refused = r.Outcome == access.Refused && r.Rule == code
		all = append(all, access.Check{Rule: rule, Passed: !refused, Call: call, Allowed: allowed})
	}
	pace, upstream := "", c.model
	if upstream == sampleLarge {
		upstream = sampleSmall
	}
	if c.token != "" {
		k := s.tokens[c.token]
		if k.rpm > 0 {
			pace = strconv.FormatInt(k.rpm, 10) + " requests a minute"
		}
		note(gateway.RuleToken, "-", string(access.StatusEnabled), "")
		note(gateway.RuleQuota, "insufficient_quota", "", purseJSON(purse))
		note(gateway.RuleAddress, "ip_not_allowed", c.address, strings.Join(k.addresses, ", "))
		note(gateway.RuleModel, "model_not_allowed", upstream, strings.Join(k.models, ", "))
		note(gateway.RuleBot, "-", c.bot, "")
		note(gateway.RulePermission, "-", string(access.PermChat), string(access.PermChat))
	} else {
		note(gateway.RuleShare, "-", string(access.StatusEnabled), "")
		note(gateway.RuleCustomer, "-", c.person, "")
	}
	note(gateway.RuleGroup, "-", upstream, "")
	over := ""
	if r.Rule == "rate_limit_exceeded" {
		pace, over = "60 requests a minute", "61 requests"
	}
	note(gateway.RuleRate, "rate_limit_exceeded", over, pace)
	note(gateway.RuleConcurrent, "-", "", "")
	if r.Rule == "allowance_used" {
		note(gateway.RuleHold, "allowance_used", "1", purseJSON(purse))
	}
	held := *c
	held.usage.Completion = 1024
	note(gateway.RuleHold, "-", strconv.FormatInt(s.charge(&held), 10), "")
	return all
}

func purseJSON(p *access.Purse) string {
	if p.Unlimited {
		return ""
	}
	text, _ := json.Marshal(map[string]any{"unit": p.Unit, "quota": p.Quota, "used": p.Used, "reserved": p.Reserved})
	return string(text)
}
