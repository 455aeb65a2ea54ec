package db

import (
	"context"
	"encoding/hex"
	"time"

	"latchkey/internal/access"
)

// Introduction is a visitor of an embedded chat for whom the owner's server has
// signed.
type Introduction struct {
	Bot      access.Bot
	KeyMark  []byte          // bots.identity_key_sealed as the signature was judged
	Proof    [32]byte        // of what was signed: it counts once
	Until    time.Time       // when the signature runs out
	Customer access.Customer // as to be made where there is none of its name
	Session  access.Session  // SubjectID is filled in
}

// proofCaller is who keeps a bot's signatures in the table of keys that count once.
func proofCaller(b access.Bot) string { return "identity:" + b.PublicID }

// Introduce signs a vouched-for visitor in, in one fact: the signature is used up,
// the customer of its name is found or made, the session written. A signature that
// was used is a Conflict `identity_replayed`; a bot whose key has changed since is
// SignedOut, and so is a customer who is disabled, under a code of its own.
func (d *DB) Introduce(ctx context.Context, by access.Actor, in Introduction) (access.Customer, error) {
	var m access.Customer
	err := d.change(ctx, func(t *Tx) error {
		if err := t.useProof(in); err != nil {
			return err
		}
		var err error
		m, err = scanCustomer(t.row("SELECT "+customerColumns+" FROM customers m WHERE m.workspace_id = $1 AND m.username_key = $2 AND m.deleted_at IS NULL",
			in.Bot.WorkspaceID, in.Customer.UsernameKey))
		if isNone(err) {
			m, err = t.makeCustomer(by, in.Customer)
		}
		if err != nil {
			return err
		}
		if !m.Enabled {
			return access.Fail(access.Forbidden, "customer_disabled", "This account is disabled. Ask whoever made it for you.")
		}
		in.Session.SubjectID = m.ID
		if err := t.insertSession(in.Session); err != nil {
			return err
		}
		if err := t.trimSessions(access.SubjectCustomer, m.ID); err != nil {
			return err
		}
		t.after(func() { d.caches.customers.drop(m.ID) })
		if _, err := t.exec("UPDATE customers SET last_login_at = $1 WHERE id = $2", t.now(), m.ID); err != nil {
			return err
		}
		by.Kind, by.ID, by.PublicID, by.Name = access.ActorCustomer, m.ID, m.PublicID, m.Username
		return t.tell(by, event{in.Bot.WorkspaceID, "customer.introduce", object("customer", m.PublicID, m.Username), map[string]any{"bot": in.Bot.PublicID}})
	})
	return m, err
}

// useProof uses a signature up, if the key that judged it is still the bot's.
func (t *Tx) useProof(in Introduction) error {
	if _, err := t.exec("DELETE FROM idempotency WHERE expires_at <= $1", t.now()); err != nil {
		return err
	}
	var there int
	err := t.row("SELECT 1 FROM bots WHERE id = $1 AND identity_key_sealed = $2 AND deleted_at IS NULL", in.Bot.ID, in.KeyMark).Scan(&there)
	if isNone(err) {
		return access.Fail(access.SignedOut, "identity_key_changed", "The key of this chat was changed meanwhile. Reload the page.")
	}
	if err != nil {
		return err
	}
	n, err := t.exec(`INSERT INTO idempotency (caller, key, request_hash, state, expires_at) VALUES ($1, $2, $3, 'done', $4)
		ON CONFLICT (caller, key) DO NOTHING`, proofCaller(in.Bot), hex.EncodeToString(in.Proof[:]), []byte{}, ms(in.Until))
	if err == nil && n == 0 {
		err = access.Fail(access.Conflict, "identity_replayed", "This signature was used before: each one opens the chat once. Sign a new one for each page.")
	}
	return err
}

// ProofUsed reports whether a signature has been used.
func (d *DB) ProofUsed(ctx context.Context, b access.Bot, proof [32]byte) (used bool, err error) {
	err = d.row(ctx, "SELECT EXISTS (SELECT 1 FROM idempotency WHERE caller = $1 AND key = $2 AND expires_at > $3)",
		proofCaller(b), hex.EncodeToString(proof[:]), d.Now().UnixMilli()).Scan(&used)
	return used, err
}

// SetIdentityKey gives a bot the sealed key that says who its visitors are; nil
// takes it away. What the old key signed counts no more. Version is the bot's as it
// was when the change was thought of, 0: any.
func (d *DB) SetIdentityKey(ctx context.Context, by access.Actor, workspaceID int64, publicID string, sealed []byte, version int64) error {
	return d.change(ctx, func(t *Tx) error {
		b, err := scanBot(t.row("UPDATE bots SET identity_key_sealed = $1, version = version + 1 WHERE workspace_id = $2 AND public_id = $3 AND deleted_at IS NULL"+
			botReturning, sealed, workspaceID, publicID))
		if err != nil {
			return orNotFound(err, "bot")
		}
		if version != 0 && b.Version != version+1 {
			return stale()
		}
		t.after(func() { d.caches.bots.drop(b.ID) })
		verb := "bot.identity-key"
		if sealed == nil {
			verb = "bot.identity-off"
		}
		return t.tell(by, event{workspaceID, verb, object("bot", b.PublicID, b.Name), nil})
	})
}
