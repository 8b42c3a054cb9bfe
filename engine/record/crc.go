package record

import (
	"hash/crc32"

	"brokerlab/engine/env"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// UpdateCRC adds p to a CRC-32C (Castagnoli), which starts as 0. It uses the
// processor's instruction where there is one.
func UpdateCRC(crc uint32, p []byte) uint32 { return crc32.Update(crc, castagnoli, p) }

// BufCRC returns the CRC-32C of the bytes from AttributesOffset of a Buf that
// holds one whole batch, part by part. ok is false if one of these bytes lies in
// a length-only or a file part: then there is nothing to compare.
func BufCRC(batch env.Buf) (crc uint32, ok bool) {
	skip := AttributesOffset
	parts := batch.Parts()
	for i := range parts {
		p := &parts[i]
		if skip >= p.Len() {
			skip -= p.Len()
			continue
		}
		b := p.Bytes()
		if b == nil {
			return 0, false
		}
		crc = UpdateCRC(crc, b[skip:])
		skip = 0
	}
	return crc, true
}
