// SPDX-License-Identifier: MIT

// This file holds what a server has to do with others.

package histserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/engineio/forward"
	"socketio/internal/histcheck"
)

// peers is what a server has to do with others.
type peers struct {
	several   bool
	orderly   bool          // it ends by Shutdown
	stay      bool          // sockets stay in their rooms
	lanePause time.Duration // the longest between two turns of a lane

	cluster *cluster.Cluster // nil alone
	forward *forward.Node
	private *http.Server // for the others

	elsewhere []string   // ids of sockets; guarded by server.mu
	asking    sync.Mutex // held while it asks
	asked     int        // guarded by asking
}

// ServeNode is Serve for one of several servers. engine returns its cluster. With
// LOCAL_ONLY, clients are recovered on the same server only. With CALM, sockets stay
// in their rooms, and there are fewer events.
func ServeNode(engine func(cluster.Options) *cluster.Cluster) error {
	return serve(func(s *server, opts *socketio.Options) (*peers, error) {
		private, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		node := forward.New(&forward.Options{
			Secret: []byte("known to the servers of this suite"), URL: "http://" + private.Addr().String() + "/",
		})
		p := &peers{several: true, orderly: true, lanePause: 60 * time.Millisecond, forward: node, private: &http.Server{Handler: node}}
		if os.Getenv("CALM") == "1" {
			p.stay, p.lanePause = true, 300*time.Millisecond
		}
		go func() { _ = p.private.Serve(private) }()                                // until close
		o := cluster.Options{Announcer: node, Heartbeat: time.Second, Lease: lease} // a frozen server is to lose it
		if p.stay {                                                                 // a machine that is busy is no fault
			o.Lease, o.EchoTimeout = time.Hour, time.Hour
		}
		p.cluster = engine(o)
		opts.Cluster = p.cluster
		opts.Engine.Forward = node
		if opts.Recovery != nil {
			opts.Recovery.LocalOnly = os.Getenv("LOCAL_ONLY") == "1"
		}
		opts.Observers = append(opts.Observers, health{s})
		return p, nil
	})
}

const (
	lease          = 6 * time.Second // of the servers of the suite
	movesPerSecond = 20
)

// close ends what others reach.
func (p *peers) close() error {
	if !p.several {
		return nil
	}
	return errors.Join(p.private.Close(), p.forward.Close())
}

// A health records the state of the connection to the others.
type health struct{ *server }

// ClusterChanged implements socketio.ClusterObserver.
func (h health) ClusterChanged(now adapter.Health) {
	e := histcheck.Event{Kind: histcheck.Health}
	if now.Degraded != nil {
		e.Reason = now.Degraded.Error()
	}
	h.record(e)
}

// mark sends an event to all and to each group. A client that has it has everything that
// was sent before.
func (s *server) mark(w http.ResponseWriter, r *http.Request) {
	text := s.name + " " + r.PathValue("mark")
	for _, room := range []string{"all", "group 0", "group 1", "group 2", "group 3"} {
		_ = s.io.To(room).Emit("mark", text, room)
	}
	w.WriteHeader(http.StatusNoContent)
}

// healthy answers 204 if the others are reached, and otherwise 202 with the reason.
func (s *server) healthy(w http.ResponseWriter, _ *http.Request) {
	if s.peers.cluster != nil {
		if why := s.peers.cluster.Health().Degraded; why != nil {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, why)
			return
		}
		// What was emitted before has a position, or was delivered without one: sessions
		// that begin from now on do not miss that.
		if _, err := s.io.To("nobody").EmitAt("settled"); err != nil {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, err)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// move sends a share of the clients away. The answer is their number.
func (s *server) move(w http.ResponseWriter, r *http.Request) {
	share, err := strconv.ParseFloat(r.PathValue("share"), 64)
	n := 0
	if err == nil {
		n, err = s.io.Rebalance(r.Context(), share, movesPerSecond)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, n)
}

// askAll asks all servers for their sockets, if there are others, and if it is not asking
// already.
func (l *emitter) askAll() {
	p := l.peers
	if !p.several || !p.asking.TryLock() {
		return
	}
	p.asked++
	e := histcheck.Event{Kind: histcheck.Ask, N: p.asked}
	l.record(e)
	l.tasks.Go(func() { // until all have answered, for 5 s at most
		defer p.asking.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		found, err := l.io.FetchSockets(ctx)
		e.Kind = histcheck.Told
		if err != nil {
			e.Reason = fmt.Sprint(err)
		}
		for _, socket := range found {
			e.Sessions = append(e.Sessions, socket.ID())
		}
		l.record(e)
		l.server.mu.Lock()
		defer l.server.mu.Unlock()
		p.elsewhere = e.Sessions
	})
}
