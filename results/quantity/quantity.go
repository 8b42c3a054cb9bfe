// Package quantity writes quantities for people: one is written the same way in every
// table, chart, sentence and warning. What it shortens is for reading, not for parsing.
package quantity

import (
	"math"
	"strconv"
	"strings"
)

// None stands for a figure that there is not.
const None = "-"

// NotAvailable stands for a figure that the system does not tell.
const NotAvailable = "not available"

// Duration writes nanoseconds with three digits and the unit that suits them:
// 950 ns, 1.23 ms, 12.3 s.
func Duration(ns int64) string {
	v, unit := float64(ns), 0
	units := []string{"ns", "\u00b5s", "ms", "s"}
	// 999.6 of a unit would round to 1000 of it.
	for unit < len(units)-1 && v >= 999.5 {
		v /= 1000
		unit++
	}
	if unit == 0 {
		return strconv.FormatInt(ns, 10) + " ns"
	}
	return Digits(v) + " " + units[unit]
}

// Nanoseconds writes a mean or an estimate of nanoseconds as Duration does.
func Nanoseconds(v float64) string { return Duration(int64(v)) }

// RecordsPerS writes a rate: 12,345 records/s.
func RecordsPerS(v float64) string { return Digits(v) + " records/s" }

// smallest is what Digits writes without an exponent.
const smallest = 1e-9

// Digits writes a figure with three significant digits, and thousands whole and
// in groups: 0.0120, 1.23, 12.3, 123, 12,345.
func Digits(v float64) string {
	switch abs := math.Abs(v); {
	case v == 0:
		return "0"
	case math.IsNaN(v) || math.IsInf(v, 0):
		return None
	case abs >= 99.95:
		return Count(int64(math.Round(v)))
	case abs >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case abs >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case abs >= smallest:
		text := strconv.FormatFloat(v, 'e', 2, 64) // which knows how rounding moves the point
		_, exponent, _ := strings.Cut(text, "e")
		digits, _ := strconv.Atoi(exponent)
		return strconv.FormatFloat(v, 'f', 2-digits, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// Count writes a whole number in groups: 1,234,567.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign, digits := "", s
	if n < 0 {
		sign, digits = "-", s[1:]
	}
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return sign + strings.Join(append([]string{digits}, groups...), ",")
}

// Plural writes a count with its noun: 1 broker, 3 brokers.
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Bytes writes a size: in KiB, MiB or GiB where that is exact, else in bytes up
// to 10,000 and with three digits above.
func Bytes(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.size && n%u.size == 0 {
			return Count(n/u.size) + " " + u.name
		}
		if n >= u.size && n >= 10_000 {
			return Digits(float64(n)/float64(u.size)) + " " + u.name
		}
	}
	return Count(n) + " B"
}

// Megabytes writes bytes in units of 10^6: 4.66 MB.
func Megabytes(bytes int64) string { return Digits(float64(bytes)/1e6) + " MB" }

// Size writes a size as a setting holds it, such as 1KiB or 1024: 1 KiB. What is
// no size stays as it is.
func Size(setting string) string {
	if n, err := strconv.ParseInt(setting, 10, 64); err == nil {
		return Bytes(n)
	}
	unit := strings.TrimLeft(setting, "0123456789.")
	if number := strings.TrimSuffix(setting, unit); number != "" && number != setting {
		return number + " " + strings.TrimSpace(unit)
	}
	return setting
}

// Ratio writes a compression ratio: 4.12, or None where nothing was compressed.
func Ratio(r float64) string {
	if r <= 0 {
		return None
	}
	return Digits(r)
}

// Percent writes a share of 0 to 1: 0 %, 8.2 %, 60 %; what would be 0.0 % and is more
// is told as such.
func Percent(share float64) string {
	p := 100 * share
	switch {
	case p == 0:
		return "0 %"
	case math.IsNaN(p) || math.IsInf(p, 0):
		return None
	case p < 0.05:
		return "<0.1 %"
	case p < 9.95:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}
