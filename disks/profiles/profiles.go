// Package profiles holds named descriptions of disks for disks/device, as YAML
// in which each figure has its source and says how well it is known. It reads
// and checks such files strictly, its own and others; it makes no device and
// does not say that a product behaves as its profile.
//
// # Format
//
//	title: 3.5 inch hard disk, 7200 rpm
//	note: free text, if any
//	sources:
//	  hc310: WD Ultrastar DC HC310 OEM specification, table 5
//	kind: hdd                                 # or ssd, provisioned
//	capacity: {value: 4TB, status: recalled, source: hc310}
//	hdd:
//	  rpm: {value: 7200, status: verified, source: hc310, note: if any}
//	  ...
//
// Every figure of its kind must be there but those that settings.go calls
// optional. A value is a number, a size (4TB, 64MiB), a rate (175MB/s), a
// duration (8.2ms), yes or no; a duration that varies is a mapping of its p50 and
// p99. The statuses are those of figures.Status.
package profiles

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"brokerlab/disks/device"
	"brokerlab/disks/figures"
)

//go:embed *.yaml
var files embed.FS

var library = figures.Library{Files: files, What: "disk profile"}

// Profile is a disk with its sources.
type Profile struct {
	Name    string
	Title   string
	Note    string
	Config  device.Config
	Figures []Figure         // in the order of the file
	Sources []figures.Source // in the order of the file
}

// Figure is one value as it is written.
type Figure struct {
	Path string // hdd.rpm
	Text string // 7200; "p50 60us, p99 120us" for a spread
	figures.Origin
}

// Names returns the names of the built-in profiles in order.
func Names() []string { return library.Names() }

// Text returns a built-in profile as it is written, comments included.
func Text(name string) ([]byte, error) { return library.Text(name) }

// Load returns a built-in profile.
func Load(name string) (*Profile, error) {
	src, err := Text(name)
	if err != nil {
		return nil, err
	}
	p, err := Parse(name+figures.Extension, src)
	if err != nil {
		panic("profiles: a built-in profile is wrong: " + err.Error())
	}
	return p, nil
}

// IsFile says whether a name stands for a file and not for a built-in profile: it
// ends in .yaml or .yml, or has a slash.
func IsFile(name string) bool {
	return strings.HasSuffix(name, figures.Extension) || strings.HasSuffix(name, ".yml") || strings.ContainsAny(name, `/\`)
}

// Find returns the profile of a file or, if the name is none (see IsFile), the
// built-in one.
func Find(name string) (*Profile, error) {
	if !IsFile(name) {
		return Load(name)
	}
	src, err := TextOf(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, src)
}

// TextOf returns a profile as it is written, of a file or a built-in one, as Find
// takes them.
func TextOf(name string) ([]byte, error) {
	if IsFile(name) {
		return readFile(name)
	}
	return Text(name)
}

// readFile reads no more than a profile may have: it stops at what has no end.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err == nil {
		defer f.Close()
		var src []byte
		if src, err = io.ReadAll(io.LimitReader(f, figures.SourceBytesMax+1)); err == nil {
			return src, nil
		}
	}
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	return nil, fmt.Errorf("disk profile %s: %w", name, err)
}
