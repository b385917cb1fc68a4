// SPDX-License-Identifier: MIT

// Deflate: compressing and inflating messages, one at a time, without a state
// between them.
//
// The deflate is klauspost/compress and not compress/flate. It takes about two
// thirds of the time in both directions, for the same size; inflating allocates
// nothing; and one of its compressors holds no memory between messages, where
// one of the standard library keeps 1.2 MB.

package ws

import (
	"bufio"
	"io"
	"math"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

const (
	defaultThreshold   = 1024
	defaultConcurrency = 64

	// flushSize is what a compressor's flush ends with, 00 00 FF FF. It is not
	// sent (RFC 7692, section 7.2.1).
	flushSize = 4

	inflateReadSize = 4096
	inflateMinRoom  = 512
)

// inflateTail stands for the bytes that were not sent, and an empty last block
// that ends the stream.
const inflateTail = "\x00\x00\xFF\xFF\x01\x00\x00\xFF\xFF"

// DeflateOptions says how a Deflate works. Nil or the zero value: the defaults.
type DeflateOptions struct {
	// Threshold is the size in bytes of the smallest message that
	// AppendCompressed compresses. Defaults to 1024; negative compresses all.
	Threshold int

	// Concurrency is how many messages are compressed or inflated at the same
	// time, in total; others wait. Zero and negative mean 64.
	Concurrency int
}

// A Deflate compresses and inflates the messages of any number of connections.
// A message never refers to an earlier one, as both ends have agreed
// (DeflateParams), so that a connection keeps nothing, and a message compressed
// once may go to all.
//
// A server has one. It starts no goroutine and needs no Close. It uses about 45 KB to
// inflate a message and 300 KB to compress one, in addition to the result, for at most
// Concurrency messages at a time. All methods may be called concurrently.
//
// Both methods may take long and wait for others. An event loop must not call them.
type Deflate struct {
	threshold int
	slots     chan struct{} // holds one item for each message being worked on
	inflaters sync.Pool     // of *inflater
	outputs   sync.Pool     // of *output
}

// NewDeflate returns a Deflate. It does not keep o.
func NewDeflate(o *DeflateOptions) *Deflate {
	if o == nil {
		o = new(DeflateOptions)
	}
	d := &Deflate{threshold: o.Threshold}
	if d.threshold == 0 {
		d.threshold = defaultThreshold
	}
	concurrency := o.Concurrency
	if concurrency <= 0 {
		concurrency = defaultConcurrency
	}
	d.slots = make(chan struct{}, concurrency)
	d.inflaters.New = func() any { return newInflater() }
	d.outputs.New = func() any { return new(output) }
	return d
}

// AppendCompressed appends a whole unmasked frame with a Text or Binary message
// to dst and returns the extended slice. The payload must not overlap the room
// behind dst. It is compressed if it has at least Threshold bytes and gets
// smaller by it; else the frame is the one AppendFrame makes, which may always
// be sent.
//
// The caller checks DeflateParams.Allows first. It also decides which messages are not
// compressed: the size of a message that holds a secret beside text chosen by others reveals
// something about the secret.
func (d *Deflate) AppendCompressed(dst []byte, op Opcode, payload []byte) []byte {
	if len(payload) < d.threshold {
		return AppendFrame(dst, op, payload)
	}
	var room [MaxHeader]byte
	start, body := len(dst), len(dst)+MaxHeader
	dst = d.compress(append(dst, room[:]...), payload)
	size := len(dst) - body
	if size >= len(payload) {
		return AppendFrame(dst[:start], op, payload)
	}
	header := start + PutHeader(dst[start:body], op|rsv1Bit, size)
	return dst[:start+copy(dst[start:], dst[header:])]
}

// compress appends payload to dst in compressed form.
func (d *Deflate) compress(dst, payload []byte) []byte {
	d.slots <- struct{}{}
	defer func() { <-d.slots }()
	out := d.outputs.Get().(*output)
	out.b = dst
	// Writing to an output can't fail.
	_ = flate.StatelessDeflate(out, payload, false, nil)
	dst = out.b
	out.b = nil
	d.outputs.Put(out)
	return dst[:len(dst)-flushSize]
}

// output collects what a compressor writes.
type output struct{ b []byte }

func (o *output) Write(p []byte) (int, error) {
	o.b = append(o.b, p...)
	return len(p), nil
}

// Inflate appends to dst the message that was compressed as msg, which is what
// CompressedReceiver.OnCompressed got, and returns the extended slice. It keeps
// and changes nothing of msg.
//
// limit is read as Config.MaxMessage is, and holds for the message as it was
// before its sender compressed it. Inflating stops at the limit, and no memory
// is taken beyond it; what is taken follows what came in and has come out, at
// most twice as much.
//
// A non-nil error is always a *CloseError for the peer: 1007 for what can't be
// inflated and for text that is not UTF-8, 1009 for a message over the limit.
// dst is returned as it was then.
func (d *Deflate) Inflate(dst []byte, op Opcode, msg []byte, limit int) ([]byte, error) {
	switch {
	case limit == 0:
		limit = defaultMaxMessage
	case limit < 0:
		limit = math.MaxInt
	}
	out, f := d.inflate(dst, msg, limit)
	if f == faultNone && op == Text && !utf8.Valid(out[len(dst):]) {
		f = faultText
	}
	if f != faultNone {
		return dst, f.err()
	}
	return out, nil
}

func (d *Deflate) inflate(dst, msg []byte, limit int) ([]byte, fault) {
	d.slots <- struct{}{}
	defer func() { <-d.slots }()
	z := d.inflaters.Get().(*inflater)
	dst, f := z.inflate(dst, msg, limit)
	z.src = source{}
	d.inflaters.Put(z)
	return dst, f
}

// An inflater inflates one message after the other.
type inflater struct {
	src source
	br  *bufio.Reader // of src; the decompressor is at its fastest with one
	zr  decompressor

	probe [1]byte // where a byte over the limit would go
}

type decompressor interface {
	io.Reader
	flate.Resetter
}

func newInflater() *inflater {
	z := new(inflater)
	z.br = bufio.NewReaderSize(&z.src, inflateReadSize)
	z.zr = flate.NewReader(z.br).(decompressor)
	return z
}

func (z *inflater) inflate(dst, msg []byte, limit int) ([]byte, fault) {
	z.src = source{msg: msg, tail: inflateTail}
	z.br.Reset(&z.src)
	if z.zr.Reset(z.br, nil) != nil {
		return dst, faultDeflate
	}
	base := len(dst)
	for {
		// A byte that finds no room is read aside: it may not be there at all.
		room := dst[len(dst) : min(cap(dst)-base, limit)+base]
		aside := len(room) == 0
		if aside {
			room = z.probe[:]
		}
		n, err := z.zr.Read(room)
		switch {
		case !aside:
			dst = dst[:len(dst)+n]
		case n > 0 && len(dst)-base == limit:
			return dst, faultTooBig
		case n > 0:
			dst = append(grow(dst, base, 2*len(msg), limit), z.probe[0])
		}
		switch {
		case err == nil:
		case err != io.EOF:
			return dst, faultDeflate
		// The stream has ended, if not by the tail then by a block of the
		// message that called itself the last. Others may follow it. Some
		// senders leave out the byte that has to.
		case z.left() == 0 || z.left() == len(inflateTail):
			return dst, faultNone
		case z.zr.Reset(z.br, nil) != nil:
			return dst, faultDeflate
		}
	}
}

// left is how many bytes of message and tail were not read.
func (z *inflater) left() int { return z.br.Buffered() + len(z.src.msg) + len(z.src.tail) }

// grow returns b with more room. What stands behind base takes up limit bytes at
// most, of which there are fewer now; hint is a guess at how many it will be.
func grow(b []byte, base, hint, limit int) []byte {
	room := min(max(inflateMinRoom, hint, 2*(len(b)-base)), limit)
	grown := make([]byte, len(b), base+room)
	copy(grown, b)
	return grown
}

// A source reads as a message and then what was left out behind it.
type source struct {
	msg  []byte
	tail string
}

func (s *source) Read(p []byte) (int, error) {
	n := copy(p, s.msg)
	s.msg = s.msg[n:]
	if len(s.msg) == 0 {
		m := copy(p[n:], s.tail)
		s.tail = s.tail[m:]
		n += m
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
