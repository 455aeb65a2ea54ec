package config

import (
	"os"
	"reflect"
	"slices"
	"strings"
)

const family = "LATCHKEY_"

// Environment prepares the environment before flags are read: a setting that is
// set to nothing is not set (container files often write NAME=${NAME:-}), and a
// LATCHKEY_ name that no setting has is an Error.
func Environment() error {
	known := Names()
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, family) {
			continue
		}
		if !slices.Contains(known, name) {
			return unknown(name, known)
		}
		if strings.TrimSpace(value) == "" {
			os.Unsetenv(name)
		}
	}
	return nil
}

// Names lists every LATCHKEY_ setting, from the tags themselves.
func Names() []string {
	names := []string{envSecretKey, envMasterKey, envMetricsToken}
	for _, part := range []reflect.Type{reflect.TypeFor[Basic](), reflect.TypeFor[Serving]()} {
		for i := range part.NumField() {
			names = append(names, part.Field(i).Tag.Get("env"))
		}
	}
	slices.Sort(names)
	return names
}

func unknown(name string, known []string) *Error {
	// Three letters wrong is a slip, but not in a name of three letters.
	best, least := "", min(4, (len(name)-len(family))/2+1)
	for _, candidate := range known {
		if d := distance(strings.ToUpper(name), candidate); d < least {
			best, least = candidate, d
		}
	}
	if best != "" {
		return refuse(name, "is not a setting. Did you mean %s?", best)
	}
	return refuse(name, "is not a setting. Remove it, or see “latchkey serve --help” for the names.")
}

// distance is how many letters to add, drop or change to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
