// Package ragflow is RAGFlow's API of accounts, API tokens and embedded chats, as
// its scripts, its test suites and its pages use it.
//
// RAGFlow's dialect, in five lines:
//
//	A caller is a user: the login token of the Authorization header, with or without Bearer.
//	Every answer is {"code","message","data"} with HTTP 200; only a caller who is nobody gets 401.
//	A tenant is the user's home workspace; its tokens are known by their text and have no end or quota.
//	Times are Unix milliseconds beside an RFC 1123 text; what is unknown is null.
//	A beta key opens one bot's chat: events hold the answer so far, and the last one is true.
//
// It promises that secrets are spelled as the instance allows, that a beta key is
// made once and stays, and that whatever is wrong with a request is said in this
// envelope. The paths of the documents take no API token; the newer names do, one
// that may manage.
//
// Start with tokens.go for the addresses of the documents, caller.go for who may
// call, chat.go for what a beta key opens, errors.go for how a refusal is spelled.
package ragflow

import (
	"net/http"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
)

// The numbers of answers.
const (
	codeDone         = 0
	codeFailed       = 100 // something went wrong
	codeArgument     = 101
	codeData         = 102
	codeOperating    = 103
	codeConnection   = 105
	codePermission   = 108
	codeCredential   = 109
	codeUnauthorized = 401
	codeForbidden    = 403
	codeNotFound     = 404
	codeMethod       = 405
	codeServer       = 500
)

// issued is a token as it is answered when it was made.
type issued struct {
	TenantID   string  `json:"tenant_id"`
	Token      string  `json:"token"`
	Beta       string  `json:"beta"`
	CreateTime int64   `json:"create_time"`
	CreateDate string  `json:"create_date"`
	UpdateTime *int64  `json:"update_time"`
	UpdateDate *string `json:"update_date"`
}

func spellIssued(tenant string, k control.Issued) issued {
	return issued{
		TenantID: tenant, Token: k.Secret, Beta: k.Beta, CreateTime: k.Row.CreatedAt.UnixMilli(), CreateDate: date(k.Row.CreatedAt),
	}
}

// listed is a token as lists show it.
type listed struct {
	TenantID   string  `json:"tenant_id"`
	Token      string  `json:"token"`
	DialogID   *string `json:"dialog_id"`
	Source     *string `json:"source"`
	Beta       string  `json:"beta"`
	CreateTime int64   `json:"create_time"`
	CreateDate string  `json:"create_date"`
	UpdateTime int64   `json:"update_time"`
	UpdateDate string  `json:"update_date"`
}

func spellListed(tenant string, r db.TokenRow, text, beta string) listed {
	v := listed{
		TenantID: tenant, Token: text, Beta: beta, CreateTime: r.CreatedAt.UnixMilli(), CreateDate: date(r.CreatedAt),
		UpdateTime: r.UpdatedAt.UnixMilli(), UpdateDate: date(r.UpdatedAt),
	}
	if r.BotID != 0 {
		kind := string(r.BotKind)
		v.DialogID, v.Source = &r.BotPublicID, &kind
	}
	return v
}

func date(at time.Time) string { return at.UTC().Format(http.TimeFormat) }

// userView is a user as sign-in answers.
type userView struct {
	ID          string  `json:"id"`
	Email       string  `json:"email"`
	Nickname    string  `json:"nickname"`
	Avatar      *string `json:"avatar"`
	Language    string  `json:"language"`
	TimeZone    string  `json:"timezone"`
	IsSuperuser bool    `json:"is_superuser"`
	Status      string  `json:"status"` // "1": in use
	CreateTime  int64   `json:"create_time"`
	CreateDate  string  `json:"create_date"`
	UpdateTime  int64   `json:"update_time"`
	UpdateDate  string  `json:"update_date"`
}

var languages = map[string]string{"en": "English", "zh": "Chinese"}

// spellUser spells a user; language is for one who has chosen none.
func spellUser(u access.User, language string) userView {
	v := userView{
		ID: u.PublicID, Email: u.Email, Nickname: u.Shown(), Language: languages[language], TimeZone: u.TimeZone, IsSuperuser: u.IsAdmin, Status: "1",
		CreateTime: u.CreatedAt.UnixMilli(), CreateDate: date(u.CreatedAt), UpdateTime: u.CreatedAt.UnixMilli(), UpdateDate: date(u.CreatedAt),
	}
	if own := languages[u.Language]; own != "" {
		v.Language = own
	}
	if v.Email == "" {
		v.Email = u.Username
	}
	if v.TimeZone == "" {
		v.TimeZone = "UTC"
	}
	return v
}
