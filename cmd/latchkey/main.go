// Command latchkey is the whole product in one binary: the server and the shell
// commands that an operator needs beside it.
//
// Here the parts are put together: flags and signals are read, the clock and the
// random source are handed down, and whatever went wrong becomes one plain
// sentence on standard error and one of five exit codes. Nothing is decided here
// that a room below could decide.
//
// Start with this file for the list of commands; each command has a file of its
// own name. folder.go is the data folder and who may use it, exit.go the codes.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"latchkey/internal/config"
)

// commands is the command tree. Its flags are read after the environment.
type commands struct {
	config.Basic

	Serve   serveCmd   `cmd:"" help:"Serve pages, chats and the gateway."`
	Setup   setupCmd   `cmd:"" help:"Make the first admin without the browser."`
	User    userCmd    `cmd:"" help:"Add, list, rescue and disable users."`
	Token   tokenCmd   `cmd:"" help:"Issue API tokens."`
	Restore restoreCmd `cmd:"" help:"Put a backup in the place of the database, which is kept."`

	VerifyBackup verifyBackupCmd `cmd:"" help:"Find out whether a backup would restore."`
	VerifyAudit  verifyAuditCmd  `cmd:"" help:"Walk the chain of the audit log."`
	RotateKey    rotateKeyCmd    `cmd:"" help:"Seal every secret under a new master key."`

	Sample  sampleCmd  `cmd:"" hidden:"" help:"Fill an empty data folder with sample data."`
	Backup  backupCmd  `cmd:"" help:"Copy the database, with a manifest, while the server runs."`
	Doctor  doctorCmd  `cmd:"" help:"Look for faults in the file, the ledger, the audit chain and the key."`
	Import  importCmd  `cmd:"" help:"Bring users and API tokens of New API or One API over."`
	Migrate migrateCmd `cmd:"" help:"Bring the database up to date, after a copy."`
	OpenAPI openapiCmd `cmd:"" name:"openapi" help:"Print the document of all doors."`
	Version versionCmd `cmd:"" help:"Print the version, the commit and what it was built with."`
}

// shell is what a command may touch of the process it runs in.
type shell struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	now    func() time.Time
}

func main() {
	syscall.Umask(0o077) // whatever is made here is the owner's alone
	sh := &shell{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now}
	os.Exit(sh.run(os.Args[1:]))
}

// run runs one command line and returns its exit code.
func (sh *shell) run(args []string) int {
	var tree commands
	return sh.runTree(&tree, &tree.Basic, args)
}

// runTree runs one command line on a command tree; a command's Run may ask for
// the shell and for the basic settings.
func (sh *shell) runTree(tree any, basic *config.Basic, args []string) (code int) {
	defer func() {
		// Left alone, a panic would end with 2, which means wrong usage.
		if fault := recover(); fault != nil {
			fmt.Fprintf(sh.stderr, "latchkey: a fault in latchkey itself: %v\n%s", fault, debug.Stack())
			code = exitFailed
		}
	}()
	settings := config.Environment()
	parser, err := kong.New(tree,
		kong.Name("latchkey"),
		kong.Description("Stands between AI bots and the people and programs that may use them."),
		kong.Writers(sh.stdout, sh.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Bind(sh, basic),
	)
	if err != nil {
		return sh.fail(err)
	}
	line, err := parser.Parse(args)
	if err != nil {
		return sh.fail(usage(err))
	}
	// Version answers also where the settings are broken, for whoever mends them.
	if settings != nil && line.Command() != "version" {
		return sh.fail(settings)
	}
	return sh.fail(line.Run())
}
