package control

import (
	"context"
	"errors"
	"unicode/utf8"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// emailMax bounds an e-mail address, in characters.
const emailMax = 254

// CustomerForm is what a door sends to create or edit a customer. Nil leaves a
// field as it is, or empty when creating.
type CustomerForm struct {
	Username, Email, Note *string
	Language              *string // "en", "zh" or "" for what the browser asks for
	Password              *string // nil: one is made, to be changed at the first sign-in on the page
	Lenient               bool    // of a foreign contract: any password that is not empty, e-mail as typed
	Version               int64
}

// Enrolled is a customer with the password that was made for them; Password is
// empty where the caller chose it. It is kept nowhere in clear.
type Enrolled struct {
	Row      db.CustomerRow
	Password string
}

// CreateCustomer enrols a customer in the actor's workspace.
func (c *Control) CreateCustomer(ctx context.Context, by access.Actor, f CustomerForm) (Enrolled, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return Enrolled{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return Enrolled{}, err
	}
	change, err := checkCustomer(f, true)
	plain, made, wrong := c.newPassword(f.Password, f.Lenient, *change.Username, deref(f.Email), w.Name)
	if err := errors.Join(err, wrong); err != nil {
		return Enrolled{}, err
	}
	hash, err := c.Passwords.Hash(ctx, plain)
	if err != nil {
		return Enrolled{}, err
	}
	m, err := c.DB.MakeCustomer(ctx, by, access.Customer{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: w.ID, Username: *change.Username, UsernameKey: *change.UsernameKey,
		Email: deref(change.Email), Note: deref(change.Note), Language: deref(change.Language), PasswordHash: hash,
		MustChange: made, CreatedBy: by.UserNumber(),
	})
	if err != nil {
		return Enrolled{}, err
	}
	row, err := c.DB.Customer(ctx, w.ID, m.PublicID)
	return enrolled(row, plain, made), err
}

func enrolled(row db.CustomerRow, plain string, made bool) Enrolled {
	if !made {
		plain = ""
	}
	return Enrolled{Row: row, Password: plain}
}

// newPassword returns the password that was sent, checked, or makes one.
func (c *Control) newPassword(sent *string, lenient bool, names ...string) (plain string, made bool, err error) {
	switch {
	case sent == nil:
		return secret.NewPassword(c.Random), true, nil
	case !lenient:
		return *sent, false, secret.CheckPassword(*sent, secret.MinCustomer, names...)
	case *sent == "":
		return "", false, access.Fail(access.Invalid, "password_missing", "Type a password.").At("password")
	case !utf8.ValidString(*sent) || len(*sent) > 4*secret.MaxPassword:
		return "", false, access.Fail(access.Invalid, "password_long",
			"A password may have at most %d characters; this one has %d.", secret.MaxPassword, utf8.RuneCountInString(*sent)).At("password")
	}
	return *sent, false, nil
}

// checkCustomer checks every field that was sent and reports all that is wrong.
func checkCustomer(f CustomerForm, creating bool) (db.CustomerChange, error) {
	change := db.CustomerChange{Email: f.Email, Note: f.Note, Language: f.Language, Version: f.Version}
	var wrong []error
	if f.Username != nil || creating {
		name, err := checkCustomerName(deref(f.Username), f.Lenient)
		key := fold(name)
		change.Username, change.UsernameKey, wrong = &name, &key, append(wrong, err)
	}
	if f.Email != nil && !f.Lenient {
		email, err := checkEmail(*f.Email)
		change.Email, wrong = &email, append(wrong, err)
	} else {
		wrong = append(wrong, checkText(deref(f.Email), "email", emailMax))
	}
	wrong = append(wrong, checkText(deref(f.Note), "note", access.NoteMax))
	if l := deref(f.Language); l != "" && l != "en" && l != "zh" {
		wrong = append(wrong, access.Fail(access.Invalid, "language_unknown", "Choose English or Chinese.").At("language"))
	}
	return change, errors.Join(wrong...)
}

// checkCustomerName is checkUsername; a lenient door keeps the name as typed.
func checkCustomerName(name string, lenient bool) (string, error) {
	if !lenient {
		return checkUsername(name)
	}
	_, err := checkName(name, "username")
	return name, err
}

// Customer returns one of the workspace's customers.
func (c *Control) Customer(ctx context.Context, by access.Actor, publicID string) (db.CustomerRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return db.CustomerRow{}, err
	}
	return c.DB.Customer(ctx, by.WorkspaceID, publicID)
}

// Customers lists the workspace's customers, and how many there are in all pages
// (up to db.CountMax + 1).
func (c *Control) Customers(ctx context.Context, by access.Actor, p db.Page) ([]db.CustomerRow, int64, error) {
	rows, err := c.CustomerPage(ctx, by, p)
	if err != nil || allThere(p, len(rows)) {
		return rows, int64(len(rows)), err
	}
	n, err := c.DB.CountCustomers(ctx, by.WorkspaceID, p)
	return rows, n, err
}

// CustomerPage is Customers without the count, for whoever reads page after page.
func (c *Control) CustomerPage(ctx context.Context, by access.Actor, p db.Page) ([]db.CustomerRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	return c.DB.Customers(ctx, by.WorkspaceID, p)
}

