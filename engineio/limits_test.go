// SPDX-License-Identifier: MIT

// This file tests limits of time and number: messages and bodies that do not arrive,
// encodings that are not accepted, unused sessions.

package engineio_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

func TestMessageTimeout(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MessageTimeout: 7 * time.Second}})
		p := r.websocket()
		frame := ws.AppendMasked(nil, ws.Text, true, [4]byte{1, 2, 3, 4}, []byte("4hello"))

		p.raw(frame[:5])
		time.Sleep(6 * time.Second)
		p.raw(frame[5:])
		p.want("a message that is slow enough", "4hello")

		begun := r.elapsed()
		p.raw(frame[:5])
		p.wantClose("a message that does not arrive", 1008)
		if d := r.elapsed() - begun; d < 7*time.Second || d > 8*time.Second {
			w.t.Errorf("it closed after %v, want MessageTimeout", d)
		}
		r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
	})
}

// A body may be slow, but not slower than 1 KiB/s after 5 s, and must arrive within
// BodyTimeout.
func TestBodyRate(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		for _, c := range []struct {
			what   string
			each   int // bytes a second
			within time.Duration
		}{
			{"100 B/s", 100, 6 * time.Second},
			{"3 KiB/s, for ever", 3 << 10, 21 * time.Second},
		} {
			p := r.polling()
			begun := r.elapsed()
			conn := r.rawPost(p, "Content-Length: 900000", "4")
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				piece := []byte(strings.Repeat("a", c.each))
				for {
					time.Sleep(time.Second)
					if _, err := conn.Write(piece); err != nil {
						return
					}
				}
			}()
			head := make([]byte, 12)
			if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 408" {
				w.t.Errorf("%s: the answer is %q (%v)", c.what, head, err)
			}
			if d := r.elapsed() - begun; d > c.within {
				w.t.Errorf("%s: it took %v, want at most %v", c.what, d, c.within)
			}
			conn.Close()
			<-ended
			r.side(p.id()).wantEnded(c.what, engineio.ReasonTransportError, nil)
		}
	})
}

// A body may arrive in any number of chunks: they are collected in one buffer, and the
// memory for chunks is freed when they have been read.
func TestManyChunks(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxPayload: 100_000}})
		r.takesReserve()
		for _, c := range []struct {
			chunks int
			status string
		}{{10_001, "HTTP/1.1 200"}, {100_000, "HTTP/1.1 200"}, {100_001, "HTTP/1.1 413"}} {
			p := r.polling()
			body := "1\r\n4\r\n" + strings.Repeat("1\r\nx\r\n", c.chunks-1) + "0\r\n\r\n"
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			conn := r.rawPost(p, "Transfer-Encoding: chunked", "")
			go io.WriteString(conn, body)
			head := make([]byte, 12)
			if _, err := io.ReadFull(conn, head); err != nil || string(head) != c.status {
				w.t.Errorf("%d chunks: the answer is %q (%v), want %q", c.chunks, head, err, c.status)
			}
			runtime.ReadMemStats(&after)
			if each := int(after.TotalAlloc-before.TotalAlloc) / c.chunks; each > 30 {
				w.t.Errorf("%d chunks cost %d bytes each, want no more than the growing buffer", c.chunks, each)
			}
			conn.Close()
			if c.status == "HTTP/1.1 200" {
				p.want("the echo of all of them", "4"+strings.Repeat("x", c.chunks-1))
			}
		}
	})
}

func TestContentEncoding(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		if got := p.post("4a", "Content-Encoding", "identity"); got.status != 200 {
			w.t.Errorf("identity is no encoding: got %v", got)
		}
		p.want("the echo", "4a")
		got := p.post("4a", "Content-Encoding", "gzip")
		r.wantRefusal("an encoded body", got, 415, 3, "Unsupported content encoding")
		r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
	})
}

func TestMaxPending(t *testing.T) {
	const limit = 3
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxPending: limit}})
		peers := make([]*wsPeer, limit)
		for i := range peers {
			peers[i] = r.websocket()
		}
		r.side(peers[0].id()).Established()
		r.side(peers[0].id()).Established() // changes nothing
		extra := r.websocket()
		extra.send("4a")
		extra.want("one more fits where one is in use", "4a")
		over := r.websocket()
		peers[1].wantClose("the oldest that is not in use makes room", 1008)
		for i, p := range []*wsPeer{peers[0], peers[2], extra, over} {
			p.send(fmt.Sprintf("4%d", i))
			p.want("the others go on", fmt.Sprintf("4%d", i))
		}
	})
}

// takesReserve sends a large message, so that the reserve of the server is not allocated
// while something is measured.
func (r *rig) takesReserve() {
	r.polling().posts("4" + strings.Repeat("x", 40_000))
	synctest.Wait()
}

