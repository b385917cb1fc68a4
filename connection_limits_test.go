// SPDX-License-Identifier: MIT

// This file holds the tests of the bounds of one connection: its work, joins, rejections
// and unexpected acknowledgements; and of work that outlives it.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
)

// The packets that wait for handlers are bounded for all namespaces of a connection
// together.
func TestInboxesOfAConnectionAreSummed(t *testing.T) {
	for name, opts := range map[string]*socketio.Options{
		"packets": {Limits: socketio.SocketLimits{MaxInboxPackets: 20}},
		"bytes":   {Limits: socketio.SocketLimits{MaxInboxBytes: 20_000}},
	} {
		for _, transport := range []string{polling, websocket} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				memory(t, opts, func(w *world) {
					release := make(chan struct{})
					var handled atomic.Int32
					for i := range 10 {
						w.io.Of(fmt.Sprint("/n", i)).OnConnection(func(s *socketio.Socket) {
							s.On("x", func(string) { <-release; handled.Add(1) })
						})
					}
					p := w.open(transport)
					for i := range 10 {
						p.joins(fmt.Sprint("/n", i))
					}
					said := make(chan int, 100)
					go func() {
						for i := range 100 {
							if p.tries(fmt.Sprintf(`2/n%d,["x","%s"]`, i%10, strings.Repeat("x", 1000))) != nil {
								return
							}
							said <- i
						}
					}()
					w.settle()
					<-time.After(time.Minute)
					// Ten are being handled. A WebSocket's network takes some more.
					taken := w.io.Of("/n0").Sockets()[0].Waiting()
					if taken < 9 || taken > 22 { // it resumes below the half
						t.Errorf("%d wait, the bound is 20", taken)
					}
					if transport == polling && len(said) > 32 {
						t.Errorf("%d were taken", len(said))
					}
					close(release)
					eventually(w, "all are handled", func() bool { return handled.Load() == 100 })
				})
			})
		}
	}
}

// Few searches of a connection run at once, even after it has closed, and each can tell
// that it has.
func TestSearchesOfAConnectionAreFew(t *testing.T) {
	for name, end := range map[string]func(p *peer){
		"the client goes":         func(p *peer) { p.goes() },
		"it takes the wish back":  func(p *peer) { p.says("1/slow0,") },
		"the time to answer ends": func(*peer) { <-time.After(30 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				var calls, ended atomic.Int32
				release := make(chan struct{})
				w.io.OfMatch(func(name string, h socketio.Handshake) bool {
					calls.Add(1)
					<-h.Context().Done()
					ended.Add(1)
					<-release
					return true
				})
				p := w.open(websocket)
				p.joins("/")
				for i := range 15 { // more would be rejected as too many
					p.says(fmt.Sprintf("0/slow%d,", i))
				}
				w.settle()
				want(t, "calls at once", calls.Load(), 8)
				end(p)
				w.settle()
				if n := ended.Load(); n == 0 {
					t.Error("no call was told")
				}
				if name == "the client goes" {
					want(t, "calls that were told", ended.Load(), 8)
					want(t, "connections", w.io.Connections(), 0)
				}
				want(t, "calls that were made", calls.Load(), 8)
				close(release)
				w.settle()
			})
		})
	}
}

