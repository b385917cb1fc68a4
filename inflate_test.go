// SPDX-License-Identifier: MIT

// This file tests the size to which a compressed message may inflate, before and after
// its client has joined a namespace.

package socketio_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"socketio"
	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

func TestInflationBeforeTheFirstJoin(t *testing.T) {
	const limit = 64 << 10
	for _, row := range []struct {
		size int // of the CONNECT, inflated
		ok   bool
	}{{1000, true}, {limit - 1, true}, {limit, true}, {limit + 1, false}, {1_000_000, false}} {
		t.Run(fmt.Sprint(row.size), func(t *testing.T) {
			var book logBook
			memory(t, &socketio.Options{Logger: slog.New(slog.NewTextHandler(&book, nil)), Engine: engineio.Options{PerMessageDeflate: new(engineio.PerMessageDeflate)}}, func(w *world) {
				w.io.OnConnection(func(s *socketio.Socket) {
					s.On("len", func(text string) int { return len(text) })
				})
				bystander := w.join(websocket)
				c := w.compressing(t)
				connect := `40{"pad":"` + strings.Repeat("a", row.size-len(`40{"pad":""}`)) + `"}`
				if err := c.WriteCompressed(ws.Text, []byte(connect)); err != nil {
					t.Fatal(err)
				}
				_, data, err := c.ReadMessage()
				if !row.ok {
					ce, ok := err.(*ws.CloseError)
					if !ok || ce.Code != 1009 || !strings.Contains(ce.Reason, "at most 65536 bytes, inflated") {
						t.Errorf("the answer is %q (%v), want 1009 with the limit", data, err)
					}
					if got := book.String(); !strings.Contains(got, "closed: a compressed message is too large for a client that has joined nothing") || !strings.Contains(got, "max=65536") {
						t.Errorf("the log is %s", got)
					}
					bystander.isOpen()
					return
				}
				if err != nil || !strings.HasPrefix(string(data), "40{") {
					t.Fatalf("the answer is %.80q (%v)", data, err)
				}
				for _, n := range []int{limit, 990_000} { // at once: a client knows that it has joined
					if err := c.WriteCompressed(ws.Text, fmt.Appendf(nil, `421["len",%q]`, strings.Repeat("a", n))); err != nil {
						t.Fatal(err)
					}
					if _, data, err := c.ReadMessage(); err != nil || string(data) != fmt.Sprintf("431[%d]", n) {
						t.Errorf("a message of one letter, %d times: %q (%v)", n, data, err)
					}
				}
				for _, packet := range []string{"41", connect} { // it has left, and joins again
					if err := c.WriteCompressed(ws.Text, []byte(packet)); err != nil {
						t.Fatal(err)
					}
				}
				if _, data, err := c.ReadMessage(); err != nil || !strings.HasPrefix(string(data), "40{") {
					t.Fatalf("the answer is %.80q (%v)", data, err)
				}
			})
		})
	}
}

// Without compression the bound is that of any message: nothing is multiplied.
func TestInflationIsNoBoundOfPlainMessages(t *testing.T) {
	memory(t, &socketio.Options{Engine: engineio.Options{PerMessageDeflate: new(engineio.PerMessageDeflate)}}, func(w *world) {
		c := w.compressing(t)
		if err := c.WriteText("6" + strings.Repeat("a", 500_000)); err != nil { // a noop
			t.Fatal(err)
		}
		if err := c.WriteText("40"); err != nil {
			t.Fatal(err)
		}
		for {
			_, data, err := c.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(string(data), "40{") {
				return
			}
		}
	})
}

// compressing opens a connection that compresses, and reads the open packet.
func (w *world) compressing(t *testing.T) *wstest.Client {
	t.Helper()
	c, _, err := w.dialWebSocket("", http.Header{"Sec-WebSocket-Extensions": {"permessage-deflate"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.AllowCompressed()
	if _, data, err := c.ReadMessage(); err != nil || data[0] != '0' {
		t.Fatalf("the open packet is %q (%v)", data, err)
	}
	return c
}
