package ragflow

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/web/wire"
)

// Register serves POST /v1/user/register, where the instance lets strangers in. It
// signs in, too.
func (d *Door) Register(c *fiber.Ctx) error {
	o, err := body(c, wire.BodyMax, true)
	if err == nil {
		err = required(o, "nickname", "email", "password")
	}
	if err != nil {
		return err
	}
	a := readAccount(o)
	in, err := d.register(c, a)
	if err != nil {
		return err
	}
	return d.welcome(c, in, a.nickname.text+", welcome aboard!")
}

func (d *Door) register(c *fiber.Ctx, a account) (control.SignedIn, error) {
	open, err := d.Control.RegistrationOpen(c.UserContext())
	if err == nil && !open {
		err = noRegistration
	}
	if err == nil {
		err = a.badAddress()
	}
	if err != nil {
		return control.SignedIn{}, err
	}
	plain, err := d.Control.SentPassword(c.UserContext(), a.password.text)
	if err != nil {
		return control.SignedIn{}, err
	}
	if a.badNickname() != nil || !a.password.isText {
		plain = "" // which is refused, after whatever comes before it
	}
	in, err := d.Control.RegisterSignedIn(c.UserContext(), d.attempt(c, a.email.text, plain), control.UserForm{
		Username: &a.email.text, Email: &a.email.text, Nickname: &a.nickname.text, Password: &plain,
	})
	return in, d.whyNot(c, a, err)
}

func (d *Door) attempt(c *fiber.Ctx, name, password string) control.Attempt {
	return control.Attempt{
		Name: name, Password: password, Door: access.DoorRAGFlow, Address: wire.Address(c).String(), Agent: c.Get(fiber.HeaderUserAgent),
	}
}

// whyNot says in the contract's order what is wrong with a registration.
func (d *Door) whyNot(c *fiber.Ctx, a account, err error) error {
	problems := access.Problems(err)
	if len(problems) == 0 || problems[0].Kind == access.Limited || problems[0].Kind == access.Busy {
		return d.orFault(c, err, "User registration failure, error: ")
	}
	at := map[string]*access.Error{}
	for _, p := range problems {
		at[p.Field] = p
	}
	taken := problems[0].Kind == access.Conflict
	switch {
	case problems[0].Code == "registration_closed":
		return noRegistration
	case !taken && (at["username"] != nil || at["email"] != nil):
		return refusal{200, codeOperating, "Invalid email address: " + a.email.shown() + "!", false}
	case !taken:
		if taken, err = d.Control.NameTaken(c.UserContext(), a.email.text); err != nil {
			return err
		}
	}
	if taken {
		return refusal{200, codeOperating, "Email: " + a.email.shown() + " has already registered!", false}
	}
	if err := a.badNickname(); err != nil {
		return err
	}
	switch {
	case at["nickname"] != nil:
		return nicknameBad
	case !a.password.isText:
		return notDecoded
	}
	return refusal{200, codeFailed, "User registration failure, error: " + wire.Sentence(d.lang(c), problems[0]), false}
}

// orFault words a fault as the contract does at this address.
func (d *Door) orFault(c *fiber.Ctx, err error, words string) error {
	if err == nil || access.KindOf(err) != 0 {
		return err
	}
	r := d.spellError(d.lang(c), c.GetRespHeader("X-Request-Id"), err)
	r.message = words + r.message
	return r
}

// Login serves POST /v1/user/login, and GET with a body. The login token stands in
// a header of the answer.
func (d *Door) Login(c *fiber.Ctx) error {
	in, err := d.signIn(c)
	if err != nil {
		return err
	}
	return d.welcome(c, in, "Welcome back!")
}

func (d *Door) signIn(c *fiber.Ctx) (control.SignedIn, error) {
	o, err := body(c, wire.BodyMax, false)
	if err == nil && (o == nil || len(o.Members) == 0) {
		err = noSignIn
	}
	if err != nil {
		return control.SignedIn{}, err
	}
	a := readAccount(o)
	plain := ""
	if a.password.isText {
		if plain, err = d.Control.SentPassword(c.UserContext(), a.password.text); err != nil {
			return control.SignedIn{}, err
		}
	}
	name := ""
	if a.email.isText {
		name = a.email.text
	}
	in, err := d.Control.SignIn(c.UserContext(), d.attempt(c, name, plain))
	return in, a.refused(err)
}

// refused words why a sign-in was refused. An account with too many failures looks
// like one with another password.
func (a account) refused(err error) error {
	switch control.RefusalOf(err) {
	case control.RefusedUnknown:
		return refusal{200, codeCredential, "Email: " + a.email.shown() + " is not registered!", false}
	case control.RefusedDisabled:
		return signInDisabled
	case control.RefusedPassword, control.RefusedLocked, control.RefusedSecond:
		if !a.password.isText {
			return notDecoded
		}
		return signInWrong
	}
	return err
}

// welcome answers a sign-in.
func (d *Door) welcome(c *fiber.Ctx, in control.SignedIn, message string) error {
	v, err := d.user(c, in.User)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderAuthorization, in.Value)
	c.Set(fiber.HeaderAccessControlExposeHeaders, fiber.HeaderAuthorization)
	return sendData(c, message, v)
}

func (d *Door) user(c *fiber.Ctx, u access.User) (userView, error) {
	language, err := d.Control.DefaultLanguage(c.UserContext())
	return spellUser(u, language), err
}

// Logout serves GET /v1/user/logout and POST /api/v1/auth/logout.
func (d *Door) Logout(c *fiber.Ctx, by access.Actor) error {
	if err := d.Control.SignOut(c.UserContext(), by); err != nil {
		return err
	}
	return sendDone(c)
}

// Info serves GET /v1/user/info.
func (d *Door) Info(c *fiber.Ctx, by access.Actor) error {
	u, err := d.Control.Profile(c.UserContext(), by)
	if err != nil {
		return err
	}
	v, err := d.user(c, u)
	if err != nil {
		return err
	}
	return sendData(c, success, v)
}

// TenantInfo serves GET /v1/user/tenant_info. What models a tenant has by default
// is a matter of each bot here.
func (d *Door) TenantInfo(c *fiber.Ctx, by access.Actor) error {
	if by.WorkspaceID == 0 {
		return tenantUnknown
	}
	w, err := d.Control.Workspace(c.UserContext(), by)
	if err != nil {
		return err
	}
	return sendData(c, success, map[string]any{
		"tenant_id": w.PublicID, "name": w.Name, "role": by.Role, "llm_id": "", "embd_id": "", "rerank_id": "", "asr_id": "", "img2txt_id": "",
		"tts_id": "", "parser_ids": "",
	})
}

// SetTenantInfo serves POST /v1/user/set_tenant_info: taken, and without effect,
// since a bot names its own model here.
func (d *Door) SetTenantInfo(c *fiber.Ctx, by access.Actor) error {
	o, err := body(c, wire.BodyMax, false)
	if err == nil {
		err = required(o, "tenant_id", "asr_id", "embd_id", "img2txt_id", "llm_id")
	}
	if err != nil {
		return err
	}
	tenant, err := d.tenant(c, by)
	if err != nil {
		return err
	}
	if field(o, "tenant_id").text != tenant {
		return tenantUnknown
	}
	return sendDone(c)
}
