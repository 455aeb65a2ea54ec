package ragflow

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/lang"
	"latchkey/web/wire"
)

// envelope is every answer but those of codeData, which have no data at all.
type envelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

type envelopeWithout struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// unknown is what an address without a handler answers.
type unknown struct {
	envelope
	Error string `json:"error"`
}

func sendData(c *fiber.Ctx, message string, data any) error {
	return wire.SendJSON(c, fiber.StatusOK, envelope{codeDone, message, data})
}

const success = "success"

func sendDone(c *fiber.Ctx) error { return sendData(c, success, true) }

// refusal is what the contract says word for word.
type refusal struct {
	status  int
	code    int
	message string
	data    any // false or null; none with codeData
}

func (r refusal) Error() string { return r.message }

func (r refusal) body() any {
	if r.code == codeData {
		return envelopeWithout{r.code, r.message}
	}
	return envelope{r.code, r.message, r.data}
}

// The contract's own words.
var (
	unauthorized   = refusal{401, codeUnauthorized, "<Unauthorized '401: Unauthorized'>", nil}
	wrongMethod    = refusal{405, codeMethod, "<MethodNotAllowed '405: Method Not Allowed'>", nil}
	twice          = refusal{200, codeArgument, "A field of the form stands there twice, or is not valid UTF-8.", false}
	tenantUnknown  = refusal{200, codeData, "Tenant not found!", nil}
	dialogUnknown  = refusal{200, codeData, "Dialog not found!", nil}
	notIssued      = refusal{200, codeData, "Fail to new a dialog!", nil}
	noRegistration = refusal{200, codeOperating, "User registration is disabled!", false}
	nicknameEmpty  = refusal{200, codeArgument, "Nickname cannot be empty.", false}
	nicknameLong   = refusal{200, codeArgument, "Nickname must be at most " + strconv.Itoa(access.NameMax) + " characters.", false}
	nicknameBad    = refusal{200, codeArgument, "Nickname contains invalid characters.", false}
	noSignIn       = refusal{200, codeCredential, "Unauthorized!", false}
	signInWrong    = refusal{200, codeCredential, "Email and password do not match!", false}
	signInDisabled = refusal{200, codeForbidden, "This account has been disabled, please contact the administrator!", false}
	notDecoded     = refusal{200, codeServer, "Fail to crypt password", false}
	sessionUnknown = refusal{200, codeData, "Session not found!", nil}
	betaMalformed  = refusal{200, codeData, `Authorization is not valid!"`, nil}
	betaUnknown    = refusal{200, codeData, `Authentication error: API key is invalid!"`, nil}
	keyMissing     = refusal{401, codeDone, "`Authorization` can't be empty", false}
	keyMalformed   = refusal{401, codeDone, "Please check your authorization format.", false}
	keyUnknown     = refusal{401, codeCredential, "Authentication error: API key is invalid!", false}
	noBot          = refusal{400, codeArgument, "This token has no bot.", false}
	notAdmin       = refusal{403, codeForbidden, "Not admin", nil}
	userUnknown    = refusal{400, codeNotFound, "User not found!", nil}
	homeUnknown    = refusal{400, codeNotFound, "Tenant not found!", nil}
	keyNotDeleted  = refusal{400, codeNotFound, "API key not found or could not be deleted", nil}
)

// codes are the numbers of the kinds of refusals that the contract does not word.
var codes = map[access.Kind]int{
	access.Invalid: codeArgument, access.SignedOut: codeUnauthorized, access.Forbidden: codePermission, access.NotFound: codeData,
	access.Conflict: codeData, access.Spent: codeData, access.Revoked: codeUnauthorized, access.Expired: codeUnauthorized,
	access.Limited: codeOperating, access.Busy: codeServer, access.Upstream: codeConnection,
}

// Error answers a refusal or a fault in RAGFlow's envelope.
func (d *Door) Error(c *fiber.Ctx, err error) error {
	r := d.spellError(d.lang(c), c.GetRespHeader("X-Request-Id"), err)
	if e, ok := errors.AsType[*access.Error](err); ok {
		switch e.Code {
		case "page_unknown":
			return d.NotFound(c)
		case "method":
			r = wrongMethod
		}
		wire.SetRetryAfter(c, e)
	}
	return wire.SendJSON(c, r.status, r.body())
}

// spellError is a refusal in the contract's words, else in Latchkey's. A fault
// shows the request's id and nothing else.
func (d *Door) spellError(l lang.Lang, id string, err error) refusal {
	if r, ok := errors.AsType[refusal](err); ok {
		return r
	}
	kind := access.KindOf(err)
	if kind == 0 {
		d.Log.Error("fault at RAGFlow's door", "request", id, "error", err)
		return refusal{200, codeServer, "Something broke inside Latchkey. (request id: " + id + ")", false}
	}
	r := refusal{200, codes[kind], wire.Sentence(l, err), false}
	switch {
	case wire.BodyStatus(err) != 0:
		r.status = wire.BodyStatus(err)
	case kind == access.Limited:
		r.status = fiber.StatusTooManyRequests
	case r.code == codeUnauthorized:
		return unauthorized
	}
	return r
}

// NotFound answers an address that nothing stands at.
func (d *Door) NotFound(c *fiber.Ctx) error {
	return wire.SendJSON(c, fiber.StatusNotFound, unknown{envelope{codeNotFound, "Not Found: " + c.Path(), nil}, "Not Found"})
}

// WrongMethod answers a method that an address does not take.
func (d *Door) WrongMethod(c *fiber.Ctx) error { return d.Error(c, wrongMethod) }

// Owns reports whether an address is RAGFlow's to spell errors for.
func Owns(path string) bool {
	return wire.Below(path, "/v1/user", "/v1/system", "/v1/llm", "/v1/conversation", "/v1/canvas",
		"/api/v1/system", "/api/v1/users", "/api/v1/auth", "/api/v1/admin", "/api/v1/chatbots", "/api/v1/agentbots",
		"/api/v1/chats_openai", "/api/v1/agents_openai", "/api/v1/openai", "/api/v1/conversation")
}

// part is a piece of the address as it was meant, "" for one that means nothing.
func part(c *fiber.Ctx, name string) string {
	text, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return ""
	}
	return text
}

func (d *Door) lang(c *fiber.Ctx) lang.Lang { return wire.Lang(c, d.Language) }
