// SPDX-License-Identifier: MIT

// This file tests faults over TCP, through proxies. siotest tests those in memory.

package faultnet_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"socketio/internal/faultnet"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A server accepts connections, and gives them to the test.
type server struct {
	net.Listener
	t *testing.T
}

func newServer(t *testing.T) *server {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return &server{ln, t}
}

// proxy starts a proxy in front of the server. Points are sent to the channel.
func (s *server) proxy() (*faultnet.Proxy, <-chan faultnet.Point) {
	points := make(chan faultnet.Point, 100)
	p, err := faultnet.Listen(s.Addr().String(), func(_ faultnet.Direction, p faultnet.Point, _ faultnet.Action) {
		points <- p
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.Close)
	return p, points
}

// connect returns both ends of a connection through the proxy.
func (s *server) connect(p *faultnet.Proxy) (client, here net.Conn) {
	s.t.Helper()
	client, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", p.Port()))
	if err != nil {
		s.t.Fatal(err)
	}
	here, err = s.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _, _ = client.Close(), here.Close() })
	return client, here
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// rest reads until the end.
func rest(c net.Conn) (string, error) {
	all, err := io.ReadAll(c)
	return string(all), err
}

func TestBytesPassBothWays(t *testing.T) {
	s := newServer(t)
	p, _ := s.proxy()
	client, here := s.connect(p)
	for _, way := range [][2]net.Conn{{client, here}, {here, client}} {
		write(t, way[0], "some bytes")
		got := make([]byte, 10)
		if _, err := io.ReadFull(way[1], got); err != nil || string(got) != "some bytes" {
			t.Errorf("%q, %v", got, err)
		}
	}
	_ = client.Close()
	if got, err := rest(here); got != "" || err != nil {
		t.Errorf("after the end: %q, %v", got, err)
	}
}

func TestPoints(t *testing.T) {
	for _, test := range []struct {
		name  string
		point faultnet.Point
		sent  []string
		want  string
	}{
		{"bytes", faultnet.Point{More: 3}, []string{"abcdef"}, "abc"},
		{"no bytes", faultnet.Point{}, []string{"abcdef"}, ""},
		{"a pattern", faultnet.Point{Pattern: "cd"}, []string{"abcdef"}, "abcd"},
		{"a pattern in pieces", faultnet.Point{Pattern: "cde"}, []string{"abc", "d", "ef"}, "abcde"},
		{"bytes after a pattern", faultnet.Point{Pattern: "b", More: 2}, []string{"abcdef"}, "abcd"},
		{"bytes after a pattern, in pieces", faultnet.Point{Pattern: "b", More: 3}, []string{"ab", "c", "def"}, "abcde"},
		{"the second match", faultnet.Point{Pattern: "ab", Skip: 1}, []string{"ab", "ab", "ab"}, "abab"},
		{"matches that overlap", faultnet.Point{Pattern: "aa", Skip: 1}, []string{"a", "aaa"}, "aaa"},
		{"the third match, and more", faultnet.Point{Pattern: "x", Skip: 2, More: 1}, []string{"x.x.", "x.x"}, "x.x.x."},
	} {
		for _, how := range []faultnet.Action{faultnet.FIN, faultnet.Reset} {
			t.Run(fmt.Sprintf("%s/%d", test.name, how), func(t *testing.T) {
				s := newServer(t)
				p, points := s.proxy()
				p.Split(faultnet.Down, 1)
				p.At(faultnet.Down, test.point, how)
				client, here := s.connect(p)
				read := make(chan string, 1)
				ended := make(chan error, 1)
				go func() {
					var got strings.Builder
					_, err := io.Copy(&got, client)
					read <- got.String()
					ended <- err
				}()
				for _, piece := range test.sent {
					_, _ = io.WriteString(here, piece) // it may have been cut
				}
				if at := <-points; at != test.point {
					t.Errorf("reached %+v", at)
				}
				got, err := <-read, <-ended
				if how == faultnet.FIN && (got != test.want || err != nil) {
					t.Errorf("received %q, %v; want %q", got, err, test.want)
				}
				if how == faultnet.Reset && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("after a reset: %v", err)
				}
				if !strings.HasPrefix(test.want, got) { // a reset may lose the last bytes
					t.Errorf("received %q; want %q", got, test.want)
				}
			})
		}
	}
}

