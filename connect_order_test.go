// SPDX-License-Identifier: MIT

// This file holds the tests of the order of the answers to CONNECTs for several
// namespaces.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// manyNames are namespaces of all kinds that answer at once: existing ones, with a
// middleware, rejected by one, created on demand.
func manyNames(io *socketio.Server) (names []string, refused map[string]bool) {
	io.OfPattern(regexp.MustCompile(`^/pattern-\d+$`))
	io.OfMatch(func(name string, _ socketio.Handshake) bool { return strings.HasPrefix(name, "/func-") })
	io.Of("/uses").Use(func(context.Context, *socketio.Socket) error { return nil })
	io.Of("/refuses").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
	names = []string{"/uses", "/refuses"}
	for i := range 12 {
		io.Of(fmt.Sprintf("/fixed-%d", i))
		names = append(names, fmt.Sprintf("/fixed-%d", i), fmt.Sprintf("/pattern-%d", i), fmt.Sprintf("/func-%d", i))
	}
	return names, map[string]bool{"/refuses": true}
}

// unhurried makes a server answer its clients in order over a real network too, where the
// time limits of waiting would expire on a loaded machine. In memory they do not.
func unhurried(w *world) {
	if !w.bubble {
		socketio.Unhurried(w.io)
	}
}

// shuffled returns names in an order that differs for each round.
func shuffled(names []string, round int) []string {
	names = slices.Clone(names)
	for i := range names {
		j := (i*7 + round*5) % len(names)
		names[i], names[j] = names[j], names[i]
	}
	return names
}

func TestConnectsAreAnsweredInOrder(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		unhurried(w)
		names, refused := manyNames(w.io)
		for round := range 10 {
			order := shuffled(names, round)
			p := w.open(transport)
			var packets, answers []any
			for _, name := range order {
				packets = append(packets, "0"+name+",")
				if refused[name] {
					answers = append(answers, "4"+name+`,{"message":*}`)
				} else {
					answers = append(answers, "0"+name+`,{"sid":*}`)
				}
			}
			p.says(packets...)
			p.hears(answers...)
		}
	})
}

// A CONNECT that is rejected at once does not overtake one that joins at once.
func TestRefusedConnectsAreAnsweredInOrder(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		unhurried(w)
		for i := range 8 {
			w.io.Of(fmt.Sprintf("/fixed-%d", i))
		}
		for range 10 {
			p := w.open(transport)
			var packets, answers []any
			for i := range 8 {
				packets = append(packets, fmt.Sprintf("0/fixed-%d,", i), fmt.Sprintf("0/unknown-%d,", i))
				answers = append(answers, fmt.Sprintf(`0/fixed-%d,{"sid":*}`, i), fmt.Sprintf(`4/unknown-%d,*`, i))
			}
			p.says(packets...)
			p.hears(answers...)
		}
	})
}

func TestConnectsOfABurstAreAnsweredInOrder(t *testing.T) {
	memory(t, nil, func(w *world) {
		names, refused := manyNames(w.io)
		for round := range 10 {
			p := w.open(websocket)
			var burst []byte
			var answers []any
			for _, name := range shuffled(names, round) {
				burst = append(burst, wstest.Frame(ws.Text, true, []byte("40"+name+","))...)
				if refused[name] {
					answers = append(answers, "4"+name+`,{"message":*}`)
				} else {
					answers = append(answers, "0"+name+`,{"sid":*}`)
				}
			}
			if err := p.socket.WriteFrame(burst); err != nil {
				w.Fatal(err)
			}
			p.hears(answers...)
		}
	})
}

func TestConnectsOfMsgpackAreAnsweredInOrder(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, &socketio.Options{Codec: new(msgpack.Codec)}, func(w *world) {
				names, _ := manyNames(w.io)
				for round := range 5 {
					p := w.open(transport)
					order := shuffled(names, round)
					var packets []any
					for _, name := range order {
						packets = append(packets, pack(parser.TypeConnect, name, parser.NoID))
					}
					p.says(packets...)
					for _, name := range order {
						if got, _ := unpack(p); got.Namespace != name {
							w.Fatalf("round %d: %s is answered where %s should be", round, got.Namespace, name)
						}
					}
				}
			})
		})
	}
}

