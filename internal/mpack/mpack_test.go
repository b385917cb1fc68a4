// SPDX-License-Identifier: MIT

// This file tests that heads are read as they were written.

package mpack_test

import (
	"math"
	"testing"
	"time"

	"socketio/internal/leakcheck"
	"socketio/internal/mpack"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// Heads that were appended are read again, at both ends of each form. Reading fails
// if they are cut off, or if fewer bytes follow than they announce.
func TestHeads(t *testing.T) {
	type row struct {
		data []byte
		want mpack.Head
		rest int // the bytes that must follow
	}
	rows := []row{
		{mpack.AppendNil(nil), mpack.Head{Kind: mpack.Nil}, 0},
		{mpack.AppendBool(nil, true), mpack.Head{Kind: mpack.Bool, Num: 1}, 0},
		{mpack.AppendBool(nil, false), mpack.Head{Kind: mpack.Bool}, 0},
		{mpack.AppendFloat(nil, 1.5), mpack.Head{Kind: mpack.Float, Num: math.Float64bits(1.5)}, 0},
		{mpack.AppendFloat32(nil, 1.5), mpack.Head{Kind: mpack.Float, Num: math.Float64bits(1.5)}, 0},
		{mpack.AppendFloat(nil, -2), mpack.Head{Kind: mpack.Int, Num: math.MaxUint64 - 1}, 0},
		{mpack.AppendDate(nil, time.UnixMilli(-5)), mpack.Head{Kind: mpack.Date, Num: math.MaxUint64 - 4}, 0},
	}
	for _, v := range []uint64{0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint64} {
		rows = append(rows, row{mpack.AppendUint(nil, v), mpack.Head{Kind: mpack.Uint, Num: v}, 0})
	}
	for _, v := range []int64{-1, -0x20, -0x21, math.MinInt8, math.MinInt8 - 1, math.MinInt16, math.MinInt16 - 1, math.MinInt32, math.MinInt32 - 1, math.MinInt64} {
		rows = append(rows, row{mpack.AppendInt(nil, v), mpack.Head{Kind: mpack.Int, Num: uint64(v)}, 0})
	}
	for _, n := range []int{0, 15, 16, 31, 32, 255, 256, 65_535, 65_536} {
		binary := mpack.AppendBinary(nil, make([]byte, n))
		rows = append(rows,
			row{mpack.AppendStringHead(nil, n), mpack.Head{Kind: mpack.String, N: n}, n},
			row{binary[:len(binary)-n], mpack.Head{Kind: mpack.Binary, N: n}, n},
			row{mpack.AppendArrayHead(nil, n), mpack.Head{Kind: mpack.Array, N: n}, n},
			row{mpack.AppendMapHead(nil, n), mpack.Head{Kind: mpack.Map, N: n}, 2 * n},
		)
	}
	for _, r := range rows {
		whole := append(r.data, make([]byte, r.rest)...)
		if h, next, ok := mpack.ReadHead(whole, 0); !ok || h != r.want || next != len(r.data) {
			t.Errorf("%x is read as %+v %d %v, want %+v", r.data, h, next, ok, r.want)
		}
		for _, cut := range []int{len(r.data) - 1, len(whole) - 1} {
			if h, _, ok := mpack.ReadHead(whole[:cut], 0); ok {
				t.Errorf("%x with %d of %d bytes is read as %+v", r.data, cut, len(whole), h)
			}
		}
	}
}

// A head that is finished is the one that is appended, whatever its length.
func TestFinishHeads(t *testing.T) {
	for _, n := range []int{0, 15, 16, 65_535, 65_536} {
		if got, want := mpack.FinishArrayHead([]byte("ab\x00cd"), 2, n), string(mpack.AppendArrayHead([]byte("ab"), n))+"cd"; string(got) != want {
			t.Errorf("an array of %d: %x, want %x", n, got, want)
		}
		if got, want := mpack.FinishMapHead([]byte("ab\x00cd"), 2, n), string(mpack.AppendMapHead([]byte("ab"), n))+"cd"; string(got) != want {
			t.Errorf("a map of %d: %x, want %x", n, got, want)
		}
	}
}
