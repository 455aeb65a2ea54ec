package control

import (
	"context"

	"latchkey/internal/access"
)

// RegisterSignedIn is Register for contracts that sign a new account in at once.
func (c *Control) RegisterSignedIn(ctx context.Context, a Attempt, f UserForm) (SignedIn, error) {
	made, err := c.Register(ctx, a.Door, a.Address, f)
	if err != nil {
		return SignedIn{}, err
	}
	// Not by open, which would give the address back what registering has counted.
	out, fact, err := c.newSignIn(ctx, a, userCandidate(made.User))
	if err != nil {
		return SignedIn{}, err
	}
	fact.PasswordHash = made.User.PasswordHash
	return out, c.DB.SignIn(ctx, out.Actor, fact)
}

// NameTaken reports whether a user signs in with a name already.
func (c *Control) NameTaken(ctx context.Context, name string) (bool, error) {
	_, err := c.DB.UserByName(ctx, fold(name))
	if access.KindOf(err) == access.NotFound {
		return false, nil
	}
	return err == nil, err
}
