package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// KeyFile is the name of the key file in the data folder, and of the systemd
// credential.
const KeyFile = "secret.key"

// Where says where to look for the master key, in this order: the text of the
// environment, the key file in the data folder, the systemd credential.
type Where struct {
	Folder      string // the data folder
	Environment string // LATCHKEY_SECRET_KEY, or ""
	Credentials string // $CREDENTIALS_DIRECTORY, or ""
	Random      Source
	// Sealed tells whether the database already holds anything sealed or knows
	// a key number. It is asked only when no key is found; nil means yes.
	Sealed func() (bool, error)
}

// Load finds the master key, or makes one in Folder when there is none and
// nothing has been sealed yet. It never replaces a key: with sealed rows and no
// key it fails. Every failure is a KeyError, but for one of Sealed's own.
func Load(where Where) (*Keys, error) {
	if where.Environment != "" {
		return parseFrom("LATCHKEY_SECRET_KEY", where.Environment)
	}
	path := filepath.Join(where.Folder, KeyFile)
	keys, err := readKeyFile(path, true)
	if keys != nil || err != nil {
		return keys, err
	}
	if where.Credentials != "" {
		keys, err = readKeyFile(filepath.Join(where.Credentials, KeyFile), false)
		if keys != nil || err != nil {
			return keys, err
		}
	}
	sealed := true
	if where.Sealed != nil {
		if sealed, err = where.Sealed(); err != nil {
			return nil, fmt.Errorf("look for sealed values: %w", err)
		}
	}
	if sealed {
		return nil, keyError(nil, "no master key: the database holds secrets sealed under one, but there is no %s and LATCHKEY_SECRET_KEY is not set; bring the key back", path)
	}
	return makeKey(path, where.Random)
}

func parseFrom(origin, text string) (*Keys, error) {
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, keyError(err, "cannot use the master key from %s", origin)
	}
	keys.origin = origin
	return keys, nil
}

// readKeyFile returns nil and no error when there is no such file. guarded asks
// for a file that only its owner can read; systemd guards credentials itself,
// with an access list that shows as group bits.
func readKeyFile(path string, guarded bool) (*Keys, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, dangling := os.Lstat(path); dangling == nil {
			return nil, keyError(nil, "the key file %s is a link to nowhere", path)
		}
		return nil, nil
	}
	if err != nil {
		return nil, keyError(err, "cannot read the key file")
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, keyError(err, "cannot read the key file")
	}
	if !info.Mode().IsRegular() || info.Size() > 64<<10 {
		return nil, keyError(nil, "%s is not a key file", path)
	}
	if guarded {
		if err := checkGuarded(path, info); err != nil {
			return nil, err
		}
	}
	text := make([]byte, info.Size())
	if _, err := file.ReadAt(text, 0); err != nil {
		return nil, keyError(err, "cannot read the key file")
	}
	return parseFrom(path, string(text))
}

func checkGuarded(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return keyError(nil, "the key file %s can be read by others (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	owner, me := ownerOf(info), os.Geteuid()
	if owner == me || owner == 0 {
		return nil
	}
	// Root may run a shell command on the service's folder.
	if folder, err := os.Stat(filepath.Dir(path)); err == nil && me == 0 && ownerOf(folder) == owner {
		return nil
	}
	return keyError(nil, "the key file %s belongs to another account (number %d); it must belong to the one that runs latchkey", path, owner)
}

func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return os.Geteuid()
}

func makeKey(path string, r Source) (*Keys, error) {
	keys, err := parseFrom(path, base64.StdEncoding.EncodeToString(bytesFrom(r, masterBytes)))
	if err != nil {
		return nil, err
	}
	temp, err := writeTemp(path, keys)
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp)
	// A link, unlike a rename, fails when another start was faster.
	if err := os.Link(temp, path); err != nil {
		return nil, keyError(err, "cannot make the key file")
	}
	if err := syncFolder(path); err != nil {
		return nil, err
	}
	keys.made = true
	return keys, nil
}

// With returns these keys and a new one under the next number, which seals from
// then on. It does not save anything.
func (k *Keys) With(r Source) *Keys {
	more := k.only(func(int) bool { return true })
	more.add(k.Current()+1, bytesFrom(r, masterBytes))
	return more
}

// Without returns these keys but for one; the current key stays.
func (k *Keys) Without(number int) *Keys {
	return k.only(func(n int) bool { return n != number || n == k.Current() })
}

func (k *Keys) only(keep func(int) bool) *Keys {
	out := &Keys{byNum: map[int]*key{}, origin: k.origin}
	for _, n := range k.numbers {
		if keep(n) {
			out.add(n, k.byNum[n].master)
		}
	}
	return out
}

// Save replaces the key file in a folder, whole or not at all.
func (k *Keys) Save(folder string) error {
	path := filepath.Join(folder, KeyFile)
	temp, err := writeTemp(path, k)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Rename(temp, path); err != nil {
		return keyError(err, "cannot save the key file")
	}
	return syncFolder(path)
}

// Spell writes the keys as the key file and LATCHKEY_SECRET_KEY hold them.
func (k *Keys) Spell() Text {
	var b strings.Builder
	for _, n := range k.numbers {
		fmt.Fprintf(&b, "%d:%s\n", n, base64.StdEncoding.EncodeToString(k.byNum[n].master))
	}
	return Text(b.String())
}

// writeTemp writes the keys beside path, through to the disk, and returns the
// name; os.CreateTemp makes the file readable for its owner alone.
func writeTemp(path string, keys *Keys) (string, error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return "", keyError(err, "cannot write the key file")
	}
	_, err = file.WriteString(keys.Spell().Reveal())
	if err == nil {
		err = file.Sync()
	}
	if shut := file.Close(); err == nil {
		err = shut
	}
	if err != nil {
		os.Remove(file.Name())
		return "", keyError(err, "cannot write the key file")
	}
	return file.Name(), nil
}

func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return keyError(err, "cannot keep the key file")
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return keyError(err, "cannot keep the key file")
	}
	return nil
}
