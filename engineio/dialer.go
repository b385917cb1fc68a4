// SPDX-License-Identifier: MIT

// This file holds Dialer: the end of the engine that opens connections.

package engineio

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"socketio/internal/durations"
	"socketio/internal/lock"
	"socketio/internal/netpoll"
	"socketio/internal/telemetry"
)

// DialerOptions configure a Dialer. The zero value, and nil, mean the defaults, and so
// does each zero field. NewDialer copies the options. It panics on a duration below one
// millisecond, which is a number without its unit: 10*time.Second, not 10000.
type DialerOptions struct {
	// Transports lists the enabled transports, "polling" and "websocket". The first opens
	// the connection; "polling" followed by "websocket" upgrades. Defaults to both, in this
	// order.
	Transports []string
	// DisableUpgrades keeps a connection on polling if it began there.
	DisableUpgrades bool

	// Header is added to each request, for example Authorization or Origin.
	Header http.Header
	// Query is added to the query of each request.
	Query url.Values
	// Jar keeps cookies. A load balancer may need them to find the process that has the
	// session. Defaults to an empty jar for each connection.
	Jar http.CookieJar

	// TLS is used for https and wss URLs. Defaults to the settings of package tls.
	TLS *tls.Config
	// DialContext opens network connections. Defaults to the method of net.Dialer. A
	// *net.TCPConn that it returns moves to an event loop on Linux; any other connection
	// has a goroutine that reads.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Proxy returns the proxy for a request, or nil for none. Defaults to
	// http.ProxyFromEnvironment. WebSockets use the CONNECT method of an http or https
	// proxy.
	Proxy func(*http.Request) (*url.URL, error)

	// DialTimeout bounds Dial, from the resolution of the name to the open packet.
	// Defaults to 20 s.
	DialTimeout time.Duration
	// UpgradeTimeout is how long an upgrade may take; after that the connection stays on
	// polling. Defaults to 10 s.
	UpgradeTimeout time.Duration
	// WriteTimeout is how long the server may accept no byte at all while there is output,
	// and how long it may take to answer a POST whose body it has; then the connection
	// closes with ErrSlowConsumer. Defaults to 10 s.
	WriteTimeout time.Duration
	// MessageTimeout is how long one message may take to arrive over WebSocket; then the
	// connection closes. Defaults to 30 s.
	MessageTimeout time.Duration
	// PauseTimeout is how long a connection may stay paused; then it closes with
	// ErrPaused. Defaults to 5 min.
	PauseTimeout time.Duration

	// MaxPayload bounds one incoming message, in bytes; a larger one closes the
	// connection. Defaults to 1,000,000. For outgoing messages the server's bound holds:
	// Send returns ErrTooLarge.
	MaxPayload int
	// MaxQueueBytes and MaxQueueMessages bound the send queue of one connection, as those
	// of Options do. They default to 4 MiB and 16,384.
	MaxQueueBytes    int
	MaxQueueMessages int

	// Driver determines how WebSockets wait for the network. Defaults to DriverAuto.
	Driver Driver
	// Observers observe the connections, like those of Options.
	Observers []any
	// LogPackets logs packets, like that of Options.
	LogPackets string
	// Logger receives warnings and errors, and failed upgrades at level Debug. Defaults to
	// slog.Default.
	Logger *slog.Logger
}

// A Dialer opens connections to Engine.IO servers of protocol revision 4. Its event loops,
// clock and goroutines serve all of its connections and end with Close. All methods may be
// called from any goroutine.
type Dialer struct {
	shared

	opts   DialerOptions // with the defaults filled in
	http   *http.Transport
	ending context.Context // ends when Close begins
	end    context.CancelFunc
	once   sync.Once
	done   chan struct{} // closed when Close has ended

	running sync.WaitGroup // calls of Dial, and loops of polling; none begins after closing

	mu      lock.Mutex // guards the fields below
	conns   map[*Conn]struct{}
	closing bool
	empty   chan struct{} // closed when conns is empty; nil unless Close waits
}

