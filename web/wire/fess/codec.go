// Package fess is Fess's management of access tokens, /api/admin/accesstoken/, and
// the search call that shows one in use, /json/.
//
// Fess's dialect, in five lines:
//
//	A caller is an access token with the permission admin, bare or after Bearer; a user acts by their role.
//	Every answer is {"response":{"version","status",…}}: 0 done, 1 bad request, 2 fault, 3 not allowed, 9 failed.
//	Fields leave in camelCase and come in both spellings; where the two differ, snake_case is the edit.
//	Permissions leave as they came: a list as it is, a text with one a line, {role}x for Rx.
//	Ids are public ids, times are Unix milliseconds, versionNo counts edits and a stale one is refused.
//
// It promises that a field which is not sent is not changed, that a token's text
// is spelled as the instance allows, and that whatever is wrong with a request is
// said in this envelope. It refuses to add permissions through a request
// parameter, as Fess itself does: here a parameter carries the token and no more.
//
// Start with settings.go for the addresses, ask.go for the search call, read.go
// for what clients send, errors.go for how a refusal is spelled.
package fess

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/web/wire"
)

// version is the Fess whose contract this is; clients choose their words by it.
const version = "15.5.0"

// What an answer's status says.
const (
	statusDone   = 0
	statusBad    = 1
	statusFault  = 2
	statusNobody = 3
	statusFailed = 9
)

// usualParameter is the parameter that carries a token whose maker names none.
const usualParameter = "token"

// The shapes in which permissions come and go.
const (
	asList = "array"
	asText = "string"
)

// head stands in every answer.
type head struct {
	Version string `json:"version"`
	Status  int    `json:"status"`
}

func done() head { return head{version, statusDone} }

// setting is a token as it is answered. What is not known is left out.
type setting struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Token         string `json:"token"`
	ParameterName string `json:"parameterName,omitempty"`
	ExpiredTime   *int64 `json:"expiredTime,omitempty"`
	Permissions   any    `json:"permissions"`
	VersionNo     int64  `json:"versionNo"`
	CreatedBy     string `json:"createdBy,omitempty"`
	CreatedTime   int64  `json:"createdTime"`
	UpdatedBy     string `json:"updatedBy,omitempty"`
	UpdatedTime   int64  `json:"updatedTime"`
}

func spell(r db.TokenRow, text string) setting {
	v := setting{
		ID: r.PublicID, Name: r.Name, Token: text, ParameterName: r.ParameterName, Permissions: []string(r.Permissions), VersionNo: r.Version,
		CreatedBy: r.MadeBy, CreatedTime: r.CreatedAt.UnixMilli(), UpdatedTime: r.UpdatedAt.UnixMilli(),
	}
	if r.Version == 1 {
		v.UpdatedBy = r.MadeBy // nobody has edited it
	}
	if r.PermissionsShape == asText {
		v.Permissions = strings.Join(r.Permissions, "\n")
	} else if r.Permissions == nil {
		v.Permissions = []string{}
	}
	if !r.ExpiresAt.IsZero() {
		ms := r.ExpiresAt.UnixMilli()
		v.ExpiredTime = &ms
	}
	return v
}

// How Fess writes the kinds of a permission in its index, and how people do.
var kinds = []struct{ index, people string }{{"R", "{role}"}, {"2", "{group}"}, {"1", "{user}"}}

const (
	deny      = "(deny)"
	allow     = "(allow)"
	denyIndex = "D"
)

// permission spells one line of a text of permissions the way Fess gives it back:
// read into the index and out of it again, so that Rx and {ROLE}x are both {role}x.
func permission(line string) string {
	line = strings.TrimSpace(line)
	if rest, ok := cutFold(line, allow); ok {
		line = rest
	}
	denied := ""
	if rest, ok := cutFold(line, deny); ok {
		line, denied = rest, deny
	} else if rest, ok := strings.CutPrefix(line, denyIndex); ok {
		line, denied = rest, deny
	}
	for _, k := range kinds {
		if rest, ok := cutFold(line, k.people); ok {
			return denied + k.people + rest
		}
		if rest, ok := strings.CutPrefix(line, k.index); ok {
			return denied + k.people + rest
		}
	}
	return denied + line
}

// cutFold is strings.CutPrefix for a prefix in whatever case.
func cutFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// lines are the permissions of a text, one a line.
func lines(text string) []string {
	list := []string{}
	for line := range strings.SplitSeq(text, "\n") {
		if line = permission(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

func send(c *fiber.Ctx, status int, response any) error {
	return wire.SendJSON(c, status, map[string]any{"response": response})
}

// seconds spells how long something took.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
