// SPDX-License-Identifier: MIT

// Parsing and validation of frame headers.

package ws

import (
	"encoding/binary"
	"math"
)

// A header is the header of a frame.
type header struct {
	length uint64
	key    uint32 // mask; its lowest byte belongs to the first payload byte
	size   int    // of the header itself; 0 when more bytes are needed
	op     Opcode
	fin    bool

	compressed bool
}

// header reads the header at the start of b. Each rule is checked as soon as
// its bytes are there and always in the same order, so that the verdict does
// not depend on how the stream was cut. A length is held against the limits
// here, before any memory is taken for it.
func (p *Parser) header(cfg *Config, b []byte) (h header, f fault) {
	if len(b) == 0 {
		return h, faultNone
	}
	h.op, h.fin, h.compressed = Opcode(b[0]&opBits), b[0]&finBit != 0, b[0]&rsv1Bit != 0
	if f = p.checkFirst(cfg, b[0]&rsvBits, h); f != faultNone || len(b) < 2 {
		return h, f
	}

	masked := b[1]&maskBit != 0
	short := b[1] & lenBits
	switch {
	case cfg.FromClient && !masked:
		return h, faultMaskMissing
	case !cfg.FromClient && masked:
		return h, faultMaskPresent
	case h.op.IsControl() && short > MaxControl:
		return h, faultControlLength
	}

	size := 2
	switch short {
	case len16:
		if size = 4; len(b) < size {
			return h, faultNone
		}
		if h.length = uint64(binary.BigEndian.Uint16(b[2:])); h.length < len16 {
			return h, faultLengthForm
		}
	case len64:
		if size = 10; len(b) < size {
			return h, faultNone
		}
		switch h.length = binary.BigEndian.Uint64(b[2:]); {
		case h.length > math.MaxInt64:
			return h, faultLengthSign
		case h.length <= math.MaxUint16:
			return h, faultLengthForm
		}
	default:
		h.length = uint64(short)
	}
	if limit := cfg.maxMessage(); !h.op.IsControl() && (h.length > limit || uint64(p.Held()) > limit-h.length) {
		p.left = uint64(p.Held()) + h.length // for Oversize
		return h, faultTooBig
	}

	if masked {
		if len(b) < size+maskSize {
			return h, faultNone
		}
		h.key = binary.LittleEndian.Uint32(b[size:])
		size += maskSize
	}
	h.size = size
	return h, faultNone
}

// checkFirst holds the first byte against the rules and the message under way.
func (p *Parser) checkFirst(cfg *Config, rsv byte, h header) fault {
	// Only the first frame of a message can say that it is compressed.
	if rsv != 0 && (rsv != rsv1Bit || !p.deflate || h.op != Text && h.op != Binary) {
		return faultReservedBits
	}
	switch h.op {
	case Text, Binary:
		if p.message != 0 {
			return faultInterleaved
		}
	case Continuation:
		if p.message == 0 {
			return faultContinuation
		}
		if p.frames >= cfg.maxFragments() {
			return faultFragments
		}
	case Close, Ping, Pong:
		if !h.fin {
			return faultControlFragmented
		}
	default:
		return faultReservedOpcode
	}
	return faultNone
}
