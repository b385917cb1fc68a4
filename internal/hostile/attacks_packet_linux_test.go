// SPDX-License-Identifier: MIT

// This file holds attacks with Socket.IO packets.

package hostile

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

const placeholder = `{"_placeholder":true,"num":%d}`

// binaryEvent announces n attachments.
func binaryEvent(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `45%d-["x"`, n)
	for i := range n {
		fmt.Fprintf(&b, ","+placeholder, i)
	}
	return b.String() + "]"
}

var packetAttacks = []attack{
	{
		name:   "attachments that are announced and do not come",
		config: config{AttachmentTimeout: time.Second},
		run: func(a *attacker) {
			a.each(50, func(i int) {
				s := a.joinedSocket()
				s.says(binaryEvent(1 + i%10))
				s.closes(1008)
			})
		},
	},
	{
		name:   "nine attachments of 1 MB, then silence",
		config: config{AttachmentTimeout: 10 * time.Second}, // until then nine must have come
		run: func(a *attacker) {
			frame := wstest.Frame(ws.Binary, true, make([]byte, 1_000_000))
			a.each(4, func(int) {
				s := a.joinedSocket()
				s.says(binaryEvent(10))
				for range 9 {
					if err := s.WriteFrame(frame); err != nil {
						a.fail("the server should wait for the tenth: %v", err)
					}
				}
				s.closes(1008)
			})
		},
	},
	{
		name: "attachments for a namespace that nobody has joined",
		run: func(a *attacker) {
			a.each(4, func(i int) {
				for _, joins := range []bool{false, true} {
					for _, header := range []string{binaryEvent(10), strings.Replace(binaryEvent(10), "-", "-/slow,", 1), strings.Replace(binaryEvent(10), "-", "-/nobody,", 1)} {
						s := a.webSocket("")
						if joins {
							if !strings.Contains(header, "/") {
								continue
							}
							s.says("40")
							s.next()
						}
						s.says(header) // at once, without one attachment
						s.closes(1002)
						p := a.polling()
						p.post(header, 200)
						p.over()
					}
				}
			})
		},
	},
	{
		// 20 connections keep 256 KB each, whatever they send. How much is in use at once,
		// before it is answered, depends on the machine.
		name: "auth as large as a message in each namespace",
		run: func(a *attacker) {
			before := a.p.heap()
			auth := func(n int) string { return `{"x":"` + strings.Repeat("x", n) + `"}` }
			a.each(20, func(i int) {
				s := a.joinedSocket()
				for n := range 8 {
					name, size := fmt.Sprintf("/n%d", n), 60_000
					if n < 2 {
						size = 900_000
					}
					s.says("40" + name + "," + auth(size))
					want := "44" + name + `,{"message":"auth too large: `
					if n >= 2 && n < 6 {
						want = "40" + name + `,{"sid":`
					}
					if got := s.next(); !strings.HasPrefix(got, want) {
						a.fail("namespace %d with %d bytes of auth: %.100q, want %s", n, size, got, want)
					}
				}
			})
			a.until("the rest is gone", func() bool { return a.p.heap()-before < 20<<18+4<<20 })
		},
	},
	{
		// Answered data is not kept, neither by the connection nor by its decoder: 7 MB. How
		// much is in use at once, before it is answered, depends on the machine.
		name: "the longest names, and then silence",
		run: func(a *attacker) {
			before := a.p.heap()
			a.each(8, func(int) {
				s := a.joinedSocket()
				for range 2 {
					name := strings.Repeat("a", 900_000)
					s.says("40/" + name + ",")
					s.next()
				}
			})
			a.until("the names are gone", func() bool { return a.p.heap()-before < 2<<20 })
		},
	},
	{
		// As values of any type they would be 100 MB.
		name: "a message full of empty objects",
		run: func(a *attacker) {
			a.each(4, func(int) {
				s := a.joinedSocket()
				s.says(`42["x",[` + strings.TrimSuffix(strings.Repeat("{},", 330_000), ",") + `]]`)
				s.closes(1002)
				s = a.joinedSocket()
				s.says(`42["x",[` + strings.TrimSuffix(strings.Repeat(`{"":0},`, 140_000), ",") + `]]`)
				s.closes(1002)
			})
		},
	},
	{
		name: "attachments that must not be",
		run: func(a *attacker) {
			deep := strings.Repeat("[", 20_000) + fmt.Sprintf(placeholder, 0) + strings.Repeat("]", 20_000)
			packets := []string{
				`451-["x"` + strings.Repeat(","+fmt.Sprintf(placeholder, 0), 2000) + `]`,
				`451-["x",` + deep + `]`,
				`451-["x",{"_placeholder":true,"num":1}]`,
				`451-["x",{"_placeholder":true,"num":-1}]`,
				`451-["x",{"_placeholder":true,"num":0.5}]`,
				`451-["x",{"_placeholder":true,"num":"splice"}]`,
				`451-["x",{"_placeholder":1,"num":0}]`,
				`451-["x"]`,
				`450-["x"]`,
				`4511-["x"]`,
				`4599999999999999999999-["x"]`,
				`45-1-["x"]`,
			}
			a.each(len(packets), func(i int) {
				s := a.joinedSocket()
				s.says(packets[i])
				_ = s.WriteBinary(make([]byte, 100_000))
				s.closes(1002)
				p := a.joined()
				p.cutOff(packets[i] + "\x1ebAAAA")
				p.over()
			})
			s := a.joinedSocket() // binary, and nothing was announced
			_ = s.WriteBinary([]byte("x"))
			s.closes(1002)
			s = a.webSocket("") // and no namespace was joined
			s.says(binaryEvent(1))
			_ = s.WriteBinary([]byte("x"))
			s.closes(1002)
		},
	},
	{
		name: "a flood of CONNECT",
		run: func(a *attacker) {
			a.each(4, func(int) {
				// 960 KB are more packets than a payload may have.
				s := a.joined()
				s.post(strings.TrimSuffix(strings.Repeat("40/x,\x1e", 160_000), "\x1e"), 400)
				s.over()
				// A payload may have this many, and after the twentieth rejection nothing
				// is answered.
				s = a.joined()
				body := strings.TrimSuffix(strings.Repeat("40/x,\x1e", 65_536), "\x1e")
				s.cutOff(body)
				if r := s.get(); len(r.body) > 1024 {
					a.t.Errorf("%d bytes answer %d refused packets", len(r.body), 65_536)
				}
				s.over()

				w := a.joinedSocket()
				for range 20 {
					w.says("40/x,")
					if got := w.next(); got != `44/x,{"message":"Invalid namespace"}` {
						a.fail("a refusal: %q", got)
					}
				}
				w.says("40/x,")
				w.closes(1008)
			})
		},
	},
	{
		name: "a thousand CONNECTs while a middleware thinks",
		run: func(a *attacker) {
			s := a.joinedSocket()
			s.says(strings.Split(strings.Repeat("40/slow, ", 1000), " ")[:1000]...)
			s.closes(1002)
			if n := a.p.stats().Middlewares; n > 1 {
				a.t.Errorf("the middleware ran %d times", n)
			}
		},
	},
	{
		name:   "a middleware that is kept waiting",
		config: config{MiddlewareTimeout: time.Second},
		run: func(a *attacker) {
			a.each(100, func(int) {
				s := a.joinedSocket()
				s.says("40/slow,")
				if got := s.next(); got != `44/slow,{"message":"timeout"}` {
					a.fail("a slow middleware: %q", got)
				}
			})
		},
	},
	{
		name: "too many namespaces",
		run: func(a *attacker) {
			s := a.joinedSocket()
			for i := range 127 {
				s.says(fmt.Sprintf("40/n%d,", i))
				if got := s.next(); !strings.HasPrefix(got, fmt.Sprintf(`40/n%d,{"sid":`, i)) {
					a.fail("joining /n%d: %q", i, got)
				}
			}
			for i := range 20 {
				s.says(fmt.Sprintf("40/n%d,", 150+i))
				if got := s.next(); got != fmt.Sprintf(`44/n%d,{"message":"Too many namespaces"}`, 150+i) {
					a.fail("one too many: %q", got)
				}
			}
			s.goesOn()
			s.says("40/n180,")
			s.closes(1008)
		},
	},
	{
		name:   "namespaces made on demand",
		config: config{MaxDynamicNamespaces: 50},
		run: func(a *attacker) {
			s, second := a.joinedSocket(), a.joinedSocket()
			for i := 1; i <= 50+20; i++ {
				if i > 30 {
					s = second // one connection makes 32 of so few
				}
				name := "/" + strings.Repeat("a", i)
				s.says("40" + name + ",")
				want := "40" + name + `,{"sid":`
				if i > 50 {
					want = "44" + name + `,{"message":"Invalid namespace"}`
				}
				if got := s.next(); !strings.HasPrefix(got, want) {
					a.fail("namespace %d: %.100q", i, got)
				}
			}
			s.says("40/" + strings.Repeat("a", 60) + ",")
			s.closes(1008)
			a.each(20, func(int) {
				s := a.joinedSocket()
				for _, name := range []string{strings.Repeat("a", 900_000), strings.Repeat("a", 200) + "!"} {
					s.says("40/" + name + ",")
					if got := s.next(); got != "44/"+name+`,{"message":"Invalid namespace"}` {
						a.fail("an invalid name: %.100q", got)
					}
				}
			})
		},
	},
	{
		name:   "nobody joins",
		config: config{ConnectTimeout: 5 * time.Second}, // the bystanders join in time
		run: func(a *attacker) {
			a.each(200, func(i int) {
				if i%2 == 0 {
					a.webSocket("").closes(1008)
				} else {
					a.polling().over()
				}
			})
		},
	},
	{
		name: "acknowledgements that nobody asked for",
		run: func(a *attacker) {
			s := a.joinedSocket()
			s.says(strings.Split(strings.Repeat(`4399[] `, 1000), " ")[:1000]...)
			s.goesOn()
			s.says(`4399[]`)
			s.closes(1008)
			p := a.joined()
			p.cutOff(strings.TrimSuffix(strings.Repeat("4399[]\x1e", 60_000), "\x1e"))
			p.over()
		},
	},
	{
		name: "ids of acknowledgements that are no such numbers",
		run: func(a *attacker) {
			s := a.joinedSocket()
			s.says(`429007199254740991["echo",1]`)
			if got := s.next(); got != `439007199254740991[1]` {
				a.t.Errorf("the largest id is answered %q", got)
			}
			for _, id := range []string{"9007199254740992", strings.Repeat("9", 400), "00", "-1", "1e3", strings.Repeat("9", 900_000)} {
				s := a.joinedSocket()
				s.says("42" + id + `["echo",1]`)
				s.closes(1002)
			}
		},
	},
	{
		name: "names of events that mean something elsewhere",
		run: func(a *attacker) {
			borne := []string{
				`"__proto__"`, `"constructor"`, `"toString"`, `"hasOwnProperty"`, `""`, `"error"`, `"connection"`, `1`, `-1.5e300`,
				`"\u0000"`, `"\r\nlevel=ERROR msg=forged"`, `"\u001b[2J"`, `"<img onerror=x>"`, `"\ud800"`, `"` + strings.Repeat("n", 500_000) + `"`,
			}
			s, p := a.joinedSocket(), a.joined()
			for _, name := range borne {
				s.says("42["+name+"]", "425["+name+",{}]")
				p.post("42["+name+"]", 200)
			}
			s.goesOn()
			p.goesOn()
			closed := []string{
				`"connect"`, `"connect_error"`, `"disconnect"`, `"disconnecting"`, `"newListener"`, `"removeListener"`, `"\u0063onnect"`,
				`{"toString":"x"}`, `["x"]`, `true`, `null`, `NaN`, `'x'`, ``,
			}
			a.each(len(closed), func(i int) {
				s := a.joinedSocket()
				s.says("42[" + closed[i] + "]")
				s.closes(1002)
			})
		},
	},
	{
		name: "JSON without end",
		run: func(a *attacker) {
			texts := []string{
				`42["x",` + strings.Repeat("[", 900_000),
				`42["x",` + strings.Repeat("[", 511) + strings.Repeat("]", 511) + `]`, // 512 deep
				`42["x",` + strings.Repeat("[", 512) + strings.Repeat("]", 512) + `]`,
				`42["x",` + strings.Repeat(`{"a":`, 180_000),
				`42["x",1` + strings.Repeat("0", 900_000),
				`42["x","` + strings.Repeat(`\u0000`, 150_000),
				`42["x",1e` + strings.Repeat("9", 900_000),
				`40{"a":` + strings.Repeat("[", 900_000),
				`42["x"]` + strings.Repeat(" ", 900_000) + `x`,
			}
			a.each(len(texts), func(i int) {
				s, p := a.joinedSocket(), a.joined()
				s.says(texts[i])
				p.post(texts[i], 200)
				if i == 1 {
					s.goesOn()
					p.goesOn()
					return
				}
				s.closes(1002)
				p.over()
			})
		},
	},
	{
		name: "text that is not UTF-8",
		run: func(a *attacker) {
			var packets []string
			for _, bad := range []string{"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", strings.Repeat("a", 200_000) + "\xff"} {
				packets = append(packets, `42["`+bad+`"]`, `42["x","`+bad+`"]`, "40/"+bad+",")
			}
			a.each(len(packets), func(i int) {
				s := a.joinedSocket()
				s.says(packets[i])
				s.closes(1007)
				p := a.joined()
				p.post(packets[i], 400)
				p.over()
			})
		},
	},
	{
		name:   "events without end from clients that do not read",
		config: config{WriteTimeout: time.Hour},
		run: func(a *attacker) {
			event := fmt.Sprintf(`427["parrot","%s"]`, strings.Repeat("x", 10_000))
			flood := bytes.Repeat(wstest.Frame(ws.Text, true, []byte(event)), 1000)
			a.each(8, func(int) {
				s := a.joinedSocketOn(a.dialNarrow())
				_ = s.WriteFrame(flood) // it may be closed meanwhile
			})
			a.until("those who do not read are gone", func() bool { return a.p.stats().Connections <= 2 })
		},
	},
	{
		name: "joining and leaving without end",
		run: func(a *attacker) {
			turn := append(wstest.Frame(ws.Text, true, []byte("40")), wstest.Frame(ws.Text, true, []byte("41"))...)
			a.each(20, func(i int) {
				s := a.joinedSocket()
				s.says("41")
				_ = s.WriteFrame(bytes.Repeat(turn, 10_000))
				s.closes(1008) // what is taken back before it is answered is asked in vain
			})
		},
	},
	{
		name:   "what only old clients send",
		config: config{EIO3: true},
		run: func(a *attacker) {
			for _, body := range []string{
				"99999999999999999999:4", "1000000:4", "-1:4", "0:", ":", "1:", "3:4é", "1", "1:41:4x", "2:4\xff", "2:b4", "8:b4!!!!!!",
				strings.Repeat("1:4", 65_537), strings.Repeat("0:", 400_000), strings.Repeat("9", 900_000),
				"9:451-[\"x\"]", "7:42[\"x\"]" + "3:440", "2:47", "2:40" + strings.Repeat("2:41", 5),
			} {
				s := a.old()
				s.a.ask(request("POST", s.query, body))
				s.leaves()
			}
			for _, body := range []string{
				"\x00\x09\xff4", "\x01\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4", "\x01\xff", "\x02\x01\xff4", "\x00\x01", "\x00\xff", "\x01\x01\xff\x04",
				"\x00" + strings.Repeat("\x00", 500_000), "\x00" + strings.Repeat("\x09", 500_000) + "\xff",
			} {
				s := a.old()
				s.a.ask(request("POST", s.query, body, "Content-Type: application/octet-stream"))
				s.leaves()
			}
			s := a.old()
			s.post(fmt.Sprintf("%d:40/x?%s", 9000+5, strings.Repeat("q", 9000)), 200)
			s.over()
		},
	},
	{
		name: "packets that no client sends",
		run: func(a *attacker) {
			packets := []string{`44{"message":"x"}`, `47`, `4`, `4x`, `42`, `43[]x`, `41x`, `42/n1,["x"]`, `43/nowhere,1[]`, `41/nowhere,`, "7", "2", "x", "\x00"}
			a.each(len(packets), func(i int) {
				s := a.joinedSocket()
				s.says(packets[i])
				s.closes(1002)
				p := a.joined()
				p.a.ask(request("POST", p.query, packets[i]))
				p.over()
			})
		},
	},
}
