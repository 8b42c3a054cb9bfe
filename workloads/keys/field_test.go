package keys

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// Goal: the field of a path is found in whatever JSON surrounds it, and what is not
// there is no key. Method: table.
func TestPath(t *testing.T) {
	const object = ` {"a": 1, "s":"x\"y", "o":{"a":{"b":[10,{"c":true}]},"z":null},"e":"", ` +
		`"f": -1.5e3 ,"l":[]} rest`
	for _, row := range []struct{ path, in, want string }{
		{"a", object, "1"},
		{"s", object, `x\"y`},
		{"o.a.b.0", object, "10"},
		{"o.a.b.1.c", object, "true"},
		{"o.a.b.1", object, `{"c":true}`},
		{"o.z", object, "none"},
		{"e", object, ""},
		{"f", object, "-1.5e3"},
		{"l", object, "[]"},
		{"l.0", object, "none"},
		{"o.a.b.2", object, "none"},
		{"o.a.b.x", object, "none"},
		{"a.b", object, "none"},
		{"b", object, "none"},
		{"1", `[1,"two",3]`, "two"},
		{"a", `{"b":2,"a":12`, "none"}, // it may go on
		{"a", `{"b":"2,"a":12}`, "none"},
		{"a", `{"a":"cut`, "none"},
		{"a", ``, "none"},
		{"a", `"a"`, "none"},
		{"n", "{\"id\":\"\\\\\",\"n\":\"v\"}", "v"}, // a string that ends with a backslash
	} {
		p, err := NewPath(row.path)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := p.Of([]byte(row.in))
		if text := string(got); ok != (row.want != "none") || ok && text != row.want {
			t.Errorf("%s in %s: %q %v, want %q", row.path, row.in, text, ok, row.want)
		}
		if p.String() != row.path {
			t.Errorf("%s is written as %s", row.path, p)
		}
	}
	for _, bad := range []string{"", "a..b", ".a", "a.", " a", `a"b`, strings.Repeat("a.", 16) + "a"} {
		if _, err := NewPath(bad); err == nil {
			t.Errorf("%q is a path", bad)
		}
	}
}

// Goal: columns are found as logs and tables divide them. Method: table.
func TestColumn(t *testing.T) {
	const access = `10.0.0.1 - u7 [01/Jan/2026:00:00:00 +0000] "GET /a b HTTP/1.1" 200 17 "-" "Mozilla/5.0 (X, Y)"` +
		"\nnext"
	for _, row := range []struct {
		number  int
		divider byte
		in      string
		want    string
	}{
		{1, ' ', access, "10.0.0.1"},
		{3, ' ', access, "u7"},
		{4, ' ', access, "01/Jan/2026:00:00:00 +0000"},
		{5, ' ', access, "GET /a b HTTP/1.1"},
		{6, ' ', access, "200"},
		{9, ' ', access, "Mozilla/5.0 (X, Y)"},
		{10, ' ', access, "none"},
		{2, ' ', "a    b c", "b"},
		{1, ',', `"a,b",2`, "a,b"},
		{2, ',', `"a,b",2` + "\r\n", "2"},
		{2, ',', "1,,3", "none"},
		{3, ',', "1,,3", "3"},
		{4, ',', "1,,3", "none"},
		{2, '\t', "\"a\t b\"\tc", ` b"`},
		{1, ',', "", "none"},
		{1, ',', `"a"",b",2`, `a"",b`},
		{2, ',', `"a"",b",2`, "2"},
		{2, ',', `"",2`, "2"},
		{2, ' ', `- "x \"y z\" \\" 7`, `x \"y z\" \\`},
		{3, ' ', `- "x \"y z\" \\" 7`, "7"},
		{2, ' ', `[a\] b`, "b"},
		{1, ',', `"cut`, `"cut`},
	} {
		got, ok := Column{Number: row.number, Divider: row.divider}.Of([]byte(row.in))
		if text := string(got); ok != (row.want != "none") || ok && text != row.want {
			t.Errorf("column %d by %q of %q: %q %v, want %q", row.number, row.divider, row.in, text, ok, row.want)
		}
	}
}

// Goal: no text makes the search for a field panic, and in JSON it finds what the
// standard library's decoder does. Method: fuzzing.
func FuzzPath(f *testing.F) {
	f.Add(`{"a":{"b":[1,"x\"",{}]},"c":null}`, "a.b.1")
	f.Add(`[{"a":"b"}]`, "0.a")
	f.Add(`{"a":`, "a")
	f.Fuzz(func(t *testing.T, text, path string) {
		p, err := NewPath(path)
		if err != nil {
			return
		}
		key, ok := p.Of([]byte(text))
		var document any
		names := strings.Split(path, ".")
		if json.Unmarshal([]byte(text), &document) != nil || strings.Contains(text, "\\") || !utf8.ValidString(text) ||
			repeats(text, names) {
			return // not JSON, or names in it are written in another way than they read
		}
		value, found := lookUp(document, names)
		if found != ok {
			t.Fatalf("%s of %s: found %v, want %v", path, text, ok, found)
		}
		if s, isString := value.(string); isString && ok && s != string(key) {
			t.Fatalf("%s of %s: %q, want %q", path, text, key, s)
		}
	})
}

// repeats says whether a text has a name of a path more than once: of a member that is
// there twice decoders take the last one.
func repeats(text string, path []string) bool {
	for _, name := range path {
		if strings.Count(text, `"`+name+`"`) > 1 {
			return true
		}
	}
	return false
}

func lookUp(v any, path []string) (any, bool) {
	for _, name := range path {
		switch of := v.(type) {
		case map[string]any:
			inner, ok := of[name]
			if !ok {
				return nil, false
			}
			v = inner
		case []any:
			at, err := strconv.Atoi(name)
			if err != nil || at < 0 || at >= len(of) || strings.Trim(name, "0123456789") != "" {
				return nil, false
			}
			v = of[at]
		default:
			return nil, false
		}
	}
	return v, v != nil
}

// Goal: no line makes the search for a column panic, and a column lies within the line.
// Method: fuzzing.
func FuzzColumn(f *testing.F) {
	f.Add(`a "b c" [d e]`, uint8(2), uint8(0))
	f.Add(`1,"2,3",4`, uint8(3), uint8(1))
	f.Fuzz(func(t *testing.T, line string, number, divider uint8) {
		c := Column{Number: 1 + int(number), Divider: " ,\t"[divider%3]}
		key, ok := c.Of([]byte(line))
		if ok && (len(key) == 0 || !strings.Contains(line, string(key)) || strings.Contains(string(key), "\n")) {
			t.Fatalf("column %d of %q: %q", c.Number, line, key)
		}
	})
}
