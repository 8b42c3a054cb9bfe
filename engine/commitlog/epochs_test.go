package commitlog

import (
	"errors"
	"slices"
	"testing"
)

// Goal: the cache of leader epochs keeps Kafka's entries. Method: a script of
// calls with the entries that LeaderEpochFileCache has after each.
func TestEpochCache(t *testing.T) {
	c := epochCache{}
	steps := []struct {
		name    string
		do      func() bool
		changed bool
		want    []epochStart
	}{
		{"the first epoch", func() bool { return c.assign(epochStart{2, 0}) }, true, []epochStart{{2, 0}}},
		{"its next batch is no news", func() bool { return c.assign(epochStart{2, 10}) }, false, []epochStart{{2, 0}}},
		{"a batch without an epoch", func() bool { return c.assign(epochStart{-1, 11}) }, false, []epochStart{{2, 0}}},
		{"a new leader", func() bool { return c.assign(epochStart{4, 20}) }, true, []epochStart{{2, 0}, {4, 20}}},
		{"a leader that wrote nothing is replaced", func() bool { return c.assign(epochStart{5, 20}) }, true,
			[]epochStart{{2, 0}, {5, 20}}},
		{"a third leader", func() bool { return c.assign(epochStart{7, 30}) }, true, []epochStart{{2, 0}, {5, 20}, {7, 30}}},
		{"an older epoch takes the later ones away", func() bool { return c.assign(epochStart{5, 40}) }, true,
			[]epochStart{{2, 0}, {5, 40}}},
		{"the same epoch from earlier on", func() bool { return c.assign(epochStart{5, 20}) }, true,
			[]epochStart{{2, 0}, {5, 20}}},
		{"and a later one", func() bool { return c.assign(epochStart{8, 50}) }, true, []epochStart{{2, 0}, {5, 20}, {8, 50}}},
		{"a cut behind all of them", func() bool { return c.cutEnd(51) }, false, []epochStart{{2, 0}, {5, 20}, {8, 50}}},
		{"a cut where one begins takes it", func() bool { return c.cutEnd(50) }, true, []epochStart{{2, 0}, {5, 20}}},
		{"a start before all of them", func() bool { return c.cutStart(0) }, false, []epochStart{{2, 0}, {5, 20}}},
		{"a start inside an epoch moves it", func() bool { return c.cutStart(7) }, true, []epochStart{{2, 7}, {5, 20}}},
		{"a start where one begins", func() bool { return c.cutStart(20) }, true, []epochStart{{5, 20}}},
		{"a start behind all of them", func() bool { return c.cutStart(90) }, true, []epochStart{{5, 90}}},
		{"a cut of everything", func() bool { return c.cutEnd(0) }, true, nil},
	}
	for _, s := range steps {
		held := slices.Clone(c.entries)
		reader := c.entries
		if got := s.do(); got != s.changed || !slices.Equal(c.entries, s.want) {
			t.Errorf("%s: changed %v, entries %v, want %v", s.name, got, c.entries, s.want)
		}
		if !slices.Equal(reader, held) {
			t.Errorf("%s: wrote over entries that a reader may hold", s.name)
		}
	}
}

// Goal: the answers of OffsetsForLeaderEpoch are Kafka's. Method: a table over
// a log with gaps between its epochs.
func TestEpochQuestions(t *testing.T) {
	c := epochCache{entries: []epochStart{{2, 5}, {5, 20}, {8, 50}}}
	ends := []struct {
		name  string
		epoch int32
		want  EpochEnd
	}{
		{"no epoch", -1, EpochEnd{-1, -1}},
		{"one before the first ends where that begins", 1, EpochEnd{1, 5}},
		{"the first", 2, EpochEnd{2, 20}},
		{"one that wrote nothing: the largest below", 4, EpochEnd{2, 20}},
		{"the one before the last", 5, EpochEnd{5, 50}},
		{"the last ends at the log end", 8, EpochEnd{8, 70}},
		{"one that the log has not heard of", 9, EpochEnd{-1, -1}},
	}
	for _, e := range ends {
		if got := c.endOffsetFor(e.epoch, 70); got != e.want {
			t.Errorf("%s: %+v, want %+v", e.name, got, e.want)
		}
	}
	offsets := []struct {
		offset int64
		epoch  int32
		ok     bool
	}{{4, -1, false}, {5, 2, true}, {19, 2, true}, {20, 5, true}, {1000, 8, true}}
	for _, o := range offsets {
		if epoch, ok := c.epochFor(o.offset); epoch != o.epoch || ok != o.ok {
			t.Errorf("offset %d: epoch %d, %v", o.offset, epoch, ok)
		}
	}
	none := epochCache{}
	if got := none.endOffsetFor(3, 70); got != (EpochEnd{-1, -1}) {
		t.Errorf("an empty cache answers %+v", got)
	}
}

// Goal: only a whole checkpoint file is taken. Method: a table of texts; what is
// taken is written again to the byte.
func TestParseEpochs(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []epochStart
		ok   bool
	}{
		{"no entry", "0\n0\n", nil, true},
		{"two entries", "0\n2\n3 0\n4 17\n", []epochStart{{3, 0}, {4, 17}}, true},
		{"an empty file", "", nil, false},
		{"another version", "1\n0\n", nil, false},
		{"an entry is missing", "0\n2\n3 0\n", nil, false},
		{"an entry too many", "0\n1\n3 0\n4 17\n", nil, false},
		{"a negative number of entries", "0\n-1\n", nil, false},
		{"three fields", "0\n1\n3 0 1\n", nil, false},
		{"no number", "0\n1\n3 x\n", nil, false},
		{"a negative offset", "0\n1\n3 -1\n", nil, false},
		{"an epoch beyond 31 bits", "0\n1\n2147483648 0\n", nil, false},
		{"epochs that fall", "0\n2\n4 0\n3 17\n", nil, false},
		{"offsets that stay", "0\n2\n3 17\n4 17\n", nil, false},
	}
	for _, test := range tests {
		got, err := parseEpochs([]byte(test.text))
		if (err == nil) != test.ok || !slices.Equal(got, test.want) || err != nil && !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v, %v, want %v", test.name, got, err, test.want)
		}
		if test.ok && string(epochsText(got)) != test.text {
			t.Errorf("%s: written as %q", test.name, epochsText(got))
		}
	}
}

// FuzzParseEpochs: any text is an error or comes out again as the same entries.
func FuzzParseEpochs(f *testing.F) {
	f.Add([]byte("0\n2\n3 0\n4 17\n"))
	f.Add([]byte("0\n1\n3"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseEpochs(text)
		if err != nil {
			return
		}
		again, err := parseEpochs(epochsText(got))
		if err != nil || !slices.Equal(got, again) {
			t.Errorf("%v came out as %v, %v", got, again, err)
		}
	})
}
