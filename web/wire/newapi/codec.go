// Package newapi is New API's management of API tokens: /api/token/ and what its
// web interface and its managers ask beside it.
//
// New API's dialect, in five lines:
//
//	A caller is a user: a user access token, another login token, or the cookie of /api/user/login.
//	Every answer is {"success","message","data"?} with HTTP 200; only a caller who is nobody gets 401.
//	Ids are row numbers, times are Unix seconds, an end of -1 is never, quota is what remains.
//	Lists of models and addresses come as text or list and leave as text with commas.
//	Status is 1 enabled, 2 disabled or revoked, 3 expired, 4 exhausted, as it is at this moment.
//
// It promises that a key is spelled as the instance allows, that a field which is
// not sent is not changed, and that whatever is wrong with a request is said in
// this envelope. It refuses API tokens and the master key: they are no users.
//
// Start with tokens.go for the addresses, caller.go for who may call, errors.go
// for how a refusal is spelled.
package newapi

import (
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
)

// The states of a token.
const (
	enabled   = 1
	disabled  = 2
	expired   = 3
	exhausted = 4
)

var states = map[access.Status]int{
	access.StatusEnabled: enabled, access.StatusDisabled: disabled, access.StatusRevoked: disabled,
	access.StatusExpired: expired, access.StatusExhausted: exhausted,
}

const (
	never       = -1           // as an end
	firstSecond = -62135596800 // of the year 1; every door can spell what lies between
	lastSecond  = 253402300799 // of the year 9999
	nameMax     = 30           // characters
	remainMax   = 1_000_000_000 * 500_000
)

// tokenView is a token as it is answered.
type tokenView struct {
	ID                 int64  `json:"id"`
	UserID             int64  `json:"user_id"`
	Key                string `json:"key"`
	Status             int    `json:"status"`
	Name               string `json:"name"`
	CreatedTime        int64  `json:"created_time"`
	AccessedTime       int64  `json:"accessed_time"`
	ExpiredTime        int64  `json:"expired_time"`
	RemainQuota        int64  `json:"remain_quota"`
	UsedQuota          int64  `json:"used_quota"`
	UnlimitedQuota     bool   `json:"unlimited_quota"`
	ModelLimitsEnabled bool   `json:"model_limits_enabled"`
	ModelLimits        string `json:"model_limits"`
	AllowIPs           string `json:"allow_ips"`
	Group              string `json:"group"`
}

// scene is what every token of an answer is spelled with.
type scene struct {
	now   time.Time
	zone  *time.Location
	owner int64 // number of whom tokens belong to that no user made
}

func (s scene) token(r db.TokenRow, key string) tokenView {
	p := r.Purse.At(s.now, s.zone)
	v := tokenView{
		ID: r.ID, UserID: r.CreatedBy, Key: prefixed(key), Status: states[r.Status(p, s.now)], Name: r.Name, CreatedTime: r.CreatedAt.Unix(),
		AccessedTime: r.CreatedAt.Unix(), ExpiredTime: never, RemainQuota: max(0, p.Quota-p.Used-p.Reserved), UsedQuota: p.Used,
		UnlimitedQuota: p.Unlimited, ModelLimitsEnabled: r.ModelsLimited, ModelLimits: strings.Join(r.Models, ","),
		AllowIPs: strings.Join(access.FormatAddresses(r.Addresses), ","), Group: r.GroupName,
	}
	if v.UserID == 0 {
		v.UserID = s.owner
	}
	if !r.UsedAt.IsZero() {
		v.AccessedTime = r.UsedAt.Unix()
	}
	if !r.ExpiresAt.IsZero() {
		v.ExpiredTime = r.ExpiresAt.Unix()
	}
	return v
}

// prefixed spells a key the way clients expect, whatever a caller chose.
func prefixed(key string) string {
	if strings.HasPrefix(key, "sk-") {
		return key
	}
	return "sk-" + key
}
