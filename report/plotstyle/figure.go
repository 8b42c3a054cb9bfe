package plotstyle

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Measures of a figure. A page shows it at half its pixels, hence the density.
const (
	Width       = 8 * vg.Inch
	heightLeast = 4.5 * vg.Inch
	bodyLeast   = 3 * vg.Inch
	margin      = vg.Length(14)
	dotsPerInch = 72 * Density * 4 / 3
	// Density is how many pixels of a picture make one of a page.
	Density = 2
)

// Swatch is one legend entry: a line where Line has a width, with a mark on it
// where there is a Mark too; a mark alone; else a square.
type Swatch struct {
	Name string
	Line draw.LineStyle
	Mark draw.GlyphDrawer
	Fill color.Color
}

// Figure is a titled plot with its legend outside of the data. Long texts wrap,
// and the figure grows downwards rather than squeeze the data.
type Figure struct {
	Title, Subtitle, Note string
	// XLabel and YLabel are drawn here and not through plot.Axis.Label: on a
	// log axis gonum/plot reserves the label's box around (min+max)/2 in data
	// units, which is far from the middle, and leaves a blank band.
	XLabel, YLabel string
	// Legend is blocks of entries; each block begins a row.
	Legend [][]Swatch
	// Plot is the data, or Panels are. Without both, NoData says why in their place.
	Plot   *plot.Plot
	Panels []Panel
	NoData string
	// BodyHeight asks for more than the usual height between legend and note.
	BodyHeight vg.Length
}

// Text styles of a figure, and the gaps below each part, in points.
func titleFace() text.Style  { return boldFace(13, Ink) }
func subFace() text.Style    { return face(9.5, InkLabel) }
func legendFace() text.Style { return face(9, Ink) }
func noteFace() text.Style   { return face(7.5, InkNote) }
func labelFace() text.Style  { return face(9.5, InkLabel) }

const (
	titleGap   = vg.Length(3)
	subGap     = vg.Length(2)
	headGap    = vg.Length(1)
	legendRow  = vg.Length(14)
	legendGap  = vg.Length(12)
	noteGap    = vg.Length(5)
	swatchWide = vg.Length(16)
	swatchStep = vg.Length(22) // from the swatch's left to its name
	markStep   = vg.Length(12) // the same for a mark
	entryGap   = vg.Length(14)
)

// layout is what depends on text only: wrapped lines, placed legend entries.
type layout struct {
	title, sub, note []string
	legend           legend
	head, foot       vg.Length // heights
}

func (f *Figure) layout() layout {
	inner := Width - 2*margin
	l := layout{
		title:  wrap(titleFace(), f.Title, inner),
		sub:    wrapParts(subFace(), f.Subtitle, inner),
		note:   wrapParts(noteFace(), f.Note, inner),
		legend: layLegend(slices.Clone(f.Legend), inner),
	}
	l.head = vg.Length(len(l.title))*lineHeight(titleFace(), titleGap) +
		vg.Length(len(l.sub))*lineHeight(subFace(), subGap) + headGap + vg.Length(len(l.legend.rows))*legendRow + legendGap
	l.foot = vg.Length(len(l.note)) * lineHeight(noteFace(), 1)
	if len(l.note) > 0 {
		l.foot += noteGap
	}
	return l
}

// height of the whole figure. Panels have heights of their own; a single plot has room.
func (f *Figure) height(l layout) vg.Length {
	around := 2*margin + l.head + l.foot
	if len(f.Panels) > 0 {
		return around + max(f.BodyHeight, f.panelsHeight())
	}
	return max(heightLeast, around+max(f.BodyHeight, bodyLeast))
}

func lineHeight(s text.Style, gap vg.Length) vg.Length {
	e := s.FontExtents()
	return e.Ascent + e.Descent + gap
}

// dot separates the parts of a subtitle or a note; lines break there if they can.
const dot = " \u00b7 "

// wrapParts breaks txt into lines of at most width, between parts and, where a
// part is longer than a line, between words.
func wrapParts(s text.Style, txt string, width vg.Length) (lines []string) {
	for _, line := range pack(s, strings.Split(txt, dot), dot, width) {
		lines = append(lines, wrap(s, line, width)...)
	}
	return lines
}

// wrap breaks txt between words. A single word that is longer than a line is
// shortened in its middle.
func wrap(s text.Style, txt string, width vg.Length) []string {
	words := strings.Split(txt, " ")
	for i := range words {
		words[i] = shorten(s, words[i], width)
	}
	return pack(s, words, " ", width)
}

