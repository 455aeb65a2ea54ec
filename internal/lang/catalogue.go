package lang

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

//go:embed en/*.json zh/*.json
var files embed.FS

// message is one entry: other is the text, one the English singular if it
// differs.
type message struct{ one, other string }

// catalogues is built once from what the binary carries and never changes.
var catalogues = mustLoad(files)

func mustLoad(from fs.FS) map[Lang]map[string]message {
	all := map[Lang]map[string]message{}
	for _, l := range All() {
		entries, err := load(from, l)
		if err != nil {
			panic(err) // a broken catalogue is a broken build; the tests load it first
		}
		all[l] = entries
	}
	return all
}

func load(from fs.FS, l Lang) (map[string]message, error) {
	names, err := fs.Glob(from, path.Join(string(l), "*.json"))
	if err != nil {
		return nil, err
	}
	entries, home := map[string]message{}, map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(data, &raw); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for key, text := range raw {
			if other, taken := home[key]; taken {
				return nil, fmt.Errorf("%s: key %q is already in %s", name, key, other)
			}
			m, err := parse(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, key, err)
			}
			entries[key], home[key] = m, name
		}
	}
	return entries, nil
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
	m := message{one: forms["one"], other: forms["other"]}
	delete(forms, "one")
	delete(forms, "other")
	if m.other == "" || len(forms) > 0 {
		return message{}, fmt.Errorf("want the forms \"one\" and \"other\"")
	}
	return m, nil
}
