package testbed

import (
	"crypto/rand"
	"testing"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// MasterKey is the master key of tests: a site has it where its Control has it.
const MasterKey = "master-master-master-1"

// NoPassword is the password hash of users and customers whose password is never
// asked for: it is none of any password's.
const NoPassword = "none"

// UserNamed is a user to be made, without a password.
func UserNamed(name string) access.User {
	return access.User{PublicID: secret.NewPublicID(rand.Reader), Username: name, UsernameKey: name, PasswordHash: NoPassword}
}

// UUID is a public id as bot-share prints it.
func UUID(id string) string {
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// MakeCustomer makes a customer without a password.
func (h *House) MakeCustomer(tb testing.TB, name string, workspaceID int64) access.Customer {
	tb.Helper()
	m, err := h.DB.MakeCustomer(tb.Context(), h.Owner, access.Customer{
		PublicID: secret.NewPublicID(rand.Reader), WorkspaceID: workspaceID, Username: name, UsernameKey: name, PasswordHash: NoPassword,
	})
	must(tb, err)
	return m
}

// Login makes a login token of a user, as a sign-in at a door does.
func (h *House) Login(tb testing.TB, u access.User, door access.Door) string {
	tb.Helper()
	return h.login(tb, access.SubjectUser, u.ID, u.PasswordHash, door)
}

// LoginCustomer is Login for a customer.
func (h *House) LoginCustomer(tb testing.TB, m access.Customer, door access.Door) string {
	tb.Helper()
	return h.login(tb, access.SubjectCustomer, m.ID, m.PasswordHash, door)
}

func (h *House) login(tb testing.TB, kind access.SubjectKind, id int64, passwordHash string, door access.Door) string {
	tb.Helper()
	text := secret.NewLogin(rand.Reader)
	hash := secret.HashLogin(text)
	must(tb, h.DB.SignIn(tb.Context(), access.Actor{}, db.SignedIn{
		Kind: kind, ID: id, Name: "test", PasswordHash: passwordHash, LoginToken: &access.LoginToken{
			Hash: hash[:], Kind: kind, SubjectID: id, Door: door, CreatedAt: h.Now(), SeenAt: h.Now(), ExpiresAt: h.Now().Add(access.LoginTokenLife),
		},
	}))
	return text
}
