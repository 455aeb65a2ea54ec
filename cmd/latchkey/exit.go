package main

import (
	"errors"
	"fmt"

	"latchkey/internal/config"
	"latchkey/internal/secret"
)

// The exit codes are a contract; scripts and service managers read them.
const (
	exitStopped = 0
	exitFailed  = 1
	exitUsage   = 2
	exitInUse   = 3
	exitKey     = 4
)

// usageError is a command line that cannot be understood.
type usageError struct{ cause error }

func (e *usageError) Error() string {
	return e.cause.Error() + ". See “latchkey --help”."
}

func (e *usageError) Unwrap() error { return e.cause }

func usage(err error) error { return &usageError{err} }

// fail says what went wrong, if anything did, and returns the exit code.
func (sh *shell) fail(err error) int {
	if err != nil {
		fmt.Fprintf(sh.stderr, "latchkey: %v\n", err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	if err == nil {
		return exitStopped
	}
	if errors.Is(err, errInUse) {
		return exitInUse
	}
	if _, ok := errors.AsType[*secret.KeyError](err); ok {
		return exitKey
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return exitUsage
	}
	return exitFailed
}
