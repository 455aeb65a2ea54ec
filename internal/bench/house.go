package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/control"
	"latchkey/internal/secret"
	"latchkey/internal/upstream"
)

// house is a data folder that was filled before the binary serves it.
type house struct {
	folder  string
	db      *db.DB
	keys    *secret.Keys
	control *control.Control
	owner   access.Actor
	bot     access.Bot
}

const ownerPassword = "correct horse battery staple"

// newHouse makes a folder with an owner, a provider at the address and a bot.
func newHouse(providerAddress string) (*house, error) {
	folder, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return nil, err
	}
	h := &house{folder: folder}
	ctx := context.Background()
	keys, err := secret.Load(secret.Where{Folder: folder, Random: rand.Reader, Sealed: func() (bool, error) { return false, nil }})
	if err != nil {
		return nil, err
	}
	h.keys = keys
	h.db, err = db.Open(ctx, db.Options{Path: filepath.Join(folder, "latchkey.db"), Now: time.Now, Random: rand.Reader, BootID: "bench"})
	if err != nil {
		return nil, err
	}
	h.db.UseAuditKey(int64(keys.Current()), keys.AuditMAC)
	if err := h.db.KeepKey(ctx, keys.Current(), keys.CheckValue(keys.Current())); err != nil {
		return nil, err
	}
	h.control = &control.Control{
		DB: h.db, Keys: keys, Passwords: secret.NewPasswords(rand.Reader), Upstream: upstream.New(upstream.Settings{Now: time.Now}),
		Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Settings: control.Settings{Reveal: control.RevealAlways, UnitsPerDollar: 500_000, PrivateHosts: []string{providerAddress}, Language: "en", Registration: "closed"},
	}
	return h, h.furnish(ctx, providerAddress)
}

func (h *house) furnish(ctx context.Context, providerAddress string) error {
	hash, err := h.control.Passwords.Hash(ctx, ownerPassword)
	if err != nil {
		return err
	}
	user, w, err := h.db.MakeFirstAdmin(ctx, access.Actor{Kind: access.ActorShell, Name: "bench", Door: access.DoorShell}, db.NewUser{
		User:      access.User{PublicID: secret.NewPublicID(rand.Reader), Username: "owner", UsernameKey: "owner", PasswordHash: hash, Enabled: true},
		Workspace: "Bench", TimeZone: "UTC",
	})
	if err != nil {
		return err
	}
	h.owner = access.Actor{Kind: access.ActorUser, ID: user.ID, PublicID: user.PublicID, Name: "owner", WorkspaceID: w.ID, Role: access.Owner, IsAdmin: true, Door: access.DoorShell}
	id := secret.NewPublicID(rand.Reader)
	sealed, err := h.keys.Seal(secret.Place{Table: "providers", Row: id, Column: "key_sealed"}, []byte("upstream"))
	if err != nil {
		return err
	}
	p := access.Provider{PublicID: id, WorkspaceID: w.ID, Name: "Bench", BaseURL: "http://" + providerAddress + "/v1", KeySealed: sealed, Enabled: true}
	for _, m := range []string{"fast", "slow", "paced"} {
		p.Models = append(p.Models, access.Model{Name: m, UpstreamName: m, Kind: access.ChatModel})
	}
	if p, err = h.db.MakeProvider(ctx, h.owner, p); err != nil {
		return err
	}
	h.bot, err = h.db.MakeBot(ctx, h.owner, access.Bot{
		PublicID: secret.NewPublicID(rand.Reader), WorkspaceID: w.ID, Slug: "bench", Name: "Bench", Kind: access.DialogBot, ProviderID: p.ID,
		Model: "fast", Params: "{}", Settings: "{}", Enabled: true,
	})
	return err
}

// token issues an API token with a limited, ample quota and returns its secret.
func (h *house) token(name string, permissions ...string) (string, error) {
	quota := int64(1) << 50
	f := control.TokenForm{Name: &name, Quota: db.QuotaChange{Quota: &quota}}
	if len(permissions) > 0 {
		f.Permissions = &permissions
	}
	k, err := h.control.CreateToken(context.Background(), h.owner, f)
	return k.Secret, err
}

// close lets go of the file, so that the binary can have it.
func (h *house) close() error { return h.db.Close() }

// serve starts the binary on the house.
func (b *bench) serve(h *house, providerAddress string) (*process, error) {
	cmd := exec.Command(b.binary, "serve", "--data", h.folder, "--addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "LATCHKEY_PRIVATE_HOSTS="+providerAddress, "LATCHKEY_LOG=error")
	cmd.Stderr = os.Stderr
	began := time.Now()
	p, err := b.begin(cmd, func(line string) string {
		address, _ := strings.CutPrefix(line, "Latchkey is listening on http://")
		if address == line {
			return ""
		}
		return address
	})
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	err = firstAnswer("http://" + p.address + "/readyz")
	p.started = time.Since(began)
	return p, err
}
