package ragflow

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
)

// The API of RAGFlow's admin server: the API tokens of other users' workspaces. An
// admin gets only where they have a role; the master key gets everywhere.

// AdminLogin serves POST /api/v1/admin/login.
func (d *Door) AdminLogin(c *fiber.Ctx) error {
	in, err := d.signIn(c)
	if err != nil {
		return err
	}
	if !in.User.IsAdmin {
		if err := d.Control.SignOut(c.UserContext(), in.Actor); err != nil {
			return err
		}
		return notAdmin
	}
	return d.welcome(c, in, "Welcome back!")
}

// AsAdmin serves an address below /api/v1/admin/users/{email} for an admin, who
// acts in that user's workspace. missing is what an unknown user answers.
func (d *Door) AsAdmin(missing func(name string) error, serve func(*fiber.Ctx, access.Actor) error) fiber.Handler {
	return d.As(func(c *fiber.Ctx, by access.Actor) error {
		if !by.May(access.RunInstance) {
			return notAdmin
		}
		name := part(c, "email")
		at, err := d.Control.AtHomeOf(c.UserContext(), by, name)
		switch problems := access.Problems(err); {
		case access.KindOf(err) == access.NotFound && problems[0].Code == "workspace_unknown":
			return homeUnknown
		case access.KindOf(err) == access.NotFound:
			return missing(name)
		case err != nil:
			return err
		}
		return serve(c, at)
	})
}

// NoUser is what an unknown user answers where a token is made.
func NoUser(string) error { return userUnknown }

// NoSuchUser is what an unknown user answers elsewhere.
func NoSuchUser(name string) error {
	return refusal{400, codeNotFound, "User '" + value{text: name}.shown() + "' not found", nil}
}

// CreateKey serves POST /api/v1/admin/users/{email}/new_token and /keys.
func (d *Door) CreateKey(c *fiber.Ctx, at access.Actor) error {
	v, err := d.createToken(c, at)
	if err != nil {
		return err
	}
	return sendData(c, "API key generated successfully", v)
}

// Keys serves GET /api/v1/admin/users/{email}/token_list and /keys.
func (d *Door) Keys(c *fiber.Ctx, at access.Actor) error {
	return d.sendTokens(c, at, "Get user API keys")
}

// DeleteKey serves DELETE /api/v1/admin/users/{email}/token/{token} and
// /keys/{token}.
func (d *Door) DeleteKey(c *fiber.Ctx, at access.Actor) error {
	there, err := d.Control.DeleteTokenByText(c.UserContext(), at, part(c, "token"))
	if err == nil && !there {
		err = keyNotDeleted
	}
	if err != nil {
		return err
	}
	return sendData(c, "API key deleted successfully", nil)
}
