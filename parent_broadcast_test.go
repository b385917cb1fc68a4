// SPDX-License-Identifier: MIT

// This file holds broadcasts to all children of a parent namespace.

package socketio_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"socketio"
)

// Quirk 21: what a parent namespace offers does what it says, in all children.
func TestBroadcastsOfParentNamespaces(t *testing.T) {
	t.Run("quirk 21", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			parent := w.io.OfPattern(regexp.MustCompile(`^/team-\d$`))
			parent.OnConnection(func(s *socketio.Socket) {
				_ = s.Join("room")
				_ = s.Emit("ready")
			})
			for i := range 2 { // no child exists yet
				for range parent.EmitWithAck(w.Context(), "q", i) {
					t.Error("nobody is there to be asked")
				}
			}
			p, other := w.join(transport), w.join(transport)
			var ids []string
			for i := range 3 {
				name := fmt.Sprintf("/team-%d", i)
				ids = append(ids, p.joins(name))
				p.hears("2" + name + `,["ready"]`)
			}
			each := func(packets ...string) {
				t.Helper()
				var got, expected []string
				for range 3 {
					next, err := p.next()
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, next.String())
				}
				for i := range 3 {
					expected = append(expected, fmt.Sprintf(packets[i%len(packets)], i))
				}
				slices.Sort(got)
				slices.Sort(expected)
				want(t, "what the client hears", strings.Join(got, " "), strings.Join(expected, " "))
			}
			_ = parent.Emit("e", 1)
			each(`2/team-%d,["e",1]`)
			_ = parent.To("room").Except("nobody").Emit("e", 2)
			each(`2/team-%d,["e",2]`)
			_ = parent.To("nobody").Emit("e", 3)

			found, err := parent.FetchSockets(w.Context())
			var names []string
			for _, r := range found {
				names = append(names, r.Namespace().Name())
			}
			slices.Sort(names)
			want(t, "who is found", fmt.Sprint(names, err), "[/team-0 /team-1 /team-2] <nil>")
			if err := parent.SocketsJoin("new"); err != nil {
				t.Error(err)
			}
			if err := parent.To("new").SocketsLeave("room"); err != nil {
				t.Error(err)
			}
			found, _ = parent.To("room").FetchSockets(w.Context())
			want(t, "who is left", len(found), 0)

			_ = w.io.Of("/team-1").Timeout(1).EmitWithAck(w.Context(), "not ranged over: not sent")
			answers := make(chan string, 4)
			go func() {
				for reply, err := range parent.To("new").EmitWithAck(w.Context(), "q") {
					answers <- fmt.Sprint(slices.Contains(ids, reply.SocketID), reply, err)
				}
				answers <- "end"
			}()
			each(`2/team-%d,0["q"]`)
			for i := range 3 {
				p.says(fmt.Sprintf(`3/team-%d,0[%d]`, i, i))
				want(t, "an answer", within(w, "an answer", answers), fmt.Sprintf("true [%d] <nil>", i))
			}
			want(t, "the end", within(w, "the end", answers), "end")
			if err := parent.To("new").DisconnectSockets(); err != nil {
				t.Error(err)
			}
			each(`1/team-%d,`)
			other.isOpen()
		})
	})
}

// A name that can't be emitted is an error before the first child is there too.
func TestReservedEventsOfAParentWithoutChildren(t *testing.T) {
	memory(t, nil, func(w *world) {
		p := w.io.OfPattern(regexp.MustCompile(`^/team-\d+$`))
		if err := p.Emit("disconnect"); !errors.Is(err, socketio.ErrReservedEvent) {
			t.Errorf("Emit: %v", err)
		}
		var last error
		for _, last = range p.EmitWithAck(w.Context(), "disconnect") {
		}
		if !errors.Is(last, socketio.ErrReservedEvent) {
			t.Errorf("EmitWithAck: %v", last)
		}
		want(t, "an event for nobody", p.Emit("news"), nil)
	})
}
