package main

import (
	"encoding/json"
	"path/filepath"
	"unicode/utf8"

	"brokerlab/engine/logcheck"
	"brokerlab/engine/logdump"
	"brokerlab/engine/record"
)

// jsonDump prints JSON lines, each with a type.
type jsonDump struct {
	out     *lineWriter
	root    string
	options dumpOptions
	printed printed
}

// The lines, by type.
type (
	directoryLine struct {
		Type string `json:"type"` // directory
		Path string `json:"path"`
	}
	batchLine struct {
		Type          string `json:"type"` // batch
		File          string `json:"file"`
		Position      int64  `json:"position"`
		SizeBytes     int    `json:"size_bytes"`
		BaseOffset    int64  `json:"base_offset"`
		LastOffset    int64  `json:"last_offset"`
		Records       int32  `json:"records"`
		LeaderEpoch   int32  `json:"leader_epoch"`
		ProducerID    int64  `json:"producer_id"` // -1: none
		ProducerEpoch int16  `json:"producer_epoch"`
		BaseSequence  int32  `json:"base_sequence"`
		LastSequence  int32  `json:"last_sequence"`
		Transactional bool   `json:"transactional"`
		Control       bool   `json:"control"`
		Compression   string `json:"compression"`
		BaseTimestamp int64  `json:"base_timestamp_ms"` // the delete horizon, where there is one
		DeleteHorizon bool   `json:"delete_horizon"`
		MaxTimestamp  int64  `json:"max_timestamp_ms"`
		LogAppendTime bool   `json:"log_append_time"`
		CRC           uint32 `json:"crc"`
		CRCIsRight    bool   `json:"crc_is_right"`
		Magic         int8   `json:"magic"`
	}
	recordLine struct {
		Type       string       `json:"type"` // record
		File       string       `json:"file"`
		Position   int64        `json:"position"` // of its batch
		Offset     int64        `json:"offset"`
		Sequence   int32        `json:"sequence"` // -1: none
		Timestamp  int64        `json:"timestamp_ms"`
		KeyBytes   int          `json:"key_bytes"`   // -1: null
		ValueBytes int          `json:"value_bytes"` // -1: null
		Key        *fieldText   `json:"key"`
		Value      *fieldText   `json:"value"`
		Headers    []headerLine `json:"headers,omitempty"`
	}
	headerLine struct {
		Key   string     `json:"key"`
		Value *fieldText `json:"value"`
	}
	// fieldText is bytes: as text where they are UTF-8, else in base64.
	fieldText struct {
		Text   *string `json:"text,omitempty"`
		Base64 []byte  `json:"base64,omitempty"`
		Cut    bool    `json:"cut,omitempty"` // by --value-bytes
	}
	entryLine struct {
		Type      string `json:"type"` // index or timeindex
		File      string `json:"file"`
		Offset    int64  `json:"offset"`
		Position  *int64 `json:"position,omitempty"`
		Timestamp *int64 `json:"timestamp_ms,omitempty"`
	}
	segmentLine struct {
		Type         string `json:"type"` // segment
		File         string `json:"file"`
		FirstOffset  int64  `json:"first_offset"` // -1: none
		NextOffset   int64  `json:"next_offset"`
		Batches      int64  `json:"batches"`
		Records      int64  `json:"records"`
		LogBytes     int64  `json:"log_bytes"`
		FirstTime    int64  `json:"first_timestamp_ms"`
		LastTime     int64  `json:"last_timestamp_ms"`
		IndexEntries int    `json:"index_entries"`
		TimeEntries  int    `json:"time_index_entries"`
	}
	findingLine struct {
		Type     string `json:"type"` // damage or note
		File     string `json:"file"`
		Position int64  `json:"position"`
		Message  string `json:"message"`
	}
	totalsLine struct {
		Type         string `json:"type"` // totals
		Directories  int    `json:"directories"`
		Segments     int    `json:"segments"`
		Batches      int64  `json:"batches"`
		Records      int64  `json:"records"`
		LogBytes     int64  `json:"log_bytes"`
		IndexEntries int    `json:"index_entries"`
		Damage       int    `json:"damage"`
		Notes        int    `json:"notes"`
		Unread       int    `json:"unread"`
	}
)

