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
// a file part, or has only a length: then there is nothing to compare.
//
// The body of a modelled batch is a stub, which has no bytes that could be wrong: if
// it is whole the CRC is that of the header alone, which is what its producer wrote.
func BufCRC(batch env.Buf) (crc uint32, ok bool) {
	return PieceCRC(batch, AttributesOffset, batch.Len()-AttributesOffset)
}

// PieceCRC is BufCRC of n bytes from off, which reach to the end of a batch.
func PieceCRC(b env.Buf, off, n int) (crc uint32, ok bool) {
	parts := b.Parts()
	for i := range parts {
		p := &parts[i]
		size := p.Len()
		if off >= size {
			off -= size
			continue
		}
		take := min(n, size-off)
		switch bytes := p.Bytes(); {
		case bytes != nil:
			crc = UpdateCRC(crc, bytes[off:off+take])
		case p.Stub() == nil || off > 0 || take < size:
			return 0, false
		}
		off, n = 0, n-take
		if n == 0 {
			break
		}
	}
	return crc, true
}
