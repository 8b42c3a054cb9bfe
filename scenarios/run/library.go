package run

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"

	"brokerlab/engine/record"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
	"brokerlab/workloads/samples"
)

// library is the user's files that records and their sizes come from. They are looked
// through before anything starts, and stay open while the run goes on.
type library struct {
	files []*userFile // of records
	lists []*sizeList
	// stopped says whether to give up looking through files.
	stopped func() bool

	*corpora
}

// corpora are the figures of records that are known already. Runs may share one, if the
// files that they read stay as they are.
type corpora struct {
	mu    sync.Mutex
	known map[corpusKey]results.Corpus
}

func newCorpora() *corpora { return &corpora{known: make(map[corpusKey]results.Corpus)} }

// userFile is a file of records.
type userFile struct {
	path   string
	format string // of the setting
	file   *os.File
	before os.FileInfo
	found  *samples.File
}

// sizeList is a file with sizes and weights.
type sizeList struct {
	path  string
	sizes *payload.Sizes
}

// corpusKey is all that the figures of records depend on.
type corpusKey struct {
	records spec.Records
	seed    uint64
}

// openLibrary reads the files that cells need. It tells all that is wrong with them and
// with what the cells do with them, or ErrInterrupted once stopped says so.
func openLibrary(cells []spec.Cell, known *corpora, stopped func() bool) (*library, error) {
	l := &library{corpora: known, stopped: stopped}
	var errs []error
	tell := func(err error) {
		if err != nil && !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == err.Error() }) {
			errs = append(errs, err)
		}
	}
	failed := make(map[string]bool)
	for i := range cells {
		for _, g := range cells[i].Scenario.ProducerGroups() {
			for _, need := range needsOf(&g.Records) {
				if failed[need.path] {
					continue
				}
				if err := l.add(need); err != nil {
					failed[need.path] = true
					tell(err)
				}
			}
			if len(failed) == 0 {
				tell(l.check(&g.Scenario))
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errors.Join(errs...), l.close())
	}
	return l, nil
}

// need is a file that records need.
type need struct {
	path, format string
	list         bool // of sizes
}

func needsOf(r *spec.Records) (out []need) {
	if path, ok := r.SampleFile(); ok {
		out = append(out, need{path: path, format: r.Format})
	}
	switch r.Size.Kind {
	case spec.SizeLike:
		out = append(out, need{path: r.Size.File, format: r.Format})
	case spec.SizeEmpirical:
		out = append(out, need{path: r.Size.File, list: true})
	}
	return out
}

