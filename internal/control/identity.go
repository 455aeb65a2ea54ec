package control

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Bounds of what an owner's server signs.
const (
	IdentityLife   = 5 * time.Minute  // from signing to its end, at most
	identityLeeway = 10 * time.Second // that two servers' clocks may differ
	identityMax    = 4096             // bytes of a signed text
)

// Identity is who a visitor is, in the words of the owner's server.
type Identity struct {
	Subject string
	Name    string
	Until   time.Time

	proof [32]byte
}

// identityClaims are what a signature is about.
type identityClaims struct {
	jwt.RegisteredClaims
	Name string `json:"name"`
}

func identityPlace(bot string) secret.Place {
	return secret.Place{Table: "bots", Row: bot, Column: "identity_key_sealed"}
}

// MakeIdentityKey gives a bot a key with which its owner's server says who a
// visitor is, in place of the one that it had. It is answered once. From now on the
// embedded chat opens for those visitors only. Version is the bot's, 0: any.
func (c *Control) MakeIdentityKey(ctx context.Context, by access.Actor, bot string, version int64) (string, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return "", err
	}
	key := secret.NewLogin(c.Random)
	sealed, err := c.Keys.Seal(identityPlace(bot), []byte(key))
	if err != nil {
		return "", err
	}
	return key, c.DB.SetIdentityKey(ctx, by, by.WorkspaceID, bot, sealed, version)
}

// DropIdentityKey takes a bot's key away: everyone may chat again, unnamed.
// Version is the bot's, 0: any.
func (c *Control) DropIdentityKey(ctx context.Context, by access.Actor, bot string, version int64) error {
	if err := by.Must(access.ChangeAccess); err != nil {
		return err
	}
	return c.DB.SetIdentityKey(ctx, by, by.WorkspaceID, bot, nil, version)
}

// TryIdentity judges a signed text as the embedded chat would, and uses nothing up.
// What is wrong with it stands in the error, first what has to be mended first.
func (c *Control) TryIdentity(ctx context.Context, by access.Actor, bot, text string) (Identity, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return Identity{}, err
	}
	row, err := c.DB.Bot(ctx, by.WorkspaceID, bot)
	if err != nil {
		return Identity{}, err
	}
	id, err := c.readIdentity(row.Bot, text)
	if err != nil {
		return id, err
	}
	used, err := c.DB.ProofUsed(ctx, row.Bot, id.proof)
	if err == nil && used {
		err = access.Fail(access.Conflict, "identity_replayed", "This signature was used before: each one opens the chat once. Sign a new one for each page.")
	}
	return id, err
}

// Introduce signs a visitor in for whom the owner's server has signed, and returns
// the value of their session. The customer of that name is theirs, or is made.
func (c *Control) Introduce(ctx context.Context, o OpenedLink, text string, a Attempt) (value string, err error) {
	id, err := c.readIdentity(o.Bot, text)
	if err != nil {
		return "", err
	}
	m, err := c.namedCustomer(ctx, o, id)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(introduced{Bot: o.Bot.PublicID, Key: keyMark(o.Bot), Subject: id.Subject, Name: id.Name})
	if err != nil {
		return "", err
	}
	now := c.Now()
	value = secret.NewLogin(c.Random)
	hash := secret.HashSession(value)
	by := access.Actor{Kind: access.ActorVisitor, WorkspaceID: o.Workspace.ID, Door: access.DoorChat, Address: a.Address}
	_, err = c.DB.Introduce(ctx, by, db.Introduction{
		Bot: o.Bot, KeyMark: o.Bot.IdentityKeySealed, Proof: id.proof, Until: id.Until.Add(2 * identityLeeway), Customer: m,
		Session: access.Session{
			Hash: hash[:], Kind: access.SubjectCustomer, WorkspaceID: o.Workspace.ID, Data: string(data), AuthAt: now, SeenAt: now,
			IdleUntil: now.Add(access.CustomerIdle), ExpiresAt: now.Add(access.CustomerLife), Address: a.Address, Agent: cut(a.Agent, agentMax),
		},
	})
	return value, err
}

// namedCustomer is the customer to be made where there is none of the name yet. It
// has a password that nobody knows.
func (c *Control) namedCustomer(ctx context.Context, o OpenedLink, id Identity) (access.Customer, error) {
	m := access.Customer{
		PublicID: secret.NewPublicID(c.Random), WorkspaceID: o.Workspace.ID, Username: id.Subject, UsernameKey: fold(id.Subject), Note: id.Name,
	}
	_, err := c.DB.CustomerByName(ctx, o.Workspace.ID, m.UsernameKey)
	if access.KindOf(err) == access.NotFound {
		m.PasswordHash, err = c.Passwords.Hash(ctx, secret.NewLogin(c.Random))
	}
	return m, err
}

