package record

import (
	"testing"

	"brokerlab/engine/env"
)

// Goal: the sum is CRC-32C. Method: the check value of RFC 3720's catalogue
// ("123456789"), at once and in pieces.
func TestUpdateCRC(t *testing.T) {
	const want = 0xe3069283
	if got := UpdateCRC(0, []byte("123456789")); got != want {
		t.Errorf("at once: %#x, want %#x", got, want)
	}
	if got := UpdateCRC(UpdateCRC(0, []byte("1234")), []byte("56789")); got != want {
		t.Errorf("in two pieces: %#x, want %#x", got, want)
	}
}

type noFile struct{ env.FileRange }

func (noFile) Retain()  {}
func (noFile) Release() {}

// Goal: a batch in parts has the sum that it has in one piece, and bytes that
// are not in memory are said to be missing. Method: the golden batch, cut at
// every place, and with parts of other kinds before and after the CRC's start.
func TestBufCRC(t *testing.T) {
	golden := goldenBytes(t)
	for cut := range golden {
		b := env.Join(env.StaticBuf(golden[:cut:cut]), env.StaticBuf(golden[cut:]))
		if crc, ok := BufCRC(b); !ok || crc != goldenHeader.CRC {
			t.Fatalf("cut at %d: %#x %v, want %#x", cut, crc, ok, goldenHeader.CRC)
		}
	}
	header, body := env.StaticBuf(golden[:HeaderSize]), env.StaticBuf(golden[HeaderSize:])
	for _, test := range []struct {
		name string
		buf  env.Buf
		ok   bool
	}{
		{"a piece of a stub has no sum",
			env.Join(header, env.StubBuf(body.Len()+1, &env.Stub{}).Slice(1, body.Len())), false},
		{"a length-only body has no sum", env.Join(header, env.LengthBuf(body.Len())), false},
		{"a file part as body has none either", env.Join(header, env.FileBuf(noFile{}, 0, body.Len())), false},
		{"a length-only part at the end", env.Join(header, body, env.LengthBuf(1)), false},
		{"what lies before the attributes does not matter",
			env.Join(env.LengthBuf(AttributesOffset), env.StaticBuf(golden[AttributesOffset:])), true},
	} {
		if crc, ok := BufCRC(test.buf); ok != test.ok || ok && crc != goldenHeader.CRC {
			t.Errorf("%s: %#x %v", test.name, crc, ok)
		}
	}
}

// Goal: the header of a modelled batch is checked, and its body must be whole.
// Method: the golden header over a stub; then each of its covered bits changed.
func TestBufCRCOfStub(t *testing.T) {
	h, header := goldenHeader, make([]byte, HeaderSize)
	h.PutModelled(header)
	batch := func() env.Buf {
		return env.Join(env.StaticBuf(header), env.StubBuf(h.SizeBytes()-HeaderSize, &env.Stub{}))
	}
	if crc, ok := BufCRC(batch()); !ok || crc != h.CRC {
		t.Errorf("%#x %v, want %#x", crc, ok, h.CRC)
	}
	for i := AttributesOffset * 8; i < HeaderSize*8; i++ {
		header[i/8] ^= 1 << (i % 8)
		if crc, ok := BufCRC(batch()); !ok || crc == h.CRC {
			t.Errorf("bit %d does not matter", i)
		}
		header[i/8] ^= 1 << (i % 8)
	}
}
