package markdown

import (
	"os"
	"strconv"
	"strings"
)

// hostile are texts that try to become more than text, one a line as Go spells it.
// The browser tests read the same file.
func hostile() []string {
	file, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		panic(err)
	}
	var all []string
	for line := range strings.Lines(string(file)) {
		text, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil {
			panic(line)
		}
		all = append(all, text)
	}
	return all
}
