// SPDX-License-Identifier: MIT

// This file holds the server: what it records of connections, and its handlers.

package histserver

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/histcheck"
)

// tag is what a session remembers.
var tag = socketio.NewDataKey[string]("tag")

// errStranger rejects clients that ask for it.
var errStranger = errors.New("a stranger")

// auth is what clients send with CONNECT.
type auth struct {
	Epoch  string `json:"epoch"`
	Slow   int    `json:"slow"`   // milliseconds that the middleware takes
	Reject bool   `json:"reject"` // the middleware is to reject it
	Room   string `json:"room"`
}

// A server records all it does.
type server struct {
	io      *socketio.Server
	peers   *peers
	name    string
	history *histcheck.Recorder

	mu      sync.Mutex
	sockets map[*socketio.Socket]struct{} // connected
	ids     []string                      // of the latest sessions, connected or not
	beside  map[string]int                // by session: events emitted before answers
}

// Serve runs the server that the environment describes, until SIGTERM: it writes the log
// LOG of process NAME, listens on PORT of 127.0.0.1, and prints "listening PORT". With
// RECOVERY, a window, clients are recovered, from the store if it is not nil.
func Serve(store adapter.Store) error {
	return serve(func(_ *server, opts *socketio.Options) (*peers, error) {
		if opts.Recovery != nil {
			opts.Recovery.Store = store
		}
		return &peers{orderly: store != nil, lanePause: 20 * time.Millisecond}, nil
	})
}

// serve runs a server. prepare changes its options.
func serve(prepare func(*server, *socketio.Options) (*peers, error)) error {
	file, err := os.OpenFile(os.Getenv("LOG"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	name := os.Getenv("NAME")
	s := &server{
		name: name, history: histcheck.NewRecorder(name, file),
		sockets: make(map[*socketio.Socket]struct{}), beside: make(map[string]int),
	}
	opts, err := options()
	if err != nil {
		return err
	}
	if s.peers, err = prepare(s, opts); err != nil {
		return err
	}
	s.io = socketio.NewServer(opts)
	s.io.Use(s.admit)
	s.io.OnConnection(s.connected)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ln, err := net.Listen("tcp4", "127.0.0.1:"+envOr("PORT", "0"))
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(envOr("SEED", "1"), 10, 64)
	if err != nil {
		return err
	}
	traffic := newTraffic(s, seed)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s.io)
	mux.HandleFunc("POST /traffic/{state}", traffic.control)
	mux.HandleFunc("POST /mark/{mark}", s.mark)
	mux.HandleFunc("POST /move/{share}", s.move)
	mux.HandleFunc("POST /health", s.healthy)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }()
	fmt.Printf("listening %d\n", ln.Addr().(*net.TCPAddr).Port)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	traffic.set(false)
	return s.end(web, traffic)
}

// end ends the server in order.
func (s *server) end(web *http.Server, traffic *traffic) (err error) {
	last, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if s.peers.orderly {
		err = s.io.Shutdown(last)
	} else {
		err = errors.Join(s.io.Close(), s.io.Shutdown(last)) // Close does not wait for handlers, which record
	}
	if err != nil {
		return err
	}
	if err := web.Shutdown(last); err != nil {
		return err
	}
	traffic.wait()
	s.record(histcheck.Event{Kind: histcheck.End})
	return s.peers.close()
}

// options returns the options that the environment describes.
func options() (*socketio.Options, error) {
	opts := &socketio.Options{
		// No fault waits for the heartbeat: what is too slow is not lost.
		PingInterval: 5 * time.Second,
		PingTimeout:  time.Minute,
		Engine:       engineio.Options{Driver: engineio.Driver(os.Getenv("DRIVER"))},
	}
	text := os.Getenv("RECOVERY")
	if text == "" {
		return opts, nil
	}
	window, err := time.ParseDuration(text)
	// Clients that are away for seconds come back within the bounds.
	opts.Recovery = &socketio.Recovery{Window: window, MaxSessionBytes: 16 << 20, MissedFirst: os.Getenv("MISSED_FIRST") == "1"}
	return opts, err
}

func (s *server) record(e histcheck.Event) {
	if err := s.history.Record(e); err != nil {
		log.Fatal(err) // without its log the run says nothing
	}
}

