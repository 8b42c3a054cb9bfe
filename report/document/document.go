// Package document is a report as parts: headings, paragraphs, tables, charts. One
// document is written as Markdown, beside the files of its charts, and as one HTML
// page that holds them. It knows nothing of what is reported, and escapes every text
// that it is given.
package document

// Document is a report.
type Document struct {
	Title string
	Parts []Part
}

// Part is one of the types below.
type Part interface{ part() }

// Section begins one, under a heading. ID is its place for links: letters and dashes.
type Section struct{ ID, Title string }

// Lead is a paragraph that stands out: the question.
type Lead struct{ Text string }

// Text is a paragraph.
type Text struct{ Text string }

// Tone of a notice or an item.
type Tone string

// Tones, from good to bad. Each has a word that says it without a colour.
const (
	Plain Tone = ""
	Good  Tone = "good"
	Care  Tone = "care"
	Bad   Tone = "bad"
)

// Notice is a sentence that nobody may miss.
type Notice struct {
	Tone Tone
	Text string
}

// Item is a line of a list.
type Item struct {
	Tone Tone
	Text string
}

// List is items, the tone of each before it.
type List struct{ Items []Item }

// Table has a heading and rows of as many texts. The first column names the row.
type Table struct {
	Caption string // says what it holds
	Heading []string
	Rows    [][]string
}

// Chart is a picture with words for those who do not see it.
type Chart struct {
	File, Title string
	PNG         []byte
	Wide, High  int    // in pixels of a page, half of the picture's
	Caption     string // what to see and how to read it
	Alt         string // its main figures
	Figures     Table
	OfCell      bool // it is of one cell of several
}

// Folded is parts below a line that opens them. It holds no section.
type Folded struct {
	Summary string
	Parts   []Part
}

// Command is a line for a shell.
type Command struct{ Text string }

func (Section) part() {}
func (Lead) part()    {}
func (Text) part()    {}
func (Notice) part()  {}
func (List) part()    {}
func (Table) part()   {}
func (Chart) part()   {}
func (Folded) part()  {}
func (Command) part() {}

// Plainly makes items without a tone.
func Plainly(texts []string) (l List) {
	for _, text := range texts {
		l.Items = append(l.Items, Item{Text: text})
	}
	return l
}
