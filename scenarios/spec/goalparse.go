package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// goalCharactersMax bounds the text of a goal.
const goalCharactersMax = 500

// goalKeywords are words with a meaning in goals; as values they are quoted.
var goalKeywords = []string{"of", "when", "and"}

// goalOperators are what a goal compares with, longer ones first.
var goalOperators = []string{"<=", ">=", "==", "!=", "<", ">"}

// goalFault is what is wrong with a goal, and where.
type goalFault struct {
	at      int // characters before it
	message string
}

func (e *goalFault) Error() string { return e.message }

// ParseGoal reads a goal's text. It does not know which cells there are: File does.
func ParseGoal(text string) (*Goal, error) {
	if n := utf8.RuneCountInString(text); n > goalCharactersMax {
		return nil, &goalFault{0, fmt.Sprintf("is %d characters long; at most %d fit", n, goalCharactersMax)}
	}
	p := &goalParser{end: utf8.RuneCountInString(text)}
	if err := p.scan(text); err != nil {
		return nil, err
	}
	g := &Goal{}
	if err := p.goal(g); err != nil {
		return nil, err
	}
	g.Text = g.text()
	return g, nil
}

// goalToken is a word, a text in quotes, or a sign.
type goalToken struct {
	at     int
	text   string
	quoted bool
	sign   bool
}

// inGoalWord says whether a word may hold the character.
func inGoalWord(r rune) bool {
	return !unicode.IsSpace(r) && unicode.IsPrint(r) && !strings.ContainsRune(`<>=!(),*"'`, r)
}

type goalParser struct {
	tokens []goalToken
	next   int
	end    int // characters of the text
}

// scan cuts the text into tokens.
func (p *goalParser) scan(text string) error {
	all := []rune(text)
	for i := 0; i < len(all); {
		r := all[i]
		switch {
		case unicode.IsSpace(r):
			i++
		case r == '"' || r == '\'':
			n := slices.Index(all[i+1:], r)
			if n < 0 {
				return &goalFault{i, fmt.Sprintf("the quote %c is not closed", r)}
			}
			p.tokens = append(p.tokens, goalToken{at: i, text: string(all[i+1 : i+1+n]), quoted: true})
			i += n + 2
		case strings.ContainsRune("(),*", r):
			p.tokens = append(p.tokens, goalToken{at: i, text: string(r), sign: true})
			i++
		case strings.ContainsRune("<>=!", r):
			n := 1
			if i+1 < len(all) && all[i+1] == '=' {
				n = 2
			}
			p.tokens = append(p.tokens, goalToken{at: i, text: string(all[i : i+n]), sign: true})
			i += n
		case inGoalWord(r):
			n := slices.IndexFunc(all[i:], func(r rune) bool { return !inGoalWord(r) })
			if n < 0 {
				n = len(all) - i
			}
			p.tokens = append(p.tokens, goalToken{at: i, text: string(all[i : i+n])})
			i += n
		default:
			return &goalFault{i, fmt.Sprintf("holds the unprintable character %U", r)}
		}
	}
	return nil
}

// peek is the next token; its text is empty at the end.
func (p *goalParser) peek() goalToken {
	if p.next < len(p.tokens) {
		return p.tokens[p.next]
	}
	return goalToken{at: p.end, sign: true}
}

// isSign says whether the next token is this sign.
func (p *goalParser) isSign(text string) bool { t := p.peek(); return t.sign && t.text == text }

// take steps over the next token if it is this keyword or sign.
func (p *goalParser) take(text string) bool {
	if t := p.peek(); t.quoted || t.text != text {
		return false
	}
	p.next++
	return true
}

func (p *goalParser) fail(format string, args ...any) error {
	return &goalFault{p.peek().at, fmt.Sprintf(format, args...)}
}

// found says what stands where something else was expected.
func (p *goalParser) found() string {
	t := p.peek()
	switch {
	case t.sign && t.text == "":
		return "the end"
	default:
		return fmt.Sprintf("%q", t.text)
	}
}

// word takes a word or a text in quotes.
func (p *goalParser) word(what string) (string, error) {
	t := p.peek()
	if t.sign || !t.quoted && slices.Contains(goalKeywords, t.text) || t.text == "" {
		return "", p.fail("%s is missing before %s", what, p.found())
	}
	p.next++
	return t.text, nil
}

// goal reads FIGURE [of ...] OPERATOR BOUND [when ...].
func (p *goalParser) goal(g *Goal) (err error) {
	if p.peek().text == "" {
		return p.fail("is empty: write a goal such as p99(produce) < 10ms, or lost == 0")
	}
	if g.Left, err = p.figure(); err != nil {
		return err
	}
	if p.take("of") {
		if g.When, err = p.conditions(); err != nil {
			return err
		}
	}
	if g.Op, err = p.operator(); err != nil {
		return err
	}
	if err = p.bound(g); err != nil {
		return err
	}
	if p.take("when") {
		more, err := p.conditions()
		if err != nil {
			return err
		}
		g.When = append(g.When, more...)
	}
	if t := p.peek(); t.text != "" || t.quoted {
		if slices.Contains([]string{"of", "if", "for", "where", "in"}, t.text) {
			return p.fail("%q is not understood behind a bound (did you mean when?)", t.text)
		}
		return p.fail("%s is not understood here: behind the bound belongs when LABEL=VALUE", p.found())
	}
	return nil
}

