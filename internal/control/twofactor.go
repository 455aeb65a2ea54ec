package control

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// secondWait is how long the second step of a sign-in may take.
const secondWait = 5 * time.Minute

// secondTicket says whose password was right, and when. It is sealed: a page
// carries it from the first step to the second.
type secondTicket struct {
	User     string    `json:"user"`
	Password string    `json:"password"` // digest of the hash: a new password ends it
	Until    time.Time `json:"until"`
}

var (
	ticketPlace = secret.Place{Table: "users", Row: "second-factor", Column: "ticket"}
	seedPlace   = func(publicID string) secret.Place {
		return secret.Place{Table: "users", Row: publicID, Column: "totp_sealed"}
	}
	newSeedPlace = func(publicID string) secret.Place {
		return secret.Place{Table: "users", Row: publicID, Column: "totp_proposed"}
	}
)

// SecondNeeded reports that the password was right and a code is asked for.
func SecondNeeded(err error) bool {
	return slices.ContainsFunc(access.Problems(err), func(p *access.Error) bool { return p.Code == "second_needed" })
}

// askSecond ends the first step of a sign-in. A door without a second step refuses
// in the words of a wrong password.
func (c *Control) askSecond(ctx context.Context, a Attempt, u access.User) (SignedIn, error) {
	if a.Door != access.DoorPage {
		c.Log.InfoContext(ctx, "sign-in refused", "reason", string(RefusedSecond), "door", string(a.Door), "address", a.Address)
		return SignedIn{}, refused(RefusedSecond)
	}
	text, err := json.Marshal(secondTicket{User: u.PublicID, Password: digest(u.PasswordHash), Until: c.Now().Add(secondWait)})
	if err != nil {
		return SignedIn{}, err
	}
	sealed, err := c.Keys.Seal(ticketPlace, text)
	if err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Ticket: base64.RawURLEncoding.EncodeToString(sealed)}, access.Fail(access.SignedOut, "second_needed", "Enter the code of your authenticator app.")
}

// SignInSecond finishes a sign-in with a code of the authenticator app or a
// recovery code. A wrong one is Invalid; a ticket that has run out SignedOut.
func (c *Control) SignInSecond(ctx context.Context, a Attempt, ticket, code string) (SignedIn, error) {
	u, err := c.ofTicket(ctx, ticket)
	if err != nil {
		return SignedIn{}, err
	}
	clear, err := c.countCode(ctx, a.Address, u)
	if err != nil {
		return SignedIn{}, err
	}
	second, err := c.secondOf(ctx, u, code)
	if err != nil {
		return SignedIn{}, err
	}
	one := userCandidate(u)
	return c.open(ctx, a, one, append(clear, one.throttleKey()), false, &second)
}

func (c *Control) ofTicket(ctx context.Context, ticket string) (access.User, error) {
	over := access.Fail(access.SignedOut, "second_over", "That took too long. Sign in again.")
	sealed, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil {
		return access.User{}, over
	}
	text, err := c.Keys.Open(ticketPlace, sealed)
	var t secondTicket
	if err != nil || json.Unmarshal(text, &t) != nil || !t.Until.After(c.Now()) {
		return access.User{}, over
	}
	u, err := c.DB.User(ctx, t.User)
	if access.KindOf(err) == access.NotFound || err == nil && (!u.Enabled || !u.TwoFactor || digest(u.PasswordHash) != t.Password) {
		return access.User{}, over
	}
	return u, err
}

// countCode counts a code before it is judged.
func (c *Control) countCode(ctx context.Context, address string, u access.User) (clear []string, err error) {
	key := "code:" + u.PublicID
	limits := append(addressLimits(address), db.Limit{Key: key, Most: triesPerAccount, Window: triesWindow})
	over, wait, err := c.DB.CountTry(ctx, limits)
	switch {
	case err != nil:
		return nil, err
	case over >= 0 && limits[over].Key == key:
		return nil, db.WrongCode()
	case over >= 0:
		return nil, access.Fail(access.Limited, "sign_in_limited", "Too many tries to sign in came from here. Wait a little, then try again.").After(wait)
	}
	return []string{key}, nil
}

// secondOf judges a code. Using it up is the fact's.
func (c *Control) secondOf(ctx context.Context, u access.User, code string) (db.SecondFactor, error) {
	sealed, last, err := c.DB.Totp(ctx, u.ID)
	if err != nil {
		return db.SecondFactor{}, err
	}
	if sealed == nil {
		return db.SecondFactor{}, db.WrongCode()
	}
	if strings.Trim(code, "0123456789 -") != "" || len(code) > 12 {
		return db.SecondFactor{Recovery: secret.HashRecoveryCode(code)}, nil
	}
	seed, err := c.Keys.Open(seedPlace(u.PublicID), sealed)
	if err != nil {
		return db.SecondFactor{}, err
	}
	step := secret.TotpStep(seed, code, c.Now(), last)
	if step == 0 {
		return db.SecondFactor{}, db.WrongCode()
	}
	return db.SecondFactor{Step: step}, nil
}

