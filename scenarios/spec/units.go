package spec

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// notation is how values of one type are written: text in, value or error out,
// and back. format gives the canonical text, which parse reads as the same value.
type notation[T any] struct {
	parse  func(text string) (T, error)
	format func(T) string
	shape  *shape // of the texts, for editors; nil: any
}

// within narrows a notation to lo..hi.
func within[T cmp.Ordered](n notation[T], lo, hi T) notation[T] {
	inner := n.parse
	n.shape = n.shape.within(asNumber(lo), asNumber(hi))
	n.parse = func(text string) (T, error) {
		v, err := inner(text)
		if err == nil && (v < lo || v > hi) {
			err = fmt.Errorf("must be between %s and %s, not %s", n.format(lo), n.format(hi), text)
		}
		return v, err
	}
	return n
}

// orWord adds a word for the zero value, such as never. n must not take zero.
func orWord[T comparable](n notation[T], word string) notation[T] {
	inner, format := n.parse, n.format
	n.shape = n.shape.orWords(word)
	var zero T
	n.parse = func(text string) (T, error) {
		if text == word {
			return zero, nil
		}
		v, err := inner(text)
		if err != nil {
			err = fmt.Errorf("%w; or write %s", err, word)
		}
		return v, err
	}
	n.format = func(v T) string {
		if v == zero {
			return word
		}
		return format(v)
	}
	return n
}

func notA(text, noun, hint string) error {
	if hint != "" {
		hint = ": " + hint
	}
	return fmt.Errorf("%q is not %s%s", text, noun, hint)
}

// isNumber reports whether text is decimal digits, with a fraction if allowed.
func isNumber(text string, fraction bool) bool {
	digits, rest, hasPoint := strings.Cut(text, ".")
	if hasPoint && (!fraction || !allDigits(rest)) {
		return false
	}
	return allDigits(digits)
}

func allDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// leadingZero refuses 010, which some YAML readers take for 8.
func leadingZero(number string) error {
	if len(number) > 1 && number[0] == '0' && number[1] >= '0' && number[1] <= '9' {
		return fmt.Errorf("%q has a leading zero, which some YAML readers take for octal: leave it out", number)
	}
	return nil
}

// integer notates whole numbers in decimal digits.
func integer[T int | int64]() notation[T] {
	const noun = "a whole number"
	return notation[T]{
		parse: func(text string) (T, error) {
			digits := strings.TrimPrefix(text, "-")
			if !allDigits(digits) {
				return 0, notA(text, noun, "")
			}
			if err := leadingZero(digits); err != nil {
				return 0, err
			}
			v, err := strconv.ParseInt(text, 10, 64)
			if err != nil || int64(T(v)) != v {
				return 0, fmt.Errorf("%s is out of range", text)
			}
			return T(v), nil
		},
		format: func(v T) string { return strconv.FormatInt(int64(v), 10) },
		shape:  &shape{number: numberWhole, per: 1, pattern: `^-?[0-9]+$`},
	}
}

// seeds notates 64 bits, as a whole number from 0.
var seeds = notation[uint64]{
	parse: func(text string) (uint64, error) {
		if !allDigits(text) {
			return 0, notA(text, "a whole number from 0", "")
		}
		if err := leadingZero(text); err != nil {
			return 0, err
		}
		v, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s is out of range: a seed has 64 bits", text)
		}
		return v, nil
	},
	format: func(v uint64) string { return strconv.FormatUint(v, 10) },
	shape:  (&shape{number: numberWhole, per: 1, pattern: `^[0-9]+$`}).within(0, math.MaxUint64),
}

// unit is a name and what it stands for.
type unit struct {
	name  string
	times int64
}

// Units of size: binary and decimal ones mean what they say.
var byteUnits = []unit{
	{"B", 1},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
}

// canonicalUnits are the units of canonical texts, the preferred ones first.
var canonicalUnits = []unit{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3},
}

