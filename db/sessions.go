package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"latchkey/internal/access"
)

const sessionColumns = "s.id_hash, s.kind, s.subject_id, s.workspace_id, s.data, s.auth_at, s.seen_at, s.idle_until, s.expires_at, s.address, s.agent"

// sessionScan holds what stands in the row in another spelling than in the noun.
type sessionScan struct {
	access.Session
	auth, seen, idle, expires moment
}

func (s *sessionScan) fields() []any {
	return []any{
		&s.Hash, &s.Kind, &s.SubjectID, &s.WorkspaceID, &s.Data, &s.auth, &s.seen, &s.idle, &s.expires, &s.Address, &s.Agent,
	}
}

func (s *sessionScan) session() access.Session {
	s.AuthAt, s.SeenAt, s.IdleUntil, s.ExpiresAt = s.auth.Time, s.seen.Time, s.idle.Time, s.expires.Time
	return s.Session
}

func scanSession(row scanner) (access.Session, error) {
	var s sessionScan
	err := row.Scan(s.fields()...)
	return s.session(), err
}

// seenEvery is how often at most the use of a session or login token is written.
const seenEvery = time.Minute

// SignedIn is a sign-in that was verified: what it writes, and for whom.
type SignedIn struct {
	Kind         access.SubjectKind
	ID           int64
	PasswordHash string // as it was verified: if it changed since, nothing is written
	Session      *access.Session
	LoginToken   *access.LoginToken
	Name         string   // for the audit log: noun:public id name
	Clear        []string // throttle keys whose failures are forgotten
	GiveBack     []string // throttle keys on which this try did not fail after all
	Second       *SecondFactor
}

// SignIn writes a session or a login token for whoever gave the right password,
// in one fact with the end of what is too much: the oldest sessions over
// access.SessionsPerUser, failures of the account, the moment of the sign-in. An
// account that was disabled, deleted or given another password since it was
// verified is SignedOut.
func (d *DB) SignIn(ctx context.Context, by access.Actor, in SignedIn) error {
	return d.change(ctx, func(t *Tx) error {
		table := map[access.SubjectKind]string{access.SubjectUser: "users", access.SubjectCustomer: "customers"}[in.Kind]
		n, err := t.exec("UPDATE "+table+` SET last_login_at = $1
			WHERE id = $2 AND password_hash = $3 AND enabled = 1 AND deleted_at IS NULL`, t.now(), in.ID, in.PasswordHash)
		if err != nil {
			return err
		}
		if n == 0 {
			return access.Fail(access.SignedOut, "signed_out", "Sign in first.")
		}
		if in.Kind == access.SubjectCustomer {
			t.after(func() { d.caches.customers.drop(in.ID) })
		}
		if in.Second != nil {
			if err := t.useSecond(by, in.ID, *in.Second, in.Name); err != nil {
				return err
			}
		}
		if in.Session != nil {
			if err := t.insertSession(*in.Session); err != nil {
				return err
			}
			if err := t.trimSessions(in.Kind, in.ID); err != nil {
				return err
			}
		}
		if in.LoginToken != nil {
			if err := t.insertLoginToken(*in.LoginToken); err != nil {
				return err
			}
		}
		if err := t.forgive(in.Clear, in.GiveBack); err != nil {
			return err
		}
		return t.tell(by, event{by.WorkspaceID, string(in.Kind) + ".sign-in", in.Name, nil})
	})
}

func (t *Tx) insertSession(s access.Session) error {
	if s.Data == "" {
		s.Data = "{}"
	}
	_, err := t.exec(`INSERT INTO sessions (id_hash, kind, subject_id, workspace_id, data, auth_at, seen_at, idle_until, expires_at, address, agent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		s.Hash, s.Kind, s.SubjectID, s.WorkspaceID, s.Data, ms(s.AuthAt), ms(s.SeenAt), ms(s.IdleUntil), ms(s.ExpiresAt), s.Address, s.Agent)
	return err
}

// trimSessions ends what has run out and the oldest beyond the limit.
func (t *Tx) trimSessions(kind access.SubjectKind, id int64) error {
	if _, err := t.exec("DELETE FROM sessions WHERE kind = $1 AND subject_id = $2 AND (idle_until <= $3 OR expires_at <= $3)", kind, id, t.now()); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM sessions WHERE id_hash IN (SELECT id_hash FROM sessions
		WHERE kind = $1 AND subject_id = $2 ORDER BY seen_at DESC, auth_at DESC, id_hash LIMIT -1 OFFSET $3)`, kind, id, access.SessionsPerUser)
	return err
}

// UserSession is a live session with the account it belongs to and its role in
// the workspace in view.
type UserSession struct {
	Session access.Session
	User    access.User
	Role    access.Role // access.NoRole: no longer a member there
}

// FindUserSession returns the live session of an enabled user, in one read. It is
// not cached: what ends an account or a role ends here with the next request.
func (d *DB) FindUserSession(ctx context.Context, hash [32]byte) (UserSession, error) {
	var s sessionScan
	var u userScan
	var out UserSession
	err := d.row(ctx, "SELECT "+sessionColumns+", "+userColumns+`, COALESCE((SELECT m.role FROM members m
		JOIN workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL
		WHERE m.workspace_id = s.workspace_id AND m.user_id = u.id), '')
		FROM sessions s JOIN users u ON u.id = s.subject_id
		WHERE s.id_hash = $1 AND s.kind = 'user' AND s.idle_until > $2 AND s.expires_at > $2 AND u.enabled = 1 AND u.deleted_at IS NULL`,
		hash[:], d.Now().UnixMilli()).Scan(append(append(s.fields(), u.fields()...), &out.Role)...)
	out.Session, out.User = s.session(), u.user()
	return out, orNotFound(err, "session")
}