// A place among Options.MaxConnections becomes free when the work for its connection has
// ended: handlers, middlewares, searches.
func TestWorkThatOutlivesItsConnection(t *testing.T) {
	for name, begin := range map[string]func(w *world, block func()) (packets []any){
		"a handler": func(w *world, block func()) []any {
			w.io.OnConnection(func(s *socketio.Socket) { s.On("x", block) })
			return []any{"0", `2["x"]`}
		},
		"a connection handler": func(w *world, block func()) []any {
			w.io.OnConnection(func(*socketio.Socket) { block() })
			return []any{"0"}
		},
		"a disconnection handler": func(w *world, block func()) []any {
			w.io.OnConnection(func(s *socketio.Socket) { s.OnDisconnect(func(socketio.DisconnectReason) { block() }) })
			return []any{"0"}
		},
		"a middleware": func(w *world, block func()) []any {
			w.io.Use(func(context.Context, *socketio.Socket) error { block(); return nil })
			return []any{"0"}
		},
		"a search": func(w *world, block func()) []any {
			w.io.OfMatch(func(string, socketio.Handshake) bool { block(); return true })
			return []any{"0/dyn,"}
		},
		"a parallel handler": func(w *world, block func()) []any {
			w.io.OnConnection(func(s *socketio.Socket) { s.On("x", socketio.Parallel(2, func() { block() })) })
			return []any{"0", `2["x"]`}
		},
	} {
		for _, transport := range []string{polling, websocket} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				memory(t, &socketio.Options{MaxConnections: 2}, func(w *world) {
					release := make(chan struct{})
					packets := begin(w, func() { <-release })
					for range 2 {
						p := w.open(transport)
						for _, packet := range packets {
							p.says(packet)
							w.settle()
						}
						p.goes()
						w.settle()
					}
					want(w, "connections", w.io.Connections(), 0)
					status := func() int {
						resp, _ := w.fetch("GET", "EIO=4&transport=polling", "")
						return resp.Status
					}
					want(w, "while the work goes on", status(), http.StatusServiceUnavailable)
					close(release)
					w.settle()
					want(w, "when it has ended", status(), http.StatusOK)
				})
			})
		}
	}
}

// One without work has its place no longer than it is open.
func TestAPlaceIsFreeAtOnce(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		memory(t, &socketio.Options{MaxConnections: 2}, func(w *world) {
			for range 3 {
				p, q := w.join(transport), w.open(transport)
				resp, _ := w.fetch("GET", "EIO=4&transport=polling", "")
				want(w, "beside two", resp.Status, http.StatusServiceUnavailable)
				p.goes()
				q.goes()
				w.settle()
			}
			w.join(transport).isOpen()
		})
	}
}

// Without Options.MaxConnections the data kept by handlers of closed connections is
// bounded too.
func TestInboxesOfTheGoneAreBounded(t *testing.T) {
	memory(t, &socketio.Options{Engine: engineio.Options{QueueBudget: 1 << 20}}, func(w *world) {
		release := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) { s.On("x", func(string) { <-release }) })
		load, kept := strings.Repeat("x", 60_000), 0
		for ; kept < 100; kept++ {
			resp, _ := w.fetch("GET", "EIO=4&transport=polling", "")
			if resp.Status != http.StatusOK {
				break
			}
			p := w.join(websocket)
			for range 10 {
				p.says(`2["x","` + load + `"]`)
			}
			w.settle()
			p.goes()
			w.settle()
		}
		if kept < 1 || kept > 3 {
			t.Errorf("%d clients have gone and left 540 KB each; the bound is 1 MiB", kept)
		}
		close(release)
		w.settle()
		w.join(websocket).isOpen()
	})
}

// A client can't run many handlers of a socket at once by leaving and joining again.
func TestDepartedSocketsAreFew(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				release := make(chan struct{})
				var running, most atomic.Int32
				w.io.OnConnection(func(s *socketio.Socket) {
					s.On("x", func() {
						most.Store(max(most.Load(), running.Add(1)))
						<-release
						running.Add(-1)
					})
				})
				p := w.open(transport)
				done := make(chan struct{})
				go func() {
					defer close(done)
					for range 200 {
						if p.tries("0") != nil {
							return
						}
						w.settle()
						if p.tries(`2["x"]`) != nil || p.tries("1") != nil {
							return
						}
					}
				}()
				<-time.After(time.Minute)
				if n := most.Load(); n > 17 || n < 15 {
					t.Errorf("%d handlers of one client ran at once", n)
				}
				close(release)
				<-done
			})
		})
	}
}

