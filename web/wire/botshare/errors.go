package botshare

import (
	"errors"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/gateway"
	"latchkey/internal/lang"
	"latchkey/internal/upstream"
	"latchkey/web/wire"
)

func sendDone(c *fiber.Ctx, message string) error {
	return wire.SendJSON(c, fiber.StatusOK, done{Success: true, Message: message})
}

// detail is a refusal as it is answered: a text, or the list of what is wrong with
// a body.
type detail struct {
	Detail any `json:"detail"`
}

// refusal is what the contract says word for word.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

// The contract's own words, and ours where it has none.
var (
	nobody          = refusal{401, "未登录或 token 无效"}
	notAdmin        = refusal{403, "仅 admin 可执行此操作"}
	onlyCustomers   = refusal{403, "仅客户账号可访问此接口"}
	notYours        = refusal{403, "您不是该 bot 的所有者"}
	expiryMalformed = refusal{400, "expires_at 格式无效,应为 ISO 8601"}
	botUnknown      = refusal{404, "bot 不存在"}
	shareUnknown    = refusal{404, "share token 不存在"}
	fieldsMissing   = refusal{400, "username 和 password 必填"}
	nameTaken       = refusal{409, "用户名已存在"}
	passwordMissing = refusal{400, "password 必填"}
	customerUnknown = refusal{404, "客户账号不存在"}
	linkUnknown     = refusal{404, "分享链接无效"}
	linkRevoked     = refusal{403, "分享链接已被吊销"}
	linkExpired     = refusal{403, "分享链接已过期"}
	linkOther       = refusal{403, "分享链接与 bot 不匹配"}
	linkPaused      = refusal{403, "分享链接已暂停"}
	linkFull        = refusal{403, "该链接的客户数已满"}
	linkSpent       = refusal{429, "本链接的用量已用尽"}
	linkMissing     = refusal{403, "客户账号须提供 share_token"}
	rolesOther      = refusal{400, "客户账号的 messages 只能包含 user 和 assistant"}
	wrongPassword   = refusal{401, "用户名或密码错误"}
	noWorkspace     = refusal{403, "您没有可以添加客户账号的工作区"}
	noSuchWorkspace = refusal{404, "工作区不存在"}
	routeUnknown    = refusal{404, "Not Found"}
	methodUnknown   = refusal{405, "Method Not Allowed"}
)

// words are what the contract says for refusals of the house.
var words = map[string]refusal{
	"signed_out":        nobody,
	"missing_api_key":   nobody,
	"invalid_api_key":   nobody,
	"token_disabled":    nobody,
	"token_revoked":     nobody,
	"token_expired":     nobody,
	"customer_disabled": nobody,
	"bot_foreign":       notYours,
	"bot_unknown":       botUnknown,
	"customer_taken":    nameTaken,
	"name_missing":      fieldsMissing,
	"password_missing":  passwordMissing,
	"share_unknown":     linkUnknown,
	"share_not_for_you": linkUnknown,
	"share_revoked":     linkRevoked,
	"share_expired":     linkExpired,
	"share_paused":      linkPaused,
	"seats_taken":       linkFull,
	"allowance_used":    linkSpent,
	"link_spent":        linkSpent,
	"sign_in_refused":   wrongPassword,
	"workspace_none":    noWorkspace,
	"page_unknown":      routeUnknown,
	"method":            methodUnknown,
}

// Error answers a refusal or a fault in this contract's envelope.
func (d *Door) Error(c *fiber.Ctx, err error) error {
	if errors.Is(err, gateway.ErrLeft) {
		return nil // nobody is there to read it
	}
	if list, ok := errors.AsType[malformed](err); ok {
		return wire.SendJSON(c, fiber.StatusUnprocessableEntity, detail{list})
	}
	status, text := d.spellError(d.lang(c), c.GetRespHeader("X-Request-Id"), err)
	wire.SetRetryAfter(c, err)
	if status == fiber.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	return wire.SendJSON(c, status, detail{text})
}

// spellError says a refusal in the contract's words, else in Latchkey's, each
// problem in turn. A fault shows the request's id and nothing else.
func (d *Door) spellError(l lang.Lang, id string, err error) (status int, text string) {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.status, r.message
	}
	problems := access.Problems(err)
	if len(problems) == 0 {
		d.Log.Error("fault at bot-share's door", "request", id, "error", err)
		return fiber.StatusInternalServerError, "Latchkey 内部错误 (request id: " + id + ")"
	}
	first := problems[0]
	if r, ok := words[first.Code]; ok {
		return r.status, r.message
	}
	return statusOf(err, first), wire.Sentence(l, err)
}

// statusOf is the gateway's status of an error. What is used up is no reason to
// sign in again: 401 is of who is nobody alone.
func statusOf(err error, first *access.Error) int {
	if s := wire.BodyStatus(err); s != 0 {
		return s
	}
	_, provider := errors.AsType[*upstream.Failure](err)
	if first.Kind == access.Spent && !provider {
		return fiber.StatusTooManyRequests
	}
	return gateway.Status(err)
}

// say answers in other words what is of a kind.
func say(err error, kind access.Kind, r refusal) error {
	if _, ours := errors.AsType[refusal](err); !ours && access.KindOf(err) == kind {
		return r
	}
	return err
}

// Owns reports whether an address is this contract's to spell errors for.
func Owns(path string) bool {
	return wire.Below(path, "/api/v1/bots", "/api/v1/bot-share-tokens", "/api/v1/end-users", "/api/v1/public", "/api/v3/chat/completions",
		"/api/v1/auth/login", "/api/v1/auth/logout", "/api/v1/auth/verify")
}

func (d *Door) lang(c *fiber.Ctx) lang.Lang { return wire.Lang(c, d.Language) }
