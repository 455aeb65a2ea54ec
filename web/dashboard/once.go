package dashboard

import "github.com/gofiber/fiber/v2"

// once carries the act of a form out once, however often its button is pressed:
// the form carries a key of its own in a hidden field. act answers where the form
// leads to; a copy of the form is led to the same place.
func (d *Dashboard) once(c *fiber.Ctx, act func() (string, error)) (where string, again bool, err error) {
	return d.Control.Once(c.UserContext(), d.actor(c), sentKey(c), act)
}

// formKey is the key of a form: a new one, or that of the form that comes back.
func (d *Dashboard) formKey(c *fiber.Ctx) string {
	if key := sentKey(c); key != "" {
		return key
	}
	return d.Control.NewFormKey()
}

// sentKey is the hidden field "form", or "once" in a form that htmx sends: a field
// named form would hide the property of that name, which htmx looks at.
func sentKey(c *fiber.Ctx) string {
	if key := field(c, "once"); key != "" {
		return key
	}
	return field(c, "form")
}
