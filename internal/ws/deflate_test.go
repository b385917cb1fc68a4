// SPDX-License-Identifier: MIT

// Tests of compressed messages: the rules for the parser, the examples of
// RFC 7692, limits and bombs.

package ws_test

import (
	"bytes"
	stdflate "compress/flate"
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"socketio/internal/ws"
)

// packed is a frame with the bit of a compressed message.
func packed(op ws.Opcode, isFin bool, payload string) []byte {
	return frame(op|compressedBit, isFin, payload)
}

// gotPacked is the line the recorder writes for a compressed message.
func gotPacked(op ws.Opcode, payload string) string { return "compressed " + got(op, payload) }

func TestCompressedRules(t *testing.T) {
	small := &ws.Config{FromClient: true, MaxMessage: 10, MaxFragments: 3, UncheckedOver: 4}
	rsv := func(bits byte, op ws.Opcode) []byte { return frame(ws.Opcode(bits<<4)|op, true, "a") }
	for _, c := range []struct {
		name   string
		cfg    *ws.Config
		stream []byte
		want   string
	}{
		{"a text", server, packed(text, true, "\xFF"), gotPacked(text, "\xFF") + "end"},
		{"a binary message", server, packed(bin, true, "a"), gotPacked(bin, "a") + "end"},
		{"an empty one", server, packed(bin, true, ""), gotPacked(bin, "") + "end"},
		{"compressed and not, by turns", server, join(packed(text, true, "a"), frame(text, true, "b"), packed(text, true, "c"), frame(text, true, "\xFF")),
			gotPacked(text, "a") + got(text, "b") + gotPacked(text, "c") + "error 1007"},
		{"fragments", server, join(packed(text, false, "\xE2"), frame(ping, true, "p"), frame(cont, false, "\xFF"), frame(cont, true, "a")),
			got(ping, "p") + gotPacked(text, "\xE2\xFFa") + "end"},
		{"after fragments", server, join(packed(text, false, "a"), frame(cont, true, "b"), frame(text, false, "c"), frame(cont, true, "d")),
			gotPacked(text, "ab") + got(text, "cd") + "end"},
		{"the bit on a later fragment", server, join(frame(text, false, "a"), packed(cont, true, "b")), "error 1002"},
		{"the bit on each fragment", server, join(packed(text, false, "a"), packed(cont, true, "b")), "error 1002"},
		{"the bit on a ping", server, packed(ping, true, ""), "error 1002"},
		{"the bit on a pong", server, packed(pong, true, ""), "error 1002"},
		{"the bit on a close frame", server, packed(closed, true, ""), "error 1002"},
		{"the bit on a reserved opcode", server, packed(3, true, ""), "error 1002"},
		{"bit 2", server, rsv(2, text), "error 1002"},
		{"bits 1 and 2", server, rsv(6, text), "error 1002"},
		{"bits 1 and 3", server, rsv(5, text), "error 1002"},
		{"all bits", server, rsv(7, text), "error 1002"},
		{"a compressed message inside another", server, join(frame(text, false, "a"), packed(text, true, "b")), "error 1002"},
		{"as large as allowed", small, packed(text, true, "0123456789"), gotPacked(text, "0123456789") + "end"},
		{"one byte over", small, packed(text, true, "0123456789a"), "error 1009"},
		{"too many fragments", small, join(packed(text, false, ""), frame(cont, false, ""), frame(cont, false, ""), frame(cont, true, "")), "error 1008"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range cuts {
				var p ws.Parser
				p.AllowCompressed()
				if got := feedTo(&p, c.cfg, c.stream, size); got != c.want {
					t.Errorf("in pieces of %d: got\n%.300s\nwant\n%.300s", size, got, c.want)
				}
			}
		})
	}
}

