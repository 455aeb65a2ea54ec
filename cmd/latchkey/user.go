package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"latchkey/db"
	"latchkey/internal/access"
	"latchkey/internal/config"
	"latchkey/internal/control"
)

// userCmd rescues accounts, while the server runs or not.
type userCmd struct {
	Add           userAddCmd     `cmd:"" help:"Make a user with a workspace of its own."`
	List          userListCmd    `cmd:"" help:"List the users."`
	ResetPassword userResetCmd   `cmd:"" name:"reset-password" help:"Give a user a password and end every sign-in."`
	Disable       userDisableCmd `cmd:"" help:"Stop a user from signing in and end every sign-in."`
	Enable        userEnableCmd  `cmd:"" help:"Let a disabled user sign in again."`
}

// named finds the user of --username.
type named struct {
	Username string `required:"" help:"User name or e-mail address."`
}

func (n named) find(ctx context.Context, h *house) (access.User, error) {
	return h.control.UserNamed(ctx, operator(), n.Username)
}

type userAddCmd struct {
	Username      string `required:"" help:"Name that the user signs in with."`
	Email         string `help:"Address that the user may sign in with too."`
	Admin         bool   `help:"Make an admin of the instance."`
	PasswordStdin bool   `name:"password-stdin" help:"Read the password from standard input; without it one is made and printed once."`
}

// Run prints who was made, and the password if it was made too.
func (u *userAddCmd) Run(sh *shell, basic *config.Basic) error {
	password, err := sh.passwordFrom(u.PasswordStdin)
	if err != nil {
		return err
	}
	return sh.inHouse(basic, func(ctx context.Context, h *house) error {
		made, err := h.control.CreateUser(ctx, operator(), control.UserForm{
			Username: &u.Username, Email: &u.Email, Password: password, IsAdmin: &u.Admin,
		})
		if err != nil {
			return err
		}
		return sh.sayUser("Made user", made)
	})
}

type userListCmd struct{}

// Run prints one user to a line.
func (*userListCmd) Run(sh *shell, basic *config.Basic) error {
	return sh.inHouse(basic, func(ctx context.Context, h *house) error {
		table := tabwriter.NewWriter(sh.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "USERNAME\tEMAIL\tROLE\tSTATE\tLAST SIGN-IN\tID")
		page := db.Page{Limit: db.ListMax, Oldest: true}
		for {
			rows, _, err := h.control.Users(ctx, operator(), page)
			if err != nil {
				return err
			}
			for _, u := range rows {
				fmt.Fprintln(table, userLine(u))
				page.Before = u.ID
			}
			if len(rows) < db.ListMax {
				return table.Flush()
			}
		}
	})
}

func userLine(u access.User) string {
	role, state, last := "user", "enabled", "never"
	if u.IsAdmin {
		role = "admin"
	}
	if !u.Enabled {
		state = "disabled"
	}
	if !u.LastLoginAt.IsZero() {
		last = u.LastLoginAt.UTC().Format(time.RFC3339)
	}
	email := u.Email
	if email == "" {
		email = "-"
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", u.Username, email, role, state, last, u.PublicID)
}

type userResetCmd struct {
	named
	PasswordStdin bool `name:"password-stdin" help:"Read the password from standard input; without it one is made and printed once."`
	TwoFactorOff  bool `name:"two-factor-off" help:"Switch two-factor sign-in off as well, for whoever lost the app and the recovery codes."`
}

// Run prints the password if it was made here.
func (u *userResetCmd) Run(sh *shell, basic *config.Basic) error {
	password, err := sh.passwordFrom(u.PasswordStdin)
	if err != nil {
		return err
	}
	return sh.inHouse(basic, func(ctx context.Context, h *house) error {
		who, err := u.find(ctx, h)
		if err != nil {
			return err
		}
		made, err := h.control.ResetPassword(ctx, operator(), who.PublicID, password)
		if err == nil && u.TwoFactorOff {
			_, err = h.control.ResetTwoFactor(ctx, operator(), who.PublicID)
		}
		if err != nil {
			return err
		}
		return sh.sayUser("New password for", made)
	})
}

type userDisableCmd struct{ named }

// Run disables the user.
func (u *userDisableCmd) Run(sh *shell, basic *config.Basic) error {
	return u.switchTo(sh, basic, "Disabled", (*control.Control).DisableUser)
}

type userEnableCmd struct{ named }

// Run enables the user.
func (u *userEnableCmd) Run(sh *shell, basic *config.Basic) error {
	return u.switchTo(sh, basic, "Enabled", (*control.Control).EnableUser)
}

func (n named) switchTo(sh *shell, basic *config.Basic, done string,
	act func(*control.Control, context.Context, access.Actor, string) (access.User, error),
) error {
	return sh.inHouse(basic, func(ctx context.Context, h *house) error {
		who, err := n.find(ctx, h)
		if err != nil {
			return err
		}
		if who, err = act(h.control, ctx, operator(), who.PublicID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.stdout, "%s %s (%s)\n", done, who.Username, who.PublicID)
		return err
	})
}

// inHouse runs a command on an instance that exists already.
func (sh *shell) inHouse(basic *config.Basic, run func(context.Context, *house) error) (err error) {
	ctx := context.Background()
	h, done, err := sh.beside(ctx, basic, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return plainError(run(ctx, h))
}
