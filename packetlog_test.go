// SPDX-License-Identifier: MIT

// This file tests the lines of the packet log.

package socketio_test

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// packetLines are the lines of a log about packets, without what differs from run to run.
func packetLines(lines []string) string {
	var kept []string
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, `INFO msg=`); ok {
			kept = append(kept, regexp.MustCompile(`\\?"sid\\?":\\?"[\w-]{20}`).ReplaceAllString(rest, `sid:*`))
		}
	}
	return strings.Join(kept, "\n")
}

// Each packet of a client whose packets are logged leaves a line that a person can read.
func TestPacketsAreLogged(t *testing.T) {
	opts, lines := recorded(slog.LevelInfo)
	opts.Engine.LogPackets = "*"
	memory(t, opts, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("add", func(a, b int) int { return a + b })
			s.On("bytes", func(b []byte) { _ = s.Emit("back", b) })
		})
		w.io.Of("/admin").Use(func(context.Context, *socketio.Socket) error { return &socketio.ConnectError{Message: "no"} })
		p := w.open(websocket)
		p.joins("/", `{"token":"s3cret"}`)
		w.settle()
		p.says(`0/admin,{"token":"s3cret"}`)
		p.hears(`4/admin,*`)
		p.says(`27["add",1,2]`)
		p.hears(`37[3]`)
		p.says(`51-["bytes",{"_placeholder":true,"num":0}]`, []byte{1, 2, 3})
		p.hears(`51-["back",{"_placeholder":true,"num":0}]`, []byte{1, 2, 3})
		p.says(`2["evil\u0000` + "\u202e" + strings.Repeat("x", 300) + `"]`)
		time.Sleep(26 * time.Second)
		p.says(`1`)
		w.settle()
		p.goes()
		w.settle()
		id := regexp.MustCompile(`peer=\S+`)
		got := id.ReplaceAllString(packetLines(lines()), "peer=*")
		if strings.Contains(got, "s3cret") || strings.Contains(got, p.sid) {
			t.Errorf("a secret stands in\n%s", got)
		}
		want := `"packets are logged" conn=1 transport=websocket peer=*
"packet out" conn=1 transport=websocket packet=open text=""
"packet in" conn=1 transport=websocket packet=message text="CONNECT (auth is not shown)"
"packet out" conn=1 transport=websocket packet=message text="CONNECT {sid:*\"}"
"packet in" conn=1 transport=websocket packet=message text="CONNECT /admin (auth is not shown)"
"packet out" conn=1 transport=websocket packet=message text="CONNECT_ERROR /admin {\"message\":\"no\"}"
"packet in" conn=1 transport=websocket packet=message text="EVENT #7 [\"add\",1,2]"
"packet out" conn=1 transport=websocket packet=message text="ACK #7 [3]"
"packet in" conn=1 transport=websocket packet=message text="BINARY_EVENT with attachments: 1 [\"bytes\",{\"_placeholder\":true,\"num\":0}]"
"packet in" conn=1 transport=websocket packet=message text="attachment of 3 bytes"
"packet out" conn=1 transport=websocket packet=message text="BINARY_EVENT with attachments: 1 [\"back\",{\"_placeholder\":true,\"num\":0}]"
"packet out" conn=1 transport=websocket packet=message text="attachment of 3 bytes"
"packet in" conn=1 transport=websocket packet=message text="EVENT [\\\"evil\\\\u0000\\u202e` + strings.Repeat("x", 107) + `..."
"packet out" conn=1 transport=websocket packet=ping text=""
"packet in" conn=1 transport=websocket packet=pong text=""
"packet in" conn=1 transport=websocket packet=message text=DISCONNECT
closed conn=1 transport=websocket reason="transport close"`
		got = regexp.MustCompile(` error=\S+$`).ReplaceAllString(got, "")
		if got != want {
			t.Errorf("the log is\n%s\nwant\n%s", got, want)
		}
	})
}

// Polling, and the way up from it.
func TestPacketsOfPollingAreLogged(t *testing.T) {
	opts, lines := recorded(slog.LevelInfo)
	opts.Engine.LogPackets = "*"
	memory(t, opts, func(w *world) {
		p := w.join(polling)
		p.upgrades()
		p.says(`2["x"]`)
		w.settle()
		w.io.Close()
		w.settle()
		got := packetLines(lines())
		if strings.Contains(got, p.sid) {
			t.Errorf("the session id stands in\n%s", got)
		}
		for _, want := range []string{
			`"packet out" conn=1 transport=polling packet=open`,
			`"packet in" conn=1 transport=polling packet=ping text=probe`,
			`"packet out" conn=1 transport=polling packet=pong text=probe`,
			`"packet in" conn=1 transport=polling packet=upgrade`,
			`"packet in" conn=1 transport=websocket packet=message text="EVENT [\"x\"]"`,
			`closed conn=1 transport=websocket reason="forced close"`,
		} {
			if !strings.Contains(got, want) {
				t.Errorf("the log lacks %s:\n%s", want, got)
			}
		}
	})
}

