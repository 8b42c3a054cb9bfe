package document

import (
	"slices"
	"strings"
)

// Paper is narrower than most windows and can't be scrolled, and no word or figure of a
// table may be cut there: a table gets the letters with which it fits. How wide it is
// can't be measured before it is in somebody's browser with somebody's fonts, so it is
// reckoned here with the widths of DejaVu Sans, the widest face that the page may get.
const (
	boldWider  = 1.11 // bold letters, as headings have, against plain ones
	emsOfWords = 5.0  // what a column of words gets, where longer words are broken, in ems
)

// paperEms is how wide a table is at least, without the space between its columns, in
// ems.
func paperEms(t Table) float64 {
	var ems float64
	for i, figures := range numbers(t) {
		var widest float64
		for _, row := range t.Rows {
			widest = max(widest, longestWord(row[i]))
		}
		if !figures {
			widest = min(widest, emsOfWords)
		}
		ems += max(widest, boldWider*longestWord(t.Heading[i]))
	}
	return ems
}

// longestWord is the width in ems of the longest word of a text, which is what must stand
// on one line.
func longestWord(text string) float64 {
	var longest float64
	for word := range strings.FieldsSeq(text) {
		var ems float64
		for _, r := range word {
			ems += letterEms(r)
		}
		longest = max(longest, ems)
	}
	return longest
}

// letterEms is how wide a letter is, in ems, never less than it is in DejaVu Sans.
func letterEms(r rune) float64 {
	switch {
	case slices.Contains([]rune(".,:;'|ijl()"), r):
		return 0.41
	case slices.Contains([]rune("mwMW%@"), r):
		return 1
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z':
		return 0.64
	case r < 0x1100:
		return 0.84
	}
	return 1.1
}
