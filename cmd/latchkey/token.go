package main

import (
	"context"
	"fmt"
	"unicode/utf8"

	"latchkey/internal/config"
	"latchkey/internal/control"
	"latchkey/internal/secret"
)

// tokenCmd issues API tokens from the shell.
type tokenCmd struct {
	Add tokenAddCmd `cmd:"" help:"Issue an API token, or register a secret that a client has already."`
}

type tokenAddCmd struct {
	Name        string   `required:"" help:"Name of the token."`
	Workspace   string   `help:"Name or id of the workspace. Default: the only one"`
	Permissions []string `help:"What it may do: chat, read, manage, admin, apart by commas. Default: chat"`
	SecretStdin bool     `name:"secret-stdin" help:"Read the secret from standard input instead of making one."`
}

// Shell secrets may be shorter than those of other doors: some clients come with
// one that cannot be changed.
const (
	leastSecret = 8
	safeSecret  = 16
)

// Run prints the secret, alone on its line, unless the caller brought it.
func (t *tokenAddCmd) Run(sh *shell, basic *config.Basic) error {
	f := control.TokenForm{Name: &t.Name, SecretMin: leastSecret}
	if len(t.Permissions) > 0 {
		f.Permissions = &t.Permissions
	}
	if t.SecretStdin {
		text, err := sh.readSecret("--secret-stdin")
		if err != nil {
			return err
		}
		f.Secret = text.Reveal()
		if n := utf8.RuneCountInString(secret.Strip(f.Secret)); n >= leastSecret && n < safeSecret {
			fmt.Fprintf(sh.stderr, "latchkey: warning: a secret of %d characters can be guessed; use %d or more where the client allows it\n", n, safeSecret)
		}
	}
	return sh.inHouse(basic, func(ctx context.Context, h *house) error {
		by := operator()
		w, err := h.control.WorkspaceNamed(ctx, by, t.Workspace)
		if err != nil {
			return err
		}
		by.WorkspaceID = w.ID
		made, err := h.control.CreateToken(ctx, by, f)
		if err != nil {
			return err
		}
		fmt.Fprintf(sh.stderr, "Made API token %s (%s) in workspace %s\n", made.Row.Name, made.Row.PublicID, w.Name)
		if f.Secret != "" {
			return nil
		}
		_, err = fmt.Fprintln(sh.stdout, made.Secret)
		return err
	})
}
