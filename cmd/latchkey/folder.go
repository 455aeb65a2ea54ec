package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// use says how a command uses the data folder.
type use int

const (
	// beside is for commands that work while the server runs: doctor, backup,
	// user, token.
	beside use = iota
	// serving is the server: one at a time.
	serving
	// alone is for commands that replace the database or its key: restore,
	// rotate-key, import. Nothing else may be at work, not even beside.
	alone
)

const lockName = "lock"

var errInUse = errors.New("data folder in use")

// folder is the data folder, held until Close. The server holds a lock on the
// file "lock"; commands beside it hold a shared lock on the folder itself, so
// that a command that must be alone, which takes both, sees each of them. The
// kernel lets go of a lock when its process ends, however it ends.
type folder struct {
	path string
	held []*os.File
}

// openFolder makes the folder if it is missing, refuses one that others can
// read, and takes the locks of its use; errInUse tells that they are taken.
func openFolder(path string, how use) (*folder, error) {
	if err := makeFolder(path); err != nil {
		return nil, err
	}
	f := &folder{path: path}
	if err := f.take(how); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// file is the path of something in the folder.
func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// Close lets go of the locks.
func (f *folder) Close() error {
	var all error
	for _, file := range f.held {
		all = errors.Join(all, file.Close())
	}
	f.held = nil
	return all
}

func (f *folder) take(how use) error {
	if how != beside {
		lock, err := f.lock(f.file(lockName), os.O_RDWR|os.O_CREATE, syscall.LOCK_EX)
		if err != nil {
			return err
		}
		if err := signLock(lock); err != nil {
			return err
		}
	}
	switch how {
	case beside:
		_, err := f.lock(f.path, os.O_RDONLY, syscall.LOCK_SH)
		return err
	case alone:
		_, err := f.lock(f.path, os.O_RDONLY, syscall.LOCK_EX)
		return err
	}
	return nil
}

func (f *folder) lock(path string, flags, kind int) (*os.File, error) {
	file, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, syscall.ELOOP) && path == f.path {
		// The folder itself may well be a link.
		file, err = os.OpenFile(path, flags, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder: %w", err)
	}
	f.held = append(f.held, file)
	for {
		err = syscall.Flock(int(file.Fd()), kind|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("the %w: %s is held by %s; stop that one first", errInUse, f.path, f.holder())
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder %s: %w", f.path, err)
	}
	return file, nil
}

// signLock leaves the process number in the lock file for whoever is refused.
func signLock(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return fmt.Errorf("cannot write the lock file: %w", err)
	}
	if _, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("cannot write the lock file: %w", err)
	}
	return nil
}

func (f *folder) holder() string {
	text, err := os.ReadFile(f.file(lockName))
	number, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || bad != nil || number == os.Getpid() {
		return "another latchkey"
	}
	return fmt.Sprintf("another latchkey (process %d)", number)
}

func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot read the data folder: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	// A folder that is ours, or empty as a mount point or mkdir leaves it, is
	// closed; in any other, such as a home or /tmp, a chmod would do harm.
	if ours, err := isOurs(path); err != nil {
		return fmt.Errorf("cannot read the data folder: %w", err)
	} else if ours && info.Mode()&fs.ModeSticky == 0 {
		if err := os.Chmod(path, 0o700); err == nil {
			return nil
		}
	}
	return fmt.Errorf("others can look into the data folder %s (mode %04o); run: chmod 700 %s, or name another with --data", path, info.Mode().Perm(), path)
}

func isOurs(path string) (bool, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		switch entry.Name() {
		case "latchkey.db", "secret.key":
			return true, nil
		}
	}
	return len(entries) == 0, nil
}