// A message that no Receiver expects is never delivered as if it were plain.
func TestCompressedNeedsAllowCompressed(t *testing.T) {
	check(t, server, packed(text, true, "a"), "error 1002")
	check(t, client, []byte{0xC1, 0x01, 'a'}, "error 1002")
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestInflate(t *testing.T) {
	d := ws.NewDeflate(nil)
	for _, c := range []struct {
		name, hex, want string
		code            uint16
	}{
		{"one block", "f2 48 cd c9 c9 07 00", "Hello", 0},
		{"a block that is not compressed", "00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello", 0},
		{"a last block", "f3 48 cd c9 c9 07 00 00", "Hello", 0},
		{"a last block without the byte that has to follow", "f3 48 cd c9 c9 07 00", "Hello", 0},
		{"two last blocks", "f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00", "HelloHello", 0},
		{"a last block, then another", "f3 48 cd c9 c9 07 00 f2 48 cd c9 c9 07 00", "HelloHello", 0},
		{"two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello", 0},
		{"an empty message", "00", "", 0},
		{"an empty last block", "03 00 00", "", 0},
		{"no byte at all", "", "", 1007},
		{"half a block", "f2 48 cd", "", 1007},
		{"a reserved block type", "06", "", 1007},
		{"a distance before the start", "4a 04 22 00", "", 1007},
		{"a stored block with a wrong check", "00 05 00 fa fe 48 65 6c 6c 6f 00", "", 1007},
		{"a stored block that is cut off", "00 05 00 fa ff 48 65", "", 1007},
		{"not text", hex.EncodeToString([]byte(stdDeflate("a\xFFb", 6))), "", 1007},
		{"half a character", hex.EncodeToString([]byte(stdDeflate("a\xE2\x82", 6))), "", 1007},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := d.Inflate([]byte("before "), ws.Text, unhex(c.hex), 0)
			var ce *ws.CloseError
			errors.As(err, &ce)
			switch {
			case string(got) != "before "+c.want:
				t.Errorf("got %q, want %q", got, c.want)
			case c.code == 0 && err != nil || c.code != 0 && (ce == nil || ce.Code != c.code):
				t.Errorf("error %v, want code %d", err, c.code)
			}
		})
	}
	if got, err := d.Inflate(nil, ws.Binary, []byte(stdDeflate("a\xFFb", 6)), 0); string(got) != "a\xFFb" || err != nil {
		t.Errorf("binary: %q, %v", got, err)
	}
}

func TestInflateLimit(t *testing.T) {
	d := ws.NewDeflate(nil)
	for _, n := range []int{0, 1, 511, 512, 513, 4096, 32768, 100_000} {
		msg := []byte(stdDeflate(strings.Repeat("x", n), 6))
		for _, dst := range [][]byte{nil, make([]byte, 7, 9), make([]byte, 0, 2*n+10)} {
			if got, err := d.Inflate(dst, ws.Text, msg, max(n, 1)); len(got) != len(dst)+n || err != nil {
				t.Errorf("%d bytes at their limit: %d, %v", n, len(got), err)
			}
			if got, err := d.Inflate(dst, ws.Text, msg, -1); len(got) != len(dst)+n || err != nil {
				t.Errorf("%d bytes without a limit: %d, %v", n, len(got), err)
			}
			if n < 2 {
				continue
			}
			got, err := d.Inflate(dst, ws.Text, msg, n-1)
			if ce := new(ws.CloseError); len(got) != len(dst) || !errors.As(err, &ce) || ce.Code != ws.CodeTooBig {
				t.Errorf("%d bytes, one over the limit: %d, %v", n, len(got), err)
			}
		}
	}
	for n, code := range map[int]uint16{1_000_000: 0, 1_000_001: 1009} { // the default
		_, err := d.Inflate(nil, ws.Text, []byte(stdDeflate(strings.Repeat("x", n), 1)), 0)
		if ce := new(ws.CloseError); (err == nil) != (code == 0) || errors.As(err, &ce) && ce.Code != code {
			t.Errorf("%d bytes at the default limit: %v", n, err)
		}
	}
}

// bomb is 200 MiB of zeroes in 204 KB: 200 times the same block.
func bomb() []byte {
	block := stdDeflate(strings.Repeat("\x00", 1<<20), stdflate.BestCompression) + "\x00\x00\xFF\xFF"
	return []byte(strings.Repeat(block, 200) + "\x00")
}