// Units of network rates in bits, in bits a second.
var bitUnits = []unit{{"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}}

// splitUnit cuts text where its number ends.
func splitUnit(text string) (number, name string) {
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

// scale multiplies a decimal number by times/divisor, which must come out whole.
// text is what was written, for the error.
func scale(text, number string, times, divisor int64) (int64, error) {
	const digitsMax = 30
	if err := leadingZero(number); err != nil {
		return 0, err
	}
	if len(number) > digitsMax {
		return 0, fmt.Errorf("%s has too many digits", text)
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		panic("spec: scale of " + strconv.Quote(number) + ", which is not a number")
	}
	r.Mul(r, big.NewRat(times, divisor))
	switch {
	case !r.IsInt():
		return 0, fmt.Errorf("%s is not a whole number of bytes", text)
	case !r.Num().IsInt64():
		return 0, fmt.Errorf("%s is too large", text)
	}
	return r.Num().Int64(), nil
}

func parseBytes(text string) (int64, error) {
	const noun, hint = "a size", "write bytes, or a number with KiB, MiB, GiB (1024) or kB, MB, GB (1000)"
	number, name := splitUnit(text)
	if !isNumber(number, true) {
		return 0, notA(text, noun, hint)
	}
	if name == "" {
		return scale(text, number, 1, 1)
	}
	for _, u := range byteUnits {
		if u.name == name {
			return scale(text, number, u.times, 1)
		}
	}
	return 0, fmt.Errorf("%q has an unknown unit: %s", text, hint)
}

// formatBytes gives the shortest text that parseBytes reads as n; of two equally
// short ones the one with the larger, and rather the binary unit.
func formatBytes(n int64) string {
	best := strconv.FormatInt(n, 10)
	bestLen := len(best) + 1
	for _, u := range canonicalUnits {
		if n == 0 || n%u.times != 0 {
			continue
		}
		if text := strconv.FormatInt(n/u.times, 10) + u.name; len(text) < bestLen {
			best, bestLen = text, len(text)
		}
	}
	return best
}

// size notates bytes.
var size = notation[int64]{parse: parseBytes, format: formatBytes, shape: &shape{number: numberWhole, per: 1,
	pattern: `^[0-9]+(\.[0-9]+)?([kKMGT]?B|[KMGT]iB)?$`}}

const durationHint = "write 5ms, 1.5s or 1m30s"

func parseSpan(text string) (time.Duration, error) {
	const noun = "a duration"
	if text == "" || text[0] < '0' || text[0] > '9' {
		return 0, notA(text, noun, durationHint)
	}
	if err := leadingZero(text); err != nil {
		return 0, err
	}
	if isNumber(text, true) {
		return 0, fmt.Errorf("%s needs a unit: %s", text, durationHint)
	}
	d, err := time.ParseDuration(text)
	switch {
	case err == nil:
		return d, nil
	case spanWords.MatchString(text):
		return 0, fmt.Errorf("%s is too long", text)
	}
	return 0, notA(text, noun, durationHint)
}

func parseMillis(text string) (time.Duration, error) {
	if isNumber(text, false) {
		if err := leadingZero(text); err != nil {
			return 0, err
		}
		text += "ms" // Kafka's own unit
	}
	d, err := parseSpan(text)
	if err == nil && d%time.Millisecond != 0 {
		err = fmt.Errorf("%s is not a whole number of milliseconds, as Kafka has it", text)
	}
	return d, err
}

// formatSpan gives the text with the largest unit that leaves a whole number.
func formatSpan(d time.Duration) string {
	for _, u := range []unit{
		{"h", int64(time.Hour)}, {"m", int64(time.Minute)}, {"s", int64(time.Second)},
		{"ms", int64(time.Millisecond)}, {"us", int64(time.Microsecond)},
	} {
		if d != 0 && int64(d)%u.times == 0 {
			return strconv.FormatInt(int64(d)/u.times, 10) + u.name
		}
	}
	if d == 0 {
		return "0s"
	}
	return strconv.FormatInt(int64(d), 10) + "ns"
}

// span notates durations, which need a unit.
var span = notation[time.Duration]{parse: parseSpan, format: formatSpan, shape: &shape{pattern: spanPattern}}

// spanPattern is of what time.ParseDuration reads.
const spanPattern = `^([0-9]+(\.[0-9]*)?(ns|us|ms|s|m|h))+$`

var spanWords = regexp.MustCompile(spanPattern)

// millis notates durations of Kafka's .ms settings: whole milliseconds, which a
// plain number means too.
var millis = notation[time.Duration]{parse: parseMillis, format: func(d time.Duration) string {
	if d == 0 {
		return "0ms"
	}
	return formatSpan(d)
}, shape: &shape{number: numberWhole, per: float64(time.Millisecond),
	pattern: `^([0-9]+|([0-9]+(\.[0-9]*)?(ns|us|ms|s|m|h))+)$`}}

// perSecond notates rates of records.
var perSecond = notation[float64]{
	parse: func(text string) (float64, error) {
		number, isRate := strings.CutSuffix(text, "/s")
		switch {
		case isNumber(text, true):
			return 0, fmt.Errorf("%s needs a unit: write %s/s", text, text)
		case !isRate || !isNumber(number, true):
			return 0, notA(text, "a rate", "write records per second as 20000/s")
		}
		if err := leadingZero(number); err != nil {
			return 0, err
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return 0, fmt.Errorf("%s is too large", text)
		}
		return v, nil
	},
	format: func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) + "/s" },
	shape:  &shape{pattern: `^[0-9]+(\.[0-9]+)?/s$`},
}

// phaseRate notates the rate of a phase: one of records, max, or a word for what is
// none.
func phaseRate(words ...string) notation[float64] {
	values := map[string]float64{wordSame: RateSame, wordNone: RateNone, wordSustainable: RateSustainable}
	n := orWord(within(perSecond, rateMin, rateMax), wordMax)
	n.shape = n.shape.orWords(words...)
	inner, format := n.parse, n.format
	n.parse = func(text string) (float64, error) {
		if slices.Contains(words, text) {
			return values[text], nil
		}
		v, err := inner(text)
		if err != nil {
			err = fmt.Errorf("%w or %s", err, strings.Join(words, " or "))
		}
		return v, err
	}
	n.format = func(v float64) string {
		for _, word := range words {
			if v == values[word] {
				return word
			}
		}
		return format(v)
	}
	return n
}

// bytesPerSecond notates rates of links.
var bytesPerSecond = notation[int64]{
	parse: func(text string) (int64, error) {
		const hint = "write 1Gbit/s, 125MB/s or 10MiB/s"
		amount, isRate := strings.CutSuffix(text, "/s")
		number, name := splitUnit(amount)
		if !isNumber(number, true) {
			return 0, notA(text, "a rate", hint)
		}
		if !isRate || name == "" {
			return 0, fmt.Errorf("%q needs a unit: %s", text, hint)
		}
		for _, u := range bitUnits {
			if u.name == name {
				return scale(text, number, u.times, 8)
			}
		}
		for _, u := range byteUnits {
			if u.name == name {
				return scale(text, number, u.times, 1)
			}
		}
		return 0, fmt.Errorf("%q has an unknown unit: %s", text, hint)
	},
	format: func(n int64) string {
		text := formatBytes(n)
		if allDigits(text) {
			text += "B"
		}
		return text + "/s"
	},
	shape: &shape{pattern: `^[0-9]+(\.[0-9]+)?([kMG]?bit|[kKMGT]?B|[KMGT]iB)/s$`},
}
