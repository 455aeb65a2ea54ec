package dashboard

import "github.com/gofiber/fiber/v2"

// once carries the act of a form out once, however often its button is pressed:
// the form carries a key of its own in the hidden field "form". act answers where
// the form leads to; a copy of the form is led to the same place.
func (d *Dashboard) once(c *fiber.Ctx, act func() (string, error)) (where string, again bool, err error) {
	return d.Control.Once(c.UserContext(), d.actor(c), field(c, "form"), act)
}

// formKey is the key of a form: a new one, or that of the form that comes back.
func (d *Dashboard) formKey(c *fiber.Ctx) string {
	if key := field(c, "form"); key != "" {
		return key
	}
	return d.Control.NewFormKey()
}
