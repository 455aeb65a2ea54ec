package db

import (
	"context"

	"latchkey/internal/access"
)

// customerVerb runs one statement that returns the customer, ends the sign-ins
// where out says so, and tells it.
func (d *DB) customerVerb(ctx context.Context, by access.Actor, workspaceID int64, action string, out bool, text string, args []any,
	more func(*Tx, access.Customer) error,
) (access.Customer, error) {
	var m access.Customer
	err := d.change(ctx, func(t *Tx) error {
		var err error
		if m, err = scanCustomer(t.row(text, args...)); err != nil {
			return orNotFound(err, "customer")
		}
		t.after(func() { d.caches.customers.drop(m.ID) })
		if out {
			if err := t.signOut(access.SubjectCustomer, m.ID, nil); err != nil {
				return err
			}
		}
		if more != nil {
			if err := more(t, m); err != nil {
				return err
			}
		}
		return t.tell(by, event{workspaceID, action, object("customer", m.PublicID, m.Username), nil})
	})
	return m, err
}

// SetCustomerEnabled disables a customer, which ends every sign-in, or enables it
// again.
func (d *DB) SetCustomerEnabled(ctx context.Context, by access.Actor, workspaceID int64, publicID string, enabled bool) (access.Customer, error) {
	action := "customer.disable"
	if enabled {
		action = "customer.enable"
	}
	return d.customerVerb(ctx, by, workspaceID, action, !enabled, `UPDATE customers SET enabled = $1, version = version + 1
		WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL`+customerReturning,
		[]any{flag(enabled), workspaceID, publicID}, nil)
}

// ResetCustomerPassword gives a customer a new password on the owner's behalf and
// ends every sign-in. mustChange: the page insists on another at the next one.
func (d *DB) ResetCustomerPassword(ctx context.Context, by access.Actor, workspaceID int64, publicID, hash string, mustChange bool) (access.Customer, error) {
	return d.customerVerb(ctx, by, workspaceID, "customer.reset-password", true,
		`UPDATE customers SET password_hash = $1, must_change = $2, version = version + 1
		WHERE workspace_id = $3 AND public_id = $4 AND deleted_at IS NULL`+customerReturning,
		[]any{hash, flag(mustChange), workspaceID, publicID}, nil)
}

// ChangeCustomerPassword is the customer's own change: it replaces the hash that
// was verified and ends every other sign-in but the one it came with. When the
// password changed meanwhile it is a Conflict.
func (d *DB) ChangeCustomerPassword(ctx context.Context, by access.Actor, id int64, oldHash, newHash string) (access.Customer, error) {
	m, err := d.customerVerb(ctx, by, by.WorkspaceID, "customer.change-password", false,
		`UPDATE customers SET password_hash = $1, must_change = 0
		WHERE id = $2 AND workspace_id = $3 AND password_hash = $4 AND enabled = 1 AND deleted_at IS NULL`+customerReturning,
		[]any{newHash, id, by.WorkspaceID, oldHash}, func(t *Tx, m access.Customer) error {
			return t.signOut(access.SubjectCustomer, m.ID, by.SessionHash)
		})
	if access.KindOf(err) == access.NotFound {
		return m, stale()
	}
	return m, err
}

// RehashCustomer replaces a password's hash by one with present parameters.
func (d *DB) RehashCustomer(ctx context.Context, id int64, oldHash, newHash string) error {
	return d.change(ctx, func(t *Tx) error {
		t.after(func() { d.caches.customers.drop(id) })
		_, err := t.exec("UPDATE customers SET password_hash = $1 WHERE id = $2 AND password_hash = $3", newHash, id, oldHash)
		return err
	})
}

// DeleteCustomer removes a customer: every sign-in ends, the name is free again,
// the conversations stay under a name shown as deleted.
func (d *DB) DeleteCustomer(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Customer, error) {
	return d.customerVerb(ctx, by, workspaceID, "customer.delete", true, `UPDATE customers SET deleted_at = $1, password_hash = ''
		WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL`+customerReturning,
		[]any{d.Now().UnixMilli(), workspaceID, publicID}, func(t *Tx, _ access.Customer) error {
			return t.count(workspaceID, "customer_count", -1)
		})
}

// EndCustomerSessions signs a customer out everywhere.
func (d *DB) EndCustomerSessions(ctx context.Context, by access.Actor, workspaceID int64, publicID string) (access.Customer, error) {
	return d.customerVerb(ctx, by, workspaceID, "customer.end-sessions", true, "SELECT "+customerColumns+` FROM customers m
		WHERE m.workspace_id = $1 AND m.public_id = $2 AND m.deleted_at IS NULL`, []any{workspaceID, publicID}, nil)
}
