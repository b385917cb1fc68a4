// SPDX-License-Identifier: MIT

// Tests of connections and the listener, alone and under net/http.

package memnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/leakcheck"
	"socketio/internal/memnet"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestBytesArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(100)
		want := bytes.Repeat([]byte("0123456789abcdef"), 1000)
		go func() {
			for part := want; len(part) > 0; {
				n := min(len(part), 37)
				a.Write(part[:n])
				part = part[n:]
			}
			a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, err %v, want %d bytes", len(got), err, len(want))
		}
		b.Close()
	})
}

func TestAWriterWaitsForTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(100)
		done := false
		go func() {
			a.Write(make([]byte, 250))
			done = true
		}()
		synctest.Wait()
		if done || b.Buffered() != 100 {
			t.Fatalf("done %v, %d bytes under way, want a full buffer of 100", done, b.Buffered())
		}
		io.ReadFull(b, make([]byte, 149))
		synctest.Wait()
		if done {
			t.Fatal("the write ended with 101 bytes unread")
		}
		io.ReadFull(b, make([]byte, 1))
		synctest.Wait()
		if !done {
			t.Fatal("the write did not end with 100 bytes unread")
		}
	})
}

func TestABoundIsWhatAReaderGets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(100)
		a.SetBound(3)
		go a.Write([]byte("abcdefgh"))
		for _, want := range []string{"abc", "def"} {
			synctest.Wait()
			buf := make([]byte, 100)
			if n, err := b.Read(buf); string(buf[:n]) != want || err != nil {
				t.Errorf("read %q, %v, want %q", buf[:n], err, want)
			}
		}
		a.SetBound(0)
		a.Write(make([]byte, 50))
		if n := b.Buffered(); n != 52 {
			t.Errorf("%d bytes under way without a bound, want 52", n)
		}
		a.Close()
		b.Close()
	})
}

func TestConcurrentWritesDoNotMix(t *testing.T) {
	a, b := memnet.Pipe(10)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { a.Write(bytes.Repeat([]byte{byte('a' + i)}, 64)) })
	}
	go func() {
		wg.Wait()
		a.CloseWrite()
	}()
	got, _ := io.ReadAll(b)
	for ; len(got) >= 64; got = got[64:] {
		if bytes.Count(got[:64], got[:1]) != 64 {
			t.Fatalf("mixed: %q", got[:64])
		}
	}
	if len(got) != 0 {
		t.Errorf("%d bytes too many", len(got))
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(10)
		start := time.Now()
		a.SetReadDeadline(start.Add(3 * time.Second))
		_, err := a.Read(make([]byte, 1))
		wantTimeout(t, "read", err)
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("waited %v, want 3 s", d)
		}
		_, err = a.Read(make([]byte, 1))
		wantTimeout(t, "a second read", err)

		a.SetReadDeadline(time.Time{})
		b.Write([]byte("x"))
		if n, err := a.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("read after the deadline was removed: %d, %v", n, err)
		}

		a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := a.Write(make([]byte, 25))
		wantTimeout(t, "write", err)
		if n != 10 {
			t.Errorf("wrote %d bytes, want 10", n)
		}

		go func() {
			time.Sleep(time.Second)
			b.SetDeadline(time.Unix(1, 0)) // a deadline in the past ends calls under way
		}()
		io.ReadFull(b, make([]byte, 10))
		_, err = b.Read(make([]byte, 1))
		wantTimeout(t, "interrupted read", err)

		b.SetReadDeadline(time.Now().Add(time.Second)) // replaced in time
		b.SetReadDeadline(time.Now().Add(time.Minute))
		start = time.Now()
		b.Read(make([]byte, 1))
		if d := time.Since(start); d != time.Minute {
			t.Errorf("waited %v, want 1 m", d)
		}
	})
}

func wantTimeout(t *testing.T, what string, err error) {
	t.Helper()
	var timeout net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%s: error %v, want a timeout", what, err)
	}
}