func (p *goalParser) operator() (string, error) {
	t := p.peek()
	switch {
	case t.sign && slices.Contains(goalOperators, t.text):
		p.next++
		return t.text, nil
	case t.sign && t.text == "=":
		return "", p.fail("= is not a comparison (did you mean ==?)")
	}
	return "", p.fail("a comparison is missing before %s: one of %s", p.found(), strings.Join(goalOperators, " "))
}

// figure reads NAME, NAME(GROUP), or STATISTIC(LATENCY[, GROUP]).
func (p *goalParser) figure() (f Figure, err error) {
	t := p.peek()
	name, err := p.word("a figure")
	if err != nil {
		return f, err
	}
	var statistic bool
	if f, statistic, err = namedFigure(name); err != nil {
		return f, &goalFault{t.at, err.Error()}
	}
	if !p.isSign("(") {
		if statistic {
			return f, p.fail("of which latency? write %s(produce); there are %s", name, strings.Join(latencies, ", "))
		}
		return f, nil
	}
	p.next++
	if statistic {
		t = p.peek()
		if f.Latency, err = p.word("a latency"); err != nil {
			return f, err
		}
		if !slices.Contains(latencies, f.Latency) {
			return f, &goalFault{t.at, fmt.Sprintf("%q is not a latency%s", f.Latency, orThese(f.Latency, latencies))}
		}
	}
	if !statistic || p.take(",") {
		if f.Group, err = p.word("the name of a group"); err != nil {
			return f, err
		}
	}
	if !p.take(")") {
		return f, p.fail(") is missing before %s", p.found())
	}
	return f, nil
}

// namedFigure is a figure by its name; statistic says that it is one of a latency.
func namedFigure(name string) (f Figure, statistic bool, err error) {
	if slices.ContainsFunc(figures, func(d FigureDoc) bool { return d.Name == name }) {
		return Figure{Name: name}, false, nil
	}
	if name == Mean || name == Max {
		return Figure{Name: name}, true, nil
	}
	if number, ok := strings.CutPrefix(name, Percentile); ok && isNumber(number, true) {
		v, err := parseNumber(number)
		switch {
		case err != nil:
			return f, false, err
		case v <= 0 || v >= 100:
			return f, false, fmt.Errorf("%s is not a percentile: write p50, p99 or p99.9, or max", name)
		}
		return Figure{Name: Percentile, Percentile: v}, true, nil
	}
	names := []string{"p50", "p99", "p99.9", Mean, Max}
	for _, d := range figures {
		names = append(names, d.Name)
	}
	if slices.Contains(latencies, name) {
		return f, false, fmt.Errorf("%s is a latency: write p99(%s), mean(%s) or max(%s)", name, name, name, name)
	}
	return f, false, fmt.Errorf("%q is not a figure%s", name, orThese(name, names))
}

// bound reads a value with its unit, or [FACTOR *] FIGURE [of ...].
func (p *goalParser) bound(g *Goal) error {
	t := p.peek()
	first, err := p.word("a bound")
	if err != nil {
		return err
	}
	g.Value = 1
	switch {
	case p.take("*"):
		if g.Value, err = parseNumber(first); err != nil {
			return &goalFault{t.at, err.Error() + ": a factor has no unit"}
		}
		g.bound = first
	case !t.quoted && startsWithDigit(first):
		kind := g.Left.Kind()
		if g.Value, err = kind.parse(first); err != nil {
			if unit := p.peek(); !unit.sign && !unit.quoted { // 10 ms
				if v, err := kind.parse(first + unit.text); err == nil {
					p.next++
					g.Value, g.bound = v, first+unit.text
					return nil
				}
			}
			return &goalFault{t.at, fmt.Sprintf("%s: %v", g.Left, err)}
		}
		g.bound = first
		if g.Value == 0 && (g.Op == "<" || g.Op == ">=") {
			return &goalFault{t.at, fmt.Sprintf("%s is never below 0: write == 0 or > 0, or another bound", g.Left)}
		}
		return nil
	default:
		p.next-- // of the figure
	}
	at := p.peek().at
	right, err := p.figure()
	if err != nil {
		return err
	}
	if right.Kind() != g.Left.Kind() {
		return &goalFault{at, fmt.Sprintf("%s and %s have different units", g.Left, right)}
	}
	g.Right = &right
	if p.take("of") {
		if g.Of, err = p.conditions(); err != nil {
			return err
		}
	}
	if len(g.Of) == 0 && right == g.Left {
		return &goalFault{at, fmt.Sprintf("%s is compared with itself: of which cell? write of LABEL=VALUE", g.Left)}
	}
	return nil
}

func startsWithDigit(text string) bool { return text[0] >= '0' && text[0] <= '9' || text[0] == '-' }

// conditions reads NAME=VALUE,VALUE and ..., or values alone.
func (p *goalParser) conditions() (all []Condition, err error) {
	for {
		var c Condition
		first, err := p.word("a label or a value")
		if err != nil {
			return nil, err
		}
		switch {
		case p.take("=") || p.take("=="):
			c.Name = first
		case p.take("!="):
			c.Name, c.Not = first, true
		default:
			c.Values = []string{first}
		}
		for len(c.Values) == 0 || c.Name != "" && p.take(",") {
			value, err := p.word("a value")
			if err != nil {
				return nil, err
			}
			c.Values = append(c.Values, value)
		}
		all = append(all, c)
		if !p.take("and") {
			return all, nil
		}
	}
}