// More bytes after a pattern are counted on the connection where it was found.
func TestAPointIsOnOneConnection(t *testing.T) {
	s := newServer(t)
	p, points := s.proxy()
	p.At(faultnet.Up, faultnet.Point{Pattern: "here", More: 4}, faultnet.FIN)
	one, oneHere := s.connect(p)
	two, twoHere := s.connect(p)
	write(t, one, "here")
	readFull(t, oneHere, "here")
	write(t, two, "many more bytes")
	readFull(t, twoHere, "many more bytes")
	write(t, one, "1234 and the rest")
	if got, err := rest(oneHere); got != "1234" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	<-points
	_ = two.Close()
	if got, err := rest(twoHere); got != "" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func readFull(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v; want %q", got, err, want)
	}
}

func TestHoldAndHeal(t *testing.T) {
	s := newServer(t)
	p, points := s.proxy()
	p.At(faultnet.Up, faultnet.Point{Pattern: "stop"}, faultnet.Hold)
	client, here := s.connect(p)
	other, otherHere := s.connect(p)
	write(t, client, "stop, then more")
	readFull(t, here, "stop")
	<-points
	write(t, other, "goes on")
	readFull(t, otherHere, "goes on")
	write(t, here, "the other way")
	readFull(t, client, "the other way")
	_ = here.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := here.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("bytes passed that were to be held")
	}
	_ = here.SetReadDeadline(time.Time{})
	p.Heal()
	readFull(t, here, ", then more")
}

func TestSwallow(t *testing.T) {
	s := newServer(t)
	p, points := s.proxy()
	p.At(faultnet.Down, faultnet.Point{Pattern: "last"}, faultnet.Swallow)
	client, here := s.connect(p)
	write(t, here, "last, and lost")
	readFull(t, client, "last")
	<-points
	write(t, client, "lost too")
	_ = client.Close()
	_ = here.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if got, err := rest(here); got != "" || err == nil {
		t.Errorf("the server has read %q, %v", got, err)
	}
	p.Heal()
	again, againHere := s.connect(p)
	write(t, again, "new connections work")
	readFull(t, againHere, "new connections work")
}

func TestStallDropDelayAndSplit(t *testing.T) {
	s := newServer(t)
	p, _ := s.proxy()
	client, here := s.connect(p)
	p.Stall(faultnet.Up)
	write(t, client, "held")
	_ = here.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := here.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("bytes passed a stalled link")
	}
	_ = here.SetReadDeadline(time.Time{})
	p.Heal()
	readFull(t, here, "held")

	p.Delay(faultnet.Up, 30*time.Millisecond)
	begin := time.Now()
	write(t, client, "late")
	readFull(t, here, "late")
	if took := time.Since(begin); took < 30*time.Millisecond {
		t.Errorf("a delay of 30 ms took %v", took)
	}
	p.Heal()

	p.Drop(faultnet.Down)
	write(t, here, "lost")
	_ = client.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if got, err := rest(client); got != "" || err == nil {
		t.Errorf("%q passed a link that drops", got)
	}
}

func TestCutAimAndRefuse(t *testing.T) {
	s, other := newServer(t), newServer(t)
	p, _ := s.proxy()
	client, here := s.connect(p)
	write(t, client, "carried")
	readFull(t, here, "carried")
	p.Cut(faultnet.FIN)
	for _, c := range []net.Conn{client, here} {
		if got, err := rest(c); got != "" || err != nil {
			t.Errorf("after a cut: %q, %v", got, err)
		}
	}
	p.Aim(other.Addr().String())
	client, here = other.connect(p)
	write(t, client, "to the other")
	readFull(t, here, "to the other")
	p.Refuse(1)
	if got, err := dialed(p); got != "" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a refused connection: %q, %v", got, err)
	}
	p.Aim("127.0.0.1:1") // nobody listens there
	if got, err := dialed(p); got != "" || err == nil {
		t.Errorf("without a server: %q, %v", got, err)
	}
}

// dialed reads a connection to the end. A reset may come before the dial has returned.
func dialed(p *faultnet.Proxy) (string, error) {
	c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", p.Port()))
	if err != nil {
		return "", err
	}
	defer c.Close()
	return rest(c)
}