// add opens and reads a file, once.
func (l *library) add(n need) error {
	if n.list && l.list(n.path) != nil || !n.list && l.sample(n.path, n.format) != nil {
		return nil
	}
	before, err := os.Stat(n.path)
	switch {
	case err != nil && n.list:
		return fmt.Errorf("list of sizes %s: %w", n.path, causeOf(err))
	case err != nil:
		return fmt.Errorf("file of records %s: %w", n.path, causeOf(err))
	case !n.list && !before.Mode().IsRegular(): // a pipe would wait for who opens its other end
		return fmt.Errorf("%s: is not a file that can be read from any place", n.path)
	}
	file, err := os.Open(n.path)
	if err != nil {
		return err
	}
	if n.list {
		list, err := samples.ReadSizes(n.path, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
		for i := range list {
			list[i].Bytes = max(list[i].Bytes, payload.SizeMin)
		}
		sizes, err := payload.Empirical(list)
		if err != nil {
			return fmt.Errorf("%s: %w", n.path, err)
		}
		l.lists = append(l.lists, &sizeList{n.path, sizes})
		return nil
	}
	u := &userFile{path: n.path, format: n.format, file: file, before: before}
	scanned := &scannedFile{File: file, stopped: l.stopped}
	u.found, err = samples.Scan(samples.Input{Name: n.path, Reader: scanned, Bytes: before.Size(),
		Format: samples.Format(n.format)})
	scanned.stopped = nil // producers that were stopped still read what they send
	if errors.Is(err, ErrInterrupted) {
		return errors.Join(ErrInterrupted, file.Close())
	}
	if err != nil {
		return errors.Join(withFormat(err), file.Close())
	}
	l.files = append(l.files, u)
	return nil
}

// scannedFile is a file that can be interrupted while it is looked through, which takes long
// for a large one.
type scannedFile struct {
	*os.File
	stopped func() bool // nil: it is not looked through any more
}

func (f *scannedFile) ReadAt(b []byte, offset int64) (int, error) {
	if f.stopped != nil && f.stopped() {
		return 0, ErrInterrupted
	}
	return f.File.ReadAt(b, offset)
}

// withFormat says which setting helps where the format was guessed wrong, or not at all.
func withFormat(err error) error {
	const formats = "records.file.format says how it is to be read"
	var e *samples.Error
	switch {
	case errors.Is(err, samples.ErrUnknown):
		return fmt.Errorf("%w: %s", err, formats)
	case errors.As(err, &e) && e.Format != "":
		return fmt.Errorf("%w; it looks like %s, and %s", err, e.Format, formats)
	}
	return err
}

// close closes the files.
func (l *library) close() error {
	if l == nil {
		return nil
	}
	var errs []error
	for _, u := range l.files {
		errs = append(errs, u.file.Close())
	}
	return errors.Join(errs...)
}

// changed names the files that are no longer what they were.
func (l *library) changed() (warnings []string) {
	for _, u := range l.files {
		now, err := os.Stat(u.path)
		if err != nil || now.Size() != u.before.Size() || !now.ModTime().Equal(u.before.ModTime()) {
			warnings = append(warnings, fmt.Sprintf("%s was changed while the run read it: its sum is that of the start",
				u.path))
		}
	}
	return warnings
}

func (l *library) sample(path, format string) *samples.File {
	for _, u := range l.files {
		if u.path == path && u.format == format {
			return u.found
		}
	}
	return nil
}

func (l *library) list(path string) *payload.Sizes {
	for _, s := range l.lists {
		if s.path == path {
			return s.sizes
		}
	}
	return nil
}

// sizesOf is how large records are; nil is one size, or that of a file's records.
func (l *library) sizesOf(r *spec.Records) (*payload.Sizes, error) {
	switch r.Size.Kind {
	case spec.SizeUniform:
		return payload.Uniform(int(r.Size.Min), int(r.Size.Max))
	case spec.SizeLogNormal:
		return payload.LogNormal(payload.LogNormalConfig{Mean: float64(r.Size.Mean), Sigma: r.Size.Sigma,
			Min: payload.SizeMin, Max: int(r.Size.Max)})
	case spec.SizeEmpirical:
		return l.list(r.Size.File), nil
	case spec.SizeLike:
		return l.sample(r.Size.File, r.Format).Sizes(payload.SizeMin)
	}
	return nil, nil
}

// meanBytes is the mean size of a record's key and value, and of what names the record
// of a file.
func (l *library) meanBytes(s *spec.Scenario) float64 {
	r := &s.Records
	mean := r.MeanBytes()
	if path, ok := r.SampleFile(); ok {
		mean = l.sample(path, r.Format).MeanBytes() + float64(records.HeaderRoom)
	} else if sizes, err := l.sizesOf(r); err == nil && sizes != nil {
		mean = sizes.Mean()
	}
	return math.Ceil(mean) + float64(r.Key.Bytes())
}

// endRecords says which files are no longer what they were, and closes them.
func (r *runner) endRecords() error {
	r.result.Warnings = append(r.result.Warnings, r.library.changed()...)
	return r.library.close()
}

// keysLooked is how many records of a file are looked at for their keys.
const keysLooked = 10_000

// check says what cannot be done with the records of a file.
func (l *library) check(s *spec.Scenario) error {
	r := &s.Records
	path, isFile := r.SampleFile()
	if !isFile && r.Size.File == "" {
		return nil
	}
	if !isFile {
		sizes, err := l.sizesOf(r)
		if err != nil {
			return err
		}
		if limit, name, ok := fits(s, sizes.Max(), int(r.Key.Bytes()), 0); !ok {
			return fmt.Errorf("%s: its largest size, %d bytes, does not fit in %s %d", r.Size.File, sizes.Max(), name, limit)
		}
		return nil
	}
	f := l.sample(path, r.Format)
	largest, _ := f.Largest("")
	keyBytes := int(r.Key.Bytes())
	from, err := keyFrom(&r.Key)
	if err != nil {
		return err
	}
	if from != nil {
		keyBytes = largest // a part of it
	}
	if limit, name, ok := fits(s, largest, keyBytes, records.HeaderRoom); !ok {
		_, err := f.Largest(fmt.Sprintf("the largest record, %d bytes, does not fit with key and header in %s %d", largest,
			name, limit))
		return err
	}
	if from == nil {
		return nil
	}
	return checkKeys(f, from)
}

// checkKeys looks for the keys of a file's first records.
func checkKeys(f *samples.File, from records.KeyFrom) error {
	c, err := f.Cursor(0)
	if err != nil {
		return err
	}
	for number := range min(f.Records(), keysLooked) {
		record, err := c.Next()
		if err != nil {
			return err
		}
		if err := records.CheckKey(from, record); err != nil {
			return fmt.Errorf("%s: record %d: %w", f.Name(), number+1, err)
		}
	}
	return nil
}

// fits says whether a record fits where it has to, or which limit it is above.
func fits(s *spec.Scenario, valueBytes, keyBytes, headerBytes int) (limit int64, name string, ok bool) {
	const rest = 16 // lengths and counts of the parts
	bytes := int64(record.HeaderSize + record.SizeUpperBound(valueBytes+keyBytes+headerBytes+rest))
	for _, l := range []struct {
		name  string
		limit int64
	}{
		{"producers.max.request.size", s.Producers.MaxRequestSize}, {"topic.max.message.bytes", s.Topic.MaxMessageBytes},
		{"producers.buffer.memory", s.Producers.BufferMemory}, {"topic.segment.bytes", s.Topic.SegmentBytes},
	} {
		if bytes > l.limit {
			return l.limit, l.name, false
		}
	}
	return 0, "", true
}