// Joining and leaving has a rate limit that no regular client reaches.
func TestJoinFlood(t *testing.T) {
	for _, n := range []int{1999, 2000, 2001} {
		memory(t, nil, func(w *world) {
			p := w.open(websocket)
			var failed error
			for range n {
				if failed = p.tries("0"); failed != nil {
					break
				}
				w.settle() // or it is revoked, which has its own rate
				_ = p.tries("1")
				w.settle()
				for len(p.inbox) > 0 {
					<-p.inbox
				}
			}
			if n > 2000 {
				p.isClosed(1008)
				return
			}
			want(t, "an error", failed, nil)
			<-time.After(11 * time.Second)
			p.joins("/") // the window has passed
		})
	}
}

// Only namespaces that a socket has joined are kept empty; at the bound the longest empty
// one makes room.
func TestKeptNamespaces(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{KeepEmptyNamespaces: true, MaxDynamicNamespaces: 3}}, func(w *world) {
		parent := w.io.OfMatch(func(string, socketio.Handshake) bool { return true })
		parent.Use(func(_ context.Context, s *socketio.Socket) error {
			if strings.HasPrefix(s.Namespace().Name(), "/no") {
				return fmt.Errorf("no")
			}
			return nil
		})
		names := func() (all string) {
			for _, name := range []string{"/a", "/b", "/c", "/d", "/no1", "/no2", "/no3", "/no4"} {
				for _, ns := range parent.Children() {
					if ns.Name() == name {
						all += name
					}
				}
			}
			return all
		}
		p := w.open(websocket)
		for i := range 4 {
			p.says(fmt.Sprintf("0/no%d,", i+1))
			p.hears("4*")
			w.settle()
		}
		want(t, "who was refused leaves none", names(), "")
		for _, name := range []string{"/a", "/b", "/c"} {
			p.joins(name)
		}
		p.says("1/b,", "1/a,")
		w.settle()
		want(t, "kept", names(), "/a/b/c")
		p.joins("/b") // it is in use again
		p.joins("/d")
		want(t, "the longest empty has gone", names(), "/b/c/d")
		p.says("0/a,")
		p.hears(`4/a,{"message":"Invalid namespace"}`) // all are in use
		p.says("1/c,")
		w.settle()
		p.joins("/a")
		want(t, "there is room again", names(), "/a/b/d")
	})
}

// One connection can create only a part of all dynamic namespaces.
func TestNamespacesThatOneConnectionMakes(t *testing.T) {
	for _, keep := range []bool{false, true} {
		log := new(logBook)
		logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		memory(t, &socketio.Options{Logger: logger, Limits: socketio.SocketLimits{KeepEmptyNamespaces: keep, MaxDynamicNamespaces: 64}}, func(w *world) {
			w.io.OfMatch(func(string, socketio.Handshake) bool { return true })
			p := w.open(websocket)
			for i := range 32 {
				p.joins(fmt.Sprint("/n", i))
			}
			p.says("0/more,")
			p.hears(`4/more,{"message":"Too many namespaces"}`)
			if text := log.String(); !strings.Contains(text, "Too many namespaces: at most 32 that one client has created") {
				t.Errorf("the log lacks the bound:\n%s", text)
			}
			q := w.open(websocket)
			q.joins("/more")
			p.joins("/more") // another client has created it
			p.says("1/n0,")
			w.settle()
			if keep {
				p.says("0/other,")
				p.hears(`4/other,{"message":"Too many namespaces"}`)
			} else {
				p.joins("/other")
			}
		})
	}
}

// While there is room, a page that reconnects after a restart creates all of its
// namespaces.
func TestOneConnectionMakesAllItsNamespaces(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.OfMatch(func(string, socketio.Handshake) bool { return true })
		p := w.open(websocket)
		for i := range 128 {
			p.joins(fmt.Sprint("/n", i))
		}
		p.says("0/more,")
		p.hears(`4/more,{"message":"Too many namespaces"}`)
	})
}

