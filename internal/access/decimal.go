package access

import (
	"math/big"
	"strings"
)

// decimalMax bounds the length of a decimal number that is read at all.
const decimalMax = 40

// ParseDecimal reads a decimal number such as "0.15" and returns it times scale.
// It is exact: a number that is not a whole one after scaling is refused, and so
// is anything that is not digits with at most one point.
func ParseDecimal(text string, scale int64) (int64, error) {
	text = strings.TrimSpace(text)
	whole, rest, point := strings.Cut(text, ".")
	digits := whole + rest
	if len(text) > decimalMax || digits == "" || point && rest == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, Fail(Invalid, "decimal_malformed", "%q is not a number such as 0.15.", text)
	}
	n, _ := new(big.Int).SetString(digits, 10)
	n.Mul(n, big.NewInt(scale))
	one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(rest))), nil)
	n, left := n.QuoRem(n, one, new(big.Int))
	switch {
	case left.Sign() != 0:
		return 0, Fail(Invalid, "decimal_fine", "%s is finer than can be counted here: the smallest step is %s.", text, FormatDecimal(1, scale))
	case !n.IsInt64() || n.Int64() > UnitsMax:
		return 0, Fail(Invalid, "decimal_large", "%s is more than can be counted here.", text)
	}
	return n.Int64(), nil
}

// FormatDecimal spells n/scale as a decimal number, exactly where it has an end
// within twelve places, else rounded to the last of them.
func FormatDecimal(n, scale int64) string {
	text := new(big.Rat).SetFrac64(n, max(scale, 1)).FloatString(12)
	text = strings.TrimRight(text, "0")
	return strings.TrimSuffix(text, ".")
}
