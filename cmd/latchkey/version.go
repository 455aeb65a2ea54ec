package main

import (
	"fmt"
	"runtime"

	"latchkey/db"
)

// Set by the Makefile with -ldflags -X.
var (
	version = "dev"
	commit  = "unknown"
)

type versionCmd struct{}

// Run prints one fact to a line: its name, a space, its value.
func (versionCmd) Run(sh *shell) error {
	_, err := fmt.Fprintf(sh.stdout, "latchkey %s\ncommit %s\ngo %s\nsqlite %s\n",
		version, commit, runtime.Version(), db.SQLiteVersion())
	return err
}
