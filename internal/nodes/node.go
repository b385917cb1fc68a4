// SPDX-License-Identifier: MIT

// This file holds one of the servers, in a process of its own.

package nodes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/rpc"
	"os"
	"os/signal"
	"syscall"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/engineio/forward"
)

// What the first process tells the others in their environment.
const (
	nodeName    = "NODES_NAME"
	nodeSecret  = "NODES_SECRET"
	nodeNotes   = "NODES_NOTES"
	nodeForward = "FORWARD_UPGRADES" // "0": a WebSocket for a session of another server is rejected
)

// patience is the most that a server needs to end, beside everything else.
const patience = 30 * time.Second

// A Node is what a server knows of its place among the others.
type Node struct {
	Name  string
	Count int // of servers
	Notes Notes

	bus       Bus
	private   net.Listener
	mux       *http.ServeMux // for the other servers
	announced map[string]*forward.Node
}

// A Server is what a process serves.
type Server struct {
	Handler http.Handler
	// Strangers returns how many servers this one does not know yet. It is asked until it
	// knows them all: the first request may be forwarded, and is to be answered by all.
	Strangers func(ctx context.Context) int
	// End ends all sessions. The server goes on to pass requests to the others.
	End func(ctx context.Context) error
	// Close ends the server.
	Close func() error
}

// Connect lets a server take part: its options get a cluster and a forwarder.
func (n *Node) Connect(opts *socketio.Options) *cluster.Cluster {
	f := n.forwarder("/socket.io/")
	c := n.bus.Connect(&cluster.Options{
		Name: n.Name, Announcer: f,
		EchoTimeout: time.Hour, Lease: time.Hour, JoinTimeout: time.Minute, // a machine that is busy is no fault here
	})
	opts.Cluster, opts.Engine.Forward = c, f
	return c
}

// Announced returns a forwarder for an engine without a bus. path is that of no other.
func (n *Node) Announced(path string) *forward.Node {
	f := n.forwarder(path)
	n.announced[path] = f
	return f
}

func (n *Node) forwarder(path string) *forward.Node {
	f := forward.New(&forward.Options{
		Secret:          []byte(os.Getenv(nodeSecret)),
		URL:             "http://" + n.private.Addr().String() + path,
		DisableUpgrades: os.Getenv(nodeForward) == "0",
	})
	n.mux.Handle(path, f)
	return f
}

// A hello is what a process tells the first one, which tells all.
type hello struct {
	Name, Public  string
	Announcements map[string]json.RawMessage // by path
}

// serve is a process other than the first. It ends when its input does.
func serve(count int, bus Bus, start func(*Node) (*Server, error)) (err error) {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // the first process has them
	client, err := rpc.Dial("tcp", os.Getenv(nodeNotes))
	if err != nil {
		return err
	}
	defer client.Close()
	n := &Node{Name: os.Getenv(nodeName), Count: count, Notes: remote{client}, bus: bus, mux: http.NewServeMux(), announced: make(map[string]*forward.Node)}
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if n.private, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	s, err := start(n)
	if err != nil {
		return err
	}
	served := make(chan error, 2)
	webs := []*http.Server{{Handler: s.Handler}, {Handler: n.mux}}
	for i, ln := range []net.Listener{public, n.private} {
		go func() { served <- webs[i].Serve(ln) }() // ends by Close
	}
	h := hello{Name: n.Name, Public: public.Addr().String(), Announcements: make(map[string]json.RawMessage)}
	for path, f := range n.announced {
		h.Announcements[path] = f.Announcement(n.Name)
	}
	err = n.follow(s, h)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err == nil {
		for _, web := range webs { // responses on their way arrive
			err = errors.Join(err, web.Shutdown(ctx))
		}
	}
	err = errors.Join(err, s.Close())
	for _, web := range webs {
		err = errors.Join(err, web.Close())
	}
	for range webs {
		if how := <-served; !errors.Is(how, http.ErrServerClosed) {
			err = errors.Join(err, how)
		}
	}
	return err
}

// follow does what the first process says: a line each way for each step.
func (n *Node) follow(s *Server, h hello) error {
	in := bufio.NewReader(os.Stdin)
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n", line)
	if line, err = in.ReadBytes('\n'); err != nil {
		return err
	}
	var all []hello
	if err := json.Unmarshal(line, &all); err != nil {
		return err
	}
	for _, each := range all {
		if each.Name == n.Name {
			continue
		}
		for path, f := range n.announced {
			f.Announced(each.Name, each.Announcements[path])
		}
	}
	if err := acquainted(s); err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err = in.ReadBytes('\n'); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.End(ctx); err != nil {
		return err
	}
	fmt.Println("ended")
	if _, err := in.ReadBytes('\n'); err == nil {
		return errors.New("the end of the input is awaited, not another line")
	}
	return nil
}

// acquainted waits until the server knows all others.
func acquainted(s *Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ; s.Strangers(ctx) > 0; time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil {
			return errors.New("after a minute the servers do not know each other")
		}
	}
	return nil
}
