package control

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"latchkey/internal/access"
)

// ImportLine is one line of a file of customers and what is wrong with it.
type ImportLine struct {
	Line  int // in the file, from 1
	Form  CustomerForm
	Wrong error // nil for nothing
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
		return nil, access.Fail(access.Invalid, "import_large", "At most %d MB fit in one file. Send it in parts.", ImportBytesMax>>20).At("file")
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