// ProposedApp is what an authenticator app is given, before it has proved itself.
type ProposedApp struct {
	URL    string // for the QR code
	Text   string // for typing
	Sealed string // what EnableTwoFactor takes
}

// ProposeApp draws a seed for the actor's authenticator app. Nothing is kept until
// EnableTwoFactor.
func (c *Control) ProposeApp(ctx context.Context, by access.Actor) (ProposedApp, error) {
	u, err := c.Profile(ctx, by)
	if err == nil {
		err = fresh(by)
	}
	if err != nil {
		return ProposedApp{}, err
	}
	return c.proposed(u, secret.NewTotpSeed(c.Random))
}

func (c *Control) proposed(u access.User, seed []byte) (ProposedApp, error) {
	sealed, err := c.Keys.Seal(newSeedPlace(u.PublicID), seed)
	return ProposedApp{
		URL: secret.TotpURL(seed, "Latchkey", u.Username), Text: secret.TotpText(seed), Sealed: base64.RawURLEncoding.EncodeToString(sealed),
	}, err
}

// ProposedAgain spells a proposal that came back with a wrong code.
func (c *Control) ProposedAgain(ctx context.Context, by access.Actor, sealed string) (ProposedApp, error) {
	u, err := c.Profile(ctx, by)
	if err != nil {
		return ProposedApp{}, err
	}
	seed, err := c.openProposed(u, sealed)
	if err != nil {
		return ProposedApp{}, err
	}
	return c.proposed(u, seed)
}

func (c *Control) openProposed(u access.User, sealed string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	var seed []byte
	if err == nil {
		seed, err = c.Keys.Open(newSeedPlace(u.PublicID), b)
	}
	if err != nil {
		return nil, access.Fail(access.Invalid, "two_factor_again", "This page is too old. Open it again and scan the new code.").Because(err)
	}
	return seed, nil
}

// EnableTwoFactor switches two-factor sign-in on once the app has given a right
// code, and returns the recovery codes: the only time.
func (c *Control) EnableTwoFactor(ctx context.Context, by access.Actor, sealed, code string) ([]string, error) {
	u, err := c.Profile(ctx, by)
	if err == nil {
		err = fresh(by)
	}
	if err != nil {
		return nil, err
	}
	if u.TwoFactor {
		return nil, access.Fail(access.Conflict, "two_factor_on", "Two-factor sign-in is on already.")
	}
	seed, err := c.openProposed(u, sealed)
	if err != nil {
		return nil, err
	}
	step := secret.TotpStep(seed, code, c.Now(), 0)
	if step == 0 {
		return nil, db.WrongCode()
	}
	kept, err := c.Keys.Seal(seedPlace(u.PublicID), seed)
	if err != nil {
		return nil, err
	}
	codes := secret.NewRecoveryCodes(c.Random)
	return codes, c.DB.SetTotp(ctx, by, u.ID, kept, step, hashesOf(codes))
}

func hashesOf(codes []string) [][32]byte {
	hashes := make([][32]byte, len(codes))
	for i, code := range codes {
		hashes[i] = secret.HashRecoveryCode(code)
	}
	return hashes
}

// RecoveryCodesLeft counts the actor's recovery codes that were not used yet.
func (c *Control) RecoveryCodesLeft(ctx context.Context, by access.Actor) (int64, error) {
	if err := me(by); err != nil {
		return 0, err
	}
	return c.DB.CountRecoveryCodes(ctx, by.ID)
}

// ReplaceRecoveryCodes gives the actor new recovery codes; the old ones end.
func (c *Control) ReplaceRecoveryCodes(ctx context.Context, by access.Actor) ([]string, error) {
	if err := me(by); err != nil {
		return nil, err
	}
	if err := fresh(by); err != nil {
		return nil, err
	}
	codes := secret.NewRecoveryCodes(c.Random)
	return codes, c.DB.SetRecoveryCodes(ctx, by, by.ID, hashesOf(codes))
}

// DisableTwoFactor switches the actor's two-factor sign-in off. It takes a code.
func (c *Control) DisableTwoFactor(ctx context.Context, by access.Actor, code string) error {
	u, err := c.Profile(ctx, by)
	if err == nil {
		err = fresh(by)
	}
	if err != nil {
		return err
	}
	if _, err := c.countCode(ctx, by.Address, u); err != nil {
		return err
	}
	second, err := c.secondOf(ctx, u, code)
	if err != nil {
		return err
	}
	if err := c.DB.UseSecond(ctx, by, u.ID, second, "user:"+u.PublicID+" "+u.Username); err != nil {
		return err
	}
	_, err = c.DB.ClearTotp(ctx, by, u.PublicID)
	return err
}

// ResetTwoFactor switches another user's two-factor sign-in off: an admin's help
// for whoever lost phone and codes.
func (c *Control) ResetTwoFactor(ctx context.Context, by access.Actor, publicID string) (access.User, error) {
	if err := by.Must(access.RunInstance); err != nil {
		return access.User{}, err
	}
	return c.DB.ClearTotp(ctx, by, publicID)
}
