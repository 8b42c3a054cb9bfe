package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Goal: what a page loads from elsewhere and what the browser says of it are findings,
// and nothing else is. Method: a table of events.
func TestComplaints(t *testing.T) {
	const url = "file:///run/report.html"
	said := func(method, params string) event { return event{Method: method, Params: json.RawMessage(params)} }
	request := func(url string) event {
		return said("Network.requestWillBeSent", `{"request":{"url":"`+url+`"}}`)
	}
	for _, c := range []struct {
		why  string
		all  []event
		want string
	}{
		{"the page itself and its pictures", []event{request(url), request("data:image/png;base64,AA==")}, ""},
		{"another file", []event{request(url), request("file:///run/chart.png")}, "it loads file:///run/chart.png"},
		{"another machine", []event{request("https://example.org/x.js")}, "it loads https://example.org/x.js"},
		{"a refusal", []event{said("Log.entryAdded", `{"entry":{"text":"Refused"}}`)}, "Refused"},
		{"a script that failed", []event{said("Runtime.exceptionThrown", `{"x":1}`)}, "the browser says"},
		{"other events", []event{said("Page.loadEventFired", `{}`)}, ""},
	} {
		got := strings.Join(complaints(c.all, url), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

// Goal: a browser that is none, or ends at once, is an error that says so, and not a page
// that is well. Method: programs that are there on every system.
func TestPageWithoutBrowser(t *testing.T) {
	page := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(page, []byte("<!doctype html>"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ chromium, want string }{
		{filepath.Join(t.TempDir(), "none"), "no such file"},
		{"true", "the browser"},
	} {
		var stdout, stderr strings.Builder
		code := checkrun([]string{"page", "--chromium", c.chromium, page}, &stdout, &stderr)
		if code != 1 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit code %d, %s", c.chromium, code, &stderr)
		}
	}
}
