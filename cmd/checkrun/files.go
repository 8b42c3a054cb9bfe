package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// checkHistogramFiles reads base.hlog and base.hgrm, which must hold count values.
func checkHistogramFiles(f *findings, base string, count int64) {
	logged, err := readHlog(base + ".hlog")
	f.want(err == nil, "%s.hlog: %v", base, err)
	f.want(err != nil || logged == count, "%s.hlog holds %d values, result.json %d", base, logged, count)
	printed, err := readHgrm(base + ".hgrm")
	f.want(err == nil, "%s.hgrm: %v", base, err)
	f.want(err != nil || printed == count, "%s.hgrm holds %d values, result.json %d", base, printed, count)
}

// readHlog returns how many values the histograms of a log hold together, those
// of warm-up left out.
func readHlog(path string) (count int64, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	if !bytes.Contains(text, []byte("[Histogram log format version 1.3]")) {
		return 0, errors.New("no line tells the format version 1.3")
	}
	reader := hdrhistogram.NewHistogramLogReader(bytes.NewReader(text))
	for intervals := 0; ; intervals++ {
		histogram, err := reader.NextIntervalHistogram()
		switch {
		case err != nil:
			return 0, fmt.Errorf("interval %d: %w", intervals, err)
		case histogram == nil && intervals == 0:
			return 0, errors.New("no interval")
		case histogram == nil:
			return count, nil
		}
		if !strings.HasSuffix(histogram.Tag(), ".warmup") {
			count += histogram.TotalCount()
		}
	}
}

// checkActivity reads what a cell's nodes did over time, which must have each repeat.
func checkActivity(f *findings, path string, repeats int) {
	text, err := os.ReadFile(path)
	if err != nil {
		f.add("%v", err)
		return
	}
	var nodes []struct {
		Repeat int     `json:"repeat"`
		Node   string  `json:"node"`
		EveryS float64 `json:"every_s"`
	}
	if err := decodeOne(text, &nodes); err != nil {
		f.add("%s: %v", path, err)
		return
	}
	seen := map[int]bool{}
	for _, n := range nodes {
		f.want(n.Node != "" && n.EveryS > 0, "%s: node %q of samples every %v s", path, n.Node, n.EveryS)
		seen[n.Repeat] = true
	}
	for repeat := 1; repeat <= repeats; repeat++ {
		f.want(seen[repeat], "%s has nothing of repeat %d", path, repeat)
	}
}

var hgrmTotal = regexp.MustCompile(`^#\[Max +=.*Total count += +(\d+)\]$`)

// readHgrm returns the total of a percentile listing: rows of value, percentile,
// count and 1/(1-percentile), in ascending order, and three lines of footer.
func readHgrm(path string) (total int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	if !lines.Scan() || strings.Join(strings.Fields(lines.Text()), " ") != "Value Percentile TotalCount 1/(1-Percentile)" {
		return 0, fmt.Errorf("first line %q", lines.Text())
	}
	var last [3]float64
	rows := 0
	total = -1
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if match := hgrmTotal.FindStringSubmatch(line); match != nil {
			if total, err = strconv.ParseInt(match[1], 10, 64); err != nil {
				return 0, err
			}
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 4 {
			return 0, fmt.Errorf("row %q", line)
		}
		for i := range last {
			number, err := strconv.ParseFloat(fields[i], 64)
			if err != nil || number < last[i] {
				return 0, fmt.Errorf("row %q after %v", line, last)
			}
			last[i] = number
		}
		rows++
	}
	if rows < 10 || last[1] != 1 || int64(last[2]) != total {
		return 0, fmt.Errorf("%d rows, the last at percentile %v and count %v of %d", rows, last[1], last[2], total)
	}
	return total, lines.Err()
}

// What a chart has at least. A blank page has one colour.
const (
	inkPixelsMin = 2000
	coloursMin   = 8
	chartSideMin = 300
)

// checkPNG decodes a chart and counts what is not background.
func checkPNG(f *findings, path string) {
	file, err := os.Open(path)
	if err != nil {
		f.add("%v", err)
		return
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		f.add("%s: %v", path, err)
		return
	}
	area := picture.Bounds()
	flat := image.NewRGBA(area)
	draw.Draw(flat, area, picture, area.Min, draw.Src)
	pixels := map[uint32]int{} // by colour
	for at := 0; at < len(flat.Pix); at += 4 {
		pixels[binary.BigEndian.Uint32(flat.Pix[at:])]++
	}
	background := 0
	for _, n := range pixels {
		background = max(background, n)
	}
	ink := area.Dx()*area.Dy() - background
	f.want(area.Dx() >= chartSideMin && area.Dy() >= chartSideMin, "%s is %v", path, area.Size())
	f.want(ink >= inkPixelsMin && len(pixels) >= coloursMin,
		"%s is blank: %d pixels off the background, %d colours", path, ink, len(pixels))
}

var digit = regexp.MustCompile(`\d`)

// checkTable looks at a table as a person gets it through a pipe.
func checkTable(f *findings, path string, cells int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f.want(!bytes.ContainsRune(text, 0x1b), "escape codes in a pipe")
	rows, inTable := 0, false
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.Contains(line, "records/s") && strings.Contains(line, "p99"):
			inTable = true
		case strings.TrimSpace(line) == "":
			inTable = false // tables of other figures follow
		case inTable && len(digit.FindAllString(line, -1)) >= 8:
			rows++
		}
	}
	f.want(rows == cells, "%d rows of figures below a heading with records/s and p99, for %d cells", rows, cells)
	return nil
}
