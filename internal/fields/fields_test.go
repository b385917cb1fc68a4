// SPDX-License-Identifier: MIT

// This file tests that values are read as they were appended, and malformed data.

package fields_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"socketio/internal/fields"
)

// encoded is one of each kind of value; read reads them.
func encoded() []byte {
	b := fields.AppendText(nil, "text")
	b = fields.AppendBool(b, true)
	b = binary.AppendVarint(binary.AppendUvarint(b, math.MaxUint64), math.MinInt64)
	b = fields.AppendText(append(b, 2), []byte{1, 2})
	return fields.AppendBool(fields.AppendText(b, ""), false)
}

func read(t *testing.T, r *fields.Reader) (right bool) {
	t.Helper()
	text, yes, u, i, n := r.Text(), r.Bool(), r.Uint(), r.Int(), r.Count(1)
	b, empty, no := r.Bytes(), r.Bytes(), !r.Bool()
	right = text == "text" && yes && u == math.MaxUint64 && i == math.MinInt64 && n == 2 && bytes.Equal(b, []byte{1, 2}) && len(empty) == 0 && no && !r.Failed()
	if !right && !r.Failed() {
		t.Errorf("read %q %v %d %d %d %v %v %v", text, yes, u, i, n, b, empty, no)
	}
	if r.Failed() && (r.Left() > 0 || r.Uint() != 0 || r.Text() != "") {
		t.Error("something is left after an error")
	}
	return right
}

func TestValues(t *testing.T) {
	all := encoded()
	if r := fields.NewReader(all); !read(t, &r) || r.Failed() || r.Left() > 0 {
		t.Error("not all was read")
	}
	for n := range all {
		if r := fields.NewReader(all[:n]); read(t, &r) || !r.Failed() {
			t.Errorf("%d bytes of %d were enough", n, len(all))
		}
	}
}

func TestMalformed(t *testing.T) {
	huge := binary.AppendUvarint(nil, math.MaxUint64)
	for name, c := range map[string]struct {
		data []byte
		read func(*fields.Reader)
	}{
		"a text longer than the data": {append(huge, 1, 2), func(r *fields.Reader) { r.Text() }},
		"a count with no room for it": {[]byte{3, 1, 2, 3, 4, 5}, func(r *fields.Reader) { r.Count(2) }},
		"a varint of eleven bytes":    {bytes.Repeat([]byte{0xff}, 11), func(r *fields.Reader) { r.Uint() }},
		"neither true nor false":      {[]byte{2, 1}, func(r *fields.Reader) { r.Bool() }},
		"an empty rest":               {nil, func(r *fields.Reader) { r.Bool() }},
	} {
		r := fields.NewReader(c.data)
		if c.read(&r); !r.Failed() || r.Left() > 0 {
			t.Errorf("%s: failed is %v, %d bytes are left", name, r.Failed(), r.Left())
		}
	}
}
