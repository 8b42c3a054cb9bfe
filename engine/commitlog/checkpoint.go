package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"brokerlab/engine/env"
)

// checkpointBytesMax bounds the checkpoint files that are read.
const checkpointBytesMax = 64 << 20

// errMalformed says that a checkpoint file is not one. Whoever reads it goes on
// without: what it says is found again by more scanning.
var errMalformed = errors.New("malformed checkpoint")

// checkpointText is Kafka's CheckpointFile: the version (0), the number of
// entries, and one line for each.
//
//	0
//	2
//	topic 0 4711
//	topic 1 42
func checkpointText(entries []string) []byte {
	out := fmt.Appendf(nil, "0\n%d\n", len(entries))
	for _, e := range entries {
		out = append(append(out, e...), '\n')
	}
	return out
}

// parseCheckpoint returns the fields of each entry of a checkpoint file.
func parseCheckpoint(text []byte, fields int) ([][]string, error) {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) < 2 || lines[0] != "0" {
		return nil, fmt.Errorf("%w: its version is not 0", errMalformed)
	}
	if n, err := strconv.Atoi(lines[1]); err != nil || n != len(lines)-2 {
		return nil, fmt.Errorf("%w: it says %q entries, there are %d", errMalformed, lines[1], len(lines)-2)
	}
	out := make([][]string, 0, len(lines)-2)
	for _, line := range lines[2:] {
		f := strings.Fields(line)
		if len(f) != fields {
			return nil, fmt.Errorf("%w: %d fields in %q, want %d", errMalformed, len(f), line, fields)
		}
		out = append(out, f)
	}
	return out, nil
}

// readSmall returns what a small file holds; no such file is fs.ErrNotExist.
func readSmall(node env.Node, name string) ([]byte, error) {
	f, err := node.FS().Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was only read
	if f.Size() > checkpointBytesMax {
		return nil, fmt.Errorf("%w: %s has %d bytes", errMalformed, name, f.Size())
	}
	b, err := f.Read(0, int(f.Size()))
	if err != nil {
		return nil, err
	}
	defer b.Release()
	p := make([]byte, b.Len())
	return p, b.ReadAt(p, 0)
}

// replaceFile gives a file new content, which a power loss leaves whole or not
// there: it writes and forces a file beside, renames it and forces the directory
// (Kafka's CheckpointFile.write).
func replaceFile(node env.Node, name string, content []byte) error {
	fsys, beside := node.FS(), name+".tmp"
	if err := removeIfThere(fsys, beside); err != nil {
		return err
	}
	f, err := fsys.Create(beside)
	if err != nil {
		return err
	}
	err = f.Append(env.StaticBuf(content))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := fsys.Rename(beside, name); err != nil {
		return err
	}
	return fsys.SyncDir(path.Dir(path.Clean(name)))
}

// removeIfThere removes a file that need not exist.
func removeIfThere(fsys env.FS, name string) error {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readEpochs reads a leader-epoch-checkpoint file. known is false if there is
// none, or none that can be true.
func readEpochs(node env.Node, name string) (entries []epochStart, known bool, err error) {
	text, err := readSmall(node, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err == nil {
		entries, err = parseEpochs(text)
	}
	if errors.Is(err, errMalformed) || errors.Is(err, env.ErrNoBytes) {
		return nil, false, nil
	}
	return entries, err == nil, err
}

// parseEpochs is the content of a leader-epoch-checkpoint file: Kafka's
// LeaderEpochCheckpointFile.
func parseEpochs(text []byte) ([]epochStart, error) {
	lines, err := parseCheckpoint(text, 2)
	if err != nil {
		return nil, err
	}
	var out []epochStart
	for _, f := range lines {
		epoch, epochErr := strconv.ParseInt(f[0], 10, 32)
		offset, offsetErr := strconv.ParseInt(f[1], 10, 64)
		if epochErr != nil || offsetErr != nil || epoch < 0 || offset < 0 {
			return nil, fmt.Errorf("%w: entry %v", errMalformed, f)
		}
		e := epochStart{epoch: int32(epoch), offset: offset}
		if n := len(out); n > 0 && (e.epoch <= out[n-1].epoch || e.offset <= out[n-1].offset) {
			return nil, fmt.Errorf("%w: entry %v does not rise", errMalformed, f)
		}
		out = append(out, e)
	}
	return slices.Clip(out), nil
}

// epochsText is the file form of entries.
func epochsText(entries []epochStart) []byte {
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = fmt.Sprintf("%d %d", e.epoch, e.offset)
	}
	return checkpointText(lines)
}