// FindCustomerSession returns the live session of a customer of a workspace. The
// customer itself is looked up, and judged, by the caller.
func (d *DB) FindCustomerSession(ctx context.Context, workspaceID int64, hash [32]byte) (access.Session, error) {
	s, err := scanSession(d.row(ctx, "SELECT "+sessionColumns+` FROM sessions s WHERE s.id_hash = $1 AND s.kind = 'customer'
		AND s.workspace_id = $2 AND s.idle_until > $3 AND s.expires_at > $3`, hash[:], workspaceID, d.Now().UnixMilli()))
	return s, orNotFound(err, "session")
}

// TouchSession remembers that a session was used and moves its idle limit, at
// most once a minute.
func (d *DB) TouchSession(ctx context.Context, hash []byte, idleUntil time.Time, address string) error {
	return d.change(ctx, func(t *Tx) error {
		_, err := t.exec("UPDATE sessions SET seen_at = $1, idle_until = $2, address = $3 WHERE id_hash = $4 AND seen_at <= $5",
			t.now(), ms(idleUntil), address, hash, d.Now().Add(-seenEvery).UnixMilli())
		return err
	})
}

// SaveSession replaces what a session keeps for its pages.
func (d *DB) SaveSession(ctx context.Context, hash []byte, data string) error {
	return d.change(ctx, func(t *Tx) error {
		n, err := t.exec("UPDATE sessions SET data = $1 WHERE id_hash = $2", data, hash)
		if err == nil && n == 0 {
			err = notFound("session")
		}
		return err
	})
}

// RenewSession gives a session a new value: the old one is dead at once. It is
// for changes of role and for passwords given again: authAt and workspaceID are
// kept as they were where they are zero. A session that has ended meanwhile is
// NotFound.
func (d *DB) RenewSession(ctx context.Context, old, renewed []byte, authAt time.Time, workspaceID int64) (access.Session, error) {
	var s access.Session
	err := d.change(ctx, func(t *Tx) (err error) {
		s, err = t.renewSession(old, renewed, authAt, workspaceID)
		return err
	})
	return s, err
}

func (t *Tx) renewSession(old, renewed []byte, authAt time.Time, workspaceID int64) (access.Session, error) {
	s, err := scanSession(t.row("SELECT "+sessionColumns+" FROM sessions s WHERE s.id_hash = $1", old))
	if err != nil {
		return s, orNotFound(err, "session")
	}
	if _, err := t.exec("DELETE FROM sessions WHERE id_hash = $1", old); err != nil {
		return s, err
	}
	s.Hash = renewed
	if !authAt.IsZero() {
		s.AuthAt = authAt
	}
	if workspaceID != 0 {
		s.WorkspaceID = workspaceID
	}
	return s, t.insertSession(s)
}

// Sessions lists the live sessions of an account, the last used first.
func (d *DB) Sessions(ctx context.Context, kind access.SubjectKind, subjectID int64) ([]access.Session, error) {
	var out []access.Session
	err := d.rows(ctx, list(&out, scanSession), "SELECT "+sessionColumns+` FROM sessions s
		WHERE s.kind = $1 AND s.subject_id = $2 AND s.idle_until > $3 AND s.expires_at > $3
		ORDER BY s.seen_at DESC, s.id_hash`, kind, subjectID, d.Now().UnixMilli())
	return out, err
}

// EndSession ends one session of an account.
func (d *DB) EndSession(ctx context.Context, by access.Actor, kind access.SubjectKind, subjectID int64, hash []byte) error {
	return d.change(ctx, func(t *Tx) error {
		n, err := t.exec("DELETE FROM sessions WHERE id_hash = $1 AND kind = $2 AND subject_id = $3", hash, kind, subjectID)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound("session")
		}
		return t.tell(by, event{by.WorkspaceID, string(kind) + ".sign-out", object(string(kind), by.PublicID, by.Name), nil})
	})
}

// EndSessions ends every session and login token of an account but the one that
// keep names (nil: all).
func (d *DB) EndSessions(ctx context.Context, by access.Actor, kind access.SubjectKind, subjectID int64, keep []byte) error {
	return d.change(ctx, func(t *Tx) error {
		if err := t.signOut(kind, subjectID, keep); err != nil {
			return err
		}
		return t.tell(by, event{by.WorkspaceID, string(kind) + ".end-sessions", object(string(kind), by.PublicID, by.Name), nil})
	})
}

// signOut ends every session and login token of an account but the one that keep
// names, and its reset codes.
func (t *Tx) signOut(kind access.SubjectKind, id int64, keep []byte) error {
	if keep == nil {
		keep = []byte{}
	}
	for _, text := range []string{
		"DELETE FROM sessions WHERE kind = $1 AND subject_id = $2 AND id_hash <> $3",
		"DELETE FROM login_tokens WHERE kind = $1 AND subject_id = $2 AND hash <> $3",
	} {
		if _, err := t.exec(text, kind, id, keep); err != nil {
			return err
		}
	}
	_, err := t.exec("DELETE FROM reset_codes WHERE kind = $1 AND subject_id = $2", kind, id)
	return err
}

// noRow reports an empty result.
func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }
