package control

import (
	"context"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// ChangeCustomerPassword replaces a customer's own password and ends every other
// sign-in. The present one is asked for, unless it was given within the last ten
// minutes and must be changed: right after signing in with one that was made.
//
// The answer is the new value of the session it came with: the old one is dead.
func (c *Control) ChangeCustomerPassword(ctx context.Context, by access.Actor, current, plain string) (value string, err error) {
	if by.Kind != access.ActorCustomer {
		return "", signedOut()
	}
	m, err := c.DB.FindCustomer(ctx, by.ID)
	if err != nil {
		return "", asSignedOut(err)
	}
	if !by.Fresh || !m.MustChange {
		if err := c.checkCustomerPassword(ctx, by, m, current); err != nil {
			return "", err
		}
	}
	if err := secret.CheckPassword(plain, secret.MinCustomer, m.Username, m.Email); err != nil {
		return "", err
	}
	if same, _, err := c.Passwords.Verify(ctx, m.PasswordHash, plain); err != nil {
		return "", err
	} else if same {
		return "", access.Fail(access.Invalid, "password_same", "This is the password you have now. Choose another.").At("password")
	}
	hash, err := c.Passwords.Hash(ctx, plain)
	if err != nil {
		return "", err
	}
	if _, err := c.DB.ChangeCustomerPassword(ctx, by, m.ID, m.PasswordHash, hash); err != nil {
		return "", err
	}
	return c.renew(ctx, by, c.Now(), 0)
}

// checkCustomerPassword judges the present password of a customer who is signed
// in. Failures count as at sign-in.
func (c *Control) checkCustomerPassword(ctx context.Context, by access.Actor, m access.Customer, plain string) error {
	one := customerCandidate(m)
	locked, clear, err := c.countTry(ctx, Attempt{Name: m.Username, Door: by.Door, Address: by.Address}, &one, true)
	if err != nil {
		return err
	}
	fits, _, err := c.verify(ctx, &one, locked, plain)
	if err != nil {
		return err
	}
	if !fits {
		return access.Fail(access.Invalid, "password_wrong", "This is not your present password, or there were too many tries.").At("current")
	}
	limits := addressLimits(by.Address)
	giveBack := make([]string, 0, len(limits))
	for _, l := range limits {
		giveBack = append(giveBack, l.Key)
	}
	return c.DB.Forgive(ctx, clear, giveBack)
}
