package whole

import (
	"crypto/rand"

	"latchkey/internal/access"
	"latchkey/internal/secret"

	"latchkey/db"
)

// Login makes a login token of a user or a customer, as a sign-in at a door does.
func (s *Site) Login(kind access.SubjectKind, id int64, passwordHash string, door access.Door) string {
	s.Helper()
	text := secret.NewLogin(s.Control.Random)
	hash := secret.HashLogin(text)
	s.Must(s.DB.SignIn(s.Context(), access.Actor{}, db.SignedIn{
		Kind: kind, ID: id, Name: "test", PasswordHash: passwordHash, LoginToken: &access.LoginToken{
			Hash: hash[:], Kind: kind, SubjectID: id, Door: door, CreatedAt: s.Now(), SeenAt: s.Now(), ExpiresAt: s.Now().Add(access.LoginTokenLife),
		},
	}))
	return text
}

// NewUser is a user to be made, who has the owner's password.
func (s *Site) NewUser(name string) access.User {
	return access.User{
		PublicID: secret.NewPublicID(rand.Reader), Username: name, UsernameKey: name, Email: name + "@acme.example", EmailKey: name + "@acme.example",
		PasswordHash: s.User.PasswordHash, Enabled: true,
	}
}

// Member makes a user with a role in the house's workspace.
func (s *Site) Member(name string, role access.Role) access.User {
	s.Helper()
	u, err := s.DB.MakeMember(s.Context(), s.Owner, s.Workspace.ID, s.NewUser(name), role)
	s.Must(err)
	return u
}