// A client of Engine.IO 3 joins "/" by opening a session.
func TestConnectsOfRevision4AreAnsweredInOrder(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, &socketio.Options{AllowEIO3: true}, func(w *world) {
				names, refused := manyNames(w.io)
				for round := range 5 {
					p := w.openOld(transport, "")
					packets, answers := []any{}, []any{"0"}
					for _, name := range shuffled(names, round) {
						packets = append(packets, "0"+name)
						if refused[name] {
							answers = append(answers, "4"+name+",*")
						} else {
							answers = append(answers, "0"+name+",")
						}
					}
					p.says(packets...)
					p.hears(answers...)
				}
			})
		})
	}
}

// A CONNECT that waits in a lookup or a middleware delays only itself.
func TestASlowConnectDelaysOnlyItself(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		goOn := make(chan struct{})
		wait := func(context.Context, *socketio.Socket) error { <-goOn; return nil }
		w.io.Of("/slow").Use(wait)
		w.io.Of("/refuses").Use(func(_ context.Context, s *socketio.Socket) error { <-goOn; return errors.New("no") })
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool { <-goOn; return name == "/found" })
		for i := range 5 {
			w.io.Of(fmt.Sprintf("/quick-%d", i))
		}
		p := w.open(transport)
		start := time.Now()
		p.says("0/slow,", "0/quick-0,", "0/lost,", "0/quick-1,", "0/found,", "0/quick-2,", "0/refuses,", "0/quick-3,")
		for i := range 4 {
			p.hears(fmt.Sprintf(`0/quick-%d,{"sid":*}`, i))
		}
		if d := time.Since(start); w.bubble && d > 100*time.Millisecond {
			w.Errorf("the quick ones were answered after %v", d)
		}
		start = time.Now()
		p.says("0/quick-4,") // those before it have been given up
		p.hears(`0/quick-4,{"sid":*}`)
		if d := time.Since(start); w.bubble && d > 10*time.Millisecond {
			w.Errorf("the last was answered after %v", d)
		}
		close(goOn)
		late := map[string]bool{}
		for range 4 {
			got, err := p.next()
			if err != nil {
				w.Fatal(err)
			}
			name, _, _ := strings.Cut(got.text, ",")
			late[name] = true
		}
		want(w, "the slow ones are answered", len(late), 4)
	})
}

// Behind a waiting CONNECT the others keep their order, including those that a middleware
// or a lookup decides about.
func TestConnectsBehindASlowOneAreAnsweredInOrder(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		unhurried(w)
		goOn := make(chan struct{})
		release := sync.OnceFunc(func() { close(goOn) })
		defer release()
		w.io.Of("/slow").Use(func(_ context.Context, s *socketio.Socket) error {
			if !w.bubble {
				socketio.PassOver(s)
			}
			<-goOn
			return nil
		})
		names, refused := manyNames(w.io)
		w.io.Of("/uses-too").Use(func(context.Context, *socketio.Socket) error { return nil })
		names = append(names, "/uses-too")
		var peers []*peer
		for round := range 10 {
			p := w.open(transport)
			peers = append(peers, p)
			packets, answers := []any{"0/slow,"}, []any{}
			for _, name := range shuffled(names, round) {
				packets = append(packets, "0"+name+",")
				if refused[name] {
					answers = append(answers, "4"+name+`,{"message":*}`)
				} else {
					answers = append(answers, "0"+name+`,{"sid":*}`)
				}
			}
			p.says(packets...)
			p.hears(answers...)
		}
		release()
		for _, p := range peers {
			p.hears(`0/slow,{"sid":*}`)
		}
	})
}