func (d *jsonDump) visitor() logcheck.Visitor {
	return logcheck.Visitor{Directory: d.directory, Batch: d.batch, Segment: d.segment, Finding: d.finding,
		Record: d.record, Index: d.index, Time: d.time}
}

func (d *jsonDump) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return d.out.write(append(append(d.out.buf, text...), '\n'))
}

func (d *jsonDump) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d *jsonDump) directory(name string) error {
	return d.line(directoryLine{Type: "directory", Path: d.path(name)})
}

func (d *jsonDump) batch(b *logcheck.Batch) error {
	if !d.printed.next(b) {
		return nil
	}
	a := b.Attributes
	return d.line(batchLine{Type: "batch", File: d.path(b.File), Position: b.Position, SizeBytes: b.SizeBytes(),
		BaseOffset: b.BaseOffset, LastOffset: b.LastOffset(), Records: b.RecordCount, LeaderEpoch: b.PartitionLeaderEpoch,
		ProducerID: b.ProducerID, ProducerEpoch: b.ProducerEpoch, BaseSequence: b.BaseSequence,
		LastSequence: b.LastSequence(), Transactional: a.Transactional(), Control: a.Control(),
		Compression: a.Codec().String(), BaseTimestamp: b.BaseTimestamp, DeleteHorizon: a.DeleteHorizon(),
		MaxTimestamp: b.MaxTimestamp, LogAppendTime: a.LogAppendTime(), CRC: b.CRC, CRCIsRight: b.CRCRight,
		Magic: b.Magic})
}

func (d *jsonDump) record(b *logcheck.Batch, r *record.Record) error {
	if !d.printed.now {
		return nil
	}
	headers, err := r.Headers()
	if err != nil {
		return err
	}
	line := recordLine{Type: "record", File: d.path(b.File), Position: b.Position, Offset: r.Offset,
		Sequence: logdump.Sequence(&b.Header, r), Timestamp: r.Timestamp, KeyBytes: lengthOf(r.Key),
		ValueBytes: lengthOf(r.Value), Key: d.field(r.Key), Value: d.field(r.Value)}
	for _, h := range headers {
		line.Headers = append(line.Headers, headerLine{Key: h.Key, Value: d.field(h.Value)})
	}
	return d.line(line)
}

func lengthOf(b []byte) int {
	if b == nil {
		return -1
	}
	return len(b)
}

func (d *jsonDump) field(b []byte) *fieldText {
	if b == nil {
		return nil
	}
	f := &fieldText{}
	whole := utf8.Valid(b)
	if len(b) > d.options.valueBytes {
		b, f.Cut = cutBytes(b, d.options.valueBytes), true
	}
	if !whole {
		f.Base64 = b
		return f
	}
	text := string(b)
	f.Text = &text
	return f
}

func (d *jsonDump) index(e logcheck.Entry) error {
	return d.line(entryLine{Type: "index", File: d.path(e.File), Offset: e.Offset, Position: &e.Position})
}

func (d *jsonDump) time(e logcheck.Entry) error {
	return d.line(entryLine{Type: "timeindex", File: d.path(e.File), Offset: e.Offset, Timestamp: &e.Timestamp})
}

func (d *jsonDump) segment(s logcheck.Segment) error {
	return d.line(segmentLine{"segment", d.path(s.File), s.FirstOffset, s.NextOffset, s.Batches, s.Records, s.LogBytes,
		s.FirstTime, s.LastTime, s.IndexEntries, s.TimeEntries})
}

func (d *jsonDump) finding(f logcheck.Finding) error {
	kind := "note"
	if f.Damage {
		kind = "damage"
	}
	return d.line(findingLine{kind, d.path(f.File), f.Position, f.Message})
}

func (d *jsonDump) totals(t logcheck.Totals) error {
	return d.line(totalsLine{"totals", t.Directories, t.Segments, t.Batches, t.Records, t.Bytes, t.IndexEntries, t.Damage,
		t.Notes, t.Unread})
}
