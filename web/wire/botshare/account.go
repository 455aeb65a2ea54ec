package botshare

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/web/wire"
)

// signIn is what a client sends to sign in.
type signIn struct{ username, password, share string }

func readSignIn(r *reader) (b signIn, err error) {
	b.username, b.password, b.share = r.required("username"), r.required("password"), r.optional("share_token")
	return b, r.err()
}

// Login serves POST /api/v1/auth/login. With a share token the name is a customer's
// of that link's workspace.
func (d *Door) Login(c *fiber.Ctx) error {
	b, err := read(c, wire.BodyMax, readSignIn)
	if err != nil {
		return err
	}
	if b.username == "" || b.password == "" {
		return fieldsMissing
	}
	in, err := d.signIn(c, b)
	if err != nil {
		return err
	}
	v, err := d.account(c, in.Actor)
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, struct {
		Token     string `json:"token"`
		ExpiresAt string `json:"expires_at"`
		accountView
	}{in.Value, moment(in.ExpiresAt.Truncate(time.Millisecond)), v})
}

func (d *Door) signIn(c *fiber.Ctx, b signIn) (control.SignedIn, error) {
	a := control.Attempt{
		Name: b.username, Password: b.password, Door: access.DoorBotShare, Address: wire.Address(c).String(), Agent: c.Get(fiber.HeaderUserAgent),
	}
	if b.share == "" {
		return d.Control.SignInAnyone(c.UserContext(), a)
	}
	o, err := d.Control.LinkFor(c.UserContext(), access.Actor{}, b.share)
	if err != nil {
		return control.SignedIn{}, err
	}
	return d.Control.SignInCustomer(c.UserContext(), o.Workspace.ID, a)
}

func (d *Door) account(c *fiber.Ctx, by access.Actor) (accountView, error) {
	admin, err := d.Control.IsManager(c.UserContext(), by)
	return spellAccount(by, admin), err
}

// Verify serves GET /api/v1/auth/verify: who the caller is.
func (d *Door) Verify(c *fiber.Ctx) error {
	by, err := d.caller(c)
	if err != nil {
		return err
	}
	v, err := d.account(c, by)
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, struct {
		Valid bool `json:"valid"`
		accountView
	}{true, v})
}

// Logout serves POST /api/v1/auth/logout: the login token that it comes with ends.
func (d *Door) Logout(c *fiber.Ctx) error {
	by, err := d.caller(c)
	if err == nil {
		err = d.Control.SignOut(c.UserContext(), by)
	}
	if err != nil {
		return err
	}
	return sendDone(c, "已退出登录")
}
