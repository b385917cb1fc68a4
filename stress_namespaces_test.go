// SPDX-License-Identifier: MIT

// This file holds the test of dynamic namespaces under stress: each exists once while
// it has sockets, and reaches all of them.

package socketio_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
)

// A census is who lives in which *Namespace of a name.
type census struct {
	w *world

	mu   sync.Mutex // guards the fields below
	live map[string]map[*socketio.Namespace]int
}

// moves counts a socket in or out. Two namespaces of one name must not both have
// sockets.
func (c *census) moves(ns *socketio.Namespace, d int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live[ns.Name()] == nil {
		c.live[ns.Name()] = make(map[*socketio.Namespace]int)
	}
	c.live[ns.Name()][ns] += d
	if c.live[ns.Name()][ns] == 0 {
		delete(c.live[ns.Name()], ns)
	}
	if n := len(c.live[ns.Name()]); n > 1 {
		c.w.Errorf("there are %d namespaces %s with sockets in them", n, ns.Name())
	}
}

// A lodger is a client that joins and leaves namespaces over one connection.
type lodger struct{ *peer }

// hears takes packets until one begins so; others may come before.
func (l lodger) hears(start string) error {
	for {
		select {
		case got := <-l.inbox:
			if strings.HasPrefix(got.text, start) {
				return nil
			}
			if strings.HasPrefix(got.text, "4") {
				return fmt.Errorf("%s comes instead of %s", got, start)
			}
		case <-l.ended:
			return fmt.Errorf("the connection has ended, without %s: %w", start, l.end)
		case <-time.After(l.w.patient):
			return fmt.Errorf("%s does not come", start)
		}
	}
}

// Clients join and leave namespaces that exist only while they have sockets, and the
// application asks for some of them by name meanwhile. An emit reaches each socket whose
// CONNECT was answered before.
func TestStressDynamicNamespaces(t *testing.T) {
	l := (*ledger)(nil)
	opts := func() *socketio.Options {
		l = newLedger()
		return &socketio.Options{Observers: []any{l}}
	}
	stressed(t, opts, func(w *world, until context.Context) {
		people := &census{w: w, live: make(map[string]map[*socketio.Namespace]int)}
		settle := func(s *socketio.Socket) {
			people.moves(s.Namespace(), 1)
			s.OnDisconnect(func(socketio.DisconnectReason) { people.moves(s.Namespace(), -1) })
			s.On("out", func() { s.Disconnect() })
			_ = s.Emit("settled")
		}
		pattern := w.io.OfPattern(regexp.MustCompile(`^/pattern-\d+$`))
		function := w.io.OfMatch(func(name string, _ socketio.Handshake) bool { return strings.HasPrefix(name, "/function-") })
		for _, p := range []*socketio.ParentNamespace{pattern, function} {
			p.OnConnection(settle)
			p.Use(func(_ context.Context, s *socketio.Socket) error { return s.Join("all") })
		}
		crew := crew{w: w, until: until}
		for i := range 12 {
			// Each name has four clients, and its time; then comes the next.
			kind, parent := "/pattern-", pattern
			if i%2 == 1 {
				kind, parent = "/function-", function
			}
			p := lodger{w.join([]string{websocket, polling}[i/2%2])}
			crew.works("lodger", func(n int) error {
				name := fmt.Sprint(kind, i/4*1_000_000+n/8)
				if err := p.tries("0" + name + ","); err != nil {
					return err
				}
				if err := p.hears("0" + name + ",{"); err != nil {
					return err
				}
				var emit func(string, ...any) error
				switch n % 8 {
				case 6:
					emit = w.io.Of(name).To("all").Emit
				case 7:
					emit = w.io.Of(name).Emit
				default:
					emit = parent.To("all").Emit
				}
				if err := emit("token", i, n); err != nil {
					return err
				}
				if err := p.hears(fmt.Sprintf(`2%s,["token",%d,%d]`, name, i, n)); err != nil {
					return err
				}
				if n%3 == 0 {
					if err := p.tries("2" + name + `,["out"]`); err != nil {
						return err
					}
					return p.hears("1" + name + ",")
				}
				return p.tries("1" + name + ",")
			}, nil)
		}
		for v := range 2 {
			crew.works("search", func(n int) error {
				for _, ns := range append(pattern.Children(), function.Children()...) {
					if _, err := ns.FetchSockets(context.Background()); err != nil {
						return err
					}
					_ = ns.Sockets()
				}
				return pattern.SocketsJoin(fmt.Sprint("more", v))
			}, nil)
		}
		// Clients that die in the middle of a search.
		crew.works("deaths", func(n int) error {
			c, _, err := w.dialWebSocket("", nil)
			if err != nil {
				return err
			}
			for i := range 3 {
				_ = c.WriteText(fmt.Sprintf("40/function-%d,", n+i))
			}
			return c.Close()
		}, nil)
		crew.wg.Wait()
		if w.Failed() {
			return
		}
		eventually(w, "nobody is left", func() bool {
			people.mu.Lock()
			defer people.mu.Unlock()
			for _, spaces := range people.live {
				if len(spaces) > 0 {
					return false
				}
			}
			return true
		})
		ctx, cancel := context.WithTimeout(context.Background(), w.patient)
		defer cancel()
		if err := w.io.Shutdown(ctx); err != nil {
			w.Error(err)
		}
		// What Of has asked for stays, and nothing else.
		live := []string{"/"}
		children := append(pattern.Children(), function.Children()...)
		for _, ns := range children {
			live = append(live, ns.Name())
		}
		slices.Sort(live)
		l.balances(w, live...)
		n := l.all()
		want(w, "namespaces that are there", n["namespaces"]-n["namespaces removed"], 1+len(children))
		_, making, dynamic := socketio.Registered(w.io)
		want(w, "namespaces that are being made or may go again", making+dynamic, 0)
		w.Logf("made %d, removed %d, joined %d", n["namespaces"], n["namespaces removed"], n["joined"])
	})
}