// Twenty rejections in ten seconds are tolerated, the next is not; later the client may
// ask again.
func TestRefusalFlood(t *testing.T) {
	for name, ask := range map[string]func(p *peer) error{
		"unknown namespace": func(p *peer) error {
			p.says(`0/nowhere,`)
			got, err := p.next()
			if err == nil && got.text != `4/nowhere,{"message":"Invalid namespace"}` {
				err = errors.New(got.text)
			}
			return err
		},
		"middleware": func(p *peer) error {
			p.says(`0/refusing,`)
			got, err := p.next()
			if err == nil && got.text != `4/refusing,{"message":"no"}` {
				err = errors.New(got.text)
			}
			return err
		},
		"taken back": func(p *peer) error {
			if err := p.tries(`0/slow,`, `1/slow,`); err != nil {
				return err
			}
			p.w.settle()
			select {
			case <-p.ended:
				return p.end
			default:
				return nil
			}
		},
	} {
		for _, transport := range []string{polling, websocket} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				memory(t, nil, func(w *world) {
					w.io.Of("/refusing").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
					w.io.Of("/slow").Use(func(_ context.Context, s *socketio.Socket) error { <-s.Context().Done(); return nil })
					p := w.join(transport)
					for round := range 2 {
						for i := range 20 {
							if err := ask(p); err != nil {
								w.Fatalf("round %d: refusal %d is borne, but %v", round, i+1, err)
							}
						}
						<-time.After(11 * time.Second)
					}
					for range 20 {
						if err := ask(p); err != nil {
							w.Fatal(err)
						}
					}
					_ = p.tries(`0/nowhere,`)
					p.isClosed(1008)
				})
			})
		}
	}
}

// A client may be in 128 namespaces; the next is rejected and the connection stays open.
func TestTooManyNamespaces(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		p := w.join(transport)
		for i := 1; i <= 128; i++ {
			w.io.Of(fmt.Sprintf("/n%d", i))
		}
		for i := 1; i < 128; i++ {
			p.joins(fmt.Sprintf("/n%d", i))
		}
		p.says(`0/n128,`)
		p.hears(`4/n128,{"message":"Too many namespaces"}`)
		p.says(`1/n1,`)
		p.joins("/n128")
	})
}

// unasked returns n acknowledgements that nothing awaits.
func unasked(n int) []any {
	packets := make([]any, n)
	for i := range packets {
		packets[i] = `399["x"]`
	}
	return packets
}

func TestUnsolicitedAcknowledgements(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				p := w.join(transport)
				p.says(unasked(999)...)
				p.isOpen()
				p.says(unasked(1)...)
				p.isOpen()
				<-time.After(11 * time.Second)
				p.says(unasked(1000)...)
				p.isOpen()
				_ = p.tries(unasked(1)...)
				p.isClosed(1008)
			})
		})
	}
}

// A client that answers real requests late is not flooding.
func TestLateAcknowledgementsAreNoFlood(t *testing.T) {
	memory(t, nil, func(w *world) {
		const asked = 1500
		given := make(chan error, asked)
		w.io.OnConnection(func(s *socketio.Socket) {
			for range asked {
				go func() {
					ctx, cancel := context.WithTimeout(s.Context(), time.Second)
					defer cancel()
					_, err := s.EmitWithAck(ctx, "ask")
					given <- err
				}()
			}
		})
		p := w.join(websocket)
		var answers []any
		for range asked {
			got, err := p.next()
			if err != nil {
				w.Fatal(err)
			}
			answers = append(answers, "3"+strings.TrimSuffix(strings.TrimPrefix(got.text, "2"), `["ask"]`)+`[]`)
		}
		for range asked {
			if err := within(w, "giving up", given); !errors.Is(err, context.DeadlineExceeded) {
				w.Fatalf("an acknowledgement that does not come in time: %v", err)
			}
		}
		p.says(answers...)
		p.isOpen()
		p.says(unasked(1000)...)
		p.isOpen()
		_ = p.tries(unasked(1)...)
		p.isClosed(1008)
	})
}
