// SPDX-License-Identifier: MIT

// This file holds the encoding of events and sessions.

package diskstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"time"

	"socketio/adapter"
)

// A record in a segment is a header, and a body of at least minBody bytes:
//
//	uint32 length of the body, uint32 checksum of the body, uint32 checksum of these 8 bytes
//
// The checksum of the header tells a record whose end was not written, because the process
// was killed, from one that was damaged later.
const (
	headerSize = 12
	minBody    = 16
	maxBody    = 1 << 30
)

// formatVersion is the first byte of each body and of each value in the table.
const formatVersion = 1

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errFormat  = errors.New("diskstore: not a valid record")
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// appendRecord appends an event of a log, as a whole record.
func appendRecord(b []byte, log uint64, e *adapter.KeptEvent) []byte {
	start := len(b)
	b = append(b, make([]byte, headerSize)...)
	b = append(b, formatVersion)
	b = binary.AppendUvarint(b, log)
	b = binary.AppendUvarint(b, e.Number)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Time.UnixMilli()))
	b = appendBool(b, e.Flags.Volatile)
	b = appendBool(b, e.Flags.Uncompressed)
	b = append(b, byte(e.Flags.Overflow))
	b = appendText(b, e.Flags.Conflate)
	b = appendText(b, e.Socket)
	b = appendTexts(b, e.Target.Rooms)
	b = appendTexts(b, e.Target.Except)
	b = appendText(b, e.Target.Sender)
	b = appendBool(b, e.Target.Local)
	b = appendText(b, e.Event.Origin)
	b = appendText(b, e.Event.Position)
	b = binary.AppendVarint(b, int64(e.Event.Version))
	b = appendText(b, string(e.Event.JSON))
	b = binary.AppendUvarint(b, uint64(len(e.Event.Attachments)))
	for _, a := range e.Event.Attachments {
		b = appendText(b, string(a))
	}
	body := b[start+headerSize:]
	header := b[start : start+headerSize]
	binary.LittleEndian.PutUint32(header, uint32(len(body)))
	binary.LittleEndian.PutUint32(header[4:], checksum(body))
	binary.LittleEndian.PutUint32(header[8:], checksum(header[:8]))
	return b
}

// parseHeader returns the length of the body that follows a header, and its checksum.
func parseHeader(header []byte) (length int, sum uint32, err error) {
	n := binary.LittleEndian.Uint32(header)
	if checksum(header[:8]) != binary.LittleEndian.Uint32(header[8:]) || n < minBody || n > maxBody {
		return 0, 0, errFormat
	}
	return int(n), binary.LittleEndian.Uint32(header[4:]), nil
}

// parseRecord decodes a whole record.
func parseRecord(b []byte) (log uint64, e adapter.KeptEvent, err error) {
	if len(b) < headerSize {
		return 0, e, errFormat
	}
	n, sum, err := parseHeader(b[:headerSize])
	if err != nil || n != len(b)-headerSize {
		return 0, e, errFormat
	}
	return parseBody(b[headerSize:], sum)
}

// parseBody decodes the body of a record. The event refers to b.
func parseBody(b []byte, sum uint32) (log uint64, e adapter.KeptEvent, err error) {
	if checksum(b) != sum {
		return 0, e, errFormat
	}
	r := reader{b: b}
	r.version()
	log = r.number()
	e.Number = r.number()
	e.Time = time.UnixMilli(int64(r.fixed()))
	e.Flags.Volatile = r.bool()
	e.Flags.Uncompressed = r.bool()
	e.Flags.Overflow = adapter.OverflowPolicy(r.byte())
	e.Flags.Conflate = r.text()
	e.Socket = r.text()
	e.Target.Rooms = r.texts()
	e.Target.Except = r.texts()
	e.Target.Sender = r.text()
	e.Target.Local = r.bool()
	e.Event.Origin = r.text()
	e.Event.Position = r.text()
	e.Event.Version = int(r.signed())
	e.Event.JSON = r.bytes()
	for range r.count() {
		e.Event.Attachments = append(e.Event.Attachments, r.bytes())
	}
	return log, e, r.end()
}