func wrongIdentity(code, text string, args ...any) error {
	return access.Fail(access.Invalid, "identity_"+code, text, args...).At("token")
}

// readIdentity judges what an owner's server signed. Each fault has a sentence of
// its own: the tester shows it.
func (c *Control) readIdentity(b access.Bot, text string) (Identity, error) {
	text = strings.TrimSpace(text)
	switch {
	case len(b.IdentityKeySealed) == 0:
		return Identity{}, wrongIdentity("no_key", "This bot has no identity key. Make one first.")
	case text == "":
		return Identity{}, wrongIdentity("empty", "There is no signed text here.")
	case len(text) > identityMax:
		return Identity{}, wrongIdentity("long", "This is longer than %d characters: sign only sub, name and exp.", identityMax)
	case strings.Count(text, ".") != 2:
		return Identity{}, wrongIdentity("shape", "This is no JWT: three parts with dots between them were expected, not %d.", strings.Count(text, ".")+1)
	}
	key, err := c.Keys.Open(identityPlace(b.PublicID), b.IdentityKeySealed)
	if err != nil {
		return Identity{}, err
	}
	var claims identityClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(c.Now), jwt.WithLeeway(identityLeeway), jwt.WithExpirationRequired())
	token, err := parser.ParseWithClaims(text, &claims, func(*jwt.Token) (any, error) { return key, nil })
	if err != nil {
		return Identity{}, c.identityFault(err, token, claims)
	}
	id := Identity{Subject: claims.Subject, Name: strings.TrimSpace(claims.Name), Until: claims.ExpiresAt.Time}
	// The last character of a signature can be spelled in more ways than one, what
	// is signed cannot.
	id.proof = sha256.Sum256([]byte(text[:strings.LastIndexByte(text, '.')]))
	return id, c.checkIdentity(id)
}

// identityFault says which of the signer's steps went wrong.
func (c *Control) identityFault(err error, token *jwt.Token, claims identityClaims) error {
	alg := ""
	if token != nil {
		alg, _ = token.Header["alg"].(string)
	}
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return wrongIdentity("malformed", "One of the three parts cannot be read: each is base64url without padding, the first two are JSON.")
	case alg != "" && alg != jwt.SigningMethodHS256.Alg():
		return wrongIdentity("algorithm", "It is signed with %s. Sign it with HS256.", alg)
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return wrongIdentity("signature", "The signature does not fit: it was made with another key, or the text was changed after signing.")
	case errors.Is(err, jwt.ErrTokenExpired):
		ago := c.Now().Sub(claims.ExpiresAt.Time).Round(time.Second)
		return wrongIdentity("expired", "It ran out %s ago (exp). Sign it when the page is made, and look at the server's clock.", fmt.Sprint(ago))
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return wrongIdentity("no_end", "It has no exp: the Unix time in seconds at which it runs out, at most %d minutes ahead.", int(IdentityLife.Minutes()))
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return wrongIdentity("early", "It is not valid yet (nbf or iat). Look at the server's clock.")
	}
	return wrongIdentity("malformed", "One of the three parts cannot be read: each is base64url without padding, the first two are JSON.")
}

// checkIdentity judges what was signed, once the signature was right.
func (c *Control) checkIdentity(id Identity) error {
	if left := id.Until.Sub(c.Now()); left > IdentityLife+identityLeeway {
		return wrongIdentity("late_end", "Its exp is %s ahead; at most %d minutes are taken. Is it in seconds?", fmt.Sprint(left.Round(time.Second)), int(IdentityLife.Minutes()))
	}
	if id.Subject == "" {
		return wrongIdentity("no_subject", "It has no sub: the visitor's id or name on your site, always the same.")
	}
	if name, err := checkUsername(id.Subject); err != nil || name != id.Subject {
		return wrongIdentity("subject", "Its sub cannot be a customer's name here: at most %d characters, nothing hidden, no blanks at its ends.", access.NameMax)
	}
	if _, err := checkNickname(id.Name); err != nil || strings.ContainsFunc(id.Name, hidden) {
		return wrongIdentity("name", "Its name is too long, or holds characters that nobody can see: at most %d characters.", access.NameMax)
	}
	return nil
}
