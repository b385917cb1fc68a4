// SPDX-License-Identifier: MIT

// This file tests recovery on servers of a cluster: Recovery.LocalOnly.

package socketio_test

import (
	"fmt"
	"testing"
	"time"

	"socketio"
	"socketio/adapter/cluster/membus"
)

func localRecovery() socketio.Options {
	return socketio.Options{Recovery: &socketio.Recovery{LocalOnly: true}}
}

// A client that comes back to its server continues its session and gets the events of all
// servers, each once, also those to rooms that have no other member there.
func TestRecoveryInACluster(t *testing.T) {
	network := membus.New(1)
	network.Delay(0, 5*time.Millisecond)
	busedServersWith(t, 2, network, localRecovery, func(all []bused) {
		all[0].io.OnConnection(func(s *socketio.Socket) {
			if !s.Recovered() {
				_ = s.Join("room")
			}
		})
		r := all[0].returner().comes()
		sid := r.sid
		time.Sleep(time.Second)
		emit := func(on int, to socketio.Emitter, event string, args ...any) {
			t.Helper()
			if err := to.Emit(event, args...); err != nil {
				t.Errorf("server %d: %v", on, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		emit(1, all[1].io, "live", "a last text")
		emit(1, all[1].io.Volatile(), "volatile", "a last text")
		r.hears("live a last text", "volatile a last text")
		for round := range 2 {
			r.drops()
			time.Sleep(30 * time.Second)
			emit(1, all[1].io, "all", round)
			emit(1, all[1].io.To("room"), "room", 1.5)
			emit(0, all[0].io.To("room"), "own")
			emit(1, all[1].io.Volatile(), "volatile")
			emit(1, all[1].io.To("another room"), "not for it")
			emit(1, all[1].io.To("room").Except(sid), "not for it")
			time.Sleep(50 * time.Second)
			emit(1, all[1].io.To(sid), "id")
			emit(1, all[1].io.To("room"), "late", "text")
			r.comes().is("recovered")
			want(t, "the id", r.sid, sid)
			r.hears(fmt.Sprint("all ", round), "room 1.5", "own", "id", "late text")
			emit(1, all[1].io.To("room"), "live again")
			r.hears("live again")
		}
		r.hearsNothing()
	})
}

// A client that comes back to another server, or to another process, is not recovered.
func TestRecoveryOnAnotherServer(t *testing.T) {
	network := membus.New(1)
	busedServersWith(t, 2, network, localRecovery, func(all []bused) {
		r := all[0].returner().comes()
		sid := r.sid
		_ = all[0].io.Emit("e")
		r.hears("e")
		r.drops()
		_ = all[0].io.Emit("missed")
		time.Sleep(time.Second) // the other server has it before the client comes
		r.comesTo(all[1].world).is("other_node")
		if r.sid == sid {
			t.Error("the id of the socket is the old one")
		}
		_ = all[1].io.Emit("new")
		r.hears("new")
		r.drops()
		r.comesTo(all[0].world).is("other_node")
		r.drops()
		r.comes().is("recovered")
		r.drops()
		r.pid = "a pid without a tag"
		r.comes().is("unknown_session")
	})
}