// CustomerReach says what a customer who is disabled or deleted loses.
func (c *Control) CustomerReach(ctx context.Context, by access.Actor, publicID string) (db.CustomerReach, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return db.CustomerReach{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return db.CustomerReach{}, err
	}
	row, err := c.DB.Customer(ctx, w.ID, publicID)
	if err != nil {
		return db.CustomerReach{}, err
	}
	return c.DB.CustomerReach(ctx, w.ID, row.ID, w.Location())
}

// CustomerLinks lists the links that a customer may open or has opened, with what
// is left on each.
func (c *Control) CustomerLinks(ctx context.Context, by access.Actor, publicID string) ([]db.SeatRow, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return nil, err
	}
	row, err := c.DB.Customer(ctx, w.ID, publicID)
	if err != nil {
		return nil, err
	}
	seats, err := c.DB.LinksOfCustomer(ctx, w.ID, row.ID, db.ListMax)
	return c.asOfNow(seats, w), err
}

// GiveLink puts a customer on the list of a restricted link.
func (c *Control) GiveLink(ctx context.Context, by access.Actor, share, customer string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	return c.DB.AllowCustomer(ctx, by, by.WorkspaceID, share, customer, true)
}

// TakeLink takes a customer off the list of a restricted link.
func (c *Control) TakeLink(ctx context.Context, by access.Actor, share, customer string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	return c.DB.AllowCustomer(ctx, by, by.WorkspaceID, share, customer, false)
}

// CustomerSessions lists where a customer is signed in.
func (c *Control) CustomerSessions(ctx context.Context, by access.Actor, publicID string) ([]access.Session, error) {
	if err := by.Must(access.SeeLists); err != nil {
		return nil, err
	}
	row, err := c.DB.Customer(ctx, by.WorkspaceID, publicID)
	if err != nil {
		return nil, err
	}
	return c.DB.Sessions(ctx, access.SubjectCustomer, row.ID)
}

// EditCustomer changes the fields that the form names. A password is changed by
// ResetCustomerPassword.
func (c *Control) EditCustomer(ctx context.Context, by access.Actor, publicID string, f CustomerForm) (db.CustomerRow, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return db.CustomerRow{}, err
	}
	change, err := checkCustomer(f, false)
	if err != nil {
		return db.CustomerRow{}, err
	}
	if _, err := c.DB.EditCustomer(ctx, by, by.WorkspaceID, publicID, change); err != nil {
		return db.CustomerRow{}, err
	}
	return c.DB.Customer(ctx, by.WorkspaceID, publicID)
}

// DisableCustomer keeps a customer out until EnableCustomer; every sign-in ends.
func (c *Control) DisableCustomer(ctx context.Context, by access.Actor, publicID string) error {
	return c.setCustomerEnabled(ctx, by, publicID, false)
}

// EnableCustomer lets a disabled customer in again.
func (c *Control) EnableCustomer(ctx context.Context, by access.Actor, publicID string) error {
	return c.setCustomerEnabled(ctx, by, publicID, true)
}

func (c *Control) setCustomerEnabled(ctx context.Context, by access.Actor, publicID string, enabled bool) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.SetCustomerEnabled(ctx, by, by.WorkspaceID, publicID, enabled)
	return err
}

// ResetCustomerPassword gives a customer the password of the form, or a new one
// that must be changed, and ends every sign-in.
func (c *Control) ResetCustomerPassword(ctx context.Context, by access.Actor, publicID string, f CustomerForm) (Enrolled, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return Enrolled{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return Enrolled{}, err
	}
	row, err := c.DB.Customer(ctx, w.ID, publicID)
	if err != nil {
		return Enrolled{}, err
	}
	plain, made, err := c.newPassword(f.Password, f.Lenient, row.Username, row.Email, w.Name)
	if err != nil {
		return Enrolled{}, err
	}
	hash, err := c.Passwords.Hash(ctx, plain)
	if err != nil {
		return Enrolled{}, err
	}
	if _, err := c.DB.ResetCustomerPassword(ctx, by, w.ID, publicID, hash, made); err != nil {
		return Enrolled{}, err
	}
	row, err = c.DB.Customer(ctx, w.ID, publicID)
	return enrolled(row, plain, made), err
}

// DeleteCustomer removes a customer: the name is free again, the conversations
// stay.
func (c *Control) DeleteCustomer(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.DeleteCustomer(ctx, by, by.WorkspaceID, publicID)
	return err
}

// EndCustomerSessions signs a customer out everywhere.
func (c *Control) EndCustomerSessions(ctx context.Context, by access.Actor, publicID string) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	_, err := c.DB.EndCustomerSessions(ctx, by, by.WorkspaceID, publicID)
	return err
}

// EndCustomerSession ends one sign-in of a customer, named by its hash.
func (c *Control) EndCustomerSession(ctx context.Context, by access.Actor, publicID string, hash []byte) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	row, err := c.DB.Customer(ctx, by.WorkspaceID, publicID)
	if err != nil {
		return err
	}
	return c.DB.EndSession(ctx, by, access.SubjectCustomer, row.ID, hash)
}