// admit is the middleware.
func (s *server) admit(ctx context.Context, socket *socketio.Socket) error {
	var a auth
	if err := socket.Handshake().DecodeAuth(&a); err != nil {
		return err
	}
	if a.Slow > 0 {
		select {
		case <-time.After(time.Duration(a.Slow) * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if a.Reject {
		s.record(histcheck.Event{Kind: histcheck.Auth, Epoch: a.Epoch, Reason: errStranger.Error()})
		return errStranger
	}
	s.record(histcheck.Event{Kind: histcheck.Auth, Epoch: a.Epoch})
	return nil
}

func (s *server) connected(socket *socketio.Socket) {
	var a auth
	if err := socket.Handshake().DecodeAuth(&a); err != nil {
		log.Fatal(err) // the middleware has decoded it
	}
	id := socket.ID()
	if !socket.Recovered() {
		tag.Set(socket, "of "+a.Epoch)
	}
	data, _ := tag.Get(socket)
	s.record(histcheck.Event{
		Kind: histcheck.Conn, Session: id, Epoch: a.Epoch, Recovered: socket.Recovered(),
		Rooms: roomsOf(socket), Data: data,
	})
	socket.OnDisconnect(func(reason socketio.DisconnectReason) {
		s.mu.Lock()
		delete(s.sockets, socket)
		s.mu.Unlock()
		s.record(histcheck.Event{Kind: histcheck.Disc, Session: id, Epoch: a.Epoch, Reason: string(reason), Rooms: roomsOf(socket)})
	})
	handle := func(stream string, n int, pad string, ack socketio.Ack) error {
		return s.received(socket, a.Epoch, stream, n, pad, ack)
	}
	socket.On("up", handle)
	socket.On("up binary", func(stream string, n int, pad []byte, ack socketio.Ack) error {
		return handle(stream, n, string(pad), ack)
	})
	socket.On("barrier", func() bool { return true })
	socket.On("kick", func() { socket.Disconnect() })
	s.joins(socket, a.Room)
	s.mu.Lock()
	defer s.mu.Unlock()
	if socket.Connected() {
		s.sockets[socket] = struct{}{}
	}
	if !slices.Contains(s.ids, id) {
		s.ids = append(s.ids, id)
		s.ids = s.ids[max(0, len(s.ids)-40):]
	}
}

// joins lets a socket join the rooms of all sockets. One that is recovered may have lost its
// connection before it had joined them.
func (s *server) joins(socket *socketio.Socket, own string) {
	if s.peers.several {
		s.join(socket, socket.ID()) // which waits until the others know of it
	}
	in := socket.Rooms()
	for _, room := range []string{"all", own} {
		if room != "" && !slices.Contains(in, room) {
			s.join(socket, room)
		}
	}
}

func (s *server) join(socket *socketio.Socket, room string) {
	s.record(histcheck.Event{Kind: histcheck.Joining, Session: socket.ID(), Room: room})
	if err := socket.Join(room); err == nil && socket.Connected() { // else it was too late
		s.record(histcheck.Event{Kind: histcheck.Join, Session: socket.ID(), Room: room})
	}
}

func (s *server) leave(socket *socketio.Socket, room string) {
	s.record(histcheck.Event{Kind: histcheck.Leaving, Session: socket.ID(), Room: room})
	socket.Leave(room)
	if socket.Connected() {
		s.record(histcheck.Event{Kind: histcheck.Leave, Session: socket.ID(), Room: room})
	}
}

// received records an event. If an acknowledgement is wanted, it emits one first.
func (s *server) received(socket *socketio.Socket, epoch, stream string, n int, pad string, ack socketio.Ack) error {
	id := socket.ID()
	s.record(histcheck.Event{
		Kind: histcheck.Recv, Dir: histcheck.Up, Session: id, Epoch: epoch,
		Stream: stream, N: n, Hash: histcheck.Hash(stream, n, pad),
	})
	if !ack.Wanted() {
		return nil
	}
	beside := s.name + "/of/" + id
	s.mu.Lock()
	s.beside[id]++
	after := s.beside[id]
	s.mu.Unlock()
	e := histcheck.Event{
		Kind: histcheck.Emit, Dir: histcheck.Down, Stream: beside, N: after, To: []string{id},
		Hash: histcheck.Hash(beside, after, "beside"),
	}
	s.record(e)
	if err := socket.Emit("down", beside, after, "beside"); err != nil {
		s.failed(e, err)
	}
	return ack(histcheck.Hash(stream, n, "reply"), beside, after)
}

// failed records that an emit failed, or that an acknowledgement did not come.
func (s *server) failed(e histcheck.Event, err error) {
	s.record(histcheck.Event{Kind: histcheck.Err, Dir: e.Dir, Stream: e.Stream, N: e.N, Reason: err.Error()})
}

// roomsOf returns the rooms of a socket without that of its id.
func roomsOf(socket *socketio.Socket) []string {
	rooms := slices.DeleteFunc(socket.Rooms(), func(room string) bool { return room == socket.ID() })
	slices.Sort(rooms)
	return rooms
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
