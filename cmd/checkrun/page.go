package main

import (
	"bytes"
	_ "embed" // what is looked at in the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed page.js
var lookAtPage string

// pageCheck is a report that is looked at in a browser.
type pageCheck struct {
	chromium string // "": the first on the search path
	pictures string // where pictures of it go, and its PDF; "": nowhere
}

// pageBytesMax is how large a page may be, and pagePictures how many charts it has at
// least.
const (
	pageBytesMax = 4 << 20
	pagePictures = 5
)

// view is a way to look at a page.
type view struct {
	name        string
	width, high int
	dark, print bool
}

// views are a phone and a desktop, both in the dark too, a tablet, and paper: A4 without
// its margins, at 96 pixels an inch.
var views = []view{
	{name: "phone", width: 360, high: 740}, {name: "phone-dark", width: 360, high: 740, dark: true},
	{name: "tablet", width: 768, high: 1024},
	{name: "desktop", width: 1280, high: 900}, {name: "desktop-dark", width: 1280, high: 900, dark: true},
	{name: "print", width: 703, high: 1017, print: true},
}

// look is what page.js gives.
type look struct {
	Wrong    []string `json:"wrong"`
	Pictures int      `json:"pictures"`
	Contrast float64  `json:"contrast"` // the least of all texts
	Paper    float64  `json:"paper"`    // luminance of the page's background
	Height   int      `json:"height"`
}

// check opens the page in every view, and prints it.
func (c pageCheck) check(f *findings, path string, stdout io.Writer) (err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f.want(len(text) <= pageBytesMax, "%s has %d bytes", path, len(text))
	chromium, err := findBrowser(c.chromium)
	if err != nil {
		return err
	}
	profile, err := os.MkdirTemp("", "checkrun-browser-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)
	url, err := fileURL(path)
	if err != nil {
		return err
	}
	b, err := startBrowser(chromium, profile)
	if err != nil {
		return err
	}
	defer func() {
		if closing := b.close(); err == nil {
			err = closing
		}
	}()
	for _, v := range views {
		if err := c.look(f, b, v, url, stdout); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	return c.print(f, b, stdout)
}

// look opens the page in one view.
func (c pageCheck) look(f *findings, b *browser, v view, url string, stdout io.Writer) error {
	if err := b.show(v); err != nil {
		return err
	}
	if err := b.open(url); err != nil {
		return err
	}
	var seen look
	if err := b.ask(lookAtPage, &seen); err != nil {
		return err
	}
	for _, text := range seen.Wrong {
		f.add("%s: %s", v.name, text)
	}
	f.want(seen.Pictures >= pagePictures, "%s: %d pictures, want %d or more", v.name, seen.Pictures, pagePictures)
	f.want(v.dark == (seen.Paper < 0.2), "%s: the page's background has luminance %.2f", v.name, seen.Paper)
	for _, text := range complaints(b.events, url) {
		f.add("%s: %s", v.name, text)
	}
	fmt.Fprintf(stdout, "%s: %d charts, %d pixels high, contrast at least %.1f\n", v.name, seen.Pictures, seen.Height,
		seen.Contrast)
	return c.picture(b, v)
}

// show makes the window that of a view.
func (b *browser) show(v view) error {
	err := b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": v.width, "height": v.high,
		"deviceScaleFactor": 1, "mobile": v.width < 500}, nil)
	if err != nil {
		return err
	}
	media, scheme := "screen", "light"
	if v.print {
		media = "print"
	}
	if v.dark {
		scheme = "dark"
	}
	return b.do("Emulation.setEmulatedMedia", map[string]any{"media": media,
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// complaints are what a page loaded from elsewhere and what the browser said of it.
func complaints(events []event, url string) (all []string) {
	for _, e := range events {
		switch e.Method {
		case "Network.requestWillBeSent":
			var p struct{ Request struct{ URL string } }
			if err := json.Unmarshal(e.Params, &p); err != nil {
				all = append(all, err.Error())
			}
			if p.Request.URL != url && !strings.HasPrefix(p.Request.URL, "data:") {
				all = append(all, "it loads "+p.Request.URL)
			}
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
			all = append(all, "the browser says "+string(e.Params))
		}
	}
	return all
}

// picture writes what the view looks like, if that is wanted.
func (c pageCheck) picture(b *browser, v view) error {
	if c.pictures == "" {
		return nil
	}
	var shot struct{ Data string }
	err := b.do("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true, "format": "png"}, &shot)
	if err != nil {
		return err
	}
	return c.keep(v.name+".png", shot.Data)
}

func (c pageCheck) keep(name, encoded string) error {
	content, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.pictures, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.pictures, name), content, 0o644)
}

// pdfPage finds the pages of a PDF.
var pdfPage = regexp.MustCompile(`/Type\s*/Page\b`)

// print makes a PDF of the page that is open.
func (c pageCheck) print(f *findings, b *browser, stdout io.Writer) error {
	var pdf struct{ Data string }
	err := b.do("Page.printToPDF", map[string]any{"preferCSSPageSize": true, "printBackground": true}, &pdf)
	if err != nil {
		return err
	}
	content, err := base64.StdEncoding.DecodeString(pdf.Data)
	if err != nil {
		return err
	}
	pages := len(pdfPage.FindAll(content, -1))
	f.want(bytes.HasPrefix(content, []byte("%PDF-")) && pages > 1, "printed: %d pages in %d bytes", pages, len(content))
	fmt.Fprintf(stdout, "printed: %d pages\n", pages)
	if c.pictures == "" {
		return nil
	}
	return c.keep("print.pdf", pdf.Data)
}
