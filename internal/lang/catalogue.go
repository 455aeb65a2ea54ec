package lang

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
)

//go:embed en/*.json zh/*.json
var files embed.FS

// message is one entry: other is the text, one the English singular if it
// differs.
type message struct{ zero, one, other string }

// catalogues is built once from what the binary carries and never changes.
var catalogues = mustLoad(files)

func mustLoad(from fs.FS) map[Lang]map[string]message {
	all := map[Lang]map[string]message{}
	for _, l := range All() {
		entries, _, err := load(from, l)
		if err != nil {
			panic(err) // a broken catalogue is a broken build; the tests load it first
		}
		all[l] = entries
	}
	return all
}

// load reads the catalogue of l. A key in two files is told, not refused: the
// first file's text holds, and the tests fail.
func load(from fs.FS, l Lang) (entries map[string]message, twice []string, err error) {
	names, err := fs.Glob(from, path.Join(string(l), "*.json"))
	if err != nil {
		return nil, nil, err
	}
	entries, home := map[string]message{}, map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, nil, err
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(data, &raw); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		for key, text := range raw {
			if other, taken := home[key]; taken {
				twice = append(twice, fmt.Sprintf("%s is in %s and in %s", key, other, name))
				continue
			}
			m, err := parse(text)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %s: %w", name, key, err)
			}
			entries[key], home[key] = m, name
		}
	}
	return entries, twice, nil
}

// slot is one placeholder: which argument, spelled how.
type slot struct {
	argument int
	verb     string
}

var placeholder = regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0]*\d*(?:\.\d+)?([a-zA-Z%])`)

// placeholders lists those of a fmt format, in the order of their arguments.
func placeholders(text string) []slot {
	var all []slot
	next := 1
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if m[2] == "%" {
			continue
		}
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1])
		}
		all = append(all, slot{next, m[2]})
		next++
	}
	slices.SortFunc(all, func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.argument, b.argument), cmp.Compare(a.verb, b.verb))
	})
	return slices.Compact(all)
}

func parse(text json.RawMessage) (message, error) {
	var plain string
	if json.Unmarshal(text, &plain) == nil {
		return message{other: plain}, nil
	}
	var forms map[string]string
	if err := json.Unmarshal(text, &forms); err != nil {
		return message{}, err
	}
	m := message{zero: forms["zero"], one: forms["one"], other: forms["other"]}
	delete(forms, "zero")
	delete(forms, "one")
	delete(forms, "other")
	if m.other == "" || len(forms) > 0 {
		return message{}, fmt.Errorf("want the forms \"zero\", \"one\" and \"other\"")
	}
	return m, nil
}