// NewDialer returns a Dialer. opts may be nil. It panics on invalid options, with a message
// that names the option.
func NewDialer(opts *DialerOptions) *Dialer {
	d := &Dialer{conns: make(map[*Conn]struct{}), done: make(chan struct{})}
	if opts != nil {
		d.opts = *opts
	}
	d.opts.setDefaults()
	o := &d.opts
	d.owner = d
	d.shared.init(limits{
		pingInterval: time.Minute, pingTimeout: 5 * time.Second, // of a connection: the server's
		upgradeTimeout: o.UpgradeTimeout, writeTimeout: o.WriteTimeout,
		messageTimeout: o.MessageTimeout, pauseTimeout: o.PauseTimeout,
		maxPayload: o.MaxPayload, maxQueueBytes: o.MaxQueueBytes, maxQueueMessages: o.MaxQueueMessages,
	}, o.Logger)
	d.dials = true
	d.obs = newObservers(o.Logger, o.Observers)
	d.packets = newPacketLog(o.Logger, o.LogPackets)
	d.openPoller(o.Driver)
	d.ending, d.end = context.WithCancel(context.Background())
	d.http = &http.Transport{
		DialContext: o.DialContext, TLSClientConfig: o.TLS, Proxy: o.Proxy,
		MaxResponseHeaderBytes: maxResponseHeader, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 2,
	}
	return d
}

func (o *DialerOptions) setDefaults() {
	for _, option := range []struct {
		name  string
		value int
	}{{"MaxPayload", o.MaxPayload}, {"MaxQueueBytes", o.MaxQueueBytes}, {"MaxQueueMessages", o.MaxQueueMessages}} {
		if option.value < 0 {
			panic("engineio: DialerOptions." + option.name + " must not be negative")
		}
	}
	durations.CheckOptions("engineio: DialerOptions", o, time.Millisecond)
	setDefault(&o.DialTimeout, 20*time.Second)
	setDefault(&o.UpgradeTimeout, 10*time.Second)
	setDefault(&o.WriteTimeout, 10*time.Second)
	setDefault(&o.MessageTimeout, 30*time.Second)
	setDefault(&o.PauseTimeout, 5*time.Minute)
	setDefault(&o.MaxPayload, 1_000_000)
	setDefault(&o.MaxQueueBytes, 4<<20)
	setDefault(&o.MaxQueueMessages, 16384)
	if o.Transports = slices.Clone(o.Transports); len(o.Transports) == 0 {
		o.Transports = []string{Polling, WebSocket}
	}
	for _, t := range o.Transports {
		if t != Polling && t != WebSocket {
			panic("engineio: DialerOptions.Transports: unknown transport " + t + "; use \"polling\" or \"websocket\"")
		}
	}
	switch o.Driver {
	case DriverAuto, DriverPoll, DriverGoroutine:
	default:
		panic("engineio: DialerOptions.Driver: unknown driver " + string(o.Driver) + "; use DriverAuto, DriverPoll or DriverGoroutine")
	}
	if o.DialContext == nil {
		o.DialContext = new(net.Dialer).DialContext
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	o.Header = o.Header.Clone()
	o.Logger = telemetry.Logger(o.Logger)
}

// Dial opens a connection to the server at an http, https, ws or wss URL whose path is
// that of the server, such as "http://localhost:3000/engine.io/", which is the default
// path. Resolving, connecting, TLS and the handshake run on the goroutine of the caller;
// ctx and DialerOptions.DialTimeout bound them, and nothing afterwards. accept is called
// before any message arrives, and returns the Handler of the connection.
func (d *Dialer) Dial(ctx context.Context, rawURL string, accept func(*Conn) Handler) (*Conn, error) {
	if accept == nil {
		panic("engineio: Dial: accept is nil")
	}
	if !d.begin() {
		return nil, ErrClosed
	}
	defer d.running.Done()
	ctx, cancel := context.WithTimeoutCause(ctx, d.opts.DialTimeout, errDialTimeout)
	defer cancel()
	stop := context.AfterFunc(d.ending, cancel)
	defer stop()
	a, err := d.newAddress(rawURL)
	if err != nil {
		return nil, err
	}
	var c *Conn
	if d.opts.Transports[0] == WebSocket {
		c, err = d.dialWebSocket(ctx, a, accept)
	} else {
		c, err = d.dialPolling(ctx, a, accept)
	}
	if err != nil {
		return nil, dialError(ctx, d.ending, err)
	}
	return c, nil
}

var errDialTimeout = errors.New("engineio: no answer within DialerOptions.DialTimeout; is the path that of an Engine.IO server?")

// dialError returns the reason for a failed dial. The cause of an ended context comes first.
func dialError(ctx, ending context.Context, err error) error {
	if ending.Err() != nil {
		return ErrClosed
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("engineio: dial: %w (%w)", cause, err)
	}
	return err
}

// begin admits a goroutine, which must call running.Done. It reports false once the Dialer
// is closing.
func (d *Dialer) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closing {
		d.running.Add(1)
	}
	return !d.closing
}

