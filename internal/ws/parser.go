// SPDX-License-Identifier: MIT

// Parser: from bytes to messages. It is fed and never reads.

package ws

import (
	"math"
	"unicode/utf8"
)

const (
	defaultMaxMessage   = 1_000_000
	defaultMaxFragments = 4096
)

// A Receiver receives the messages and control frames of a Parser, in the order of the
// stream, from within Feed and on its goroutine. data is valid until the method returns and
// may be modified in place. Returning more == false makes Feed stop after this frame.
type Receiver interface {
	// OnMessage receives a whole message. op is Text or Binary.
	OnMessage(op Opcode, data []byte) (more bool)
	// OnControl receives a control frame: Ping, Pong or Close. A close frame has
	// been validated; ParseClose parses it.
	OnControl(op Opcode, data []byte) (more bool)
}

// A CompressedReceiver is the Receiver that a Parser needs after AllowCompressed.
type CompressedReceiver interface {
	Receiver

	// OnCompressed receives a whole compressed message, Text or Binary, in place of
	// OnMessage. data is the input of Deflate.Inflate. Only the compressed size was
	// checked against the limit; Inflate checks the inflated size and the UTF-8 of a
	// text.
	OnCompressed(op Opcode, data []byte) (more bool)
}

// Config configures the parsers of one kind of connection. It must not change while a
// Parser uses it, and may be shared by any number of them.
type Config struct {
	// MaxMessage is the size in bytes of the largest message, all its fragments
	// together. A larger one ends the connection with 1009 as soon as a header
	// announces it. The compressed size of a compressed message counts here.
	// Defaults to 1,000,000; negative means no limit.
	MaxMessage int

	// MaxFragments is how many frames one message may have, including empty ones.
	// More end the connection with 1008. Defaults to 4096; negative means no limit.
	MaxFragments int

	// UncheckedOver leaves large texts to the Receiver: from the frame on that
	// takes a text message past this many bytes, its UTF-8 is not checked, and
	// the Receiver has to, for every text longer than this (an event loop has a
	// worker do it). If zero or negative, every text is checked here.
	UncheckedOver int

	// FromClient says that the bytes come from a client: each frame must be
	// masked. If false they come from a server, and no frame may be masked.
	FromClient bool
}

func (c *Config) maxMessage() uint64 {
	switch {
	case c.MaxMessage == 0:
		return defaultMaxMessage
	case c.MaxMessage < 0:
		return math.MaxInt
	}
	return uint64(c.MaxMessage)
}

func (c *Config) maxFragments() uint32 {
	switch {
	case c.MaxFragments == 0:
		return defaultMaxFragments
	case c.MaxFragments < 0:
		return math.MaxUint32
	}
	return uint32(min(uint64(c.MaxFragments), math.MaxUint32))
}

// A Parser parses the frames of one direction of one connection. The zero value is ready.
// It is small (64 bytes at most), since each idle connection has one, and allocates memory
// only in the middle of a message. Its methods must not be called concurrently, nor from
// within a Receiver, except Partial, InMessage, Held and Take.
//
// A Parser is in one of these states, in stream order:
//
//	between frames → held > 0: part of a header → inPayload → between frames
//	closed: a close frame was delivered; whatever follows is discarded
//	failed: fault is set; Feed repeats the error
type Parser struct {
	msg  *buffer // payload so far of a message that spans Feeds or frames
	ctl  *buffer // payload so far of a control frame that spans Feeds
	left uint64  // payload bytes of the current frame that have not come yet

	key    uint32 // mask of the current frame, rotated to its next byte
	frames uint32 // of the message under way

	head [maxHeld]byte // part of a header
	held uint8         // how much of head is set

	op        Opcode // of the current frame
	message   Opcode // Text or Binary: a message is under way; 0: none is
	tail      uint8  // bytes at the end of msg that are the start of a character
	fault     fault
	deflate   bool // permessage-deflate was negotiated
	inPayload bool
	fin       bool // the current frame is the last of its message
	unchecked bool // the text under way is compressed, or too large to be checked here
	closed    bool

	compressed bool // the message under way is compressed

	own uint8 // whether the memory of the message being delivered may be taken
}

