package main

import (
	"context"
	"errors"
	"fmt"

	"latchkey/internal/config"
	"latchkey/internal/control"
	"latchkey/internal/secret"
)

// setupCmd makes the first admin without the browser.
type setupCmd struct {
	Username      string `required:"" help:"Name that the admin signs in with."`
	Email         string `help:"Address that the admin may sign in with too."`
	PasswordStdin bool   `name:"password-stdin" help:"Read the password from standard input; without it one is made and printed once."`
	Workspace     string `help:"Name of the admin's workspace. Default: the user name"`
}

// Run prints who was made, and the password if it was made too.
func (s *setupCmd) Run(sh *shell, basic *config.Basic) (err error) {
	password, err := sh.passwordFrom(s.PasswordStdin)
	if err != nil {
		return err
	}
	ctx := context.Background()
	h, done, err := sh.beside(ctx, basic, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	made, err := h.control.SetupFromShell(ctx, operator(), control.UserForm{
		Username: &s.Username, Email: &s.Email, Password: password, Workspace: s.Workspace,
	})
	if err != nil {
		return plainError(err)
	}
	return sh.sayUser("Set up: admin", made)
}

// passwordFrom reads the password that a flag promises, nil when one is to be made.
func (sh *shell) passwordFrom(stdin bool) (*string, error) {
	if !stdin {
		return nil, nil
	}
	text, err := sh.readSecret("--password-stdin")
	plain := text.Reveal()
	return &plain, err
}

// sayUser prints an account, and its password when that was made just now.
func (sh *shell) sayUser(what string, made control.NewAccount) error {
	_, err := fmt.Fprintf(sh.stdout, "%s %s (%s)\n", what, made.User.Username, made.User.PublicID)
	if err == nil && made.Password != "" {
		_, err = fmt.Fprintf(sh.stdout, "Password: %s\n", secret.Text(made.Password).Reveal())
	}
	return err
}
