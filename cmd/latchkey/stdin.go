package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"latchkey/internal/secret"
)

const longestLine = 4096

// readSecret reads what --password-stdin and --secret-stdin promise: all of
// standard input, less one line end. More than one line is more likely a wrong
// file than a secret.
func (sh *shell) readSecret(flag string) (secret.Text, error) {
	all, err := io.ReadAll(io.LimitReader(sh.stdin, longestLine+1))
	if err != nil {
		return "", fmt.Errorf("cannot read standard input: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(all), "\n"), "\r")
	switch {
	case text == "":
		return "", usage(fmt.Errorf("%s: nothing came on standard input", flag))
	case len(all) > longestLine:
		return "", usage(fmt.Errorf("%s: more than %d bytes came on standard input", flag, longestLine))
	case strings.ContainsAny(text, "\r\n"):
		return "", usage(errors.New(flag + ": more than one line came on standard input"))
	}
	return secret.Text(text), nil
}
