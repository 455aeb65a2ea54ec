package whole

import (
	"crypto/rand"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

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