// appendSession appends a session of a namespace, and a checksum.
func appendSession(b []byte, namespace string, s *adapter.Session) []byte {
	start := len(b)
	b = append(b, formatVersion)
	b = appendText(b, namespace)
	b = appendText(b, s.ID)
	b = appendText(b, s.Secret)
	b = appendText(b, string(s.Data))
	b = appendText(b, s.Epoch)
	b = appendText(b, s.Stale)
	b = appendText(b, s.Nonce)
	b = appendText(b, string(s.Replies))
	for _, n := range []uint64{s.Start, s.Last, s.Checked, s.Floor} {
		b = binary.AppendUvarint(b, n)
	}
	b = appendTime(b, s.Ended)
	b = binary.AppendUvarint(b, uint64(len(s.Rooms)))
	for _, m := range s.Rooms {
		b = appendText(b, m.Room)
		b = binary.AppendUvarint(b, m.From)
		b = binary.AppendUvarint(b, m.To)
	}
	b = binary.AppendUvarint(b, s.Lost)
	return withSum(b, start)
}

// parseSession is the reverse of appendSession. The session does not refer to b.
func parseSession(b []byte) (namespace string, s *adapter.Session, err error) {
	r, err := summed(b)
	if err != nil {
		return "", nil, err
	}
	s = new(adapter.Session)
	r.version()
	namespace = r.text()
	s.ID = r.text()
	s.Secret = r.text()
	s.Data = slices.Clone(r.bytes())
	s.Epoch = r.text()
	s.Stale = r.text()
	s.Nonce = r.text()
	s.Replies = slices.Clone(r.bytes())
	for _, n := range []*uint64{&s.Start, &s.Last, &s.Checked, &s.Floor} {
		*n = r.number()
	}
	s.Ended = r.time()
	for range r.count() {
		s.Rooms = append(s.Rooms, adapter.Membership{Room: r.text(), From: r.number(), To: r.number()})
	}
	s.Lost = r.number()
	return namespace, s, r.end()
}

// A logRow is what the table knows of a log.
type logRow struct {
	namespace, epoch string
	last             uint64 // the number of the latest event when the latest segment began, or later
	damaged, lost    uint64 // see eventLog
}

func appendLogRow(b []byte, l *logRow) []byte {
	start := len(b)
	b = append(b, formatVersion)
	b = appendText(b, l.namespace)
	b = appendText(b, l.epoch)
	b = binary.AppendUvarint(b, l.last)
	b = binary.AppendUvarint(b, l.damaged)
	b = binary.AppendUvarint(b, l.lost)
	return withSum(b, start)
}

func parseLogRow(b []byte) (l logRow, err error) {
	r, err := summed(b)
	if err != nil {
		return l, err
	}
	r.version()
	l = logRow{r.text(), r.text(), r.number(), r.number(), r.number()}
	return l, r.end()
}

// sumSize is the size of a checksum.
const sumSize = 4

// withSum appends a checksum of what follows start.
func withSum(b []byte, start int) []byte {
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// summed returns a reader of what is before a checksum.
func summed(b []byte) (*reader, error) {
	n := len(b) - sumSize
	if n < 0 || checksum(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, errFormat
	}
	return &reader{b: b[:n]}, nil
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTexts appends a list. One that is nil differs from an empty one.
func appendTexts(b []byte, list []string) []byte {
	if list == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(list))+1)
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	return binary.LittleEndian.AppendUint64(append(b, 1), uint64(t.UnixMilli()))
}

// A reader decodes what the functions above encode. After an error it returns zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	taken := r.b[:n:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) version() {
	if r.byte() != formatVersion {
		r.bad = true
	}
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) bool() bool {
	b := r.byte()
	r.bad = r.bad || b > 1
	return b == 1
}

func (r *reader) fixed() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.b)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count returns the length of a list, whose elements take a byte at least.
func (r *reader) count() uint64 {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return n
}

func (r *reader) bytes() []byte { return r.take(r.number()) }

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) texts() []string {
	n := r.number()
	if n == 0 || r.bad {
		return nil
	}
	if n-1 > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	list := make([]string, 0, min(n-1, 64))
	for range n - 1 {
		list = append(list, r.text())
	}
	return list
}

func (r *reader) time() time.Time {
	if !r.bool() {
		return time.Time{}
	}
	return time.UnixMilli(int64(r.fixed()))
}

// end returns an error if something could not be decoded or is left over.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return errFormat
	}
	return nil
}