// pack joins parts into as few lines as their order allows.
func pack(s text.Style, parts []string, separator string, width vg.Length) (lines []string) {
	line := ""
	for _, part := range parts {
		switch {
		case line == "":
			line = part
		case s.Width(line+separator+part) <= width:
			line += separator + part
		default:
			lines = append(lines, line)
			line = part
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// shorten cuts out the middle of txt until it fits width: names of one sweep
// often differ at their ends.
func shorten(s text.Style, txt string, width vg.Length) string {
	if s.Width(txt) <= width {
		return txt
	}
	runes := []rune(txt)
	for keep := len(runes) - 1; keep > 2; keep-- {
		cut := string(runes[:keep/2]) + "..." + string(runes[len(runes)-keep+keep/2:])
		if s.Width(cut) <= width {
			return cut
		}
	}
	return "..."
}

// ShortenTicks shortens tick labels in their middle to fit width. Those that would then
// look the same lose what they begin with in common before.
func ShortenTicks(labels []string, width vg.Length) []string {
	style := face(tickPoints, InkLabel)
	short := make([]string, len(labels))
	alike := map[string][]string{} // by what they became
	for i, label := range labels {
		short[i] = shorten(style, label, width)
		if others := alike[short[i]]; !slices.Contains(others, label) {
			alike[short[i]] = append(others, label)
		}
	}
	for i, label := range labels {
		if others := alike[short[i]]; len(others) > 1 {
			short[i] = shorten(style, "..."+label[beforeDifference(others):], width)
		}
	}
	return short
}

// longWord is from how many bytes on a word is cut where labels differ, and not kept.
const longWord = 12

// beforeDifference is where the word begins in which labels first differ.
func beforeDifference(labels []string) (begin int) {
	for i, r := range labels[0] {
		for _, other := range labels[1:] {
			if i >= len(other) || !strings.HasPrefix(other[i:], string(r)) {
				if i-begin > longWord {
					return i
				}
				return begin
			}
		}
		if strings.ContainsRune(" ,/=-.:", r) {
			begin = i + 1
		}
	}
	return begin
}

// legend is entries in rows; where a block takes several, they stand in columns.
type legend struct {
	rows [][]Swatch
	step vg.Length // from one column to the next; 0: as wide as each entry
}

func layLegend(blocks [][]Swatch, width vg.Length) (l legend) {
	var longest, widest vg.Length
	for b, block := range blocks {
		blocks[b] = slices.Clone(block)
		sum := -entryGap
		for i := range blocks[b] {
			e := &blocks[b][i]
			e.Name = shorten(legendFace(), e.Name, width-swatchStep)
			w := e.step() + legendFace().Width(e.Name)
			sum += w + entryGap
			widest = max(widest, w)
		}
		longest = max(longest, sum)
	}
	columns := math.MaxInt
	if longest > width {
		columns = max(1, int((width+entryGap)/(widest+entryGap)))
		l.step = width / vg.Length(columns)
	}
	for _, block := range blocks {
		for row := range slices.Chunk(block, columns) {
			l.rows = append(l.rows, row)
		}
	}
	return l
}

// draw lays the figure out from the top down.
func (f *Figure) draw(c draw.Canvas, l layout) {
	c.SetColor(paper)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	y := drawLines(c, titleFace(), l.title, titleGap, c.Max.Y)
	y = drawLines(c, subFace(), l.sub, subGap, y) - headGap
	y = drawLegend(c, l.legend, y) - legendGap
	bottom := c.Min.Y + l.foot
	drawLines(c, noteFace(), l.note, 1, bottom-noteGap)
	body := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: c.Min.X, Y: bottom}, Max: vg.Point{X: c.Max.X, Y: y}}}
	switch {
	case len(f.Panels) > 0:
		f.drawPanels(body)
	case f.Plot == nil:
		f.drawNoData(body)
	default:
		f.drawBody(body)
	}
}

// drawLines writes lines downwards from y and gives the y below them.
func drawLines(c draw.Canvas, s text.Style, lines []string, gap, y vg.Length) vg.Length {
	for _, line := range lines {
		y -= s.FontExtents().Ascent
		c.FillText(s, vg.Point{X: c.Min.X, Y: y}, line)
		y -= s.FontExtents().Descent + gap
	}
	return y
}

