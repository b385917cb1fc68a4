// SPDX-License-Identifier: MIT

// This file holds attacks with frames, and with missing ones.

package hostile

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// header is the head of a masked frame that says any length.
func header(first byte, length uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{first, 0xFF}, length), 1, 2, 3, 4)
}

// bomb is a compressed text of n MiB as one frame. All but the first are alike, so
// one of them is compressed and stands there n times.
func bomb(n int) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	zeros := make([]byte, 1<<20)
	_, _ = w.Write(append([]byte{'4'}, zeros...))
	_ = w.Flush()
	first := b.Len()
	_, _ = w.Write(zeros)
	_ = w.Flush()
	block := bytes.Clone(b.Bytes()[first:])
	for range n {
		b.Write(block)
	}
	frame := wstest.Frame(ws.Text, true, bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xFF, 0xFF}))
	frame[0] |= 0x40
	return frame
}

var webSocketAttacks = []attack{
	{
		name: "lengths that no frame has",
		run: func(a *attacker) {
			cases := []struct {
				code   uint16
				frames [][]byte
			}{
				{1009, [][]byte{header(0x81, 1<<62)}},
				{1009, [][]byte{header(0x82, 1<<63-1)}},
				{1002, [][]byte{header(0x82, 1<<63)}},
				{1002, [][]byte{header(0x82, 1<<64-1)}},
				{1009, [][]byte{header(0x81, 1_000_001)}},
				{1009, [][]byte{wstest.Frame(ws.Text, false, make([]byte, 10)), header(0x80, 1<<63-1)}},
				{1009, [][]byte{wstest.Frame(ws.Binary, false, make([]byte, 600_000)), wstest.Frame(ws.Ping, true, nil), header(0x80, 400_001)}},
				{1002, [][]byte{header(0x89, 1<<62)}},
				{1002, [][]byte{header(0x81, 5)}}, // not the shortest form
			}
			a.each(10*len(cases), func(i int) {
				c := cases[i%len(cases)]
				s := a.joinedSocket()
				_ = s.WriteFrame(bytes.Join(c.frames, nil))
				s.closes(c.code)
			})
		},
	},
	{
		name: "a million fragments of one byte",
		run: func(a *attacker) {
			begin, more := wstest.Frame(ws.Text, false, []byte("4")), wstest.Frame(ws.Continuation, false, []byte("a"))
			empty := wstest.Frame(ws.Continuation, false, nil)
			a.each(100, func(i int) {
				s := a.joinedSocket()
				fragment := more
				if i%2 == 0 {
					fragment = empty
				}
				_ = s.WriteFrame(append(bytes.Clone(begin), bytes.Repeat(fragment, 10_000)...))
				s.closes(1008)
			})
		},
	},
	{
		name:   "messages that never end",
		config: config{MessageTimeout: time.Second},
		run: func(a *attacker) {
			begin, more := wstest.Frame(ws.Text, false, []byte("4")), wstest.Frame(ws.Continuation, false, []byte("a"))
			a.each(100, func(i int) {
				s := a.joinedSocket()
				switch i % 3 {
				case 0: // as many fragments as there may be
					_ = s.WriteFrame(append(bytes.Clone(begin), bytes.Repeat(more, 4095)...))
				case 1:
					_ = s.WriteFrame(append(header(0x82, 1_000_000), 'x'))
				default: // whole ones before it, which end where the next begins, in one read
					whole := wstest.Frame(ws.Text, true, []byte(`42["nobody",1]`))
					for cut := range 3 {
						_ = s.WriteFrame(slices.Concat(whole[cut*4:], whole, whole[:(cut+1)*4]))
					}
				}
				s.closes(1008)
			})
		},
	},
	{
		name:   "deflate bombs",
		config: config{Deflate: true},
		run: func(a *attacker) {
			large, over := bomb(1000), bomb(0)
			a.each(16, func(i int) {
				s := a.webSocket("", "Sec-WebSocket-Extensions", "permessage-deflate; client_no_context_takeover")
				s.AllowCompressed()
				s.says("40")
				frame := large
				if i%2 == 0 {
					frame = over
				}
				_ = s.WriteFrame(frame)
				s.closes(1009)
			})
			s := a.joinedSocket() // that did not negotiate it
			_ = s.WriteFrame(over)
			s.closes(1002)
		},
	},
	{
		name:   "compressed messages before a join",
		config: config{Deflate: true},
		run: func(a *attacker) {
			allowed := wstest.Compress([]byte(`40{"a":"` + strings.Repeat("a", 60_000) + `"}`))
			over := wstest.Compress([]byte(`40{"a":"` + strings.Repeat("a", 900_000) + `"}`))
			a.each(100, func(i int) {
				s := a.webSocket("", "Sec-WebSocket-Extensions", "permessage-deflate; client_no_context_takeover")
				s.AllowCompressed()
				message := over
				if i%2 == 0 {
					_ = s.WriteFrame(wstest.Frame(ws.Text|0x40, true, allowed))
					for !strings.HasPrefix(s.next(), "40{") {
					}
					message = wstest.Compress([]byte(`42["nobody"]`))
				}
				if i%20 == 0 { // few: they may all be there at once
					message = wstest.Compress([]byte(`42["nobody","` + strings.Repeat("a", 900_000) + `"]`))
				}
				_ = s.WriteFrame(wstest.Frame(ws.Text|0x40, true, message))
				if i%2 == 0 {
					s.goesOn()
				} else {
					s.closes(1009)
				}
			})
		},
	},
	{
		name: "a flood of pings from clients that do not read",
		run: func(a *attacker) {
			flood := bytes.Repeat(wstest.Frame(ws.Ping, true, make([]byte, 125)), 5000)
			a.each(50, func(int) {
				s := a.joinedSocket()
				_ = s.WriteFrame(flood)
				s.closes(1008)
			})
			s := a.joinedSocket()
			_ = s.WriteFrame(bytes.Repeat(wstest.Frame(ws.Ping, true, nil), 60))
			s.goesOn()
			_ = s.WriteFrame(bytes.Repeat(wstest.Frame(ws.Pong, true, nil), 100_000)) // pongs are nothing
			s.goesOn()
		},
	},
	{
		name: "pongs of the heartbeat that nobody asked for",
		run: func(a *attacker) {
			before := a.p.stats().Goroutines
			s := a.joinedSocket()
			_ = s.WriteFrame(bytes.Repeat(wstest.Frame(ws.Text, true, []byte("3")), 100_000))
			s.goesOn()
			a.until("no goroutine came of it", func() bool { return a.p.stats().Goroutines <= before+3 }) // the polling bystander comes and goes
		},
	},
	{
		name: "bad frames in one segment with the handshake",
		run: func(a *attacker) {
			frames := map[string]uint16{
				"\xC1\x80\x01\x02\x03\x04":         1002, // RSV1 without an extension
				"\xA1\x80\x01\x02\x03\x04":         1002,
				"\x91\x80\x01\x02\x03\x04":         1002,
				"\x81\x02hi":                       1002, // not masked
				"\x83\x80\x01\x02\x03\x04":         1002, // reserved opcodes
				"\x8B\x80\x01\x02\x03\x04":         1002,
				"\x09\x80\x01\x02\x03\x04":         1002, // a control frame in fragments
				"\x80\x80\x01\x02\x03\x04":         1002, // continuation of nothing
				"\x88\x81\x00\x00\x00\x00\x03":     1002, // half a close code
				"\x88\x82\x00\x00\x00\x00\x03\xED": 1002, // a close code that must not be sent
				string(header(0x81, 1<<62)):        1009,
				"GET / HTTP/1.1\r\n\r\n":           1002,
			}
			for frame, code := range frames {
				w := a.dial()
				_, _ = io.WriteString(w, upgrade("EIO=4&transport=websocket")+frame)
				answer, _ := io.ReadAll(w)
				want := string(ws.AppendClose(nil, code, ""))
				head, rest, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
				if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) || !bytes.Contains(rest, []byte(want[2:4])) {
					a.t.Errorf("% x with the handshake: got %.40q and %q, want close code %d", frame, head, rest, code)
				}
			}
		},
	},
	{
		name:   "clients that never read while broadcasts run",
		config: config{MaxQueueBytes: 64 << 10, WriteTimeout: time.Hour}, // 16 times that closes
		run: func(a *attacker) {
			const listeners = 40
			heard := make([]*socket, listeners)
			a.each(listeners, func(i int) {
				s := a.joinedSocketOn(a.dialNarrow())
				s.says(`421["listen"]`)
				if got := s.next(); got != "431[]" {
					a.fail("listening: %q", got)
				}
				heard[i] = s
			})
			before := a.p.stats().Connections
			teller := a.joinedSocket()
			for range 16 {
				teller.says(`422["tell",500,2000]`) // 1 MB each
				if got := teller.next(); got != "432[]" {
					a.fail("telling: %q", got)
				}
			}
			a.until("those who do not read are gone", func() bool { return a.p.stats().Connections <= before-listeners+1 })
			teller.goesOn()
		},
	},
	{
		name: "resets at every byte of a handshake and of an upgrade",
		run: func(a *attacker) {
			shake := upgrade("EIO=4&transport=websocket") + string(wstest.Frame(ws.Text, true, []byte("40"))) +
				string(wstest.Frame(ws.Text, true, []byte(`421["echo",1]`)))
			a.each(8, func(part int) {
				for cut := part; cut <= len(shake); cut += 8 {
					w := a.dial()
					_, _ = io.WriteString(w, shake[:cut])
					w.reset()
				}
			})
			a.each(8, func(part int) {
				s := a.polling()
				talk := upgrade("EIO=4&transport=websocket&sid="+s.sid) + string(wstest.Frame(ws.Text, true, []byte("2probe"))) +
					string(wstest.Frame(ws.Text, true, []byte("5")))
				for cut := part; cut <= len(talk); cut += 8 {
					w := a.dial()
					_, _ = io.WriteString(w, talk[:cut])
					w.reset()
					if cut >= len(talk)-16 { // the server may have switched
						s = a.polling()
						talk = upgrade("EIO=4&transport=websocket&sid="+s.sid) + talk[len(talk)-20:]
					}
				}
			})
			requests := []string{request("GET", "EIO=4&transport=polling", ""), request("POST", a.polling().query, "40\x1e41")}
			for _, r := range requests {
				for cut := range len(r) {
					w := a.dial()
					_, _ = io.WriteString(w, r[:cut])
					w.reset()
				}
			}
		},
	},
	{
		name:   "upgrades that are begun and left",
		config: config{UpgradeTimeout: 5 * time.Second},
		run: func(a *attacker) {
			a.each(60, func(i int) {
				p := a.joined()
				s := a.webSocket("&sid=" + p.sid)
				switch i % 3 {
				case 1:
					s.says("2probe")
					if got := s.next(); got != "3probe" {
						a.fail("the answer to a probe: %q", got)
					}
				case 2: // and a message that must not arrive
					s.says(`427["echo",666]`)
				}
				s.closes(1002)
				p.goesOn()
			})
			p := a.joined()
			for i := range 20 { // three may be tried; more are closed at once
				s := a.webSocket("&sid=" + p.sid)
				s.says(fmt.Sprintf("4%d", i))
				s.closes(1002)
			}
			p.goesOn()
		},
	},
}
