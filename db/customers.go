package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"latchkey/internal/access"
)

const customerColumns = `m.id, m.public_id, m.workspace_id, m.username, m.username_key, m.email, m.note, m.password_hash, m.enabled,
	m.must_change, m.language, m.created_by, m.last_login_at, m.created_at, m.version, m.deleted_at IS NOT NULL`

// customerReturning spells the columns without the alias, which RETURNING does not know.
var customerReturning = " RETURNING " + strings.ReplaceAll(customerColumns, "m.", "")

// customerScan holds what stands in the row in another spelling than in the noun.
type customerScan struct {
	access.Customer
	login, created moment
}

func (m *customerScan) fields() []any {
	return []any{
		&m.ID, &m.PublicID, &m.WorkspaceID, &m.Username, &m.UsernameKey, &m.Email, &m.Note, &m.PasswordHash, &m.Enabled,
		&m.MustChange, &m.Language, &m.CreatedBy, &m.login, &m.created, &m.Version, &m.Deleted,
	}
}

func (m *customerScan) customer() access.Customer {
	m.LastLoginAt, m.CreatedAt = m.login.Time, m.created.Time
	return m.Customer
}

func scanCustomer(s scanner) (access.Customer, error) {
	var m customerScan
	err := s.Scan(m.fields()...)
	return m.customer(), err
}

// CustomerRow is a customer with what a list shows beside the name.
type CustomerRow struct {
	access.Customer
	MadeBy   string // username of who made it, "" when a program or the shell did
	Links    int64  // share links that the customer has opened
	Sessions int64  // sign-ins that are alive
}

// The first argument of a statement with these columns is the present moment.
const customerRowColumns = customerColumns + `, COALESCE(u.username, ''),
	(SELECT COUNT(*) FROM share_customers c WHERE c.customer_id = m.id AND c.first_opened_at IS NOT NULL),
	(SELECT COUNT(*) FROM sessions e WHERE e.kind = 'customer' AND e.subject_id = m.id AND e.expires_at > $1 AND e.idle_until > $1)`

const customerRowFrom = " FROM customers m LEFT JOIN users u ON u.id = m.created_by"

func scanCustomerRow(s scanner) (CustomerRow, error) {
	var m customerScan
	var r CustomerRow
	err := s.Scan(append(m.fields(), &r.MadeBy, &r.Links, &r.Sessions)...)
	r.Customer = m.customer()
	return r, err
}

// CustomerByName returns a workspace's live customer by the folded name.
func (d *DB) CustomerByName(ctx context.Context, workspaceID int64, usernameKey string) (access.Customer, error) {
	m, err := scanCustomer(d.row(ctx, "SELECT "+customerColumns+
		" FROM customers m WHERE m.workspace_id = $1 AND m.username_key = $2 AND m.deleted_at IS NULL", workspaceID, usernameKey))
	return m, orNotFound(err, "customer")
}

// CustomersNamed returns the live customers of a folded name in all workspaces,
// oldest first: a sign-in that names no link tries them in turn.
func (d *DB) CustomersNamed(ctx context.Context, usernameKey string, limit int) ([]access.Customer, error) {
	var out []access.Customer
	err := d.rows(ctx, list(&out, scanCustomer), "SELECT "+customerColumns+
		" FROM customers m WHERE m.username_key = $1 AND m.deleted_at IS NULL ORDER BY m.id LIMIT $2", usernameKey, limit)
	return out, err
}

// FindCustomer returns a customer by row number, deleted ones too: they say so.
// It is cached: a change of the customer drops the entry before the change is
// acknowledged.
func (d *DB) FindCustomer(ctx context.Context, id int64) (access.Customer, error) {
	return d.caches.customers.get(id, func() (access.Customer, error) {
		m, err := scanCustomer(d.row(ctx, "SELECT "+customerColumns+" FROM customers m WHERE m.id = $1", id))
		return m, orNotFound(err, "customer")
	})
}

// Customer returns a workspace's customer by its public id.
func (d *DB) Customer(ctx context.Context, workspaceID int64, publicID string) (CustomerRow, error) {
	r, err := scanCustomerRow(d.row(ctx, "SELECT "+customerRowColumns+customerRowFrom+
		" WHERE m.workspace_id = $2 AND m.public_id = $3 AND m.deleted_at IS NULL", d.Now().UnixMilli(), workspaceID, publicID))
	return r, orNotFound(err, "customer")
}

// The columns that customers can be sorted by, as their indexes spell them.
var customerSorts = map[Sort]column{SortName: {"m.username_key", "?"}, SortUsed: {"COALESCE(m.last_login_at, 0)", ""}}

// Place is where the customer stands in a list that is sorted by s.
func (r CustomerRow) Place(s Sort) Place {
	at := Place{Number: r.ID}
	switch s {
	case SortName:
		at.Key = r.UsernameKey
	case SortUsed:
		at.Key = sortKey(r.LastLoginAt, 0)
	}
	return at
}

// Customers lists a workspace's customers, by name, e-mail address or note.
func (d *DB) Customers(ctx context.Context, workspaceID int64, p Page) ([]CustomerRow, error) {
	q := customerQuery(workspaceID, p)
	q.args = []any{d.Now().UnixMilli()}
	return listed(ctx, d, q, customerRowColumns, customerSorts, p, scanCustomerRow)
}

// CountCustomers counts what Customers would list over all pages, up to
// CountMax + 1.
func (d *DB) CountCustomers(ctx context.Context, workspaceID int64, p Page) (int64, error) {
	q := customerQuery(workspaceID, p)
	if !q.filtered() {
		w, err := d.FindWorkspace(ctx, workspaceID)
		return w.CustomerCount, err
	}
	return d.countFound(ctx, q, p)
}

