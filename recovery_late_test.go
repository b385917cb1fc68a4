// SPDX-License-Identifier: MIT

// This file tests events to sockets whose clients come back while the events are on their
// way.

package socketio_test

import (
	"context"
	"testing"
	"testing/synctest"

	"socketio/adapter/cluster/membus"
)

// A lateArg is a number, which is encoded when its channel is closed.
type lateArg struct{ begun, end chan struct{} }

func (a lateArg) MarshalJSON() ([]byte, error) {
	close(a.begun)
	<-a.end
	return []byte("7"), nil
}

// emitsLate emits to a socket that has no others, and lets its client come back before the
// event is in the log: the client gets it, before what is emitted later.
func emitsLate(t *testing.T, r *returner, comes func(r *returner) *returner) {
	t.Helper()
	id := r.sid
	socket, ok := r.w.io.Socket(id)
	if !ok {
		t.Fatal("the socket is not there")
	}
	mustEmit(t, r.w.io, "before", 1)
	r.hears("before 1")
	arg, sent := lateArg{make(chan struct{}), make(chan struct{})}, make(chan error)
	go func() { sent <- socket.Emit("late", arg) }()
	<-arg.begun
	again := *r
	again.events = nil
	comes(&again).is("recovered")
	close(arg.end)
	if err := <-sent; err != nil {
		t.Errorf("Emit: %v", err)
	}
	mustEmit(t, again.w.io, "after", 1)
	again.hears("late 7", "after 1")
	again.hearsNothing()
}

func TestAnEventThatIsEmittedBeforeItsClientComesBack(t *testing.T) {
	comes := func(r *returner) *returner { return r.comes() }
	t.Run("a store in memory", func(t *testing.T) {
		recovering(t, nil, func(w *world) { emitsLate(t, w.returner().comes(), comes) })
	})
	t.Run("a durable store", func(t *testing.T) {
		onAMachine(t, nil, func(_ *machine, w *world) {
			emitsLate(t, w.returner().comes(), comes)
			_ = w.io.Close()
		})
	})
	t.Run("a shared log", func(t *testing.T) {
		loggedServers(t, 1, membus.New(1), func(all []bused) { emitsLate(t, all[0].returner().comes(), comes) })
	})
	t.Run("a shared log, to another server", func(t *testing.T) {
		loggedServers(t, 2, membus.New(1), func(all []bused) {
			emitsLate(t, all[0].returner().comes(), func(r *returner) *returner { return r.comesAt(all[1]) })
		})
	})
}

// A durable store takes its time: the event is on its way into it when the client comes back.
func TestAnEventThatIsBeingStoredWhenItsClientComesBack(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		socket, _ := w.io.Socket(r.sid)
		stored := make(chan struct{})
		m.does(func(context.Context) error { <-stored; return nil }, "Append")
		sent := make(chan error)
		go func() { sent <- socket.Emit("late", 7) }()
		synctest.Wait()
		again := *r
		again.comes().is("recovered")
		close(stored)
		if err := <-sent; err != nil {
			t.Errorf("Emit: %v", err)
		}
		mustEmit(t, w.io, "after", 1)
		again.hears("late 7", "after 1")
		again.hearsNothing()
		_ = w.io.Close()
	})
}

// An event to a socket that is disconnected while the event is being stored does not go to
// the socket that its client has on the same connection by then.
func TestAnEventThatIsBeingStoredWhenItsSocketEnds(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		socket, _ := w.io.Socket(r.sid)
		open := m.gated("Append")
		sent := make(chan error)
		go func() { sent <- socket.Emit("late", 7) }()
		synctest.Wait()
		socket.Disconnect()
		r.peer.hears("1")
		r.peer.says("0")
		r.sid = ""
		r.outcome("")
		open()
		if err := <-sent; err != nil {
			t.Errorf("Emit: %v", err)
		}
		r.hearsNothing()
		mustEmit(t, w.io, "after", 1)
		r.hears("after 1")
		_ = w.io.Close()
	})
}