func TestHowThingsEnd(t *testing.T) {
	one := make([]byte, 1)
	for _, c := range []struct {
		name string
		do   func(a, b *memnet.Conn)
		read func(a, b *memnet.Conn) error
		want error
	}{
		{"the peer has closed: end of file", func(a, b *memnet.Conn) { b.Close() }, readA, io.EOF},
		{"the peer has closed: writes break", func(a, b *memnet.Conn) { b.Close() }, writeA, syscall.EPIPE},
		{"closed here: reads", func(a, b *memnet.Conn) { a.Close() }, readA, net.ErrClosed},
		{"closed here: writes", func(a, b *memnet.Conn) { a.Close() }, writeA, net.ErrClosed},
		{"closed here: deadlines", func(a, b *memnet.Conn) { a.Close() }, func(a, b *memnet.Conn) error { return a.SetDeadline(time.Now()) }, net.ErrClosed},
		{"closed here: close", func(a, b *memnet.Conn) { a.Close() }, func(a, b *memnet.Conn) error { return a.Close() }, net.ErrClosed},
		{"half closed by the peer: writes go on", func(a, b *memnet.Conn) { b.CloseWrite() }, writeA, nil},
		{"half closed by the peer: end of file", func(a, b *memnet.Conn) { b.CloseWrite() }, readA, io.EOF},
		{"half closed here: writes", func(a, b *memnet.Conn) { a.CloseWrite() }, writeA, syscall.EPIPE},
		{"half closed here: reads go on", func(a, b *memnet.Conn) { a.CloseWrite(); b.Write(one) }, readA, nil},
		{"what was written before a close arrives", func(a, b *memnet.Conn) { b.Write(one); b.Close() }, readA, nil},
		{"what was written before a reset is lost", func(a, b *memnet.Conn) { b.Write(one); b.Reset() }, readA, syscall.ECONNRESET},
		{"aborted: what was written before arrives", func(a, b *memnet.Conn) { b.Write(one); b.Abort() }, readA, nil},
		{"aborted: then a reset", func(a, b *memnet.Conn) { b.Write(one); b.Abort(); b.Close(); readA(a, b) }, readA, syscall.ECONNRESET},
		{"aborted: writes", func(a, b *memnet.Conn) { b.Abort() }, writeA, syscall.ECONNRESET},
		{"aborted after half a close: the end", func(a, b *memnet.Conn) { b.CloseWrite(); b.Abort() }, readA, io.EOF},
		{"reset: writes", func(a, b *memnet.Conn) { b.Reset() }, writeA, syscall.ECONNRESET},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := memnet.Pipe(0)
			c.do(a, b)
			if err := c.read(a, b); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func readA(a, _ *memnet.Conn) error  { _, err := a.Read(make([]byte, 1)); return err }
func writeA(a, _ *memnet.Conn) error { _, err := a.Write(make([]byte, 1)); return err }

func TestCloseEndsCallsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(10)
		errs := make(chan error, 3)
		go func() { errs <- readA(a, nil) }()
		go func() { _, err := a.Write(make([]byte, 11)); errs <- err }()
		go func() { _, err := b.Read(nil); errs <- err }() // an empty read does not wait
		synctest.Wait()
		if err := <-errs; err != nil {
			t.Errorf("empty read: %v", err)
		}
		a.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("error %v, want net.ErrClosed", err)
			}
		}
	})
}

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		c, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if c.LocalAddr() != s.RemoteAddr() || c.RemoteAddr() != l.Addr() {
			t.Errorf("client %v to %v, server %v to %v", c.LocalAddr(), c.RemoteAddr(), s.LocalAddr(), s.RemoteAddr())
		}
		if _, _, err := net.SplitHostPort(s.RemoteAddr().String()); err != nil {
			t.Error(err)
		}

		// The backlog fills up; then Dial waits for its context.
		var waiting []net.Conn
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for {
			var c net.Conn
			if c, err = l.Dial(ctx); err != nil {
				break
			}
			waiting = append(waiting, c)
		}
		if !errors.Is(err, context.DeadlineExceeded) || len(waiting) == 0 {
			t.Errorf("error %v after %d connections", err, len(waiting))
		}

		accepting := make(chan error)
		for range waiting {
			l.Accept()
		}
		go func() { _, err := l.Accept(); accepting <- err }()
		synctest.Wait()
		l.Close()
		l.Close()
		if err := <-accepting; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: error %v", err)
		}
		if _, err := l.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial: error %v", err)
		}
		if _, err := s.Write([]byte("x")); err != nil {
			t.Errorf("closing the listener hurt a connection: %v", err)
		}
	})
}

func TestCloseResetsWhatNobodyAccepted(t *testing.T) {
	l := memnet.Listen()
	c, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := readA(c.(*memnet.Conn), nil); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error %v", err)
	}
}

func TestUnderHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		mux := http.NewServeMux()
		mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
		mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Second):
				io.WriteString(w, "done")
			}
		})
		mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			line, _ := rw.ReadString('\n')
			io.WriteString(conn, "got "+line)
			conn.Close()
		})
		srv := &http.Server{Handler: mux}
		go srv.Serve(l)
		transport := &http.Transport{DialContext: l.DialContext}
		client := &http.Client{Transport: transport}

		body := strings.Repeat("x", 1<<20)
		resp, err := client.Post("http://test/echo", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(got) != body {
			t.Errorf("%d bytes, %v", len(got), err)
		}

		start := time.Now()
		resp, err = client.Get("http://test/slow")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("the slow answer took %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://test/slow", nil)
		if _, err := client.Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}

		conn, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET /hijack HTTP/1.1\r\nHost: test\r\n\r\nhello\n")
		if got, err := io.ReadAll(conn); err != nil || string(got) != "got hello\n" {
			t.Errorf("%q, %v", got, err)
		}
		conn.Close()

		transport.CloseIdleConnections()
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
