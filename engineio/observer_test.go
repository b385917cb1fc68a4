// SPDX-License-Identifier: MIT

// This file tests the observers of connections.

package engineio_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"socketio/engineio"
)

// A diary records the calls of observers.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(format string, args ...any) {
	d.mu.Lock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
	d.mu.Unlock()
}

func (d *diary) ConnOpened(c engineio.ConnInfo) {
	d.add("opened %d %s %s", c.Number, c.Transport, c.Handshake.URL)
}
func (d *diary) ConnUpgraded(c engineio.ConnInfo) { d.add("upgraded %d %s", c.Number, c.Transport) }
func (d *diary) ConnClosed(c engineio.ConnInfo, reason engineio.CloseReason, err error) {
	d.add("closed %d %s %s %v", c.Number, c.Transport, reason, err)
}
func (d *diary) RequestRefused(e *engineio.ConnectionError) {
	d.add("refused %d %d %s %s", e.Status, e.Code, e.Message, e.Detail)
}
func (d *diary) TrafficIn(t engineio.Traffic) {
	d.add("in %d %s %d %d", t.Conn, t.Transport, t.Messages, t.Bytes)
}
func (d *diary) TrafficOut(t engineio.Traffic) {
	d.add("out %d %s %d %d", t.Conn, t.Transport, t.Messages, t.Bytes)
}
func (d *diary) MessagesDropped(c engineio.ConnInfo, n int, why engineio.DropReason) {
	d.add("dropped %d %d %s", c.Number, n, why)
}

// expect compares the records and clears them.
func (d *diary) expect(t testing.TB, lines ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if got, want := strings.Join(d.lines, "\n"), strings.Join(lines, "\n"); got != want {
		t.Errorf("heard\n%s\nwant\n%s", got, want)
	}
	d.lines = nil
}

func TestObserversOfALife(t *testing.T) {
	inMemory(t, func(w *world) {
		d := new(diary)
		r := w.serve(hosting{options: &engineio.Options{MaxQueueMessages: 2, Observers: []any{d}, PerMessageDeflate: &engineio.PerMessageDeflate{}}})
		p := r.polling()
		r.quiet()
		d.expect(t, "opened 1 polling /engine.io/?EIO=4&transport=polling")
		s := r.side(p.id())
		p.send("4hello", "bAAEC")
		r.quiet()
		d.expect(t, "in 1 polling 1 5", "out 1 polling 1 5", "in 1 polling 1 3", "out 1 polling 1 3")
		s.SendVolatile(engineio.TextMessage("volatile"))
		s.Send(engineio.TextMessage("x").Overflow(engineio.OverflowDropNewest))
		if err := s.Send(engineio.TextMessage("x").Overflow(engineio.OverflowFail)); err == nil {
			t.Error("the queue is not full")
		}
		d.expect(t, "dropped 1 1 volatile", "dropped 1 1 overflow")
		p.wantAnswer("the echo", "4hello\x1ebAAEC")
		u := p.upgrade()
		r.quiet()
		d.expect(t, "upgraded 1 websocket")
		s.Send(engineio.NewMessage(append(make([]byte, engineio.HeaderRoom), "ab"...), [][]byte{{1, 2, 3}, {4}}))
		r.quiet()
		d.expect(t, "out 1 websocket 3 6")
		u.send("1")
		r.quiet()
		d.expect(t, "closed 1 websocket transport close EOF")
		s.SendVolatile(engineio.TextMessage("too late"))
		d.expect(t)
	})
}

func TestObserversOfRefusals(t *testing.T) {
	inMemory(t, func(w *world) {
		d := new(diary)
		r := w.serve(hosting{options: &engineio.Options{Observers: []any{d}}})
		r.get("transport=a%0ab&EIO=4")
		r.get("transport=polling&EIO=4&sid=unknown-session")
		r.quiet()
		d.expect(t, `refused 400 0 Transport unknown a\nb`, "refused 400 1 Session ID unknown no such session")
	})
}

// A compressed text message counts with its original size.
func TestObserversCountBeforeCompression(t *testing.T) {
	everywhere(t, func(w *world) {
		d := new(diary)
		r := w.serve(hosting{options: &engineio.Options{Observers: []any{d}, PerMessageDeflate: &engineio.PerMessageDeflate{}}})
		c := r.websocket("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
		s := r.side(c.id())
		if err := s.Send(engineio.TextMessage(strings.Repeat("z", 5000))); err != nil {
			t.Fatal(err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if got := d.lines[len(d.lines)-1]; got != "out 1 websocket 1 5000" {
			t.Errorf("heard %q", got)
		}
	})
}

// closer closes the server while a connection opens.
type closer struct {
	*diary
	close func()
}

func (c *closer) ConnOpened(i engineio.ConnInfo) {
	c.diary.ConnOpened(i)
	c.close()
}

// A connection that ends before it has a Handler is also reported once.
func TestObserversOfAServerThatCloses(t *testing.T) {
	d := &closer{diary: new(diary)}
	ended := 0
	srv := engineio.NewServer(&engineio.Options{Observers: []any{d}}, func(*engineio.Conn) engineio.Handler {
		return handlerFunc(func() { ended++ })
	})
	d.close = func() { _ = srv.Close() }
	srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/?transport=polling&EIO=4", nil))
	if ended != 1 {
		t.Errorf("the Handler heard of %d ends, want 1", ended)
	}
	d.expect(t, "opened 1 polling /?transport=polling&EIO=4", "closed 1 polling forced close engineio: closed")
}

// handlerFunc is a Handler that is notified of the end.
type handlerFunc func()

func (handlerFunc) HandleMessage(bool, []byte)                 {}
func (handlerFunc) HandleReadEnd()                             {}
func (fn handlerFunc) HandleClose(engineio.CloseReason, error) { fn() }
func (handlerFunc) HandleTimer()                               {}
func (handlerFunc) HandleUpgrade()                             {}

func TestObserverOfNothing(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "int implements none of ConnObserver") {
			t.Errorf("NewServer panics with %q", v)
		}
	}()
	engineio.NewServer(&engineio.Options{Observers: []any{42}}, nil)
}

// An engine without socketio shows messages as they are, cut, and never its session ids.
func TestPacketsAreLogged(t *testing.T) {
	everywhere(t, func(w *world) {
		log := new(syncBuffer)
		o := w.patient()
		o.LogPackets, o.Logger = "*", log.logger()
		r := w.serve(hosting{options: o})
		p := r.polling()
		p.post("4hello\x1ebAQID\x1e4" + strings.Repeat("y", 500))
		p.answer()
		c := r.websocket()
		c.send("4line\n" + "\u202e")
		c.want("the echo", "4line\n"+"\u202e")
		text := log.String()
		for _, want := range []string{
			`packet=open text=""`, `msg="packet in" conn=1 transport=polling packet=message text=hello`, `text="3 bytes"`,
			"text=" + strings.Repeat("y", 128) + "...\n", `msg="packet in" conn=2 transport=websocket packet=message text=line\n\u202e`,
			`msg="packet out" conn=2 transport=websocket packet=message text=line\n\u202e`, `msg="packets are logged" conn=2`,
		} {
			if !strings.Contains(text, want) {
				w.t.Errorf("the log lacks %q:\n%s", want, text)
			}
		}
		for _, s := range r.all() {
			if strings.Contains(text, s.ID()) {
				w.t.Errorf("a session id stands in\n%s", text)
			}
		}
	})
}
