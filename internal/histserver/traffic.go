// SPDX-License-Identifier: MIT

// This file holds traffic: what the server emits by itself.

package histserver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"socketio"
	"socketio/internal/histcheck"
)

const (
	lanes = 2
	// askTime is longer than any run: an acknowledgement ends with the connection.
	askTime = 10 * time.Minute
)

// traffic is what lanes emit while it is on: each in an order of its own, to all, to
// rooms, to all but one, to one socket, to sessions that may be away.
type traffic struct {
	*server
	tasks sync.WaitGroup // lanes, and acknowledgements that are awaited
	seed  uint64

	mu   sync.Mutex // guards stop
	stop chan struct{}
	ends sync.WaitGroup // lanes
	sent [lanes]int     // by lane
}

func newTraffic(s *server, seed uint64) *traffic { return &traffic{server: s, seed: seed} }

// control is POST /traffic/on, or off, which is answered when all is sent.
func (t *traffic) control(w http.ResponseWriter, r *http.Request) {
	t.set(r.PathValue("state") == "on")
	w.WriteHeader(http.StatusNoContent)
}

// set turns the traffic on or off, and waits until it is off.
func (t *traffic) set(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case on && t.stop == nil:
		t.stop = make(chan struct{})
		for lane := range lanes {
			t.seed++
			l := &emitter{traffic: t, number: lane, r: rand.New(rand.NewPCG(t.seed, uint64(lane)))}
			t.ends.Go(func() { l.run(t.stop) }) // until set(false)
		}
	case !on && t.stop != nil:
		close(t.stop)
		t.ends.Wait()
		t.stop = nil
	}
}

// wait waits for acknowledgements.
func (t *traffic) wait() { t.tasks.Wait() }

// An emitter emits one event after the other.
type emitter struct {
	*traffic
	number int
	r      *rand.Rand
}

func (l *emitter) run(stop <-chan struct{}) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-stop:
			return
		case <-pause.C:
		}
		for range 1 + l.r.IntN(3) {
			l.emit()
		}
		if l.r.IntN(8) == 0 && !l.peers.stay {
			l.move()
		}
		if l.number == 0 && l.r.IntN(20) == 0 {
			l.askAll()
		}
		pause.Reset(time.Millisecond + time.Duration(l.r.Int64N(int64(l.peers.lanePause))))
	}
}

// pick returns a connected socket, or nil.
func (l *emitter) pick() *socketio.Socket {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	n := len(l.sockets)
	if n == 0 {
		return nil
	}
	n = l.r.IntN(n)
	for socket := range l.sockets {
		if n == 0 {
			return socket
		}
		n--
	}
	return nil
}

// id returns the id of a session that may be away, or "".
func (l *emitter) id() string {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	all := append(slices.Clip(l.ids), l.peers.elsewhere...)
	if len(all) == 0 {
		return ""
	}
	return all[l.r.IntN(len(all))]
}

// move lets a socket join or leave a room of its own lane's.
func (l *emitter) move() {
	socket, room := l.pick(), fmt.Sprintf("moving %d", l.number)
	switch {
	case socket == nil:
	case l.r.IntN(2) == 0:
		l.join(socket, room)
	default:
		l.leave(socket, room)
	}
}

// event returns the next event of the lane, and its arguments.
func (l *emitter) event() (e histcheck.Event, args []any) {
	l.sent[l.number]++
	e = histcheck.Event{
		Kind: histcheck.Emit, Dir: histcheck.Down, Stream: fmt.Sprintf("%s/%d", l.name, l.number), N: l.sent[l.number],
	}
	size := l.r.IntN(60)
	if l.r.IntN(50) == 0 {
		size = l.r.IntN(20_000)
	}
	pad := strings.Repeat("é1", size/2)
	e.Hash = histcheck.Hash(e.Stream, e.N, pad)
	if l.r.IntN(4) == 0 {
		return e, []any{e.Stream, e.N, []byte(pad)}
	}
	return e, []any{e.Stream, e.N, pad}
}

func (l *emitter) emit() {
	e, args := l.event()
	socket := l.pick()
	var to interface {
		Emit(event string, args ...any) error
	}
	switch n := l.r.IntN(20); {
	case n < 2 || socket == nil:
		e.To = []string{"all"}
		to = l.io.To("all")
	case n < 4:
		e.To, e.Except = []string{"all"}, []string{socket.ID()}
		to = socket.To("all")
	case n < 6:
		e.To = []string{fmt.Sprintf("moving %d", l.number)}
		to = l.io.To(e.To...)
	case n < 9:
		e.To = []string{fmt.Sprintf("group %d", l.r.IntN(4)), fmt.Sprintf("group %d", l.r.IntN(4))}
		to = l.io.To(e.To...)
	case n < 12:
		e.To = []string{l.id()}
		to = l.io.To(e.To...)
	case n < 14:
		e.To, e.Volatile = []string{socket.ID()}, true
		to = socket.Volatile()
	case n < 16:
		e.To, e.Ack = []string{socket.ID()}, true
		l.ask(e, socket, args)
		return
	default:
		e.To = []string{socket.ID()}
		to = socket
	}
	l.record(e)
	if err := to.Emit("down", args...); err != nil {
		l.failed(e, err)
	}
}

// ask sends an event that the client acknowledges. The lane does not wait for it.
func (l *emitter) ask(e histcheck.Event, socket *socketio.Socket, args []any) {
	l.record(e)
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	answers := socket.Ask(ctx, "down", args...)
	l.tasks.Go(func() { // until the client answers or disconnects
		defer cancel()
		got, err := answers.One()
		var hash string
		if err == nil {
			err = got.Decode(&hash)
		}
		if err != nil {
			l.failed(e, err)
			return
		}
		l.record(histcheck.Event{Kind: histcheck.Ack, Dir: e.Dir, Session: socket.ID(), Stream: e.Stream, N: e.N, Hash: hash})
	})
}
