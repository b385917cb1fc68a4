// SPDX-License-Identifier: MIT

// This file holds the entries of streams: their fields, and their numbers.

package redisadapter

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// streamsCodec is the Codec of Streams: entries have fields, and messages are MessagePack.
type streamsCodec struct{ cluster.Envelope }

// Append implements cluster.Codec. What it appends for a log is read by split.
func (c streamsCodec) Append(dst []byte, to cluster.Channel, m *nodewire.Message) ([]byte, error) {
	if to.Class != cluster.ClassLog {
		return c.Envelope.Append(dst, to, m)
	}
	e, err := nodewire.EncodeStreamEntry(m)
	if err != nil {
		return dst, err
	}
	return join(dst, e), nil
}

// Decode implements cluster.Codec.
func (c streamsCodec) Decode(from cluster.Channel, data []byte) (*nodewire.Message, error) {
	if from.Class != cluster.ClassLog {
		return c.Envelope.Decode(from, data)
	}
	e, ok := split(data)
	if !ok {
		return nil, nodewire.ErrFormat
	}
	return nodewire.DecodeStreamEntry(from.Namespace, e)
}

// join appends the fields of an entry. A zero byte, which JSON, Base64 and numbers do not
// have, is between them.
func join(dst []byte, e nodewire.StreamEntry) []byte {
	dst = append(append(dst, e.From...), 0)
	dst = append(append(dst, e.Kind...), 0)
	dst = append(append(dst, e.Go...), 0)
	return append(dst, e.Data...)
}

// split is the reverse of join.
func split(data []byte) (e nodewire.StreamEntry, ok bool) {
	for _, field := range []*[]byte{&e.From, &e.Kind, &e.Go} {
		if *field, data, ok = bytes.Cut(data, []byte{0}); !ok {
			return e, false
		}
	}
	e.Data = data
	return e, true
}

// The names of fields. Those of Node.js are uid, nsp, type and data; it ignores the others.
const (
	fieldFrom, fieldNamespace, fieldKind, fieldData = "uid", "nsp", "type", "data"

	fieldGo     = "go"    // for servers in Go
	fieldBy     = "by"    // the bus that has appended the entry, and its token
	fieldSealed = "all"   // instead of the fields of Node.js
	fieldEpoch  = "epoch" // the only field of an entry after which the log counts as another
)

// An addition is what one Append adds to a stream.
type addition struct {
	namespace string
	token     uint64
	data      []byte
	at        time.Time
}

func (a *addition) size() int { return len(a.namespace) + len(a.data) + overhead }

// command returns the XADD of an addition. mark begins its token, or is "" for an emitter.
func (a *addition) command(b rueidis.Builder, stream, mark string, maxLen int, sealed bool) rueidis.Completed {
	c := b.Arbitrary("XADD").Keys(stream).Args("MAXLEN", "~", strconv.Itoa(maxLen), "*")
	by := mark + strconv.FormatUint(a.token, 36)
	if sealed {
		return c.Args(fieldNamespace, a.namespace, fieldSealed, rueidis.BinaryString(a.data), fieldBy, by).Build()
	}
	e, _ := split(a.data)
	c = c.Args(fieldFrom, string(e.From), fieldNamespace, a.namespace, fieldKind, string(e.Kind))
	if len(e.Data) > 0 {
		c = c.Args(fieldData, rueidis.BinaryString(e.Data))
	}
	if len(e.Go) > len("{}") {
		c = c.Args(fieldGo, rueidis.BinaryString(e.Go))
	}
	if mark == "" {
		return c.Build()
	}
	return c.Args(fieldBy, by).Build()
}

// A row is an entry of a stream as it is read.
type row struct {
	number uint64
	fields []rueidis.RedisMessage // names and values
}

// readRows reads the reply to XRANGE. Entries whose ids are out of range are left out: no
// server adds such.
func readRows(m rueidis.RedisMessage) ([]row, error) {
	all, err := m.ToArray()
	if err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(all))
	for _, one := range all {
		parts, err := one.ToArray()
		if err != nil || len(parts) < 2 {
			return nil, errReply
		}
		id, err := parts[0].ToString()
		if err != nil {
			return nil, errReply
		}
		fields, err := parts[1].ToArray()
		if number, ok := parseID(id); ok && err == nil && len(fields)%2 == 0 {
			rows = append(rows, row{number, fields})
		}
	}
	return rows, nil
}

// field returns the value of a field.
func (r row) field(name string) string {
	for i := 0; i < len(r.fields); i += 2 {
		if f, _ := r.fields[i].ToString(); f == name {
			value, _ := r.fields[i+1].ToString()
			return value
		}
	}
	return ""
}

// size is about that of the values.
func (r row) size() int {
	n := 0
	for _, f := range r.fields {
		s, _ := f.ToString()
		n += len(s)
	}
	return n
}

// entry returns the entry for the receiver. mark is that of this bus.
func (r row) entry(mark string) cluster.Entry {
	e := cluster.Entry{Number: r.number, Time: time.UnixMilli(int64(r.number >> counterBits))}
	if by, ok := strings.CutPrefix(r.field(fieldBy), mark); ok && mark != "" {
		e.Token, _ = strconv.ParseUint(by, 36, 64)
	}
	if sealed := r.field(fieldSealed); sealed != "" {
		e.Data = []byte(sealed)
		return e
	}
	from, kind, golang, data := r.field(fieldFrom), r.field(fieldKind), r.field(fieldGo), r.field(fieldData)
	e.Data = make([]byte, 0, len(from)+len(kind)+len(golang)+len(data)+3)
	for _, field := range []string{from, kind, golang} {
		e.Data = append(append(e.Data, field...), 0)
	}
	e.Data = append(e.Data, data...)
	return e
}

// counterBits are the bits of a number that count entries of one millisecond.
const counterBits = 20

// parseID returns the number of an id, which has milliseconds and a counter.
func parseID(id string) (number uint64, ok bool) {
	ms, counter, _ := strings.Cut(id, "-")
	m, err1 := strconv.ParseUint(ms, 10, 64-counterBits)
	c, err2 := strconv.ParseUint(counter, 10, counterBits)
	return m<<counterBits | c, err1 == nil && err2 == nil && formatID(m<<counterBits|c) == id
}

// formatID is the reverse of parseID.
func formatID(number uint64) string {
	return strconv.FormatUint(number>>counterBits, 10) + "-" + strconv.FormatUint(number&(1<<counterBits-1), 10)
}