func drawLegend(c draw.Canvas, l legend, y vg.Length) vg.Length {
	s := legendFace()
	for _, row := range l.rows {
		y -= legendRow
		x := c.Min.X
		for n, e := range row {
			if l.step > 0 {
				x = c.Min.X + l.step*vg.Length(n)
			}
			x = e.draw(c, s, x, y)
		}
	}
	return y
}

// draw draws an entry whose text stands on y, and gives where the next one begins.
func (e Swatch) draw(c draw.Canvas, s text.Style, x, y vg.Length) vg.Length {
	middle := y + s.FontExtents().Ascent*0.36
	switch {
	case e.Line.Width > 0:
		c.StrokeLine2(e.Line, x, middle, x+swatchWide, middle)
		if e.Mark != nil {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: e.Line.Color, Radius: markRadius, Shape: e.Mark},
				vg.Point{X: x + swatchWide/2, Y: middle})
		}
	case e.Mark != nil:
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: e.Fill, Radius: markRadius, Shape: e.Mark},
			vg.Point{X: x + markRadius + 1, Y: middle})
	default:
		fillArea(c, e.Fill, vg.Rectangle{Min: vg.Point{X: x + 2, Y: y - 1.5}, Max: vg.Point{X: x + 12, Y: y + 8.5}})
	}
	c.FillText(s, vg.Point{X: x + e.step(), Y: y}, e.Name)
	return x + e.step() + s.Width(e.Name) + entryGap
}

// step is from an entry's left to its name.
func (e Swatch) step() vg.Length {
	if e.Mark != nil && e.Line.Width == 0 {
		return markStep
	}
	return swatchStep
}

// drawNoData puts the reason where the data would be.
func (f *Figure) drawNoData(c draw.Canvas) {
	fillBox(c, Faint(InkGrid, 0.45), c.Rectangle)
	head, why := boldFace(12, InkLabel), face(9.5, InkLabel)
	head.XAlign, why.XAlign = draw.XCenter, draw.XCenter
	middle := c.Center()
	c.FillText(head, vg.Point{X: middle.X, Y: middle.Y + 4}, "no data")
	y := middle.Y - 12
	for _, line := range wrap(why, f.NoData, c.Max.X-c.Min.X-40) {
		c.FillText(why, vg.Point{X: middle.X, Y: y}, line)
		y -= lineHeight(why, 2)
	}
}

// drawBody draws the plot and, centred on its data, the axis labels.
func (f *Figure) drawBody(body draw.Canvas) {
	whole, s := body, labelFace()
	s.XAlign = draw.XCenter
	if f.XLabel != "" {
		body.Min.Y += s.FontExtents().Height + 4
	}
	if f.YLabel != "" {
		body.Min.X += s.FontExtents().Height + 4
	}
	f.Plot.Draw(body)
	at := f.Plot.DataCanvas(body)
	if f.XLabel != "" {
		body.FillText(s, vg.Point{X: at.Center().X, Y: whole.Min.Y + s.FontExtents().Descent}, f.XLabel)
	}
	if f.YLabel != "" {
		s.Rotation = math.Pi / 2
		body.FillText(s, vg.Point{X: whole.Min.X + s.FontExtents().Ascent, Y: at.Center().Y}, f.YLabel)
	}
}

// WritePNG renders the figure, Width wide and as high as its content asks. The
// same figure gives the same bytes.
func (f *Figure) WritePNG(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(buffered, paletted(f.Image(dotsPerInch))); err != nil {
		return fmt.Errorf("plotstyle: encode %q: %w", f.Title, err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("plotstyle: write %q: %w", f.Title, err)
	}
	return nil
}

// Image renders the figure at some density; WritePNG's is 192.
func (f *Figure) Image(perInch int) *image.RGBA {
	l := f.layout()
	img := vgimg.NewWith(vgimg.UseWH(Width, f.height(l)), vgimg.UseDPI(perInch),
		vgimg.UseBackgroundColor(paper))
	f.draw(draw.New(img), l)
	opaque, ok := img.Image().(*image.RGBA)
	if !ok {
		panic("plotstyle: vgimg draws on another kind of picture than it did")
	}
	return opaque
}

func fillBox(c draw.Canvas, ink color.Color, r vg.Rectangle) {
	c.FillPolygon(ink, []vg.Point{r.Min, {X: r.Min.X, Y: r.Max.Y}, r.Max, {X: r.Max.X, Y: r.Min.Y}})
}
