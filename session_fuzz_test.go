// SPDX-License-Identifier: MIT

// This file holds the fuzz target of whole sessions: a client that does anything, in
// virtual time, while another client is not affected.

package socketio_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A rogue reads what to do from a script: one byte says what, the next how long
// its data is.
type rogue struct {
	w      *world
	script []byte
	sid    string
	socket *wstest.Client // nil on polling
	side   *wstest.Client // the WebSocket of an upgrade
	ctx    context.Context
	busy   sync.WaitGroup
}

func (r *rogue) take(n int) []byte {
	b := r.script[:min(n, len(r.script))]
	r.script = r.script[len(b):]
	return b
}

func (r *rogue) number() int {
	if b := r.take(1); len(b) == 1 {
		return int(b[0])
	}
	return 0
}

func (r *rogue) data() []byte { return r.take(r.number()) }

// request makes a request and reads the answer, both beside what follows.
func (r *rogue) request(method string, body []byte) {
	r.busy.Go(func() {
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		s := r.w.server("", nil)
		s.Request(ctx, method, s.Target("polling", r.sid), bytes.NewReader(body))
	})
}

// drain reads what a socket brings until it ends.
func (r *rogue) drain(c *wstest.Client) {
	r.busy.Go(func() { _, _ = io.Copy(io.Discard, c.Conn()) })
}

func (r *rogue) write(raw []byte) {
	if c := r.current(); c != nil {
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = c.Conn().Write(raw)
	}
}

func (r *rogue) current() *wstest.Client {
	if r.side != nil {
		return r.side
	}
	return r.socket
}

// open opens a session that answers no ping and polls only when told to.
func (r *rogue) open(webSocket bool) {
	open := r.w.server("", nil).Polling
	if webSocket {
		open = r.w.server("", nil).Open
	}
	session, err := open(r.ctx)
	if err != nil {
		r.w.Fatal(err)
	}
	r.sid, r.socket = session.Opened.SID, session.Socket()
	if r.socket != nil {
		r.drain(r.socket)
	}
}

func (r *rogue) run() {
	r.open(r.number()%2 == 1)
	for steps := 0; len(r.script) > 0 && steps < 100; steps++ {
		switch r.number() % 10 {
		case 0:
			r.write(r.data())
		case 1:
			r.write(wstest.Frame(ws.Text, true, r.data()))
		case 2:
			r.write(wstest.Frame(ws.Binary, true, r.data()))
		case 3:
			first := r.number()
			r.write(wstest.Frame(ws.Opcode(first&0xF), first&0x80 != 0, r.data()))
		case 4, 5:
			r.request("POST", r.data())
			time.Sleep(time.Millisecond) // in order, mostly
		case 6:
			r.request("GET", nil)
		case 7:
			time.Sleep(time.Duration(r.number()) * time.Second / 4)
		case 8:
			if c, _, err := r.w.dialWebSocket("&sid="+r.sid, nil); err == nil && c != nil {
				r.side = c
				r.drain(c)
				r.write(wstest.Frame(ws.Text, true, []byte("2probe")))
			}
		case 9:
			if c := r.current(); c != nil {
				_ = c.Close()
			}
		}
	}
	for _, c := range []*wstest.Client{r.socket, r.side} {
		if c != nil {
			_ = c.Close()
		}
	}
}

func FuzzServerSession(f *testing.F) {
	// step joins what to do and its data.
	step := func(what byte, data string) string { return string([]byte{what, byte(len(data))}) + data }
	for _, steps := range [][]string{
		{"\x01", step(1, "40"), step(1, `42["echo",1]`), step(1, `421["echo",{"a":[1]}]`)},
		{"\x01", step(1, "40"), step(1, `452-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`), step(2, "\x01"), step(2, "")},
		{"\x01", step(1, "40/other,"), step(1, `42/other,0["typed","a",1,true]`), step(1, "41/other,"), step(1, "41")},
		{"\x01", step(0, "\x81\x85\x00\x00\x00\x0040"), "\x07\xff", "\x09"},
		{"\x01", step(3, "\x01"), step(1, "40/denied,"), step(1, "43"), step(1, "430[]"), step(1, `44"x"`)},
		{"\x00", step(4, "40"), "\x06", step(4, "42[\"echo\",1]\x1e421[\"join\",\"a\"]"), "\x06", step(4, "bAQID"), "\x06", "\x06"},
		{"\x00", step(4, "40"), "\x08", step(1, "5"), step(1, `42["all","x"]`), step(1, `42["bye"]`)},
		{"\x00", step(4, "40"), "\x06", "\x08", step(4, `42["bye"]`), "\x07\x08", step(1, "5")},
		{"\x00", step(4, "40\x1e\x1e"), step(4, "1"), "\x06", "\x07\xff\x07\xff"},
		{"\x01", step(1, "40"), step(1, `451-["echo",{"_placeholder":true,"num":0}]`), "\x07\xff\x07\xff", step(1, `42["echo"]`)},
		{"\x01", step(1, "3"), step(1, "2"), step(1, "9"), step(1, "40")},
	} {
		f.Add([]byte(strings.Join(steps, "")))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 2000 {
			return
		}
		// What hangs or is left over is a deadlock of the bubble.
		memory(t, &socketio.Options{MaxPayload: 2000, Engine: engineio.Options{PerMessageDeflate: new(engineio.PerMessageDeflate)}}, func(w *world) {
			for _, nsp := range []string{"/", "/other"} {
				w.io.Of(nsp).OnConnection(sessionHandlers)
			}
			w.io.Of("/denied").Use(func(context.Context, *socketio.Socket) error { return &socketio.ConnectError{Message: "no"} })
			good := w.join(websocket)
			ctx, cancel := context.WithCancel(context.Background())
			r := &rogue{w: w, script: script, ctx: ctx}
			r.run()
			good.says(`20["echo","still here"]`)
			good.hears(`30["still here"]`)
			cancel()
			r.busy.Wait()
			time.Sleep(5 * time.Minute) // more than every deadline
			good.says(`21["count"]`)
			good.hears(`31[1]`)
			if log := w.log.String(); strings.Contains(log, "panic") {
				t.Fatal(log)
			}
		})
	})
}

func sessionHandlers(s *socketio.Socket) {
	s.On("echo", func(args socketio.Args, ack socketio.Ack) error {
		values, err := args.Values()
		if err != nil {
			return err
		}
		return ack(values...)
	})
	s.On("typed", func(a string, b int, c bool, ack socketio.Ack) error { return ack(a, b, c) })
	s.On("join", func(room string) { s.Join(room) })
	s.On("all", func(text string) error { return s.To("a").Emit("all", text) })
	s.On("bye", func() error {
		if err := s.Emit("bye", []byte{1}); err != nil {
			return err
		}
		s.CloseConn()
		return nil
	})
	s.On("count", func(ack socketio.Ack) error { return ack(len(s.Namespace().Sockets())) })
}
