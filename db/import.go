package db

import (
	"context"
	"time"

	"latchkey/internal/access"
)

// Imported is which rows of another system are here already: its keys, each with
// the number of what it became.
type Imported struct{ Users, Tokens map[string]int64 }

// Imported returns what earlier runs brought from a system.
func (d *DB) Imported(ctx context.Context, source System) (Imported, error) {
	i := Imported{Users: map[string]int64{}, Tokens: map[string]int64{}}
	err := d.rows(ctx, func(s scanner) error {
		var kind, key string
		var id int64
		err := s.Scan(&kind, &key, &id)
		if kind == "user" {
			i.Users[key] = id
		} else {
			i.Tokens[key] = id
		}
		return err
	}, "SELECT kind, key, subject_id FROM imports WHERE source = $1", source)
	return i, err
}

// ForeignAccount is a user of another system with its tokens, about to be
// imported.
type ForeignAccount struct {
	Source    System
	Key       string       // of the user there
	User      access.User  // as in NewUser; with an ID it is here already and stays as it is
	Home      int64        // the workspace of a user who is here
	Workspace string       // name of a new user's home workspace
	Group     string       // of that workspace
	Purse     access.Purse // of that workspace
	Tokens    []ForeignKey
}

// ForeignKey is a token of such an account.
type ForeignKey struct {
	Key     string   // of the token there
	New     NewToken // its workspace and maker are filled here
	Enabled bool
	Created time.Time // zero: now
	Used    time.Time // zero: never
}

// ImportAccount imports a user with a home workspace, and the tokens into it; or
// the tokens alone, where the user is here. All of it is one fact.
func (d *DB) ImportAccount(ctx context.Context, by access.Actor, a ForeignAccount) error {
	return d.change(ctx, func(t *Tx) error {
		user, w := a.User, access.Workspace{ID: a.Home}
		var err error
		if user.ID == 0 {
			if user, w, err = t.importUser(by, a); err != nil {
				return err
			}
		} else if w, err = t.workspace(a.Home); err != nil {
			return err
		}
		for _, k := range a.Tokens {
			k.New.Token.WorkspaceID, k.New.Token.CreatedBy, k.New.Zone = w.ID, user.ID, w.Location()
			if err := t.importToken(by, a.Source, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *Tx) importUser(by access.Actor, a ForeignAccount) (access.User, access.Workspace, error) {
	w, err := t.makeWorkspace(by, access.Workspace{PublicID: a.User.PublicID, Name: a.Workspace})
	if err != nil {
		return a.User, w, err
	}
	// Nobody has seen this purse yet: what was spent elsewhere is where it begins.
	for _, change := range []struct {
		text string
		args []any
	}{
		{"UPDATE workspaces SET group_name = $1 WHERE id = $2", []any{a.Group, w.ID}},
		{"UPDATE purses SET quota = $1, used = $2, opening = $3, unlimited = $4 WHERE id = $5", []any{
			a.Purse.Quota, a.Purse.Used, a.Purse.Opening, flag(a.Purse.Unlimited), w.PurseID,
		}},
	} {
		if _, err := t.exec(change.text, change.args...); err != nil {
			return a.User, w, err
		}
	}
	enabled, created := a.User.Enabled, a.User.CreatedAt
	u, err := t.insertUser(by, a.User, w.ID)
	if err != nil {
		return u, w, err
	}
	if created.IsZero() {
		created = u.CreatedAt
	}
	if _, err := t.exec("UPDATE users SET enabled = $1, created_at = $2 WHERE id = $3", flag(enabled), ms(created), u.ID); err != nil {
		return u, w, err
	}
	if err := t.addMember(by, w, u, access.Owner); err != nil {
		return u, w, err
	}
	return u, w, t.keepImport(a.Source, "user", a.Key, u.ID)
}

func (t *Tx) importToken(by access.Actor, source System, f ForeignKey) error {
	k, err := t.makeToken(by, f.New)
	if err != nil {
		return err
	}
	if f.Created.IsZero() {
		f.Created = k.CreatedAt
	}
	if _, err := t.exec("UPDATE api_tokens SET enabled = $1, created_at = $2, used_at = $3 WHERE id = $4",
		flag(f.Enabled), ms(f.Created), ms(f.Used), k.ID); err != nil {
		return err
	}
	return t.keepImport(source, "token", f.Key, k.ID)
}

func (t *Tx) keepImport(source System, kind, key string, id int64) error {
	_, err := t.exec("INSERT INTO imports (source, kind, key, subject_id, created_at) VALUES ($1, $2, $3, $4, $5)", source, kind, key, id, t.now())
	return err
}
