// SPDX-License-Identifier: MIT

// This file tests the dialogues that only WebTransport has: how a stream opens, its
// frames, and the upgrade to it.

package engineio_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

func TestStreamOpens(t *testing.T) {
	t.Run("trap 26", func(t *testing.T) {
		everywhere(t, func(w *world) {
			var seen http.Header
			o := withStreams(&engineio.Options{Handshake: func(r *http.Request) (context.Context, error) {
				seen = r.Header.Clone()
				return context.WithValue(r.Context(), http.ServerContextKey, "who"), nil
			}})
			r := w.serve(hosting{options: o, defaults: true})
			p := r.webtransport("Cookie", "a=b")
			want := `"upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
			if !strings.HasSuffix(p.first, want) || len(p.open.SID) != 20 {
				w.t.Errorf("the open packet is %s", p.first)
			}
			s := r.side(p.id())
			if s.Transport() != engineio.WebTransport {
				w.t.Errorf("the transport is %q", s.Transport())
			}
			if seen.Get("Cookie") != "a=b" || s.Handshake().HeaderValue("Cookie") != "a=b" || s.Context().Value(http.ServerContextKey) != "who" {
				w.t.Errorf("the handshake saw %v", seen)
			}
			if h := s.Handshake(); h.Revision != 4 || h.Host != "chat.example" || !h.Secure || h.RemoteAddr != "192.0.2.1:1234" || h.Query().Get("transport") != "webtransport" {
				w.t.Errorf("the handshake is %+v", *h)
			}
			p.send("4hello", "<010203>", "6", "0")
			p.want("the echo", "4hello", "<010203>")
			s.say("from the server")
			p.want("a message", "4from the server")
			p.send("1")
			p.wantEnd("the client closes")
			s.wantEnded("the client closes", engineio.ReasonTransportClose, nil)
		})
	})
}

// The examples of the protocol, byte for byte, and each form of the length.
func TestStreamFrames(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: withStreams(nil), onMessage: func(*side, bool, []byte) {}})
		p := r.webtransport()
		s := r.side(p.id())
		wire := func(what string, want []byte) {
			w.t.Helper()
			got := make([]byte, len(want))
			p.c.SetReadDeadline(time.Now().Add(w.patience))
			if _, err := io.ReadFull(p.in, got); err != nil || !bytes.Equal(got, want) {
				w.t.Fatalf("%s: %.60x (%v), want %.60x", what, got, err, want)
			}
		}
		s.say("hello")
		wire("a text", []byte("\x064hello"))
		s.Send(engineio.BinaryMessage([]byte{1, 2, 3}))
		wire("bytes", []byte{0x83, 1, 2, 3})
		s.Send(engineio.BinaryMessage(make([]byte, 12345)))
		wire("12345 bytes", append([]byte{0xfe, 0x30, 0x39}, make([]byte, 12345)...))
		s.Send(engineio.BinaryMessage(make([]byte, 1_000_000)))
		wire("1000000 bytes", append([]byte{0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40}, make([]byte, 1_000_000)...))
		s.Send(engineio.BinaryMessage(nil))
		wire("no bytes, which have no frame of their own", []byte("\x01b"))
		buf := append(make([]byte, engineio.HeaderRoom), "event"...)
		both := engineio.NewMessage(buf, [][]byte{{7}, {}, bytes.Repeat([]byte{8}, 200)})
		for range 2 { // the form is shared
			s.Send(both)
			wire("a text and bytes", append([]byte("\x064event\x81\x07\x01b\xfe\x00\xc8"), bytes.Repeat([]byte{8}, 200)...))
		}
		ws := r.websocket()
		r.side(ws.id()).Send(both)
		ws.want("and is WebSocket's no less", "4event", "<07>", "<>", "<"+strings.Repeat("08", 200)+">")

		want := []string{}
		for _, n := range []int{1, 124, 125, 126, 127, 5000, 65534, 65535, 65536, 999_999} {
			text := strings.Repeat("x", n)
			p.send("4" + text)
			want = append(want, text)
		}
		for _, n := range []int{1, 125, 126, 65535, 65536, 1_000_000} {
			text := "<" + hex.EncodeToString(make([]byte, n)) + ">"
			p.send(text)
			want = append(want, text)
		}
		for _, b := range wtFrame("4" + strings.Repeat("y", 130)) { // byte by byte
			p.raw([]byte{b})
		}
		p.raw([]byte{0x7f, 0, 0, 0, 0, 0, 0, 0, 2, '4', 'z'}) // longer than it has to be
		p.raw([]byte{0x80})                                   // an empty attachment
		s.wantHeard("each length", append(want, strings.Repeat("y", 130), "z", "<>")...)
	})
}

func TestStreamBreaksTheRules(t *testing.T) {
	t.Run("trap 26", func(t *testing.T) {
		for name, frame := range map[string]string{
			"an empty text":            "\x00",
			"over MaxPayload":          "\x7e\x03\xe9",
			"bytes over MaxPayload":    "\xff\x00\x00\x00\x00\x00\x00\x03\xe9",
			"a length of 2^53":         "\x7f\x00\x20\x00\x00\x00\x00\x00\x00",
			"all bits of a length":     "\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
			"an unknown packet":        "\x019",
			"text that is not UTF-8":   "\x024\xff",
			"invalid base64":           "\x02b!",
			"rubbish after a message":  "\x024a\x00",
			"a digit that is a number": "\x01\x04",
		} {
			t.Run(name, func(t *testing.T) {
				everywhere(t, func(w *world) {
					r := w.serve(hosting{options: withStreams(&engineio.Options{MaxPayload: 1000})})
					p := r.webtransport()
					p.raw([]byte(frame))
					p.wantEnd(name)
					r.side(p.id()).wantEnded(name, engineio.ReasonParseError, nil)
				})
			})
		}
	})
}

// A first packet that does not open a session closes the stream, and has no other effect.
func TestStreamOpensNothing(t *testing.T) {
	for name, first := range map[string]string{
		"a message":         "\x024a",
		"a ping":            "\x01" + "2",
		"bytes":             "\x83\x01\x02\x03",
		"bytes that open":   "\x810",
		"an empty frame":    "\x00",
		"a long first one":  "\x7e\x04\x01",
		"rubbish":           "\x0cGET / HTTP/1",
		"a bad sid":         "\x0e0{\"sid\":\"nope\"}",
		"sid of a property": "\x130{\"sid\":\"__proto__\"}",
		"sid is no text":    "\x0a0{\"sid\":1}",
		"no sid":            "\x030{}",
		"no JSON":           "\x050nope",
		"JSON of a list":    "\x050[\"\"]",
		"the end":           "",
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{options: withStreams(nil)})
				p := r.stream("EIO=4&transport=webtransport")
				p.raw([]byte(first))
				if first == "" {
					p.c.Close()
				} else {
					p.wantRefused(name)
				}
				<-p.served
				if n := r.srv.Count(); n != 0 {
					w.t.Errorf("%d sessions", n)
				}
			})
		})
	}
}

func TestStreamsOpenInTime(t *testing.T) {
	t.Run("trap 26", func(t *testing.T) {
		for name, said := range map[string]string{"nothing": "", "half a header": "\x7e\x00", "half a packet": "\x0e0{"} {
			t.Run(name, func(t *testing.T) {
				inMemory(t, func(w *world) {
					r := w.serve(hosting{options: withStreams(&engineio.Options{UpgradeTimeout: 3 * time.Second})})
					p := r.stream("")
					start := time.Now()
					p.raw([]byte(said))
					p.wantEOF("the stream is closed")
					wantAt(r, "the end", start, 3*time.Second)
				})
			})
		}
	})
}

// The stream itself must open in time too, and Close does not wait for it.
func TestStreamDoesNotCome(t *testing.T) {
	for name, end := range map[string]func(r *rig, cancel func()){
		"in time":         func(*rig, func()) {},
		"the server ends": func(r *rig, _ func()) { r.srv.Close() },
		"request is gone": func(_ *rig, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: withStreams(&engineio.Options{UpgradeTimeout: 3 * time.Second})})
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				start, waits, served := time.Now(), make(chan struct{}), make(chan struct{})
				go func() {
					defer close(served)
					req := httptest.NewRequestWithContext(ctx, http.MethodConnect, "https://chat.example/", nil)
					r.srv.ServeStream(httptest.NewRecorder(), req, func(ctx context.Context) (net.Conn, error) {
						close(waits)
						<-ctx.Done()
						return nil, ctx.Err()
					})
				}()
				<-waits
				end(r, cancel)
				<-served
				if took := time.Since(start); (took > 2*time.Second) != (name == "in time") || took > 4*time.Second {
					w.t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestStreamRequests(t *testing.T) {
	refused := errors.New("no")
	for _, c := range []struct {
		name    string
		options *engineio.Options
		query   string
		headers []string
		status  int
		body    string
	}{
		{"not enabled", &engineio.Options{}, "", nil, 400, `{"code":0,"message":"Transport unknown"}`},
		{"another origin", withStreams(nil), "", []string{"Origin", "https://evil.example"}, 403, `{"code":4,"message":"Forbidden"}`},
		{"a bad origin", withStreams(nil), "", []string{"Origin", "\x01"}, 400, `{"code":3,"message":"Bad request"}`},
		{"revision 3", withStreams(&engineio.Options{AllowEIO3: true}), "EIO=3", nil, 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"its own origin", withStreams(nil), "", []string{"Origin", "https://chat.example"}, 200, ""},
		{"an allowed origin", withStreams(&engineio.Options{CORS: &engineio.CORS{Origins: []string{"https://a.example"}}}), "EIO=4", []string{"Origin", "https://a.example"}, 200, ""},
		{"refused by Handshake", withStreams(&engineio.Options{Handshake: func(*http.Request) (context.Context, error) { return nil, refused }}), "", nil, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: c.options})
				p := r.stream(c.query, c.headers...)
				switch c.status {
				case 200:
					p.send("0", "4a")
					r.readOpen(p.next("open"))
					p.want("the echo", "4a")
				case 0: // rejected when its first packet has arrived
					p.send("0")
					p.wantRefused("the stream is closed")
				default:
					p.wantEOF("the request is refused")
					<-p.served
					if p.answer.Code != c.status || p.answer.Body.String() != c.body || p.taken.Load() {
						w.t.Errorf("got %d %s, accepted: %v; want %d %s", p.answer.Code, p.answer.Body, p.taken.Load(), c.status, c.body)
					}
				}
			})
		})
	}
}

func TestStreamsAreBounded(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: withStreams(&engineio.Options{MaxConnections: 2, MaxPending: 3})})
		var silent []*wtPeer
		for range 3 {
			silent = append(silent, r.stream(""))
		}
		r.quiet()
		p := r.stream("")
		p.wantRefused("one more that says nothing")
		<-p.served
		if p.answer.Code != 503 || p.answer.Header().Get("Retry-After") == "" {
			w.t.Errorf("got %d %v, want 503 with Retry-After", p.answer.Code, p.answer.Header())
		}
		for _, p := range silent[:2] {
			p.send("0")
			r.readOpen(p.next("open"))
		}
		silent[2].send("0")
		silent[2].wantRefused("no more sessions")
		r.srv.Close()
		p = r.stream("")
		p.wantEOF("after Close")
		if <-p.served; p.answer.Code != 503 {
			w.t.Errorf("after Close: got %d, want 503", p.answer.Code)
		}
	})
}

// An HTTP request can't use this transport.
func TestWebTransportIsNoRequest(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: withStreams(nil)})
		for _, query := range []string{"EIO=4&transport=webtransport", "EIO=4&transport=webtransport&sid=" + r.polling().id()} {
			r.wantRefusal(query, r.get(query), 400, 0, "Transport unknown")
		}
	})
}

func TestUpgradesOffered(t *testing.T) {
	inMemory(t, func(w *world) {
		for _, c := range []struct {
			options engineio.Options
			want    string
		}{
			{engineio.Options{}, `["websocket"]`},
			{engineio.Options{Transports: []string{"webtransport", "websocket", "polling"}}, `["websocket","webtransport"]`},
			{engineio.Options{Transports: []string{"polling", "webtransport"}}, `["webtransport"]`},
			{engineio.Options{Transports: []string{"polling", "webtransport"}, DisableUpgrades: true}, `[]`},
		} {
			r := w.serve(hosting{options: &c.options})
			if got, _ := json.Marshal(r.polling().open.Upgrades); string(got) != c.want {
				w.t.Errorf("%v: offered %s, want %s", c.options.Transports, got, c.want)
			}
		}
	})
}

// Like the official client: probe, release of the poll, upgrade; queued messages move
// over in order.
func TestStreamUpgrade(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: withStreams(nil)})
		p := r.polling()
		s := r.side(p.id())
		p.park()
		c := p.candidate()
		c.send("2probe")
		c.want("the answer to the probe", "3probe")
		p.wantAnswer("the parked poll", "6")
		if s.Transport() != engineio.Polling {
			w.t.Errorf("before 5 the transport is %q", s.Transport())
		}
		s.say("a", "b")
		s.Send(engineio.BinaryMessage([]byte{1, 2}))
		c.send("5", "4x")
		c.want("in order, then the echo", "4a", "4b", "<0102>", "4x")
		if s.Transport() != engineio.WebTransport || s.upgrades != 1 {
			w.t.Errorf("the transport is %q after %d upgrades", s.Transport(), s.upgrades)
		}
		r.wantRefusal("a poll afterwards", r.get(p.query), 400, 3, "Bad request")
		again := p.candidate()
		again.wantRefused("a second upgrade")
		p.probe().wantClose("a WebSocket afterwards", 1002)
		c.send("4y")
		c.want("the session goes on", "4y")
		s.Close()
		c.wantEnd("the server closes")
	})
}

func TestFailedStreamProbes(t *testing.T) {
	for name, frames := range map[string]string{
		"another ping":   "\x042foo",
		"a message":      "\x024a",
		"an empty frame": "\x00",
		"bytes":          "\x83\x01\x02\x03",
		"a long frame":   "\x7f\x00\x00\x00\x00\xff\x00\x00\x00",
		"the end":        "",
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				for _, probed := range []bool{false, true} {
					r := w.serve(hosting{options: withStreams(nil)})
					p := r.polling()
					c := p.candidate()
					if probed {
						c.send("2probe")
						c.want("the answer to the probe", "3probe")
					}
					if c.raw([]byte(frames)); frames == "" {
						c.c.Close()
					} else {
						c.wantRefused("the candidate")
					}
					r.quiet()
					p.send("4hello")
					p.want("polling goes on", "4hello")
					if w.virtual {
						again := p.candidate()
						again.send("2probe")
						again.want("another attempt", "3probe")
						again.send("5", "4x")
						again.want("another attempt", "4x")
					}
				}
			})
		})
	}
}

func TestStreamUpgradeTimeout(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: withStreams(&engineio.Options{UpgradeTimeout: 7 * time.Second})})
		p := r.polling()
		c := p.candidate()
		start := time.Now()
		c.send("2probe")
		c.want("the answer to the probe", "3probe")
		c.wantEOF("the candidate")
		wantAt(r, "the candidate", start, 7*time.Second)
		p.send("4hello")
		p.want("polling goes on", "4hello")
	})
}

func TestStreamUpgradeIsRefused(t *testing.T) {
	inMemory(t, func(w *world) {
		told := make(toldOf, 1)
		o := withStreams(&engineio.Options{DisableUpgrades: true, Observers: []any{told}})
		p := w.serve(hosting{options: o}).polling()
		c := p.candidate()
		c.wantRefused("upgrades are disabled")
		if e := <-told; e.Code != 3 || e.RemoteAddr == "" {
			w.t.Errorf("notified of %+v", *e)
		}
		p.send("4x")
		p.want("polling goes on", "4x")

		r := w.serve(hosting{options: withStreams(nil)})
		p = r.polling()
		first := p.probed()
		p.candidate().wantRefused("one at a time")
		first.send("5", "4x")
		first.want("the first goes on", "4x")
		p.candidate().wantRefused("a session on WebSocket")

		r = w.serve(hosting{options: withStreams(&engineio.Options{AllowEIO3: true})})
		old := r.get("EIO=3&transport=polling")
		_, packet, _ := strings.Cut(old.body, ":")
		open := r.readOpen(packet)
		c = r.stream("")
		c.send(`0{"sid":"` + open.SID + `"}`)
		c.wantRefused("a session of revision 3")
	})
}

// A peer that reads nothing delays neither a close nor the end of the server.
func TestStreamPeerTakesNothing(t *testing.T) {
	for name, end := range map[string]func(s *side){
		"a close":      func(s *side) { s.Close() },
		"an abort":     func(s *side) { s.Abort(engineio.ReasonForcedClose, nil, 1000, "") },
		"nothing":      func(*side) {},
		"server close": func(s *side) { s.r.srv.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: withStreams(nil), buffer: 4096})
				p := r.webtransport()
				s := r.side(p.id())
				s.say(strings.Repeat("x", 100_000))
				r.quiet()
				start := time.Now()
				end(s)
				s.awaitEnd(name)
				r.srv.Shutdown(context.Background())
				if took := time.Since(start); took > 15*time.Second {
					w.t.Errorf("the end took %v", took)
				}
			})
		})
	}
	inMemory(t, func(w *world) { // a candidate whose answers nobody reads
		r := w.serve(hosting{options: withStreams(nil), buffer: 16})
		p := r.polling()
		c := p.candidate()
		for range 10 {
			c.send("2probe")
		}
		time.Sleep(22 * time.Second)
		if _, err := io.Copy(io.Discard, c.in); err != nil {
			w.t.Errorf("the candidate was not closed: %v", err)
		}
		p.send("4x")
		p.want("polling goes on", "4x")
	})
}

// A stream of net.Pipe has no buffer, no CloseWrite, and waits for each byte.
func TestStreamWithoutCloseWrite(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: withStreams(nil)})
		client, server := net.Pipe()
		req := httptest.NewRequest(http.MethodConnect, "https://chat.example/", nil)
		go r.srv.ServeStream(httptest.NewRecorder(), req, func(context.Context) (net.Conn, error) { return server, nil })
		client.Write([]byte("\x010"))
		head := make([]byte, 1)
		io.ReadFull(client, head)
		if head[0] != 0x7e && head[0] > 125 {
			w.t.Fatalf("the first byte is %x", head)
		}
		for _, s := range r.all() {
			s.Close()
		}
		if _, err := io.Copy(io.Discard, client); err != nil {
			w.t.Errorf("the stream ends with %v", err)
		}
	})
}
