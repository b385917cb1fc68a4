// SPDX-License-Identifier: MIT

// This file holds Node: what it is made of, its beginning and its end, and what it tells and
// learns by a bus.

package forward

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"sync"

	"socketio/engineio"
	"socketio/internal/lock"
	"socketio/internal/netpoll"
	"socketio/internal/telemetry"
)

// A Node forwards requests for a server, and receives those that other servers forward to it.
// It is an engineio.Forwarder, and an http.Handler for the other servers. Its methods
// Announcement, Announced and Left are for the bus between the servers. All methods may be
// called from any goroutine.
type Node struct {
	// Immutable after New.
	opts   Options
	tag    string // "" if nothing is forwarded
	keys   keys
	base   *url.URL // of this node
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	client *http.Transport
	tokens chan struct{} // one for each poll and POST on its way

	// Set by Attach.
	target  engineio.ForwardTarget
	sampled *telemetry.Sampled

	peers    table
	sent     numbers
	received windows
	counter  counter

	loops    netpoll.Driver // nil without event loops
	portable *netpoll.Goroutines

	mu     lock.RWMutex // guards the fields below
	serves bool         // Attach was called
	closed bool
	taking sync.WaitGroup // upgrades on their way to the driver; none begins after Close
}

// New returns a Node. It panics on options that can't work, with a message that names them.
func New(opts *Options) *Node {
	n := new(Node)
	if opts != nil {
		n.opts = *opts
	}
	n.dial = n.opts.Dial
	if n.dial == nil {
		n.dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	if n.opts.MaxRequests < 0 {
		panic("forward: Options.MaxRequests is negative")
	}
	if n.opts.MaxRequests == 0 {
		n.opts.MaxRequests = 1 << 16
	}
	n.portable = netpoll.NewGoroutines()
	if len(n.opts.Secret) == 0 {
		return n
	}
	if len(n.opts.Secret) < minSecret {
		panic("forward: Options.Secret is shorter than 16 bytes: it could be guessed")
	}
	if n.base = parseURL(n.opts.URL); n.base == nil {
		panic("forward: Options.URL must be that of this server, as the others reach it, for example \"http://10.0.0.7:7000/\"")
	}
	n.keys = newKeys(n.opts.Secret)
	n.opts.Secret = nil
	n.tag = newTag()
	n.tokens = make(chan struct{}, n.opts.MaxRequests)
	n.loops, _ = netpoll.NewPoller(runtime.GOMAXPROCS(0)) // no goroutine before the first connection
	n.client = &http.Transport{
		DialContext:         n.dial,
		TLSClientConfig:     n.opts.TLS,
		TLSHandshakeTimeout: handshakeTimeout,
		DisableCompression:  true, // the response is the client's
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     idleTimeout,
	}
	return n
}

// newTag returns six random characters.
func newTag() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])[:6]
}

// Tag returns the tag of this server, or "" if nothing is forwarded.
func (n *Node) Tag() string { return n.tag }

// Attach implements engineio.Forwarder. It panics if the Node belongs to another server.
func (n *Node) Attach(t engineio.ForwardTarget) (tag string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.serves {
		panic("forward: the Node belongs to another server; make one for each")
	}
	n.target, n.serves = t, true
	n.sampled = telemetry.NewSampled(t.Logger)
	if n.tag == "" {
		t.Logger.Info("requests for sessions of other servers are not forwarded: forward.Options.Secret is not set")
	}
	return n.tag
}

// Close implements engineio.Forwarder. It closes the WebSockets that are being forwarded and
// rejects what other servers still forward.
func (n *Node) Close() error {
	n.mu.Lock()
	closed := n.closed
	n.closed = true
	n.mu.Unlock()
	if closed || n.tag == "" {
		return nil
	}
	n.taking.Wait()
	if n.loops != nil {
		n.loops.Close(0)
	}
	n.portable.Close(0)
	n.client.CloseIdleConnections()
	return nil
}

// open reports whether the node serves requests of others.
func (n *Node) open() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.serves && !n.closed && n.tag != ""
}

// take reports whether a connection may be given to a driver. Then taking.Done must be
// called.
func (n *Node) take() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.closed {
		return false
	}
	n.taking.Add(1)
	return true
}

// attach gives a connection to a driver.
func (n *Node) attach(nc net.Conn, h netpoll.Handler) netpoll.Conn {
	if n.loops != nil {
		if c, err := n.loops.Attach(nc, h); err == nil {
			return c
		}
	}
	return n.portable.Attach(nc, h)
}

// Announcement returns what the other servers need to know of this one. node is its name
// on the bus. It is nil if nothing is forwarded.
func (n *Node) Announcement(node string) json.RawMessage {
	if n.tag == "" {
		return nil
	}
	return n.keys.announce(node, n.tag, n.base.String())
}

// Announced takes what Announcement of another server has returned, as often as the bus has
// it. Announcements without the right signature are ignored, and logged once a minute.
func (n *Node) Announced(node string, data json.RawMessage) {
	if n.tag == "" || data == nil {
		return
	}
	p, signed := n.keys.parsePeer(node, data)
	if !signed {
		n.counter.announcements.Add(1)
		n.warn("the address of another server is ignored: its signature is wrong; do all servers have the same forward.Options.Secret?", "node", telemetry.Text(node))
		return
	}
	if p != nil && p.tag != n.tag {
		n.peers.put(p)
	}
}

// Left takes the name of a server that has left the cluster. Requests for its sessions are
// rejected from now on.
func (n *Node) Left(node string) { n.peers.remove(node) }

// warn logs a warning, at most once a minute for each message.
func (n *Node) warn(message string, args ...any) {
	n.mu.RLock()
	sampled := n.sampled
	n.mu.RUnlock()
	if sampled != nil {
		sampled.Warn(message, args...)
	}
}

// Stats returns counters.
func (n *Node) Stats() Stats { return n.counter.stats() }