func customerQuery(workspaceID int64, p Page) query {
	q := query{from: customerRowFrom, base: func(q *query) {
		q.and("m.workspace_id = ?", workspaceID)
		q.and("m.deleted_at IS NULL")
	}}
	q.find = &find{
		text: p.Query, table: "customers m", number: "m.id", index: "customers_search", columns: []string{"m.username", "m.email", "m.note"},
	}
	switch p.Status {
	case access.StatusEnabled:
		q.check("m.enabled = 1")
	case access.StatusDisabled:
		q.check("m.enabled = 0")
		q.find.sources = append(q.find.sources, source{where: "m.enabled = 0"})
	}
	return q
}

// MakeCustomer enrols a customer. A name that a customer of the workspace or any
// user has is a Conflict.
func (d *DB) MakeCustomer(ctx context.Context, by access.Actor, m access.Customer) (access.Customer, error) {
	err := d.change(ctx, func(t *Tx) error {
		var err error
		m, err = t.makeCustomer(by, m)
		return err
	})
	return m, err
}

// TakenUsernames returns which of the folded names a customer of the workspace, or
// any user, has.
func (d *DB) TakenUsernames(ctx context.Context, workspaceID int64, keys []string) (map[string]bool, error) {
	taken := map[string]bool{}
	for _, key := range keys {
		var there bool
		err := d.row(ctx, `SELECT EXISTS (SELECT 1 FROM customers WHERE workspace_id = $1 AND username_key = $2 AND deleted_at IS NULL)
			OR EXISTS (SELECT 1 FROM users WHERE username_key = $2 AND deleted_at IS NULL)`, workspaceID, key).Scan(&there)
		if err != nil {
			return nil, err
		}
		taken[key] = there
	}
	return taken, nil
}

func (t *Tx) makeCustomer(by access.Actor, m access.Customer) (access.Customer, error) {
	m.CreatedAt, m.Enabled, m.Version = time.UnixMilli(t.now()).UTC(), true, 1
	err := t.row(`INSERT INTO customers (public_id, workspace_id, username, username_key, email, note, password_hash, must_change,
		language, created_by, created_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
		WHERE NOT EXISTS (SELECT 1 FROM users WHERE username_key = $4 AND deleted_at IS NULL) RETURNING id`,
		m.PublicID, m.WorkspaceID, m.Username, m.UsernameKey, m.Email, m.Note, m.PasswordHash, flag(m.MustChange),
		m.Language, m.CreatedBy, ms(m.CreatedAt)).Scan(&m.ID)
	if err != nil {
		return m, customerTaken(err)
	}
	if err := t.keepShort("customers_short", m.ID, m.Username, m.Email, m.Note); err != nil {
		return m, err
	}
	if err := t.count(m.WorkspaceID, "customer_count", 1); err != nil {
		return m, err
	}
	return m, t.tell(by, event{m.WorkspaceID, "customer.create", object("customer", m.PublicID, m.Username), customerFacts(m)})
}

// customerTaken recognises the two ways in which a name can be taken: a user's
// (nothing was written) and another customer's.
func customerTaken(err error) error {
	if columns, taken := isTaken(err); errors.Is(err, sql.ErrNoRows) || taken && strings.Contains(columns, "username_key") {
		return access.Fail(access.Conflict, "customer_taken", "This name is taken already. Choose another.").At("username")
	}
	return err
}

// customerFacts is what the audit log keeps of a customer.
func customerFacts(m access.Customer) map[string]any {
	return map[string]any{
		"username": m.Username, "email": m.Email, "note": m.Note, "language": m.Language,
		"enabled": m.Enabled, "must_change": m.MustChange,
	}
}

// CustomerChange is an owner's edit of a customer. Nil leaves a field as it is.
type CustomerChange struct {
	Username, UsernameKey *string
	Email, Note, Language *string
	Version               int64 // the version it was based on, 0: any
}

// EditCustomer changes what c names.
func (d *DB) EditCustomer(ctx context.Context, by access.Actor, workspaceID int64, publicID string, c CustomerChange) (access.Customer, error) {
	var m access.Customer
	err := d.change(ctx, func(t *Tx) error {
		old, err := scanCustomer(t.row("SELECT "+customerColumns+` FROM customers m
			WHERE m.workspace_id = $1 AND m.public_id = $2 AND m.deleted_at IS NULL`, workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "customer")
		}
		if c.Version != 0 && c.Version != old.Version {
			return stale()
		}
		m = old
		set(&m.Username, c.Username)
		set(&m.UsernameKey, c.UsernameKey)
		set(&m.Email, c.Email)
		set(&m.Note, c.Note)
		set(&m.Language, c.Language)
		m.Version++
		t.after(func() { d.caches.customers.drop(m.ID) })
		n, err := t.exec(`UPDATE customers SET username = $1, username_key = $2, email = $3, note = $4, language = $5, version = $6
			WHERE id = $7 AND NOT EXISTS (SELECT 1 FROM users WHERE username_key = $2 AND deleted_at IS NULL)`,
			m.Username, m.UsernameKey, m.Email, m.Note, m.Language, m.Version, m.ID)
		if n == 0 && err == nil {
			err = sql.ErrNoRows
		}
		if err != nil {
			return customerTaken(err)
		}
		if err := t.keepShort("customers_short", m.ID, m.Username, m.Email, m.Note); err != nil {
			return err
		}
		return t.tell(by, event{workspaceID, "customer.edit", object("customer", m.PublicID, m.Username), changed(customerFacts(old), customerFacts(m))})
	})
	return m, err
}
