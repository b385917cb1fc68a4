// SPDX-License-Identifier: MIT

// This file turns values from MessagePack into JSON text with placeholders, and back.

package nodewire

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"socketio/internal/jsontext"
	"socketio/internal/mpack"
)

// maxAttachments is the maximum number of byte slices in a message: placeholders have
// numbers of two digits.
const maxAttachments = 100

// A toText writes the JSON text of MessagePack values.
type toText struct {
	reader
	dst         []byte
	attachments [][]byte // alias the message
}

// textOf returns the JSON text of a message that is a single MessagePack value. The
// attachments alias data.
func textOf(data []byte) (raw []byte, attachments [][]byte, err error) {
	w := toText{reader: reader{data: data}, dst: make([]byte, 0, len(data)+len(data)/4+32)}
	if err := w.value(0); err != nil {
		return nil, nil, err
	}
	if w.i != len(data) {
		return nil, nil, malformed("%d bytes after the value", len(data)-w.i)
	}
	return w.dst, w.attachments, nil
}

// value writes the next value, which is inside depth others.
func (w *toText) value(depth int) error {
	h, ok := w.head()
	if !ok {
		return malformed("no MessagePack at %d", w.i)
	}
	switch h.Kind {
	case mpack.Bool:
		w.dst = strconv.AppendBool(w.dst, h.Num != 0)
	case mpack.Uint:
		w.dst = strconv.AppendUint(w.dst, h.Num, 10)
	case mpack.Int:
		w.dst = strconv.AppendInt(w.dst, int64(h.Num), 10)
	case mpack.Float:
		w.float(math.Float64frombits(h.Num))
	case mpack.String:
		w.dst = jsontext.AppendString(w.dst, w.take(h.N))
	case mpack.Binary:
		return w.bytes(w.take(h.N))
	case mpack.Date:
		w.date(time.UnixMilli(int64(h.Num)), int64(h.Num) >= -maxDate && int64(h.Num) <= maxDate)
	case mpack.Extension:
		return w.extension(h)
	case mpack.Array, mpack.Map:
		if depth >= maxDepth {
			return malformed("nested deeper than %d", maxDepth)
		}
		if h.Kind == mpack.Array {
			return w.array(h.N, depth+1)
		}
		return w.object(h.N, depth+1)
	default:
		w.dst = append(w.dst, "null"...)
	}
	return nil
}

func (w *toText) array(n, depth int) error {
	w.dst = append(w.dst, '[')
	for i := range n {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		if err := w.value(depth); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, ']')
	return nil
}

// object writes the members of a map except those that are undefined.
func (w *toText) object(n, depth int) error {
	w.dst = append(w.dst, '{')
	first := true
	for range n {
		start := len(w.dst)
		if !first {
			w.dst = append(w.dst, ',')
		}
		switch h, ok := w.head(); {
		case ok && h.Kind == mpack.String:
			w.dst = jsontext.AppendString(w.dst, w.take(h.N))
		case ok && h.Kind == mpack.Uint:
			w.dst = append(strconv.AppendUint(append(w.dst, '"'), h.Num, 10), '"')
		case ok && h.Kind == mpack.Int:
			w.dst = append(strconv.AppendInt(append(w.dst, '"'), int64(h.Num), 10), '"')
		default:
			return malformed("the name of a member is not a text")
		}
		w.dst = append(w.dst, ':')
		if h, next, _ := mpack.ReadHead(w.data, w.i); h.Kind == mpack.Undefined {
			w.i, w.dst = next, w.dst[:start]
			continue
		}
		if err := w.value(depth); err != nil {
			return err
		}
		first = false
	}
	w.dst = append(w.dst, '}')
	return nil
}

func (w *toText) bytes(b []byte) error {
	if len(w.attachments) == maxAttachments {
		return malformed("more than %d attachments", maxAttachments)
	}
	w.dst = jsontext.AppendPlaceholder(w.dst, len(w.attachments))
	w.attachments = append(w.attachments, b)
	return nil
}

// float writes a number as JSON.stringify does.
func (w *toText) float(f float64) {
	abs := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		w.dst = append(w.dst, "null"...)
	case f == 0:
		w.dst = append(w.dst, '0')
	case abs < 1e-6 || abs >= 1e21:
		w.dst = strconv.AppendFloat(w.dst, f, 'e', -1, 64)
		if n := len(w.dst); w.dst[n-2] == '0' && !jsontext.IsDigit(w.dst[n-3]) { // JavaScript writes 1e-7, not 1e-07
			w.dst = append(w.dst[:n-2], w.dst[n-1])
		}
	default:
		w.dst = strconv.AppendFloat(w.dst, f, 'f', -1, 64)
	}
}

// maxDate is the range of a Date in JavaScript, in milliseconds around 1970.
const maxDate = 8_640_000_000_000_000

