// SPDX-License-Identifier: MIT

// Tests of the client against a server written out by hand.

package wstest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/leakcheck"
	"socketio/internal/memnet"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// serve runs one connection: it reads the request, answers with what answer
// makes of it, and goes on with the connection.
func serve(t *testing.T, answer func(r *http.Request) []byte, then func(net.Conn, *bufio.Reader)) func(context.Context) (net.Conn, error) {
	l := memnet.Listen()
	go func() {
		defer l.Close()
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		br := bufio.NewReader(conn)
		r, err := http.ReadRequest(br)
		if err != nil {
			t.Error(err)
			return
		}
		conn.Write(answer(r))
		if then != nil {
			then(conn, br)
		}
	}()
	return l.Dial
}

func accept(t *testing.T, extra []byte) func(*http.Request) []byte {
	return func(r *http.Request) []byte {
		key, err := ws.CheckUpgrade(r)
		if err != nil {
			t.Error(err)
		}
		header := http.Header{"X-Path": {r.RequestURI}, "X-Host": {r.Host}, "X-Cookie": {r.Header.Get("Cookie")}}
		return append(ws.AppendResponse(nil, key, ws.FirstProtocol(r.Header), header), extra...)
	}
}

func TestDialKeepsWhatComesWithTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		extra := ws.AppendFrame(nil, ws.Text, []byte("0{}"))
		extra = ws.AppendFrame(extra, ws.Ping, []byte("p"))
		extra = ws.AppendFrame(extra, ws.Binary, []byte{1, 2})
		extra = ws.AppendClose(extra, ws.CodePolicy, "why not")
		dial := serve(t, accept(t, extra), func(_ net.Conn, br *bufio.Reader) { io.Copy(io.Discard, br) })
		c, resp, err := wstest.Dial(t.Context(), dial, "ws://host:1/p/?a=b", http.Header{
			"Cookie": {"c=d"}, "Sec-WebSocket-Protocol": {"chat, other"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for name, want := range map[string]string{"X-Path": "/p/?a=b", "X-Host": "host:1", "X-Cookie": "c=d", "Sec-WebSocket-Protocol": "chat"} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		op, data, err := c.ReadMessage()
		if op != ws.Text || string(data) != "0{}" || err != nil {
			t.Errorf("%v %q %v", op, data, err)
		}
		op, data, err = c.ReadMessage()
		if op != ws.Binary || string(data) != "\x01\x02" || err != nil {
			t.Errorf("%v %q %v", op, data, err)
		}
		var closed *ws.CloseError
		if _, _, err = c.ReadMessage(); !errors.As(err, &closed) || *closed != (ws.CloseError{Code: 1008, Reason: "why not"}) {
			t.Errorf("error %v", err)
		}
	})
}

func TestARefusalHasABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, func(*http.Request) []byte {
			return []byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope")
		}, nil)
		c, resp, err := wstest.Dial(t.Context(), dial, "ws://host/", nil)
		if c != nil || err != nil {
			t.Fatalf("%v, %v", c, err)
		}
		if body, err := io.ReadAll(resp.Body); resp.StatusCode != 403 || string(body) != "nope" || err != nil {
			t.Errorf("%d %q %v", resp.StatusCode, body, err)
		}
	})
}

func TestDialFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if c, resp, err := wstest.Dial(ctx, l.Dial, "ws://host/", nil); !errors.Is(err, context.DeadlineExceeded) || c != nil || resp != nil {
			t.Errorf("no answer: %v", err)
		}
		l.Close()
		if _, _, err := wstest.Dial(t.Context(), l.Dial, "ws://host/", nil); err == nil {
			t.Error("no error from a closed listener")
		}
		dial := serve(t, func(*http.Request) []byte { return ws.AppendResponse(nil, "other", "", nil) }, nil)
		if _, _, err := wstest.Dial(t.Context(), dial, "ws://host/", nil); err == nil {
			t.Error("no error for a wrong Sec-WebSocket-Accept")
		}
		dial = serve(t, func(r *http.Request) []byte {
			if r.Header.Get("Sec-WebSocket-Version") != "12" || len(r.Header["Sec-Websocket-Version"]) != 1 || r.Header.Get("Sec-Websocket-Key") != "" {
				t.Errorf("header %v", r.Header)
			}
			return []byte("HTTP/1.1 400 Bad Request\r\n\r\n")
		}, nil)
		wstest.Dial(t.Context(), dial, "ws://host/", http.Header{"Sec-WebSocket-Version": {"12"}, "Sec-WebSocket-Key": nil})
	})
}

// What the client writes, a Parser reads.
func TestWhatTheClientWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := new(recorder)
		ended := make(chan struct{})
		dial := serve(t, accept(t, nil), func(conn net.Conn, br *bufio.Reader) {
			defer close(ended)
			data, _ := io.ReadAll(br)
			var p ws.Parser
			if _, err := p.Feed(&ws.Config{FromClient: true}, got, data); err != nil {
				t.Error(err)
			}
		})
		c, _, err := wstest.Dial(t.Context(), dial, "ws://host/", nil)
		if err != nil {
			t.Fatal(err)
		}
		c.WriteText("one")
		c.WriteBinary([]byte("two"))
		c.WriteFrame(append(wstest.Frame(ws.Text, false, []byte("thr")), wstest.Frame(ws.Continuation, true, []byte("ee"))...))
		c.WriteClose(1000, "bye")
		c.Close()
		<-ended
		want := "text one|binary two|text three|close \x03\xe8bye|"
		if string(*got) != want {
			t.Errorf("got %q, want %q", string(*got), want)
		}
	})
}

// Compressed messages go both ways between the client and what a server has.
func TestCompressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := []byte(strings.Repeat("as large as it gets ", 500))
		d := ws.NewDeflate(nil)
		ended := make(chan struct{})
		dial := serve(t, func(r *http.Request) []byte {
			key, err := ws.CheckUpgrade(r)
			if err != nil {
				t.Error(err)
			}
			return ws.AppendDeflateResponse(nil, key, "", ws.NegotiateDeflate(r.Header), nil)
		}, func(conn net.Conn, br *bufio.Reader) {
			defer close(ended)
			conn.Write(ws.AppendFrame(d.AppendCompressed(nil, ws.Text, large), ws.Text, []byte("plain")))
			data, _ := io.ReadAll(br)
			var p ws.Parser
			p.AllowCompressed()
			got := &inflating{d: d}
			if _, err := p.Feed(&ws.Config{FromClient: true}, got, data); err != nil {
				t.Error(err)
			}
			if want := "text back|text " + string(large) + "|"; string(got.recorder) != want {
				t.Errorf("got %.80q, want %.80q", got.recorder, want)
			}
		})
		c, resp, err := wstest.Dial(t.Context(), dial, "ws://host/", http.Header{"Sec-WebSocket-Extensions": {"permessage-deflate; client_max_window_bits"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != "permessage-deflate; server_no_context_takeover; client_no_context_takeover" {
			t.Errorf("answer %q", got)
		}
		c.AllowCompressed()
		if _, data, err := c.ReadMessage(); string(data) != string(large) || err != nil || !c.Compressed() {
			t.Errorf("%.80q %v, compressed %v", data, err, c.Compressed())
		}
		if _, data, err := c.ReadMessage(); string(data) != "plain" || err != nil || c.Compressed() {
			t.Errorf("%.80q %v, compressed %v", data, err, c.Compressed())
		}
		c.WriteText("back")
		c.WriteCompressed(ws.Text, large)
		c.Close()
		<-ended
	})
}

// inflating is a recorder of compressed messages too.
type inflating struct {
	recorder
	d *ws.Deflate
}

func (i *inflating) OnCompressed(op ws.Opcode, data []byte) bool {
	data, err := i.d.Inflate(nil, op, data, 0)
	return err == nil && i.OnMessage(op, data)
}

type recorder []byte

func (r *recorder) OnMessage(op ws.Opcode, data []byte) bool {
	*r = append(append(append(*r, op.String()+" "...), data...), '|')
	return true
}

func (r *recorder) OnControl(op ws.Opcode, data []byte) bool { return r.OnMessage(op, data) }
