package control

import (
	"context"
	"errors"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// The list of ways to sign in. Each goes through signIn, and there is no other:
//
//	SignIn          a user, by username or address: page, native, RAGFlow, New API
//	SignInCustomer  a customer of a known workspace: share link, bot-share with share_token
//	SignInAnyone    bot-share without share_token: the user, then customers of that name
//	SignInSecond    the second step of a user with two-factor sign-in, on the page alone
//	ConfirmPassword, ChangePassword   a user who is signed in gives the password again
//
// An unknown name, a wrong password, a disabled account and one with too many
// failures get the same words after the same work. Who has signed in to a chat from
// this browser before, and knows the password, is told that the account is disabled.

// anyoneMost is how many accounts of one name a sign-in without a workspace tries:
// the user and four customers.
const anyoneMost = 5

// Attempt is somebody trying to sign in.
type Attempt struct {
	Name     string // as typed
	Password string
	Door     access.Door
	Address  string // as seen behind trusted proxies
	Agent    string // User-Agent, for "where you are signed in"
	Device   string // value of the device cookie, "" for none
}

// SignedIn is somebody who signed in. User or Customer is filled, as Actor says.
type SignedIn struct {
	Actor     access.Actor
	User      access.User
	Customer  access.Customer
	Value     string // of the session on a page, the login token elsewhere; kept nowhere in clear
	ExpiresAt time.Time
	Device    string // what the device cookie holds from now on
	Ticket    string // instead of all else: what SignInSecond takes, where a code is asked for
}

// Refusal is the true reason of a sign-in that failed. It is for the log and for
// contracts that tell it; see RefusalOf.
type Refusal string

const (
	RefusedUnknown  Refusal = "unknown"
	RefusedPassword Refusal = "password"
	RefusedDisabled Refusal = "disabled" // and the password was right
	RefusedLocked   Refusal = "locked"
	RefusedSecond   Refusal = "second" // the password was right, and this door takes no code
)

func (r Refusal) Error() string { return "sign-in refused: " + string(r) }

// RefusalOf returns why a sign-in was refused, "" when err is something else.
func RefusalOf(err error) Refusal {
	r, _ := errors.AsType[Refusal](err)
	return r
}

func refused(why Refusal) error {
	return access.Fail(access.SignedOut, "sign_in_refused",
		"That name and password do not fit, or there were too many tries. After ten tries wait 15 minutes.").Because(why)
}

// candidate is an account that may be meant by a name.
type candidate struct {
	kind                 access.SubjectKind
	id, workspaceID      int64
	publicID, name, hash string
	enabled              bool
	user                 access.User
	customer             access.Customer
}

func userCandidate(u access.User) candidate {
	return candidate{
		kind: access.SubjectUser, id: u.ID, workspaceID: u.HomeID, publicID: u.PublicID, name: u.Username, hash: u.PasswordHash, enabled: u.Enabled, user: u,
	}
}

func customerCandidate(m access.Customer) candidate {
	return candidate{
		kind: access.SubjectCustomer, id: m.ID, workspaceID: m.WorkspaceID, publicID: m.PublicID, name: m.Username, hash: m.PasswordHash, enabled: m.Enabled,
		customer: m,
	}
}

func (a candidate) throttleKey() string { return string(a.kind) + ":" + a.publicID }

// SignIn signs a user in, by username or address: a session on the page, a login
// token at every other door.
func (c *Control) SignIn(ctx context.Context, a Attempt) (SignedIn, error) {
	u, err := c.DB.UserByName(ctx, fold(a.Name))
	found, err := found(err, userCandidate(u))
	if err != nil {
		return SignedIn{}, err
	}
	return c.signIn(ctx, a, found, 1)
}

// SignInCustomer signs a customer of a workspace in.
func (c *Control) SignInCustomer(ctx context.Context, workspaceID int64, a Attempt) (SignedIn, error) {
	m, err := c.DB.CustomerByName(ctx, workspaceID, fold(a.Name))
	found, err := found(err, customerCandidate(m))
	if err != nil {
		return SignedIn{}, err
	}
	in, err := c.signIn(ctx, a, found, 1)
	if RefusalOf(err) == RefusedDisabled && a.Door == access.DoorChat && c.device(a.Device, access.SubjectCustomer, m.PublicID) != "" {
		err = access.Fail(access.Forbidden, "customer_disabled", "This account is disabled. Ask whoever made it for you.").Because(err)
	}
	return in, err
}

// SignInAnyone signs in whoever of a name the password fits: the user, else the
// customers of that name in all workspaces, oldest first, at most four.
func (c *Control) SignInAnyone(ctx context.Context, a Attempt) (SignedIn, error) {
	u, err := c.DB.UserByName(ctx, fold(a.Name))
	found, err := found(err, userCandidate(u))
	if err != nil {
		return SignedIn{}, err
	}
	customers, err := c.DB.CustomersNamed(ctx, fold(a.Name), anyoneMost-1)
	if err != nil {
		return SignedIn{}, err
	}
	for _, m := range customers {
		found = append(found, customerCandidate(m))
	}
	return c.signIn(ctx, a, found, anyoneMost)
}

// found is the one candidate that a look-up returned, or none.
func found(err error, one candidate) ([]candidate, error) {
	switch {
	case access.KindOf(err) == access.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []candidate{one}, nil
}

// signIn is where every password is judged. It verifies as many passwords as
// work says, however many accounts there are, until one fits.
func (c *Control) signIn(ctx context.Context, a Attempt, accounts []candidate, work int) (SignedIn, error) {
	why := RefusedUnknown
	for i := range work {
		var one *candidate
		if i < len(accounts) {
			one = &accounts[i]
		}
		locked, clear, err := c.countTry(ctx, a, one, i == 0)
		if err != nil {
			return SignedIn{}, err
		}
		fits, rehash, err := c.verify(ctx, one, locked, a.Password)
		if err != nil {
			return SignedIn{}, err
		}
		switch {
		case one == nil:
			continue
		case locked:
			why = RefusedLocked
		case !fits && why == RefusedUnknown:
			why = RefusedPassword
		case !fits:
		case !one.enabled:
			why = RefusedDisabled
		case one.kind == access.SubjectUser && one.user.TwoFactor:
			return c.askSecond(ctx, a, one.user)
		default:
			return c.open(ctx, a, *one, clear, rehash, nil)
		}
	}
	c.Log.InfoContext(ctx, "sign-in refused", "reason", string(why), "door", string(a.Door), "address", a.Address)
	return SignedIn{}, refused(why)
}

// verify judges a password, and takes the same time where there is nothing to
// judge.
func (c *Control) verify(ctx context.Context, one *candidate, locked bool, plain string) (fits, rehash bool, err error) {
	if tooLongPassword(plain) {
		plain, one = "", nil
	}
	if one == nil || locked {
		return false, false, c.Passwords.VerifyNothing(ctx, plain)
	}
	return c.Passwords.Verify(ctx, one.hash, plain)
}

// open writes the session or login token of an account whose password was right.
func (c *Control) open(ctx context.Context, a Attempt, one candidate, clear []string, rehash bool, second *db.SecondFactor) (SignedIn, error) {
	hash := one.hash
	if rehash {
		better, err := c.rehash(ctx, one, a.Password)
		if err != nil {
			return SignedIn{}, err
		}
		hash = better
	}
	out, fact, err := c.newSignIn(ctx, a, one)
	if err != nil {
		return SignedIn{}, err
	}
	fact.PasswordHash, fact.Clear, fact.Second = hash, clear, second
	for _, l := range addressLimits(a.Address) {
		fact.GiveBack = append(fact.GiveBack, l.Key)
	}
	if err := c.DB.SignIn(ctx, out.Actor, fact); err != nil {
		return SignedIn{}, err
	}
	c.Log.InfoContext(ctx, "signed in", "kind", string(one.kind), "id", one.publicID, "door", string(a.Door), "address", a.Address)
	return out, nil
}

func (c *Control) rehash(ctx context.Context, one candidate, plain string) (string, error) {
	hash, err := c.Passwords.Hash(ctx, plain)
	if err != nil {
		return "", err
	}
	if one.kind == access.SubjectUser {
		return hash, c.DB.RehashUser(ctx, one.id, one.hash, hash)
	}
	return hash, c.DB.RehashCustomer(ctx, one.id, one.hash, hash)
}

// newSignIn makes the value that opens, and says what to write of it.
func (c *Control) newSignIn(ctx context.Context, a Attempt, one candidate) (SignedIn, db.SignedIn, error) {
	now, value := c.Now(), secret.NewLogin(c.Random)
	out := SignedIn{User: one.user, Customer: one.customer, Value: value}
	fact := db.SignedIn{Kind: one.kind, ID: one.id, Name: string(one.kind) + ":" + one.publicID + " " + one.name}
	var err error
	if out.Actor, err = c.actorOf(ctx, one, a.Door, a.Address); err != nil {
		return out, fact, err
	}
	if a.Door != access.DoorPage && a.Door != access.DoorChat {
		hash := secret.HashLogin(value)
		out.ExpiresAt = now.Add(access.LoginTokenLife)
		fact.LoginToken = &access.LoginToken{
			Hash: hash[:], Kind: one.kind, SubjectID: one.id, Door: a.Door, CreatedAt: now, SeenAt: now,
			ExpiresAt: out.ExpiresAt, Address: a.Address,
		}
		out.Actor.SessionHash = hash[:]
		return out, fact, nil
	}
	if out.Device, err = c.rememberDevice(a.Device, one.kind, one.publicID); err != nil {
		return out, fact, err
	}
	hash := secret.HashSession(value)
	idle, life := idleOf(one.kind)
	out.ExpiresAt, out.Actor.SessionHash, out.Actor.Fresh = now.Add(life), hash[:], true
	fact.Session = &access.Session{
		Hash: hash[:], Kind: one.kind, SubjectID: one.id, WorkspaceID: out.Actor.WorkspaceID, AuthAt: now, SeenAt: now,
		IdleUntil: now.Add(idle), ExpiresAt: out.ExpiresAt, Address: a.Address, Agent: cut(a.Agent, agentMax),
	}
	return out, fact, nil
}

// agentMax bounds what is kept of a User-Agent, in bytes.
const agentMax = 300

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xc0 == 0x80 {
		most--
	}
	return text[:most]
}

func idleOf(kind access.SubjectKind) (idle, life time.Duration) {
	if kind == access.SubjectCustomer {
		return access.CustomerIdle, access.CustomerLife
	}
	return access.UserIdle, access.UserLifetime
}
