package fess

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"

	"latchkey/internal/access"
	"latchkey/internal/strict"
)

// listing is which page of the list is asked for.
type listing struct {
	id     string
	offset int64
	size   int
}

// readListing reads the page from the address and, where it is named there too,
// from the body, which wins. first is the number of the first page.
func readListing(query func(string) string, raw []byte, first int64) (l listing, err error) {
	o := &strict.Object{}
	if len(bytes.TrimSpace(raw)) > 0 {
		if o, err = strict.Parse(raw); err != nil {
			return l, err
		}
	}
	r := reader{o: o}
	for _, name := range []string{"id", "size", "page"} {
		if text := query(name); text != "" && (!o.Has(name) || isNull(o.Get(name))) {
			spelled, err := json.Marshal(text)
			if err != nil {
				return l, err
			}
			o.Set(name, spelled)
		}
	}
	if id := r.text("id", labelID, idMax); id != nil {
		l.id = *id
	}
	size, page := int64(sizeUsed), first
	if n := r.number("size", labelSize); n != nil {
		size = *n
	}
	if n := r.number("page", labelPage); n != nil {
		page = max(*n, first)
	}
	if size < 1 || size > sizeMost {
		r.note(access.Fail(access.Invalid, "fess_range", "%s must be between %d and %d.", labelSize, 1, sizeMost))
		size = 1
	}
	l.size, l.offset = int(size), math.MaxInt64
	if page-first <= math.MaxInt64/size {
		l.offset = (page - first) * size
	}
	return l, errors.Join(r.wrong...)
}
