// SPDX-License-Identifier: MIT

// This file tests the effect of a Link on the bytes, with servers that inspect them.

package siotest_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/ws"
	"socketio/siotest"
)

// takesOver is a server that accepts a WebSocket, sends an open packet and leaves the
// rest to then.
func takesOver(t *testing.T, then func(nc net.Conn)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, refusal := ws.CheckUpgrade(r)
		if refusal != nil {
			t.Error(refusal)
			return
		}
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		answer := ws.AppendResponse(nil, key, "", nil)
		if _, err := nc.Write(ws.AppendFrame(answer, ws.Text, []byte(`0{"sid":"x"}`))); err != nil {
			t.Error(err)
			return
		}
		then(nc)
	})
}

// The receiver never reads more than Split allows, and without Split everything at once.
func TestSplitIsWhatTheReceiverReads(t *testing.T) {
	for _, n := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			sizes := make(chan int, 1000)
			srv := siotest.NewServer(t, takesOver(t, func(nc net.Conn) {
				defer close(sizes)
				buf := make([]byte, 4096)
				for {
					time.Sleep(time.Second) // what is sent meanwhile comes at once, if it may
					got, err := nc.Read(buf)
					if err != nil {
						return
					}
					sizes <- got
				}
			}))
			c := srv.Open()
			c.Link().Split(siotest.Up, n)
			c.Say("4" + strings.Repeat("x", 24)) // 31 bytes with its header
			time.Sleep(time.Minute)
			c.Kill()
			total, largest := 0, 0
			for size := range sizes {
				total, largest = total+size, max(largest, size)
			}
			if want := map[int]int{0: 31, 1: 1, 3: 3}[n]; total != 31 || largest != want {
				t.Errorf("Split(%d): %d bytes come, at most %d at once, want 31 and %d", n, total, largest, want)
			}
		})
	}
}

// A reset of the server reaches the client as one.
func TestResetByTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := siotest.NewServer(t, takesOver(t, func(nc net.Conn) {
			time.Sleep(time.Second)
			nc.(interface{ Reset() }).Reset()
		}))
		c := srv.Open()
		c.WantClosed(0)
		if err := c.Err(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("ended with %v", err)
		}
	})
}

// The bytes before a cut count over all writes, and arrive.
func TestCutAfterSeveralWrites(t *testing.T) {
	for _, how := range []siotest.Break{siotest.FIN, siotest.Reset} {
		for n := range 50 {
			synctest.Test(t, func(t *testing.T) {
				got := make(chan string, 1)
				srv := siotest.NewServer(t, takesOver(t, func(nc net.Conn) {
					time.Sleep(time.Minute)
					data, err := io.ReadAll(nc)
					if how == siotest.Reset != errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("the server's connection ends with %v", err)
					}
					got <- string(data)
				}))
				c := srv.Open()
				c.Link().CutAfter(siotest.Up, n, how)
				c.Link().CutAfter(siotest.Up, n+100, how) // never: it is a cut of its own
				for range 10 {
					if c.TrySay("4x") != nil { // 8 bytes with its header
						break
					}
					time.Sleep(time.Second)
				}
				if data := <-got; len(data) != n {
					t.Errorf("%d bytes arrive, want %d", len(data), n)
				}
			})
		}
	}
}

// A pattern is found even if it arrives in pieces.
func TestCutAtInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, _ := newApp(nil)
		srv := siotest.NewServerWith(t, app, &siotest.ServerOptions{Buffer: 4})
		alice := srv.Connect()
		alice.Link().CutAt(siotest.Down, "a magic word", siotest.FIN)
		alice.Emit("echo", "a magic w")
		alice.Want("echo", "a magic w")
		alice.Emit("echo", "a magic word")
		alice.WantDisconnect(siotest.TransportClose)
	})
}

// A client takes so much and no more.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := ws.AppendFrame(nil, ws.Text, []byte(`42["x"]`))
		srv := siotest.NewServer(t, takesOver(t, func(nc net.Conn) {
			_, _ = nc.Write(ws.AppendFrame(nil, ws.Text, []byte(`40{"sid":"y"}`)))
			for range 65_537 {
				if _, err := nc.Write(events); err != nil {
					break
				}
			}
			_, _ = io.Copy(io.Discard, nc)
		}))
		c := srv.Open()
		time.Sleep(time.Minute) // all that comes before a Join waits for Hear
		if err := c.Err(); err == nil || !strings.Contains(err.Error(), "65536 things wait") {
			t.Errorf("ended with %v", err)
		}
		for range 65_536 {
			if _, err := c.TryHear(); err != nil {
				t.Fatal(err)
			}
		}
		if p, err := c.TryHear(); err == nil {
			t.Errorf("one more: %v", p)
		}
	})
}
