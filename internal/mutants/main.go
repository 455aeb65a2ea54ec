// Mutants proves the tests: it turns one condition of the program around, runs the
// tests of its room and expects them to fail; then the next.
//
// It promises to leave the tree as it is: a mutant stands in an overlay that only
// its own build sees. It tells every mutant that survives with the place to look
// at, and fails where a room kills less of its mutants than it must. A mutant that
// does not compile counts for nothing, one that never ends is killed.
//
//	go run ./internal/mutants              all rooms, for hours
//	go run ./internal/mutants -room ledger -sample 40
//
// Start with rooms for what is mutated, mutations for how.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// room is code, the tests that must notice when it is wrong, and how many of its
// mutants they have to kill, in percent.
type room struct {
	name  string
	files []string // patterns
	tests []string // arguments of go test
	least int
}

var rooms = []room{
	{
		"ledger",
		[]string{"db/ledger.go", "db/ledger_accounts.go", "db/settle.go", "db/purses.go", "db/periods.go", "db/allowances.go"},
		[]string{"./db", "-run", "Ledger|Watch|History|Allowance|Share|Quota|Token|Seat", "-rapid.checks=60", "-rapid.nofailfile"},
		90,
	},
	{"access", []string{"internal/access/*.go"}, []string{"./internal/access"}, 90},
	{"gateway", []string{"internal/gateway/*.go"}, []string{"./internal/gateway"}, 80},
	{"control", []string{"internal/control/*.go"}, []string{"./internal/control"}, 80},
	{"secret", []string{"internal/secret/*.go"}, []string{"./internal/secret"}, 80},
	{"upstream", []string{"internal/upstream/*.go"}, []string{"./internal/upstream"}, 80},
}

func main() {
	only := flag.String("room", "", "one room alone")
	sample := flag.Int("sample", 0, "so many mutants of each room, chosen by chance; 0 is all")
	seed := flag.Uint64("seed", 1, "of the chance")
	list := flag.Bool("list", false, "list the mutants instead of trying them")
	flag.Parse()
	failed := false
	for _, r := range rooms {
		if *only != "" && r.name != *only {
			continue
		}
		good, err := r.try(*sample, rand.New(rand.NewPCG(*seed, 0)), *list)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		failed = failed || !good
	}
	if failed {
		os.Exit(1)
	}
}

// try tells whether enough mutants of a room were killed.
func (r room) try(sample int, chance *rand.Rand, list bool) (good bool, err error) {
	all, err := r.mutants()
	if err != nil {
		return false, err
	}
	chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if sample > 0 && sample < len(all) {
		all = all[:sample]
	}
	if list {
		for _, m := range all {
			fmt.Println(m)
		}
		return true, nil
	}
	if out, err := r.test("", os.DevNull); err != nil {
		return false, fmt.Errorf("the tests of %s fail before anything is changed:\n%s", r.name, out)
	}
	counts := map[fate]int{}
	for i, m := range all {
		f, err := r.fate(m)
		if err != nil {
			return false, err
		}
		counts[f]++
		if f == survived {
			fmt.Printf("%s: survived: %s\n", r.name, m)
		}
		if (i+1)%25 == 0 {
			fmt.Printf("%s: %d of %d tried\n", r.name, i+1, len(all))
		}
	}
	percent := 100
	if viable := counts[killed] + counts[survived]; viable > 0 {
		percent = 100 * counts[killed] / viable
	}
	fmt.Printf("%s: %d killed, %d survived, %d do not compile: %d%% killed, at least %d%%\n", r.name, counts[killed], counts[survived], counts[stillborn], percent, r.least)
	return percent >= r.least, nil
}

func (r room) mutants() (all []mutant, err error) {
	for _, pattern := range r.files {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			return nil, fmt.Errorf("no files %s: run this from the root of the tree (%w)", pattern, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			found, err := mutantsOf(path)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

// fate is what becomes of a mutant.
type fate int

const (
	killed fate = iota
	survived
	stillborn
)

func (r room) fate(m mutant) (fate, error) {
	file, err := os.CreateTemp("", "mutant-*.go")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	source, err := os.ReadFile(m.path)
	if err != nil {
		return 0, err
	}
	changed := string(source[:m.from]) + m.after + string(source[m.to:])
	if _, err := file.WriteString(changed); err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	out, err := r.test(m.path, file.Name())
	switch {
	case err == nil:
		return survived, nil
	case strings.Contains(out, "[build failed]"):
		return stillborn, nil
	}
	return killed, nil
}

// test runs the room's tests with a file in the place of another.
func (r room) test(path, instead string) (string, error) {
	args := []string{"test", "-count=1", "-failfast", "-timeout=3m"}
	if path != "" {
		whole, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{whole: instead}})
		if err != nil {
			return "", err
		}
		name := instead + ".json"
		if err := os.WriteFile(name, overlay, 0o600); err != nil {
			return "", err
		}
		defer os.Remove(name)
		args = append(args, "-overlay", name)
	}
	// The package stands first, then what is for the tests themselves.
	cmd := exec.Command("go", append(args, r.tests...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