// Packets of another format are read before they are shown, and those of old clients
// have no query.
func TestPacketsOfOtherFormatsAreLogged(t *testing.T) {
	opts, lines := recorded(slog.LevelInfo)
	opts.Engine.LogPackets, opts.Codec = "*", new(msgpack.Codec)
	memory(t, opts, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) { _ = s.Emit("hello", 1, []byte{1}) })
		p := w.open(websocket)
		p.says(pack(parser.TypeConnect, "/", -1))
		w.settle()
		p.says([]byte{0xc1, 0xc1}) // is nothing
		w.settle()
		got := packetLines(lines())
		for _, want := range []string{`text=CONNECT`, `text="EVENT [\"hello\",1,\"AQ==\"]"`, `text="2 bytes"`} {
			if !strings.Contains(got, want) {
				t.Errorf("the log lacks %s:\n%s", want, got)
			}
		}
	})
	opts, lines = recorded(slog.LevelInfo)
	opts.Engine.LogPackets, opts.AllowEIO3 = "*", true
	memory(t, opts, func(w *world) {
		w.io.Of("/room")
		p := w.joinOld(websocket)
		p.says(`0/room?token=s3cret,`)
		p.hears(`0/room,`)
		got := packetLines(lines())
		if strings.Contains(got, "s3cret") || strings.Contains(got, p.sid) || !strings.Contains(got, `text="CONNECT /room"`) {
			t.Errorf("the log is\n%s", got)
		}
	})
}

// One client of many is chosen by its address, by a parameter of its query, or while it
// is there.
func TestPacketsOfOneClientAreLogged(t *testing.T) {
	for list, wants := range map[string]string{
		"":                             "000",
		"*":                            "111",
		"user=7":                       "010",
		"nobody=1, user=7":             "010",
		"203.0.113.9":                  "001",
		" 10.0.0.0/8 ,203.0.113.0/24,": "001",
		"::ffff:203.0.113.9":           "001",
		"user=7,203.0.113.9":           "011",
		"user=77":                      "000",
	} {
		for _, way := range []string{"option", "variable"} {
			opts, lines := recorded(slog.LevelInfo)
			if opts.Engine.LogPackets = list; way == "variable" {
				opts.Engine.LogPackets = ""
				t.Setenv("SOCKETIO_DEBUG", list)
			}
			opts.TrustedProxies = trustLoopback()
			memory(t, opts, func(w *world) {
				w.open(websocket)
				w.openAt(websocket, "&user=7", nil)
				w.openAt(websocket, "", http.Header{"X-Forwarded-For": {"203.0.113.9"}})
				w.settle()
				log, got := packetLines(lines()), ""
				for _, conn := range []string{"conn=1 ", "conn=2 ", "conn=3 "} {
					if strings.Contains(log, conn) {
						got += "1"
					} else {
						got += "0"
					}
				}
				want(t, way+" "+list, got, wants)
			})
			t.Setenv("SOCKETIO_DEBUG", "")
		}
	}
	opts, lines := recorded(slog.LevelInfo)
	memory(t, opts, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("watch", func(on bool) { s.Conn().LogPackets(on) })
		})
		p := w.join(websocket)
		p.says(`2["before"]`, `2["watch",true]`)
		w.settle()
		p.says(`2["between"]`, `2["watch",false]`)
		w.settle()
		p.says(`2["after"]`)
		w.settle()
		got := packetLines(lines())
		if !strings.Contains(got, "between") || strings.Contains(got, "before") || strings.Contains(got, "after") {
			t.Errorf("the log is\n%s", got)
		}
	})
}

// An invalid list panics; an invalid variable, which is not part of the program, is a
// warning.
func TestPacketsOfNobody(t *testing.T) {
	for _, list := range []string{"everyone", "300.1.2.3", "10.0.0.0/99", "=7", "*,x"} {
		got := message(func() { socketio.NewServer(&socketio.Options{Engine: engineio.Options{LogPackets: list}}) })
		if !strings.HasPrefix(got, "engineio: Options.LogPackets: ") || !strings.Contains(got, `is none of "*", an address`) {
			t.Errorf("%q: panic %q", list, got)
		}
	}
	opts, lines := recorded(slog.LevelWarn)
	t.Setenv("SOCKETIO_DEBUG", "everyone\x1b")
	_ = socketio.NewServer(opts).Close()
	if got := strings.Join(lines(), "\n"); !strings.HasPrefix(got, `WARN msg="SOCKETIO_DEBUG: `) || strings.Contains(got, "\x1b") {
		t.Errorf("the log is %q", got)
	}
}
