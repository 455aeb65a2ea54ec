package botshare

import (
	"github.com/gofiber/fiber/v2"

	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/web/wire"
)

// customerBody is what a client sends of a customer.
type customerBody struct{ username, password, email string }

func readCustomer(r *reader) (b customerBody, err error) {
	b.username, b.password, b.email = r.required("username"), r.required("password"), r.optional("email")
	return b, r.err()
}

// CreateCustomer serves POST /api/v1/end-users.
func (d *Door) CreateCustomer(c *fiber.Ctx) error {
	b, err := read(c, wire.BodyMax, readCustomer)
	if err != nil {
		return err
	}
	by, err := d.admin(c)
	if err != nil {
		return err
	}
	if b.username == "" || b.password == "" {
		return fieldsMissing
	}
	at, err := d.Control.AtHome(c.UserContext(), by)
	if err != nil {
		return err
	}
	made, err := d.Control.CreateCustomer(c.UserContext(), at, control.CustomerForm{
		Username: &b.username, Password: &b.password, Email: &b.email, Lenient: true,
	})
	if err != nil {
		return err
	}
	return wire.SendJSON(c, fiber.StatusOK, spellCustomer(made.Row.Customer))
}

// Customers serves GET /api/v1/end-users.
func (d *Door) Customers(c *fiber.Ctx) error {
	by, err := d.admin(c)
	if err != nil {
		return err
	}
	all, err := d.Control.CustomersAnywhere(c.UserContext(), by)
	if err != nil {
		return err
	}
	list := items[customerView]{Items: make([]customerView, 0, len(all))}
	for _, m := range all {
		list.Items = append(list.Items, spellCustomer(m))
	}
	return wire.SendJSON(c, fiber.StatusOK, list)
}

func readPassword(r *reader) (string, error) {
	password := r.required("password")
	return password, r.err()
}

// ResetPassword serves POST /api/v1/end-users/{end_user_id}/reset-password. Every
// sign-in of the customer ends with it.
func (d *Door) ResetPassword(c *fiber.Ctx) error {
	password, err := read(c, wire.BodyMax, readPassword)
	if err != nil {
		return err
	}
	by, err := d.admin(c)
	if err != nil {
		return err
	}
	if password == "" {
		return passwordMissing
	}
	id := publicID(c.Params("id"))
	at, err := d.Control.AtCustomer(c.UserContext(), by, id)
	if err == nil {
		_, err = d.Control.ResetCustomerPassword(c.UserContext(), at, id, control.CustomerForm{Password: &password, Lenient: true})
	}
	if err != nil {
		return say(err, access.NotFound, customerUnknown)
	}
	return sendDone(c, "密码已重置,原 token 已失效")
}

// DeleteCustomer serves DELETE /api/v1/end-users/{end_user_id}. What is no customer
// of the caller's is left alone, and the answer is the same.
func (d *Door) DeleteCustomer(c *fiber.Ctx) error {
	by, err := d.admin(c)
	if err != nil {
		return err
	}
	id := publicID(c.Params("id"))
	at, err := d.Control.AtCustomer(c.UserContext(), by, id)
	if err == nil {
		err = d.Control.DeleteCustomer(c.UserContext(), at, id)
	}
	if err != nil && access.KindOf(err) != access.NotFound {
		return err
	}
	return sendDone(c, "已删除")
}
