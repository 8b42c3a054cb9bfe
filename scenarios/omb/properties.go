package omb

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// property is one entry of a properties text, with its line, which counts from 1.
type property struct {
	key, value string
	line       int
}

// properties reads the text form of java.util.Properties, as its load method does:
// comments of # and !, keys that end at =, : or white space, lines that go on behind a
// backslash, and escapes. A key that comes again replaces the earlier one there, too.
func properties(text string) (all []property) {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	for i := 0; i < len(lines); i++ {
		first := i + 1
		line := strings.TrimLeft(lines[i], " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for goesOn(line) && i+1 < len(lines) {
			i++
			line = line[:len(line)-1] + strings.TrimLeft(lines[i], " \t\f")
		}
		if goesOn(line) {
			line = line[:len(line)-1]
		}
		key, value := cutProperty(line)
		p := property{key: unescape(key), value: unescape(value), line: first}
		for j := range all {
			if all[j].key == p.key {
				all = append(all[:j], all[j+1:]...)
				break
			}
		}
		all = append(all, p)
	}
	return all
}

// goesOn says whether a line ends in an odd number of backslashes.
func goesOn(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// cutProperty parts key and value at the first =, : or white space that is not escaped.
func cutProperty(line string) (key, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte("=: \t\f", line[i]) >= 0 {
			end = i
			break
		}
	}
	rest := strings.TrimLeft(line[end:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], " \t\f")
	}
	return line[:end], rest
}

// unescape replaces \uXXXX and the escapes of one letter. Of a \u without a hexadecimal
// number, for which Java refuses the text, the u is left.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	var units []uint16 // that wait for their other half
	flush := func() {
		for _, r := range utf16.Decode(units) {
			b.WriteRune(r)
		}
		units = nil
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			flush()
			b.WriteByte(text[i])
			continue
		}
		i++
		if text[i] == 'u' && i+4 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+5], 16, 16); err == nil {
				units = append(units, uint16(n))
				i += 4
				continue
			}
		}
		flush()
		switch text[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		default:
			b.WriteByte(text[i])
		}
	}
	flush()
	return b.String()
}
