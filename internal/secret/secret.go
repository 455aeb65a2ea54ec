// Package secret makes, recognises, hashes, masks, seals and opens every secret
// of the house.
//
// It promises that a secret made here comes evenly from the random source that
// was handed in and from nothing else; that what the database keeps of a secret
// is a hash, its last four characters, or a ciphertext bound to the table, row
// and column it stands in; and that the master key is made once, in a folder
// that has nothing sealed yet, and never again in silence.
//
// It refuses to fall back: a random source that fails panics, a key that is
// missing or does not fit is a KeyError, a ciphertext that was moved or changed
// does not open. It reads no environment and no clock.
//
// Start with token.go for the shapes, hash.go for look-up, keys.go and load.go
// for the master key, seal.go for ciphertexts, passwords.go for people.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Source is where randomness comes from: crypto/rand.Reader, except in tests.
type Source = io.Reader

const hidden = "[secret]"

// Text is a secret on its way through the house: printing, logging or encoding
// it shows "[secret]". Reveal is the one way to the text.
type Text string

// Reveal returns the secret itself.
func (t Text) Reveal() string { return string(t) }

func (t Text) String() string { return hidden }

// Format covers every verb, so that %q, %x or %#v do not slip past String.
func (t Text) Format(w fmt.State, _ rune) { io.WriteString(w, hidden) }

// LogValue masks the secret in log lines.
func (t Text) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText masks the secret in JSON and every other text encoding.
func (t Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }
