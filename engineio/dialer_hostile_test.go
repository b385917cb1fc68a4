// SPDX-License-Identifier: MIT

// This file tests that a hostile server can do little to a Dialer, and only for a short
// time.

package engineio_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
)

const hostileOpen = `0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}`

// hostile returns a Dialer whose connections meet a script instead of a server.
func hostile(w *world, o engineio.DialerOptions, script func(nc net.Conn, r *http.Request)) *caller {
	r := &rig{t: w.t, w: w}
	o.DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { // ends with its connection, which the Dialer closes
			defer theirs.Close()
			in := bufio.NewReader(theirs)
			for {
				req, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				script(theirs, req)
				if req.Header.Get("Upgrade") != "" {
					for { // the client's data
						if _, err := in.ReadByte(); err != nil {
							return
						}
					}
				}
			}
		}()
		return ours, nil
	}
	return r.caller(o)
}

// switched answers the handshake of a WebSocket.
func switched(nc net.Conn, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
}

// without ends writes when the client has hung up.
func endless(nc net.Conn, chunk string) {
	for {
		if _, err := nc.Write([]byte(chunk)); err != nil {
			return
		}
	}
}

// Dial fails soon and with a reason, whatever a server answers to a handshake.
func TestDialerHostileHandshake(t *testing.T) {
	chunk := strings.Repeat("x", 1<<10)
	long := []struct {
		name, transport string
		script          func(net.Conn, *http.Request)
	}{
		{"header without end", "websocket", func(nc net.Conn, _ *http.Request) {
			fmt.Fprint(nc, "HTTP/1.1 101 Switching Protocols\r\n")
			endless(nc, "X-Filler: "+chunk+"\r\n")
		}},
		{"header without end", "polling", func(nc net.Conn, _ *http.Request) {
			fmt.Fprint(nc, "HTTP/1.1 200 OK\r\n")
			endless(nc, "X-Filler: "+chunk+"\r\n")
		}},
		{"line without end", "websocket", func(nc net.Conn, _ *http.Request) { endless(nc, chunk) }},
		{"packet without end", "polling", func(nc net.Conn, _ *http.Request) {
			fmt.Fprint(nc, "HTTP/1.1 200 OK\r\n\r\n0")
			endless(nc, chunk)
		}},
		{"refusal without end", "websocket", func(nc net.Conn, _ *http.Request) {
			fmt.Fprint(nc, "HTTP/1.1 400 Bad Request\r\n\r\n")
			endless(nc, chunk)
		}},
		{"refusal without end", "polling", func(nc net.Conn, _ *http.Request) {
			fmt.Fprint(nc, "HTTP/1.1 400 Bad Request\r\n\r\n")
			endless(nc, chunk)
		}},
		{"wrong key", "websocket", func(nc net.Conn, r *http.Request) {
			r.Header.Set("Sec-WebSocket-Key", "another")
			switched(nc, r)
		}},
		{"a masked frame", "websocket", func(nc net.Conn, r *http.Request) {
			switched(nc, r)
			nc.Write(ws.AppendMasked(nil, ws.Text, true, [4]byte{1, 2, 3, 4}, []byte(hostileOpen)))
		}},
		{"a large open packet", "websocket", func(nc net.Conn, r *http.Request) {
			switched(nc, r)
			nc.Write(ws.AppendHeader(nil, ws.Text, 1<<30))
		}},
		{"pings and no open packet", "websocket", func(nc net.Conn, r *http.Request) {
			switched(nc, r)
			endless(nc, string(ws.AppendFrame(nil, ws.Ping, []byte("x"))))
		}},
		{"bytes first", "websocket", func(nc net.Conn, r *http.Request) {
			switched(nc, r)
			nc.Write(ws.AppendFrame(nil, ws.Binary, []byte("x")))
		}},
		{"a message first", "websocket", func(nc net.Conn, r *http.Request) {
			switched(nc, r)
			nc.Write(ws.AppendFrame(nil, ws.Text, []byte("4x")))
		}},
		{"closed", "websocket", func(nc net.Conn, r *http.Request) {
			switched(nc, r)
			nc.Write(ws.AppendClose(nil, 1008, "go away"))
		}},
		{"silence", "websocket", func(nc net.Conn, r *http.Request) { switched(nc, r) }},
		{"silence", "polling", func(net.Conn, *http.Request) {}},
	}
	for _, c := range long {
		t.Run(c.transport+", "+c.name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				began := time.Now()
				_, err := hostile(w, engineio.DialerOptions{Transports: []string{c.transport}}, c.script).dial("http://chat.example")
				if err == nil {
					t.Fatal("Dial succeeded")
				}
				if d := time.Since(began); d > 21*time.Second {
					t.Errorf("that took %v: %v", d, err)
				}
			})
		})
	}
}

// An open connection closes if the server violates the protocol, with the right close
// code.
func TestDialerHostileFrames(t *testing.T) {
	for name, c := range map[string]struct {
		frame  []byte
		reason engineio.CloseReason
		err    error
		code   uint16
	}{
		"masked":           {ws.AppendMasked(nil, ws.Text, true, [4]byte{1, 2, 3, 4}, []byte("4x")), engineio.ReasonTransportError, nil, 1002},
		"large":            {ws.AppendHeader(nil, ws.Text, 1_000_001), engineio.ReasonTransportError, engineio.ErrTooLarge, 0},
		"compressed":       {append([]byte{0xc1, 2}, "4x"...), engineio.ReasonTransportError, nil, 1002},
		"no such packet":   {ws.AppendFrame(nil, ws.Text, []byte("9")), engineio.ReasonParseError, nil, 0},
		"a pong":           {ws.AppendFrame(nil, ws.Text, []byte("3")), engineio.ReasonTransportError, nil, 0},
		"begun, not ended": {ws.AppendHeader(nil, ws.Text, 1000), engineio.ReasonTransportError, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				s, err := hostile(w, engineio.DialerOptions{Transports: []string{"websocket"}}, func(nc net.Conn, r *http.Request) {
					switched(nc, r)
					nc.Write(ws.AppendFrame(nil, ws.Text, []byte(hostileOpen)))
					nc.Write(c.frame)
				}).dial("http://chat.example")
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				s.wantEnded(name, c.reason, c.err)
				if d := time.Since(began); d > 31*time.Second {
					t.Errorf("that took %v", d)
				}
				var broke *ws.CloseError
				if code := c.code; code != 0 && (!errors.As(s.err, &broke) || broke.Code != code) {
					t.Errorf("closed with %v, want code %d", s.err, code)
				}
			})
		})
	}
}

// An endless poll, or one with an endless packet, does no harm: packets are handed up as
// they arrive, and their size is bounded.
func TestDialerHostilePoll(t *testing.T) {
	polls := func(rest func(nc net.Conn)) func(net.Conn, *http.Request) {
		opened := false
		return func(nc net.Conn, r *http.Request) {
			if r.Method == http.MethodPost || opened && r.URL.Query().Get("sid") == "" {
				fmt.Fprint(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				return
			}
			opened = true
			fmt.Fprint(nc, "HTTP/1.1 200 OK\r\n\r\n"+hostileOpen)
			rest(nc)
		}
	}
	t.Run("packets without end", func(t *testing.T) {
		inMemory(t, func(w *world) {
			s, err := hostile(w, engineio.DialerOptions{Transports: []string{"polling"}}, polls(func(nc net.Conn) {
				endless(nc, "\x1e4"+strings.Repeat("x", 999))
			})).dial("http://chat.example")
			if err != nil {
				t.Fatal(err)
			}
			s.await("they are handed up", func() bool { return len(s.messages) > 1000 })
			s.Close()
			s.wantEnded("our close", engineio.ReasonForcedClose, nil)
		})
	})
	t.Run("a packet without end", func(t *testing.T) {
		inMemory(t, func(w *world) {
			s, err := hostile(w, engineio.DialerOptions{Transports: []string{"polling"}}, polls(func(nc net.Conn) {
				nc.Write([]byte("\x1e4"))
				endless(nc, strings.Repeat("x", 1000))
			})).dial("http://chat.example")
			if err != nil {
				t.Fatal(err)
			}
			s.wantEnded("at the bound", engineio.ReasonParseError, engineio.ErrTooLarge)
		})
	})
	t.Run("a text that is not UTF-8", func(t *testing.T) {
		for _, length := range []int{2, engineio.MaxInlineUTF8} {
			inMemory(t, func(w *world) {
				s, err := hostile(w, engineio.DialerOptions{Transports: []string{"polling"}}, polls(func(nc net.Conn) {
					fmt.Fprint(nc, "\x1e4"+strings.Repeat("x", length-2)+"\xff\x1e4behind")
				})).dial("http://chat.example")
				if err != nil {
					t.Fatal(err)
				}
				s.wantEnded(fmt.Sprint(length, " bytes"), engineio.ReasonParseError, nil)
				s.wantHeard("nothing of it")
			})
		}
	})
	t.Run("a response that stalls", func(t *testing.T) {
		inMemory(t, func(w *world) {
			s, err := hostile(w, engineio.DialerOptions{Transports: []string{"polling"}}, polls(func(nc net.Conn) {
				nc.Write([]byte("\x1e4half"))
				endlessly := make([]byte, 1)
				nc.Read(endlessly) // until the client hangs up
			})).dial("http://chat.example")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			s.wantEnded("no ping comes", engineio.ReasonPingTimeout, nil)
			if d := time.Since(began); d > 46*time.Second {
				t.Errorf("that took %v", d)
			}
			if errors.Is(s.err, engineio.ErrTooLarge) {
				t.Error("for another reason")
			}
		})
	})
}
