package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"

	"latchkey/db"
	"latchkey/internal/config"
	"latchkey/internal/control"
)

// importCmd brings users and tokens of another system over, while no server runs.
type importCmd struct {
	NewAPI importNewAPICmd `cmd:"" name:"newapi" help:"Import users and API tokens of a New API SQLite file; their keys keep working."`
	OneAPI importOneAPICmd `cmd:"" name:"oneapi" help:"Import users and API tokens of a One API SQLite file; their keys keep working."`
}

type importFile struct {
	File   string `arg:"" help:"The other system's database file."`
	DryRun bool   `name:"dry-run" help:"Say what would be imported and what not, and write nothing."`
}

type importNewAPICmd struct{ importFile }

// Run imports a file of New API.
func (i *importNewAPICmd) Run(sh *shell, basic *config.Basic) error {
	return i.run(sh, basic, db.NewAPI)
}

type importOneAPICmd struct{ importFile }

// Run imports a file of One API.
func (i *importOneAPICmd) Run(sh *shell, basic *config.Basic) error {
	return i.run(sh, basic, db.OneAPI)
}

// run says what was imported also when it ended early: the next run carries on.
func (i importFile) run(sh *shell, basic *config.Basic, system db.System) error {
	return sh.aloneInHouse(basic, func(ctx context.Context, h *house) error {
		foreign, err := db.ReadForeign(ctx, i.File, system)
		if err != nil {
			return err
		}
		out, err := h.control.ImportForeign(ctx, operator(), foreign, i.DryRun)
		return errors.Join(plainError(err), sh.sayImport(out, i.DryRun))
	})
}

func (sh *shell) sayImport(out control.ForeignImport, dry bool) error {
	made := "IMPORTED"
	if dry {
		made = "TO IMPORT"
	}
	table := tabwriter.NewWriter(sh.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "\t%s\tHERE ALREADY\tLEFT OUT\n", made)
	fmt.Fprintf(table, "Users\t%d\t%d\t%d\n", out.Users.Made, out.Users.There, out.Users.Left)
	fmt.Fprintf(table, "API tokens\t%d\t%d\t%d\n", out.Tokens.Made, out.Tokens.There, out.Tokens.Left)
	if err := table.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	if len(out.Groups) > 0 {
		fmt.Fprintf(&b, "Groups made: %s\n", strings.Join(out.Groups, ", "))
	}
	for _, n := range out.Notes {
		fmt.Fprintf(&b, "- %s: %s\n", n.What, n.Why)
	}
	if dry {
		b.WriteString("Dry run: nothing was written.\n")
	}
	_, err := fmt.Fprint(sh.stdout, b.String())
	return err
}

// aloneInHouse runs a command on an instance that exists already and that nothing
// else is using.
func (sh *shell) aloneInHouse(basic *config.Basic, run func(context.Context, *house) error) (err error) {
	ctx := context.Background()
	cfg, err := basic.Validate()
	if err != nil {
		return err
	}
	if err := mustExist(cfg); err != nil {
		return err
	}
	f, err := openFolder(cfg.Data, alone)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h, err := sh.openHouse(ctx, cfg, newLog(sh.stderr, max(cfg.Log, slog.LevelWarn)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return plainError(run(ctx, h))
}
