package db

import (
	"math"
	"strconv"
	"strings"
)

// SQLite keeps in any column whatever was put there: the values are taken as what
// they look like.

func words(v any) string {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
}

func whole(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case bool:
		return flag(v)
	case float64:
		switch {
		case v >= math.MaxInt64:
			return math.MaxInt64
		case v <= math.MinInt64:
			return math.MinInt64
		case v == v: // a number
			return int64(v)
		}
		return 0
	}
	n, err := strconv.ParseInt(words(v), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func truth(v any) bool {
	if b, ok := v.(bool); ok {
		return b
	}
	switch strings.ToLower(words(v)) {
	case "true", "t", "yes":
		return true
	}
	return whole(v) != 0
}
