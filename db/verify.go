package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"latchkey/internal/access"
)

// manifestMax is more than any manifest of ours takes, in bytes.
const manifestMax = 1 << 20

// ReadManifest reads what is said of a backup. A file without a manifest, and one
// whose manifest is of another form, is no backup.
func ReadManifest(file string) (Manifest, error) {
	var m Manifest
	text, err := readWhole(file + ManifestSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return m, access.Fail(access.NotFound, "backup_no_manifest", "%s has no manifest beside it: a file without one is no backup.", filepath.Base(file)).Because(err)
	}
	if err != nil {
		return m, err
	}
	if json.Unmarshal(text, &m) != nil || m.Format != ManifestFormat {
		return m, access.Fail(access.Invalid, "backup_manifest", "The manifest of %s cannot be read.", filepath.Base(file))
	}
	return m, nil
}

func readWhole(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, manifestMax))
}

// VerifyBackup finds out whether a backup is what its manifest says, whole and in
// balance. It returns the manifest and one line for each fault. The file is not
// changed.
func VerifyBackup(ctx context.Context, file string) (Manifest, []string, error) {
	m, err := ReadManifest(file)
	if err != nil {
		return m, nil, err
	}
	size, sum, err := sumOf(file)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil, access.Fail(access.NotFound, "backup_missing", "There is no backup at %s.", file)
	}
	if err != nil {
		return m, nil, err
	}
	if size != m.Size || sum != m.SHA256 {
		return m, []string{fmt.Sprintf("file: %d bytes with sum %s, the manifest says %d with %s", size, sum, m.Size, m.SHA256)}, nil
	}
	faults, err := m.verifyContent(ctx, file)
	return m, faults, err
}

func (m Manifest) verifyContent(ctx context.Context, file string) (faults []string, err error) {
	made, err := time.Parse(time.RFC3339, m.CreatedAt)
	if err != nil {
		return nil, access.Fail(access.Invalid, "backup_manifest", "The manifest of %s cannot be read.", filepath.Base(file)).Because(err)
	}
	// By the clock of its making: a call that was under way then is no fault now.
	i, err := Inspect(ctx, Options{Path: file, Now: func() time.Time { return made }})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	if m.Schema > NewestSchema() {
		faults = append(faults, fmt.Sprintf("schema: the backup has %d, this Latchkey only knows %d; use the newer version", m.Schema, NewestSchema()))
	}
	for _, check := range []func(context.Context) ([]string, error){i.CheckFile, i.CheckLedger, i.sameAs(m)} {
		found, err := check(ctx)
		if err != nil {
			return nil, err
		}
		faults = append(faults, found...)
	}
	return faults, nil
}

// sameAs compares what a file holds with what a manifest says.
func (i *Inspection) sameAs(m Manifest) func(context.Context) ([]string, error) {
	return func(ctx context.Context) (faults []string, err error) {
		got, err := i.describe(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range figures {
			if want, said := m.Figures[f.name]; said && want != got.Figures[f.name] {
				faults = append(faults, fmt.Sprintf("manifest: %s %d, the file has %d", f.name, want, got.Figures[f.name]))
			}
		}
		if got.Schema != m.Schema || got.KeyNumber != m.KeyNumber || got.AuditHead != m.AuditHead {
			faults = append(faults, "manifest: schema, master key or end of the audit log differ from the file's")
		}
		return faults, nil
	}
}

func sumOf(path string) (size int64, sum string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer file.Close()
	h := sha256.New()
	size, err = io.Copy(h, file)
	return size, hex.EncodeToString(h.Sum(nil)), err
}
