package goals

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"brokerlab/scenarios/spec"
)

// judge compares, and says by how much. other is the figure that a goal compares
// with, nil if its bound is a number.
func judge(g *spec.Goal, left value, other *value) (met bool, message string) {
	if left.missing != "" {
		return false, fmt.Sprintf("%s cannot be judged: %s", g.Left, left.missing)
	}
	kind, bound := g.Left.Kind(), g.Value
	text := ""
	if other != nil {
		if other.missing != "" {
			return false, fmt.Sprintf("%s to compare with cannot be judged: %s", g.Right, other.missing)
		}
		bound *= other.v
		text = g.Right.String()
		if g.Value != 1 {
			text = digits(g.Value) + " * " + text
		}
		text += ", "
	}
	v := left.v
	switch g.Op {
	case "<":
		met = v < bound
	case "<=":
		met = v <= bound
	case ">":
		met = v > bound
	case ">=":
		met = v >= bound
	case "==":
		met = v == bound
	case "!=":
		met = v != bound
	default:
		panic("goals: unknown comparison " + g.Op)
	}
	if math.IsInf(v, 1) && math.IsInf(bound, 1) {
		return false, fmt.Sprintf("%s is above the range of histograms, and so is what it is compared with", g.Left)
	}
	return met, fmt.Sprintf("%s is %s%s, %s", g.Left, quantity(kind, v, bound), left.of, distance(kind, v, bound, text))
}

// distance says how far a value is from its bound; text says what the bound is.
func distance(kind spec.FigureKind, v, bound float64, text string) string {
	limit := text + quantity(kind, bound, v)
	switch {
	case v == bound:
		return "exactly " + limit
	case math.IsInf(v, 1):
		return "above " + limit
	}
	where, by := "above", v-bound
	if v < bound {
		where, by = "below", bound-v
	}
	out := quantity(kind, by, by)
	if bound != 0 && !math.IsInf(bound, 1) {
		out += " (" + share(by/bound) + ")"
	}
	return out + " " + where + " " + limit
}

// share is a difference in percent, or in multiples once that reads better.
func share(of float64) string {
	if of >= 10 {
		return "x" + digits(1+of)
	}
	return digits(100*of) + " %"
}

// quantity writes a value of a kind with its unit, with digits enough to tell it
// from another one that is near.
func quantity(kind spec.FigureKind, v, other float64) string {
	if math.IsInf(v, 1) {
		return "above the range of histograms"
	}
	switch kind {
	case spec.KindCount:
		return digits(v)
	case spec.KindSpan:
		return spanText(v, other)
	case spec.KindRate:
		return apart(v, other) + "/s"
	case spec.KindMBRate:
		return apart(v, other) + " MB/s"
	case spec.KindBytes:
		return digits(v) + " bytes"
	case spec.KindSeconds:
		return apart(v, other) + " s/GB"
	default:
		return apart(v, other)
	}
}

func spanText(v, other float64) string {
	for _, u := range []struct {
		name string
		ns   float64
	}{{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}} {
		if v >= u.ns {
			return apart(v/u.ns, other/u.ns) + " " + u.name
		}
	}
	return apart(v, other) + " ns"
}

// apart writes three digits, or as many as tell v from other.
func apart(v, other float64) string {
	for n := 3; n < 15; n++ {
		text := significant(v, n)
		if v == other || text != significant(other, n) {
			return text
		}
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// significant writes n digits at least, all of those before the point, and commas.
func significant(v float64, n int) string {
	decimals := max(0, n-1-int(math.Floor(math.Log10(math.Max(v, 1e-9)))))
	return commas(strconv.FormatFloat(v, 'f', decimals, 64))
}

// digits writes whole numbers in full, others with three digits.
func digits(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return commas(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return significant(v, 3)
}

// commas parts the thousands of a number.
func commas(text string) string {
	whole, rest, _ := strings.Cut(text, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if rest = strings.TrimRight(rest, "0"); rest != "" {
		b.WriteString("." + rest)
	}
	return b.String()
}

// wordOf numbers a cell as users do, from 1.
func wordOf(index int) string { return strconv.Itoa(index + 1) }

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return digits(float64(n)) + " " + noun + "s"
}
