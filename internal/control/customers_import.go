package control

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"latchkey/internal/access"
	"latchkey/internal/secret"
)

// Limits of a file of customers: what is enrolled within seconds, as one act.
const (
	ImportRowsMax  = 500
	ImportBytesMax = 1 << 20
)

// ImportLine is one line of a file of customers and what became of it.
type ImportLine struct {
	Line     int // in the file, from 1
	Form     CustomerForm
	PublicID string // once made
	Password string // that was made; kept nowhere in clear
	Wrong    error  // what is wrong with the line, nil for nothing
}

// Import is a file of customers, read and checked.
type Import struct {
	Lines []ImportLine
	Bad   int  // lines with something wrong
	Made  bool // the customers exist now
}

// ImportCustomers enrols the customers of a CSV file: username, email, note and
// password, in that order or as the first line names them. All of them are made,
// or none: with anything wrong, or dry, it only says what it found. A customer
// without a password gets one that must be changed.
func (c *Control) ImportCustomers(ctx context.Context, by access.Actor, file []byte, dry bool) (Import, error) {
	if err := by.Must(access.ChangeAccess); err != nil {
		return Import{}, err
	}
	w, err := c.workspace(ctx, by)
	if err != nil {
		return Import{}, err
	}
	lines, err := readCustomers(file)
	if err != nil {
		return Import{}, err
	}
	i := Import{Lines: lines}
	rows, err := c.checkImport(ctx, by, w, &i)
	if err != nil || dry || i.Bad > 0 {
		return i, err
	}
	if err := c.hashImport(ctx, &i, rows); err != nil {
		return i, err
	}
	i.Made = true
	return i, c.DB.MakeCustomers(ctx, by, rows)
}

// checkImport checks every line by itself, then the names against each other and
// against those that are taken.
func (c *Control) checkImport(ctx context.Context, by access.Actor, w access.Workspace, i *Import) ([]access.Customer, error) {
	rows, keys := make([]access.Customer, len(i.Lines)), make([]string, len(i.Lines))
	for n := range i.Lines {
		l := &i.Lines[n]
		change, wrong := checkCustomer(l.Form, true)
		plain, made, bad := c.newPassword(l.Form.Password, false, *change.Username, deref(l.Form.Email), w.Name)
		l.Wrong = errors.Join(wrong, bad)
		if made {
			l.Password = plain
		}
		keys[n] = *change.UsernameKey
		if l.Wrong == nil && slices.Contains(keys[:n], keys[n]) {
			l.Wrong = access.Fail(access.Conflict, "customer_twice", "This name stands in the file twice.").At("username")
		}
		rows[n] = access.Customer{
			PublicID: secret.NewPublicID(c.Random), WorkspaceID: w.ID, Username: *change.Username, UsernameKey: keys[n], Email: deref(change.Email),
			Note: deref(change.Note), PasswordHash: plain, MustChange: made, CreatedBy: by.UserNumber(),
		}
		l.PublicID = rows[n].PublicID
	}
	taken, err := c.DB.TakenUsernames(ctx, w.ID, keys)
	for n := range i.Lines {
		l := &i.Lines[n]
		if l.Wrong == nil && taken[keys[n]] {
			l.Wrong = access.Fail(access.Conflict, "customer_taken", "This name is taken already. Choose another.").At("username")
		}
		if l.Wrong != nil {
			i.Bad++
		}
	}
	return rows, err
}

// hashImport puts the hash of each password where the password stood.
func (c *Control) hashImport(ctx context.Context, i *Import, rows []access.Customer) error {
	const workers = 2 // as many as hash at once anyway
	wrong := make([]error, workers)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for n := worker; n < len(rows) && wrong[worker] == nil; n += workers {
				rows[n].PasswordHash, wrong[worker] = c.Passwords.Hash(ctx, rows[n].PasswordHash)
			}
		})
	}
	all.Wait()
	return errors.Join(wrong...)
}

// importColumns are the columns in their plain order, each with the names that a
// first line may give it.
var importColumns = [...][]string{
	{"username", "name", "user", "用户名"}, {"email", "e-mail", "mail", "邮箱"}, {"note", "notes", "备注"}, {"password", "密码"},
}

// readCustomers reads a CSV of customers: with or without a first line of names,
// cut at commas, semicolons or tabs, as spreadsheets write it.
func readCustomers(file []byte) ([]ImportLine, error) {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	switch {
	case len(file) > ImportBytesMax:
		return nil, access.Fail(access.Invalid, "import_large", "At most %d KB fit in one file. Send it in parts.", ImportBytesMax>>10).At("file")
	case !utf8.Valid(file):
		return nil, access.Fail(access.Invalid, "import_text", "This is not a CSV file in UTF-8. Save it as “CSV UTF-8”.").At("file")
	}
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comma = -1, true, separator(file)
	var lines []ImportLine
	order := [...]int{0, 1, 2, 3}
	for first := true; ; first = false {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line := 0
			if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
				line = wrong.StartLine
			}
			return nil, access.Fail(access.Invalid, "import_line", "Line %d cannot be read as CSV. Look at its quotes.", line).At("file").Because(err)
		}
		line, _ := r.FieldPos(0)
		if named, ok := headOf(cells); first && ok {
			order = named
			continue
		}
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue
		}
		if len(lines) == ImportRowsMax {
			return nil, access.Fail(access.Invalid, "import_rows", "At most %d customers fit in one file. Send it in parts.", ImportRowsMax).At("file")
		}
		lines = append(lines, ImportLine{Line: line, Form: formOf(cells, order)})
	}
	if len(lines) == 0 {
		return nil, access.Fail(access.Invalid, "import_empty", "There is no customer in this file.").At("file")
	}
	return lines, nil
}

// separator is the one of the three that the first line holds most often.
func separator(file []byte) rune {
	first, _, _ := bytes.Cut(file, []byte("\n"))
	best, most := ',', bytes.Count(first, []byte(","))
	for _, r := range []rune{';', '\t'} {
		if n := bytes.Count(first, []byte(string(r))); n > most {
			best, most = r, n
		}
	}
	return best
}

// headOf reads a first line of names: where each column stands, -1 where it does
// not. A line that names no username is none.
func headOf(cells []string) (order [len(importColumns)]int, ok bool) {
	for column, names := range importColumns {
		order[column] = slices.IndexFunc(cells, func(cell string) bool {
			return slices.Contains(names, strings.ToLower(strings.TrimSpace(cell)))
		})
	}
	return order, order[0] >= 0
}

func formOf(cells []string, order [len(importColumns)]int) CustomerForm {
	cell := func(column int) *string {
		at := order[column]
		if at < 0 || at >= len(cells) {
			return nil
		}
		text := strings.TrimSpace(cells[at])
		// Our own export puts a quote in front of what a spreadsheet would compute.
		if rest, ok := strings.CutPrefix(text, "'"); ok && rest != "" && strings.ContainsRune("=+-@", rune(rest[0])) {
			text = rest
		}
		return &text
	}
	f := CustomerForm{Username: cell(0), Email: cell(1), Note: cell(2), Password: cell(3)}
	if deref(f.Password) == "" {
		f.Password = nil
	}
	return f
}