// frame returns a text frame with a mask.
func frame(text string, key [4]byte) string {
	b := []byte{0x81}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	default:
		b = append(b, 0x80|127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	b = append(b, key[:]...)
	for i := range len(text) {
		b = append(b, text[i]^key[i&3])
	}
	return string(b)
}

// Patterns match what a client wrote, although its frames are masked.
func TestPatternsInMaskedFrames(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
	const request = "GET /?x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"
	key := [4]byte{7, 130, 51, 201}
	for _, before := range []string{
		request, post + request, request + frame("", key), request + frame(strings.Repeat("x", 300), key),
		request + frame(strings.Repeat("y", 70000), key),
	} {
		for _, more := range []int{0, 3} { // 3: inside the next frame
			s := newServer(t)
			p, _ := s.proxy()
			p.At(faultnet.Up, faultnet.Point{Pattern: "2probe", More: more}, faultnet.FIN)
			client, here := s.connect(p)
			got := make(chan string, 1)
			go func() {
				text, _ := rest(here)
				got <- text
			}()
			probe, next := frame("2probe", key), frame("5", key)
			for _, piece := range []string{before, probe[:5], probe[5:] + next} {
				_, _ = io.WriteString(client, piece)
			}
			if text := <-got; text != before+probe+next[:more] {
				t.Errorf("%d bytes passed; want %d", len(text), len(before+probe)+more)
			}
		}
	}
}

func TestClosedLink(t *testing.T) {
	l := faultnet.NewLink(nil)
	l.Close()
	a, b := net.Pipe()
	if err := l.Carry(a, b); !errors.Is(err, faultnet.ErrClosed) {
		t.Errorf("Carry after Close: %v", err)
	}
	if _, err := a.Write([]byte("x")); err == nil {
		t.Error("the connection is still open")
	}
}

func TestControl(t *testing.T) {
	s := newServer(t)
	in, commands := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- faultnet.Control(in, out)
		_ = out.Close()
	}()
	lines := bufio.NewScanner(answers)
	ask := func(format string, args ...any) (r map[string]any) {
		t.Helper()
		if _, err := fmt.Fprintf(commands, format+"\n", args...); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	port := int(ask(`{"id":1,"op":"open","target":%q}`, s.Addr())["port"].(float64))
	for _, op := range []string{`"split","dir":"up","n":1`, `"delay","dir":"down","ms":1`, `"heal"`, `"at","dir":"up","pattern":"now","how":"reset"`} {
		if r := ask(`{"id":2,"op":%s,"port":%d}`, op, port); r["error"] != nil || r["id"] != 2.0 {
			t.Errorf("%s: %v", op, r)
		}
	}
	client, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	write(t, client, "now")
	if !lines.Scan() || !bytes.Contains(lines.Bytes(), []byte(`"reached":"reset","pattern":"now"`)) {
		t.Errorf("after the point: %s", lines.Bytes())
	}
	for _, wrong := range []string{
		`"op":"fly"`, `"op":"cut","how":"hold"`, `"op":"at","how":"softly"`, `"op":"drop","dir":"left"`, `"op":"heal","port":1`,
	} {
		if r := ask(`{"id":3,"port":%d,%s}`, port, wrong); r["error"] == nil {
			t.Errorf("%s: no error", wrong)
		}
	}
	for _, op := range []string{`"stall"`, `"drop"`, `"cut"`, `"refuse","n":1`, `"aim","target":"127.0.0.1:1"`, `"close"`} {
		if r := ask(`{"id":4,"op":%s,"port":%d}`, op, port); r["error"] != nil {
			t.Errorf("%s: %v", op, r)
		}
	}
	ask(`{"id":5,"op":"open","target":%q}`, s.Addr()) // closed at the end
	_ = commands.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := faultnet.Control(strings.NewReader("no JSON\n"), io.Discard); err == nil {
		t.Error("no error about a command that is no JSON")
	}
}

// Links are used by several goroutines.
func TestFaultsWhileBytesPass(t *testing.T) {
	s := newServer(t)
	p, _ := s.proxy()
	client, here := s.connect(p)
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 200 {
			p.Delay(faultnet.Both, time.Duration(i%2)*time.Millisecond)
			p.Split(faultnet.Both, i%7)
			p.At(faultnet.Up, faultnet.Point{Pattern: "never there"}, faultnet.FIN)
			p.Heal()
		}
	})
	const size = 100_000
	all.Go(func() {
		_, _ = io.WriteString(client, strings.Repeat("0123456789", size/10))
	})
	got := make([]byte, size)
	if _, err := io.ReadFull(here, got); err != nil || !bytes.Equal(got, []byte(strings.Repeat("0123456789", size/10))) {
		t.Errorf("the bytes have changed: %v", err)
	}
	all.Wait()
}