// AllowCompressed says that permessage-deflate was negotiated: messages may come
// compressed, and the Receiver given to Feed must be a CompressedReceiver. It is
// called before the first Feed. Without it a compressed message is a breach of
// the protocol.
func (p *Parser) AllowCompressed() { p.deflate = true }

// roomFrom is how many bytes of a frame must be missing for Room: to copy fewer costs less
// than another read.
const roomFrom = 1 << 10

// Room returns memory for the next bytes of the stream, if they belong to a message of which
// much is missing, otherwise nil. What is read there need not be copied. The bytes are passed
// to Feed like any others, before anything else is done with the Parser.
func (p *Parser) Room() []byte {
	if p.msg == nil || !p.inPayload || p.op.IsControl() || p.left < roomFrom {
		return nil
	}
	have := len(p.msg.b)
	p.msg = p.msg.grow(1, p.total(0))
	return p.msg.b[have:min(uint64(cap(p.msg.b)), uint64(have)+p.left)]
}

// Take reports whether the data of the OnMessage under way belongs to its Receiver from now
// on. Otherwise it is valid until OnMessage returns.
func (p *Parser) Take() bool {
	if p.own == ownNone {
		return false
	}
	p.own = ownTaken
	return true
}

// Values of Parser.own.
const (
	ownNone  = iota // no message is being delivered, or its memory is not its own
	ownOffer        // Take may be called
	ownTaken
)

// total returns the size of the message under way when n more bytes have come and the current
// frame has ended, or 0 if more frames follow.
func (p *Parser) total(n int) uint64 {
	if !p.fin {
		return 0
	}
	return uint64(p.Held()) + uint64(n) + p.left
}

// Feed parses the next bytes of the stream, delivers the messages that are complete, and
// returns how many bytes it consumed. That is all of b, unless r asked to stop: then the
// rest must be fed again. It unmasks b in place, and keeps no part of it.
//
// A non-nil error is always a *CloseError, with the code and reason that the
// close frame to the peer should have: 1002 for a breach of the protocol, 1007
// for text that is not UTF-8, 1008 for too many fragments, 1009 for a message
// over the limit. It is final; n is then undefined, and memory is released. The division of
// the stream into calls of Feed affects neither the messages delivered nor the error.
//
// After a close frame was delivered, Feed discards everything.
func (p *Parser) Feed(cfg *Config, r Receiver, b []byte) (n int, err error) {
	if p.fault != faultNone {
		return 0, p.fault.err()
	}
	for n < len(b) {
		if p.closed {
			return len(b), nil
		}
		if !p.inPayload {
			took, f := p.takeHeader(cfg, b[n:])
			if n += took; f != faultNone {
				return n, p.fail(f)
			}
			if !p.inPayload {
				return n, nil // b ended inside the header
			}
		}
		chunk := b[n:]
		if p.left < uint64(len(chunk)) {
			chunk = chunk[:p.left]
		}
		n += len(chunk)
		p.left -= uint64(len(chunk))
		more, f := p.takePayload(r, chunk)
		if f != faultNone {
			return n, p.fail(f)
		}
		if !more {
			break
		}
	}
	return n, nil
}

// Release frees the memory of a partly read message. It is called when the connection ends;
// the Parser must not be fed afterwards.
func (p *Parser) Release() {
	if p.msg != nil {
		p.msg.release()
		p.msg = nil
	}
	if p.ctl != nil {
		p.ctl.release()
		p.ctl = nil
	}
}

// Partial reports whether the stream so far ends in the middle of a frame or of
// a message. The owner bounds how long that may last.
func (p *Parser) Partial() bool {
	return p.fault == faultNone && !p.closed && (p.held > 0 || p.inPayload || p.message != 0)
}

// InMessage reports whether a message is under way: its first frame has begun and its
// last one has not ended.
func (p *Parser) InMessage() bool { return p.message != 0 }

// Held returns the number of bytes kept of a partly read message.
func (p *Parser) Held() int {
	if p.msg == nil {
		return 0
	}
	return len(p.msg.b)
}

// Oversize returns the size of the message that exceeded the limit, as announced by its
// frames so far, or 0 if no message did.
func (p *Parser) Oversize() uint64 {
	if p.fault != faultTooBig {
		return 0
	}
	return p.left
}

