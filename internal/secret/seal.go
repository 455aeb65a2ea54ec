package secret

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Place is where a ciphertext stands. A ciphertext opens only in the place it
// was sealed for.
type Place struct {
	Table  string
	Row    string // public id, or the hex of a hash: what never changes about the row
	Column string
}

const (
	sealVersion = 1
	sealLabel   = "latchkey seal v1"
	headBytes   = 5 // version, key number
)

// ErrSealed says that a ciphertext does not open: changed, cut, moved to another
// row or column, or no ciphertext. It is a fault, not the caller's doing.
var ErrSealed = errors.New("a sealed value does not open here")

// Seal encrypts plain for its place with AES-256-GCM under the current key and
// a random nonce. The result is: version (1 byte), key number (4, big endian),
// nonce (12), ciphertext and tag.
func (k *Keys) Seal(place Place, plain []byte) ([]byte, error) {
	if place.Table == "" || place.Row == "" || place.Column == "" {
		return nil, fmt.Errorf("seal: a place needs a table, a row and a column, not %+v", place)
	}
	number := k.Current()
	head := binary.BigEndian.AppendUint32([]byte{sealVersion}, uint32(number))
	return k.byNum[number].field.Seal(head, nil, plain, place.bound(head)), nil
}

// Open returns what was sealed for this place. It fails with ErrSealed, or with
// a KeyError when the key of that number is not at hand.
func (k *Keys) Open(place Place, sealed []byte) ([]byte, error) {
	number, err := KeyNumber(sealed)
	if err != nil {
		return nil, err
	}
	one := k.byNum[number]
	if one == nil {
		return nil, keyError(nil, "a value is sealed under master key %d, and %s does not hold it", number, k.from())
	}
	plain, err := one.field.Open(nil, nil, sealed[headBytes:], place.bound(sealed[:headBytes]))
	if err != nil {
		return nil, fmt.Errorf("%w: %s.%s", ErrSealed, place.Table, place.Column)
	}
	return plain, nil
}

// KeyNumber is the number of the key that a value was sealed under.
func KeyNumber(sealed []byte) (int, error) {
	if len(sealed) < headBytes || sealed[0] != sealVersion {
		return 0, fmt.Errorf("%w: not a sealed value of version %d", ErrSealed, sealVersion)
	}
	return int(binary.BigEndian.Uint32(sealed[1:headBytes])), nil
}

// bound is the associated data: label, table, row, column, then the version and
// the key number as they stand in front of the ciphertext.
func (p Place) bound(head []byte) []byte {
	b := prefixed(nil, sealLabel)
	b = prefixed(b, p.Table)
	b = prefixed(b, p.Row)
	b = prefixed(b, p.Column)
	return append(b, head...)
}
