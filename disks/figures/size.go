package figures

import (
	"fmt"
	"math/big"
	"strings"
)

// byteUnits mean what they say: decimal and binary.
var byteUnits = map[string]int64{
	"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// Size reads a number of bytes with a unit.
func Size(text string) (int64, error) {
	const digitsMax = 20
	digits := len(text) - len(strings.TrimLeft(text, "0123456789."))
	unit, known := byteUnits[text[digits:]]
	r, ok := new(big.Rat).SetString(text[:digits])
	if !known || !ok || digits > digitsMax {
		return 0, fmt.Errorf("%q is not a size: write 64MiB (1024) or 4TB (1000)", text)
	}
	if r.Mul(r, big.NewRat(unit, 1)); !r.IsInt() || !r.Num().IsInt64() {
		return 0, fmt.Errorf("%s is not a whole number of bytes, or too many", text)
	}
	return r.Num().Int64(), nil
}