func (p *Parser) fail(f fault) *CloseError {
	p.fault = f
	p.Release()
	return f.err()
}

// takeHeader reads a header from b, or as much of it as there is, and returns
// how many bytes it took. When the header is complete, inPayload is set.
func (p *Parser) takeHeader(cfg *Config, b []byte) (took int, f fault) {
	src := b
	if p.held > 0 {
		copied := copy(p.head[p.held:], b)
		src = p.head[:int(p.held)+copied]
	}
	h, f := p.header(cfg, src)
	if f != faultNone {
		return 0, f
	}
	if h.size == 0 {
		if p.held == 0 {
			copy(p.head[:], b)
		}
		p.held = uint8(len(src))
		return len(b), faultNone
	}
	took = h.size - int(p.held)
	p.held = 0
	p.op, p.fin, p.left, p.key, p.inPayload = h.op, h.fin, h.length, h.key, true
	if !h.op.IsControl() {
		p.frames++
		if h.op != Continuation {
			p.message = h.op
			p.compressed, p.unchecked = h.compressed, h.compressed
		}
		if p.message == Text && cfg.UncheckedOver > 0 && uint64(p.Held())+h.length > uint64(cfg.UncheckedOver) {
			p.unchecked = true
		}
	}
	return took, faultNone
}

// takePayload takes the next piece of the current frame, left already being
// what follows it.
func (p *Parser) takePayload(r Receiver, chunk []byte) (more bool, f fault) {
	complete := p.left == 0
	p.inPayload = !complete
	if !complete && len(chunk) == 0 {
		return true, faultNone // b ended right after the header
	}
	if p.op.IsControl() {
		if !complete || p.ctl != nil {
			p.ctl = p.keep(p.ctl, chunk)
			if !complete {
				return true, faultNone
			}
			return p.endControl(r, p.ctl.b)
		}
		xor(chunk, p.key)
		return p.endControl(r, chunk)
	}

	if complete && p.fin && p.msg == nil {
		xor(chunk, p.key)
		if p.message == Text && !p.unchecked && !utf8.Valid(chunk) {
			return false, faultText
		}
		return p.deliver(r, chunk), faultNone
	}
	if len(chunk) > 0 {
		p.msg = p.keep(p.msg, chunk)
		if p.message == Text && !p.unchecked {
			fresh := p.msg.b[len(p.msg.b)-len(chunk)-int(p.tail):]
			tail, ok := validPrefix(fresh)
			if !ok {
				return false, faultText
			}
			p.tail = uint8(tail)
		}
	}
	if !complete || !p.fin {
		return true, faultNone
	}
	if p.tail != 0 && !p.unchecked {
		return false, faultText
	}
	// The buffer is no longer the Parser's while r has it: if r panics it is
	// left to the garbage collector, and Release cannot give it back twice.
	msg := p.msg
	if len(msg.b) >= ownFrom && len(msg.b) == cap(msg.b) {
		p.own = ownOffer
	}
	more = p.deliver(r, msg.b)
	if p.own != ownTaken {
		msg.release()
	}
	p.own = ownNone
	return more, faultNone
}

// keep copies chunk to the end of buf, unmasked.
func (p *Parser) keep(buf *buffer, chunk []byte) *buffer {
	have := 0
	if buf != nil {
		have = len(buf.b)
	}
	total := uint64(0)
	if p.fin {
		total = uint64(have) + uint64(len(chunk)) + p.left
	}
	buf = buf.extend(chunk, total)
	p.key = xor(buf.b[have:], p.key)
	return buf
}

// deliver hands the message under way out, and ends it first.
func (p *Parser) deliver(r Receiver, data []byte) (more bool) {
	op, compressed := p.message, p.compressed
	p.msg, p.message, p.frames, p.tail = nil, 0, 0, 0
	if compressed {
		return r.(CompressedReceiver).OnCompressed(op, data)
	}
	return r.OnMessage(op, data)
}

func (p *Parser) endControl(r Receiver, data []byte) (more bool, f fault) {
	if p.op == Close {
		if f := checkClose(data); f != faultNone {
			return false, f
		}
		p.closed = true
	}
	ctl := p.ctl
	p.ctl = nil
	more = r.OnControl(p.op, data)
	if ctl != nil {
		ctl.release()
	}
	return more, faultNone
}