// pieces is a body that arrives byte by byte.
type pieces struct{ left int }

func (p *pieces) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	p.left--
	b[0] = '4'
	return 1, nil
}

// A patient is a writer with deadlines that never pass.
type patient struct{ *httptest.ResponseRecorder }

func (patient) SetReadDeadline(time.Time) error { return nil }

func (patient) SetWriteDeadline(time.Time) error { return nil }

// A body that arrives in the smallest pieces is not copied for each of them.
func TestBodyInPieces(t *testing.T) {
	const size = 1_000_000
	inMemory(t, func(w *world) {
		r := w.serve(hosting{onMessage: func(*side, bool, []byte) {}})
		r.takesReserve()
		p := r.polling()
		req := httptest.NewRequest("POST", r.path+"?"+p.query, &pieces{size})
		req.Host = r.host
		var before, after runtime.MemStats
		answer := patient{httptest.NewRecorder()}
		runtime.ReadMemStats(&before)
		r.srv.ServeHTTP(answer, req)
		runtime.ReadMemStats(&after)
		if answer.Code != 200 {
			w.t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 10*size {
			w.t.Errorf("%d bytes were allocated for a body of %d", n, size)
		}
	})
}

// A Content-Length beside chunks is not visible: a proxy that uses it would find another
// request on this connection, so the connection closes.
func TestChunksEndTheConnection(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		conn := r.rawPost(p, "Content-Length: 100\r\nTransfer-Encoding: chunked", "2\r\n4x\r\n0\r\n\r\nGET "+r.path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		answer, err := io.ReadAll(conn)
		if err != nil || strings.Count(string(answer), "HTTP/1.1 ") != 1 || !strings.Contains(string(answer), "Connection: close\r\n") {
			w.t.Errorf("the answers are %q (%v), want one", answer, err)
		}
		p.want("the echo", "4x")
	})
}

// A session id is a secret even if this server does not know it: another server may.
func TestUnknownSessionsAreNotLogged(t *testing.T) {
	inMemory(t, func(w *world) {
		var log strings.Builder
		r := w.serve(hosting{options: &engineio.Options{
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}})
		r.wantRefusal("a session of another server", r.get("EIO=4&transport=polling&sid=SECRET"), 400, 1, "Session ID unknown")
		if text := log.String(); !strings.Contains(text, "request rejected") || strings.Contains(text, "SECRET") {
			w.t.Errorf("the log is %q", text)
		}
	})
}

// The bound on fragments is for frames smaller than any client sends. It must not be a
// second bound on the size.
func TestFragmentsFollowTheLimit(t *testing.T) {
	message := func(frames int, part string) []byte {
		b := wstest.Frame(ws.Binary, false, []byte(part))
		for range frames - 2 {
			b = append(b, wstest.Frame(ws.Continuation, false, []byte(part))...)
		}
		return append(b, wstest.Frame(ws.Continuation, true, []byte(part))...)
	}
	large := 8 << 10 // of 4250: 34 MB
	if testing.Short() {
		large = 512
	}
	for _, row := range []struct {
		limit, frames, size int
		passes              bool
	}{
		{100_000_000, 4250, large, true},
		{10_000_000, 39_062, 1, true},
		{10_000_000, 39_063, 1, false},
		{4_000_000, 15_625, 256, true},
		{4_000_000, 15_626, 1, false},
		{1_000_000, 4096, 1, true},
		{1_000_000, 4097, 1, false},
		{1000, 4096, 0, true},
		{1000, 4097, 0, false},
	} {
		t.Run(fmt.Sprintf("%d of %d bytes at %d", row.frames, row.size, row.limit), func(t *testing.T) {
			inMemory(t, func(w *world) {
				length := make(chan int, 1)
				r := w.serve(hosting{options: &engineio.Options{MaxPayload: row.limit}, onMessage: func(_ *side, _ bool, data []byte) { length <- len(data) }})
				c := r.websocket()
				go c.c.WriteFrame(message(row.frames, strings.Repeat("x", row.size)))
				if !row.passes {
					c.wantClose("too many fragments", 1008)
					return
				}
				select {
				case n := <-length:
					if n != row.frames*row.size {
						t.Errorf("%d bytes came, want %d", n, row.frames*row.size)
					}
				case <-r.all()[0].ended:
					t.Errorf("it ended: %v", r.all()[0].err)
				}
			})
		})
	}
}

func TestPayloadTooLargeEndsTheSession(t *testing.T) {
	t.Run("quirk 05", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{MaxPayload: 10}})
			p := r.polling()
			p.park()
			r.wantRefusal("a large body", p.post("4123456789x"), 413, 3, "Payload too large")
			p.wantAnswer("the parked poll", "1")
			r.wantRefusal("another body", p.post("4x"), 400, 1, "Session ID unknown")
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
		})
	})
}
