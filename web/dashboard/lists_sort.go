package dashboard

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"latchkey/db"
	"latchkey/views"
	"latchkey/web/page"
)

// sortMade is the order in which rows were made: newest first without a word.
const sortMade = "made"

// readSort reads what the list goes by: one of the columns that it offers, with a
// minus for the other way round.
func readSort(c *fiber.Ctx, p *listing) {
	name, down := strings.CutPrefix(c.Query("sort"), "-")
	known := name == "" || name == sortMade
	for _, s := range p.sorts() {
		if name == s.name && c.Query("sort") != "-"+sortMade {
			p.sort, p.page.Sort, p.page.Oldest = c.Query("sort"), s.by, !down
			known = true
		}
	}
	if !known {
		p.odd = append(p.odd, "sort="+c.Query("sort"))
	}
}

// sorter is a column that a list can be sorted by.
type sorter struct {
	name string
	by   db.Sort
	down bool // the greatest first when it is pressed
}

// sorters are the columns of each list that it can be sorted by.
var sorters = map[string][]sorter{
	"tokens":    {{"name", db.SortName, false}, {"used", db.SortUsed, true}, {"ends", db.SortEnds, false}, {sortMade, "", false}},
	"shares":    {{"name", db.SortName, false}, {"opens", db.SortOpens, true}, {"ends", db.SortEnds, false}, {sortMade, "", false}},
	"customers": {{"name", db.SortName, false}, {"used", db.SortUsed, true}, {sortMade, "", true}},
	"requests":  {{sortMade, "", true}},
}

func (p listing) sorts() []sorter { return sorters[p.name] }

// heads are the heads of the columns that can be sorted, by the names above: words
// are the keys of their texts.
func (d *Dashboard) heads(c *fiber.Ctx, p listing, words map[string]string) map[string]views.SortView {
	all := map[string]views.SortView{}
	for _, s := range p.sorts() {
		if words[s.name] == "" {
			continue
		}
		v := views.SortView{Text: page.Lang(c).T(words[s.name]), Target: p.name, Number: s.name == string(db.SortOpens)}
		active, down := strings.TrimPrefix(p.sort, "-") == s.name, strings.HasPrefix(p.sort, "-")
		if s.name == sortMade && p.sort == "" {
			active, down = true, true
		}
		next := s.name
		switch {
		case active && !down:
			v.Dir, next = "ascending", "-"+s.name
		case active:
			v.Dir = "descending"
		case s.down:
			next = "-" + s.name
		}
		if next == "-"+sortMade {
			next = "" // as it is without a word
		}
		other := p
		other.sort = next
		v.Href = other.at(p.path)
		all[s.name] = v
	}
	return all
}