// A CONNECT whose lookup waits for the lookups of others is waited for up to four times
// 250 ms: they may get through by then. Its answer comes in order if they do.
func TestAConnectBehindManyLookups(t *testing.T) {
	for _, through := range []bool{false, true} {
		memory(t, nil, func(w *world) {
			goOn := make(chan struct{})
			w.io.OfMatch(func(name string, _ socketio.Handshake) bool {
				if name != "/ninth" {
					<-goOn
				}
				return name == "/ninth"
			})
			w.io.Of("/quick")
			p := w.open(websocket)
			start := time.Now()
			for i := range 8 {
				p.says(fmt.Sprintf("0/slow-%d,", i))
			}
			p.says("0/ninth,", "0/quick,")
			if through {
				time.AfterFunc(900*time.Millisecond, func() { close(goOn) })
				var order []string
				for range 10 {
					answer, err := p.next()
					if err != nil {
						t.Fatal(err)
					}
					if name, _, _ := strings.Cut(answer.text, ","); answer.text[0] == '0' {
						order = append(order, name)
					}
				}
				want(t, "the order", strings.Join(order, " "), "0/ninth 0/quick")
				want(t, "time until the answers", time.Since(start), 900*time.Millisecond)
				return
			}
			p.hears(`0/quick,{"sid":*}`)
			want(t, "time until the answer", time.Since(start), time.Second)
			close(goOn)
			w.settle()
		})
	}
}

// Once its namespace exists, a CONNECT is waited for like one for an existing namespace:
// the limit for creating the namespace does not continue while its session is looked up.
func TestALimitOfMakingEndsWithTheMaking(t *testing.T) {
	for _, name := range []string{"/fixed", "/pattern-1", "/func-1"} {
		t.Run(name[1:], func(t *testing.T) {
			opts := &socketio.Options{Recovery: &socketio.Recovery{Store: lateStore{adapter.NewMemoryStore(), name, time.Second}}}
			memory(t, opts, func(w *world) {
				manyNames(w.io)
				w.io.Of("/fixed")
				w.io.Of("/last")
				p := w.open(websocket)
				p.says("0"+name+`,{"pid":"p"}`, `0/last,{"pid":"p"}`)
				p.hears("0"+name+`,{"sid":*}`, `0/last,{"sid":*}`)
			})
		})
	}
}

// A lateStore takes its time to look up the sessions of one namespace.
type lateStore struct {
	adapter.Store
	namespace string
	takes     time.Duration
}

func (s lateStore) Take(ctx context.Context, namespace, secret string) (*adapter.Session, error) {
	if namespace == s.namespace {
		time.Sleep(s.takes) // of virtual time
	}
	return s.Store.Take(ctx, namespace, secret)
}

// A CONNECT that is revoked, or whose connection closes, delays no other.
func TestAConnectTakenBackHoldsUpNobody(t *testing.T) {
	memory(t, nil, func(w *world) {
		goOn := make(chan struct{})
		w.io.Of("/slow").Use(func(context.Context, *socketio.Socket) error { <-goOn; return nil })
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool { <-goOn; return false })
		w.io.Of("/quick")
		p := w.open(websocket)
		p.says("0/slow,", "0/search,", "1/slow,", "1/search,", "0/quick,")
		p.hears(`0/quick,{"sid":*}`)
		q := w.open(websocket)
		q.says("0/slow,", "0/search,", "0/quick,")
		q.leave()
		w.settle()
		close(goOn)
		p.hearsNothing()
	})
}

// The sockets of a connection end in the order in which they joined.
func TestEndsComeInTheOrderOfJoining(t *testing.T) {
	memory(t, nil, func(w *world) {
		goOn := make(chan struct{})
		w.io.Of("/late").Use(func(context.Context, *socketio.Socket) error { <-goOn; return nil })
		for _, name := range []string{"/a", "/b"} {
			w.io.Of(name)
		}
		p := w.open(websocket)
		p.says("0/late,", "0/a,", "0/b,")
		p.hears(`0/a,*`, `0/b,*`)
		close(goOn)
		p.hears(`0/late,*`)
		s := w.io.Of("/a").Sockets()[0]
		s.CloseConn()
		p.hears("1/a,", "1/b,", "1/late,")
	})
}
