package newapi

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// envelope is an answer without data: of acts that the contract lets say nothing,
// and of refusals.
type envelope struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// answer is a success with data, which may be false, 0 or empty.
type answer struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

func sendData(c *fiber.Ctx, data any) error {
	return wire.SendJSON(c, fiber.StatusOK, answer{Success: true, Data: data})
}

func sendDone(c *fiber.Ctx) error { return wire.SendJSON(c, fiber.StatusOK, envelope{Success: true}) }

// refusal is what the contract says word for word.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

// The contract's own words.
var (
	badBody       = refusal{200, "参数错误"}
	badUserBody   = refusal{200, "无效的参数"}
	nameLong      = refusal{200, "令牌名称过长"}
	tokenUnknown  = refusal{200, "Token不存在"}
	quotaNegative = refusal{200, "额度值不能为负数"}
	quotaLarge    = refusal{200, "额度值超出有效范围，最大值为 " + strconv.Itoa(remainMax)}
	nobody        = refusal{401, "无权进行此操作，未登录且未提供 access token"}
	badCredential = refusal{401, "无权进行此操作，access token 无效"}
	userMissing   = refusal{401, "无权进行此操作，未提供 New-Api-User"}
	userMalformed = refusal{401, "无权进行此操作，New-Api-User 格式错误"}
	userOther     = refusal{401, "无权进行此操作，New-Api-User 与登录用户不匹配"}
)

// words are what the contract says for refusals of control.
var words = map[string]string{
	"enable_expired":      "令牌已过期，无法启用，请先修改令牌过期时间，或者设置为永不过期",
	"enable_exhausted":    "令牌可用额度已用尽，无法启用，请先修改令牌剩余额度，或者设置为无限额度",
	"enable_revoked":      badBody.message,
	"not_found":           tokenUnknown.message,
	"quota_range":         quotaNegative.message,
	"forbidden":           "无权进行此操作，权限不足",
	"registration_closed": "管理员关闭了新用户注册",
	"username_taken":      "用户名已存在，或已注销",
	"sign_in_refused":     "用户名或密码错误，或用户已被封禁",
}

// statuses are where an answer is not 200. What has no handler is told so by the
// server.
var statuses = map[string]int{"cross_origin": fiber.StatusForbidden}

// Error answers a refusal or a fault in New API's envelope.
func (d *Door) Error(c *fiber.Ctx, err error) error {
	if r, ok := err.(refusal); ok {
		return wire.SendJSON(c, r.status, envelope{Message: r.message})
	}
	problems := access.Problems(err)
	if len(problems) == 0 {
		id := c.GetRespHeader("X-Request-Id")
		d.Log.Error("fault at New API's door", "request", id, "error", err)
		return wire.SendJSON(c, fiber.StatusOK, envelope{Message: "Latchkey 内部错误 (request id: " + id + ")"})
	}
	first := problems[0]
	status := fiber.StatusOK
	switch {
	case statuses[first.Code] != 0:
		status = statuses[first.Code]
	case wire.BodyStatus(err) != 0:
		status = wire.BodyStatus(err)
	case first.Kind == access.Limited:
		status = fiber.StatusTooManyRequests
	}
	wire.SetRetryAfter(c, err)
	said, ours := words[first.Code]
	if !ours {
		said = wire.Sentence(d.lang(c), err)
	}
	return wire.SendJSON(c, status, envelope{Message: said})
}

// Owns reports whether an address is New API's to spell errors for.
func Owns(path string) bool {
	return wire.Below(path, "/api/token", "/api/user", "/api/status", "/api/usage", "/api/log")
}

// orSay answers a fault in the words that the contract has for this address.
func (d *Door) orSay(c *fiber.Ctx, err error, words string) error {
	if kind := access.KindOf(err); err == nil || kind != 0 && kind != access.Busy {
		return err
	}
	d.Log.Error("fault at New API's door", "request", c.GetRespHeader("X-Request-Id"), "error", err)
	return refusal{fiber.StatusOK, words}
}

func (d *Door) lang(c *fiber.Ctx) lang.Lang { return wire.Lang(c, d.Language) }