// date writes a time as JSON.stringify does. If it is not ok, it is an invalid Date.
func (w *toText) date(t time.Time, ok bool) {
	if !ok {
		w.dst = append(w.dst, "null"...)
		return
	}
	layout := "2006-01-02T15:04:05.000Z"
	t = t.UTC()
	year := t.Year()
	w.dst = append(w.dst, '"')
	if year < 0 || year > 9999 { // JavaScript writes six digits and a sign
		sign := byte('+')
		if year < 0 {
			sign, year = '-', -year
		}
		w.dst = append(w.dst, sign)
		for unit := 100_000; unit > 0; unit /= 10 {
			w.dst = append(w.dst, '0'+byte(year/unit%10))
		}
		layout = layout[4:]
	}
	w.dst = append(t.AppendFormat(w.dst, layout), '"')
}

// extension writes a Date, or the type and the bytes of another extension, as
// notepack.io does.
func (w *toText) extension(h mpack.Head) error {
	b := w.take(h.N)
	if t, ok := h.Date(b); ok {
		sec := t.Unix()
		w.date(t, sec >= -maxDate/1000 && sec <= maxDate/1000)
		return nil
	}
	w.dst = append(strconv.AppendInt(append(w.dst, '['), int64(h.Ext), 10), ',')
	err := w.bytes(b)
	w.dst = append(w.dst, ']')
	return err
}

// appendPacked appends the valid value at i of raw, with attachments for its
// placeholders, and returns where the value ends.
func appendPacked(dst, raw []byte, i int, attachments [][]byte) (_ []byte, end int) {
	switch raw[i] {
	case '"':
		end = jsontext.SkipString(raw, i)
		return appendPackedText(dst, raw[i:end]), end
	case '{':
		if num, n, ok := jsontext.Placeholder(raw[i:]); ok && num < len(attachments) {
			return mpack.AppendBinary(dst, attachments[num]), i + n
		}
		return appendPackedList(dst, raw, i, attachments)
	case '[':
		return appendPackedList(dst, raw, i, attachments)
	}
	end = jsontext.SkipValue(raw, i)
	switch raw[i] {
	case 't':
		return mpack.AppendBool(dst, true), end
	case 'f':
		return mpack.AppendBool(dst, false), end
	case 'n':
		return mpack.AppendNil(dst), end
	}
	return appendPackedNumber(dst, raw[i:end]), end
}

// appendPackedList appends the array or object at i. Its head is written last; the bytes
// after it move if it is longer than one byte.
func appendPackedList(dst, raw []byte, i int, attachments [][]byte) (_ []byte, end int) {
	start, n := len(dst), 0
	object := raw[i] == '{'
	dst = append(dst, 0)
	for i = jsontext.SkipSpace(raw, i+1); raw[i] != ']' && raw[i] != '}'; n++ {
		if object {
			end := jsontext.SkipString(raw, i)
			dst = appendPackedText(dst, raw[i:end])
			i = jsontext.SkipSpace(raw, end) // at the colon
			i = jsontext.SkipSpace(raw, i+1)
		}
		dst, i = appendPacked(dst, raw, i, attachments)
		if i = jsontext.SkipSpace(raw, i); raw[i] == ',' {
			i = jsontext.SkipSpace(raw, i+1)
		}
	}
	if object {
		return mpack.FinishMapHead(dst, start, n), i + 1
	}
	return mpack.FinishArrayHead(dst, start, n), i + 1
}

func appendPackedText(dst, raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if jsontext.PlainLen(inner, 0) == len(inner) {
		return append(mpack.AppendStringHead(dst, len(inner)), inner...)
	}
	s, err := jsontext.Unquote(raw)
	if err != nil {
		s = string(inner)
	}
	return append(mpack.AppendStringHead(dst, len(s)), s...)
}

func appendPackedNumber(dst, raw []byte) []byte {
	if len(raw) == 1 {
		return append(dst, raw[0]-'0')
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return mpack.AppendInt(dst, n)
	}
	if n, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		return mpack.AppendUint(dst, n)
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil { // too large for a float64: JSON.parse makes it an infinity
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
	}
	return mpack.AppendFloat(dst, f+0) // no negative zero, as in JavaScript
}

// packed returns raw, which is valid, as MessagePack.
func packed(dst, raw []byte, attachments [][]byte) []byte {
	dst, _ = appendPacked(dst, raw, jsontext.SkipSpace(raw, 0), attachments)
	return dst
}

// inlineBytes returns raw with each placeholder replaced by what JSON.stringify writes
// for a Buffer.
func inlineBytes(raw []byte, attachments [][]byte) []byte {
	if len(attachments) == 0 {
		return raw
	}
	var dst []byte
	from := 0
	for {
		start, end, num := jsontext.NextPlaceholder(raw, from)
		if start < 0 {
			break
		}
		dst = append(dst, raw[from:start]...)
		if num < len(attachments) {
			dst = append(dst, `{"type":"Buffer","data":[`...)
			for i, c := range attachments[num] {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = strconv.AppendUint(dst, uint64(c), 10)
			}
			dst = append(dst, "]}"...)
		} else {
			dst = append(dst, raw[start:end]...)
		}
		from = end
	}
	return append(dst, raw[from:]...)
}
