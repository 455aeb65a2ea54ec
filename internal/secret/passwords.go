package secret

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"latchkey/internal/access"
)

const (
	atOnce  = 2
	waiting = 64
)

// Passwords hashes and verifies passwords with Argon2id (19 MiB, 2 passes, one
// thread: about 25 ms). At most 2 run at once and 64 wait; the next is told
// Busy, so that a flood of sign-ins costs neither the memory nor the machine.
type Passwords struct {
	params argon2id.Params
	slots  chan struct{}
	queue  atomic.Int32
	nobody string // a well-formed hash that no password has
}

// NewPasswords makes the one Passwords of a process.
func NewPasswords(r Source) *Passwords {
	p := &Passwords{
		params: argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32},
		slots:  make(chan struct{}, atOnce),
	}
	b64 := base64.RawStdEncoding
	p.nobody = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s",
		p.params.Memory, p.params.Iterations, p.params.Parallelism,
		b64.EncodeToString(bytesFrom(r, int(p.params.SaltLength))),
		b64.EncodeToString(bytesFrom(r, int(p.params.KeyLength))))
	return p
}

// Hash returns the PHC string of a password, with its parameters and salt.
func (p *Passwords) Hash(ctx context.Context, plain string) (string, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return argon2id.CreateHash(plain, &p.params)
}

// Verify reports whether plain is the password of a PHC string, and whether the
// string was made with other parameters and should be made anew. An empty phc
// (an account without a password) is VerifyNothing.
func (p *Passwords) Verify(ctx context.Context, phc, plain string) (ok, rehash bool, err error) {
	if phc == "" {
		return false, false, p.VerifyNothing(ctx, plain)
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	ok, params, err := argon2id.CheckHash(plain, phc)
	if err != nil {
		return false, false, fmt.Errorf("read a password hash: %w", err)
	}
	return ok, ok && *params != p.params, nil
}

// VerifyNothing takes the time and the place in the queue that Verify takes,
// for an account that does not exist or may not sign in.
func (p *Passwords) VerifyNothing(ctx context.Context, plain string) error {
	_, _, err := p.Verify(ctx, p.nobody, plain)
	return err
}

func (p *Passwords) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-p.slots }
	select {
	case p.slots <- struct{}{}:
		return leave, nil
	default:
	}
	defer p.queue.Add(-1)
	if p.queue.Add(1) > waiting {
		return nil, access.Fail(access.Busy, "passwords_busy",
			"Too many people are signing in at this moment. Try again in a few seconds.").After(2 * time.Second)
	}
	select {
	case p.slots <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