// TestDeflateBomb: memory stays at the limit, whatever a message wants to be.
func TestDeflateBomb(t *testing.T) {
	const limit = 1_000_000
	msg := bomb()
	if len(msg) < 190_000 || len(msg) > 220_000 {
		t.Fatalf("the bomb has %d bytes", len(msg))
	}
	d := ws.NewDeflate(nil)
	d.Inflate(nil, ws.Binary, msg[:10], 1) // so that what d keeps is there
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := d.Inflate(nil, ws.Binary, msg, limit)
	runtime.ReadMemStats(&after)
	if ce := new(ws.CloseError); got != nil || !errors.As(err, &ce) || ce.Code != ws.CodeTooBig {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	// Each step of growth is allocated once: together less than three times the
	// last, which is the limit.
	if used := after.TotalAlloc - before.TotalAlloc; used > 3*limit+64<<10 {
		t.Errorf("%d bytes allocated", used)
	}
	var p ws.Parser
	e := echo{cfg: *server, deflate: d}
	e.parser = p
	e.parser.AllowCompressed()
	e.feedAll(packed(bin, true, string(msg)), 4096)
	e.check(t, []raw{fin(closed, code(1009, ""))}, "through an echo")
}

// A hundred bombs at once, and honest messages between them.
func TestDeflateFromManyGoroutines(t *testing.T) {
	d := ws.NewDeflate(&ws.DeflateOptions{Concurrency: 4})
	msg := bomb()
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			_, err := d.Inflate(nil, ws.Binary, msg, 100_000)
			if ce := new(ws.CloseError); !errors.As(err, &ce) || ce.Code != ws.CodeTooBig {
				t.Errorf("bomb: %v", err)
			}
		})
		wg.Go(func() {
			want := strings.Repeat("message ", 200+i)
			wire := d.AppendCompressed(nil, ws.Text, []byte(want))
			if wire[0] != 0xC1 {
				t.Errorf("header % x", wire[:2])
				return
			}
			for range 5 {
				got, err := d.Inflate(nil, ws.Text, []byte(rawFrames(t, wire, false)[0].payload), 0)
				if string(got) != want || err != nil {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
}

// No more messages are worked on than Concurrency says; the next waits.
func TestDeflateBoundsGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := ws.NewDeflate(&ws.DeflateOptions{Concurrency: 2})
		release := []func(){d.Occupy(), d.Occupy()}
		done := make(chan string, 2)
		go func() {
			b, _ := d.Inflate(nil, ws.Text, unhex("f2 48 cd c9 c9 07 00"), 0)
			done <- string(b)
		}()
		go func() {
			done <- string(d.AppendCompressed(nil, ws.Text, make([]byte, 2000))[:1])
		}()
		synctest.Wait()
		if len(done) != 0 {
			t.Fatal("two at work, and a third did not wait")
		}
		release[0]()
		synctest.Wait()
		if len(done) != 2 {
			t.Errorf("%d of 2 have ended", len(done))
		}
		release[1]()
	})
}

func TestAppendCompressed(t *testing.T) {
	d := ws.NewDeflate(nil)
	always := ws.NewDeflate(&ws.DeflateOptions{Threshold: -1})
	for _, c := range []struct {
		name    string
		d       *ws.Deflate
		payload string
		packed  bool
	}{
		{"under the threshold", d, strings.Repeat("a", 1023), false},
		{"at the threshold", d, strings.Repeat("a", 1024), true},
		{"nothing", always, "", false},
		{"too short to get smaller", always, "ab", false},
		{"short", always, strings.Repeat("a", 30), true},
		{"it can't get smaller", d, noise(5000), false},
		{"more than a block", d, strings.Repeat(sample(997), 300), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			wire := c.d.AppendCompressed([]byte("before"), ws.Binary, []byte(c.payload))
			if string(wire[:6]) != "before" {
				t.Fatalf("% x", wire[:10])
			}
			f := rawFrames(t, wire[6:], false)[0]
			if (f.first == 0xC2) != c.packed || !c.packed && f.first != 0x82 {
				t.Errorf("first byte %x", f.first)
			}
			if c.packed {
				f.payload = stdInflate(t, f.payload)
			}
			if f.payload != c.payload {
				t.Errorf("%d bytes %.40q", len(f.payload), f.payload)
			}
		})
	}
}

func TestInflateKeepsNothing(t *testing.T) {
	d := ws.NewDeflate(nil)
	msg := []byte(stdDeflate(strings.Repeat("secret", 1000), 6))
	was := bytes.Clone(msg)
	if _, err := d.Inflate(nil, ws.Text, msg, 0); err != nil || !bytes.Equal(msg, was) {
		t.Errorf("%v; the message has changed: %v", err, !bytes.Equal(msg, was))
	}
	// "secret" comes from 6 bytes back, which the next message does not have.
	if got, err := d.Inflate(nil, ws.Text, unhex("02 13 00 00"), 0); err == nil && len(got) > 0 {
		t.Errorf("got %q from the message before", got)
	}
}

func TestInflateAllocatesTheResultOnly(t *testing.T) {
	most := 0.5
	if underRace {
		most = 20 // the detector makes a sync.Pool forget on purpose
	}
	d := ws.NewDeflate(nil)
	payload := strings.Repeat("hello ", 500)
	msg, plain := []byte(stdDeflate(payload, 6)), []byte(payload)
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(200, func() {
		if _, err := d.Inflate(dst, ws.Text, msg, 0); err != nil {
			t.Fatal(err)
		}
	}); n > most {
		t.Errorf("inflating: %v allocations", n)
	}
	if n := testing.AllocsPerRun(200, func() { d.AppendCompressed(dst, ws.Text, plain) }); n > most {
		t.Errorf("compressing: %v allocations", n)
	}
}