// newConn makes a connection from an open packet and adds it to the table. It reports false
// once the Dialer is closing.
func (d *Dialer) newConn(a *address, open *openPacket) (*Conn, bool) {
	c := newConn(&d.shared, request{id: open.SID, revision: 4, opening: dialedOpening(a.base.RequestURI(), a.base.Host, a.base.Scheme == "https")})
	own := d.limits
	own.pingInterval = time.Duration(open.PingInterval) * time.Millisecond
	own.pingTimeout = time.Duration(open.PingTimeout) * time.Millisecond
	c.given, c.beat.awaits = &given{limits: &own, maxPayload: open.MaxPayload}, true
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		return nil, false
	}
	d.conns[c] = struct{}{}
	return c, true
}

// Close closes all connections and waits until all goroutines of the Dialer have ended. It
// drops the send queues: to send them, call Conn.Close first and wait for
// Handler.HandleClose. Close must not be called from a Handler.
func (d *Dialer) Close() error {
	d.once.Do(func() {
		d.mu.Lock()
		d.closing = true
		conns := make([]*Conn, 0, len(d.conns))
		for c := range d.conns {
			conns = append(conns, c)
		}
		d.mu.Unlock()
		d.end()
		for _, c := range conns {
			c.finish(ReasonForcedClose, ErrClosed, ending{code: closeNormal})
		}
		d.awaitEmpty(netpoll.LingerTimeout)
		for _, c := range conns {
			c.closed()
		}
		d.running.Wait()
		d.shared.close()
		d.http.CloseIdleConnections()
		close(d.done)
	})
	<-d.done
	return nil
}

// awaitEmpty waits until all connections have sent their close, for at most limit.
func (d *Dialer) awaitEmpty(limit time.Duration) {
	d.mu.Lock()
	if len(d.conns) == 0 {
		d.mu.Unlock()
		return
	}
	empty := make(chan struct{})
	d.empty = empty
	d.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	}
}

// forget implements owner.
func (d *Dialer) forget(c *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
	if d.empty != nil && len(d.conns) == 0 {
		close(d.empty)
		d.empty = nil
	}
}

// inBackground implements owner.
func (d *Dialer) inBackground() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closing { // else Close ends all
		d.background.Add(1)
	}
	return !d.closing
}

// The rest of owner concerns servers.

func (d *Dialer) retire(*Conn)                     {}
func (d *Dialer) upgraded(*Conn)                   {}
func (d *Dialer) established(*Conn)                {}
func (d *Dialer) outlive(*Conn, int)               {}
func (d *Dialer) settled(*Conn)                    {}
func (d *Dialer) relieve()                         {}
func (d *Dialer) closeWait(bool) time.Duration     { return closeTimeout }
func (d *Dialer) unheard(CloseReason, error, bool) {}
