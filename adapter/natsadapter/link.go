// SPDX-License-Identifier: MIT

// This file holds the connection.

package natsadapter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"socketio/adapter/cluster"
)

const (
	connectsIn = 3 * time.Second // a connection and its handshake
	writesIn   = 5 * time.Second // what is written
	answersIn  = 10 * time.Second
	pingEvery  = 5 * time.Second
	firstPause = 50 * time.Millisecond // between two attempts to connect
	longPause  = time.Second
)

// A linkUser hears of the connection. Its methods are called by one goroutine at a time.
type linkUser interface {
	connected()        // after each connection
	disconnected()     // after the end of each
	refused(err error) // when NATS refuses something
}

// A link makes the connection again whenever it breaks. nats.go connects, finds the other
// servers of a NATS cluster, and subscribes again. The link knows the connection of the
// operating system, so that it can end it although nats.go is blocked.
type link struct {
	options nats.Options
	state   *state
	counts  *Counts
	ctx     context.Context
	user    linkUser

	mostBytes atomic.Int64 // of a message; 0 before the first connection

	mu     sync.Mutex // guards the fields below
	nc     *nats.Conn // nil before the first attempt
	raw    net.Conn
	broken error         // why the link has ended the connection
	epoch  int           // number of connections
	up     chan struct{} // closed while there is a connection
	isUp   bool
	during context.Context // ends with the connection; nil before the first one
	ended  context.CancelFunc
	closed chan struct{} // closed after the end of nc
}

// newLink returns a link. The fields ctx and user are still to be set.
func newLink(urls string, o *Options, s *state) *link {
	l := &link{state: s, counts: o.Counts, up: make(chan struct{})}
	l.options = nats.GetDefaultOptions()
	for _, u := range strings.Split(urls, ",") {
		l.options.Servers = append(l.options.Servers, strings.TrimSpace(u))
	}
	return l
}

// configure applies the options of the user, and then those that this package needs.
func (l *link) configure(more []nats.Option) error {
	o := &l.options
	for _, option := range more {
		if option == nil {
			continue
		}
		if err := option(o); err != nil {
			return err
		}
	}
	if o.Timeout == nats.DefaultTimeout {
		o.Timeout = connectsIn
	}
	o.CustomDialer = &dialer{link: l, custom: o.CustomDialer, plain: o.Dialer}
	o.AllowReconnect, o.RetryOnFailedConnect, o.MaxReconnect = true, true, -1
	o.IgnoreAuthErrorAbort, o.ReconnectOnFlusherError = true, true
	o.ReconnectBufSize = -1 // nothing is kept for later
	o.CustomReconnectDelayCB = func(attempts int) time.Duration {
		return min(firstPause<<min(attempts-1, 10), longPause)
	}
	o.FlusherTimeout, o.PingInterval, o.MaxPingsOut = writesIn, pingEvery, 1
	o.NoEcho = false
	o.ReconnectedCB = l.connected
	o.DisconnectedErrCB = l.disconnected
	o.ReconnectErrCB = func(_ *nats.Conn, err error) { l.state.set(causeConnection, down(err)) }
	o.AsyncErrorCB = l.failed
	o.LameDuckModeHandler = l.leave
	return nil
}

// A dialer makes connections that a link can end.
type dialer struct {
	link   *link
	custom nats.CustomDialer
	plain  *net.Dialer
}

// Dial implements nats.CustomDialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	if err := d.link.ctx.Err(); err != nil {
		return nil, err
	}
	var c net.Conn
	var err error
	if d.custom != nil {
		c, err = d.custom.Dial(network, address)
	} else {
		plain := net.Dialer{Timeout: d.link.options.Timeout}
		if d.plain != nil {
			plain = *d.plain
		}
		c, err = plain.DialContext(d.link.ctx, network, address)
	}
	if err != nil {
		return nil, err
	}
	d.link.mu.Lock()
	defer d.link.mu.Unlock()
	d.link.raw = c
	return c, nil
}

// run connects. It ends when there is a connection that nats.go makes again, or with ctx.
func (l *link) run() {
	for l.ctx.Err() == nil {
		known, closed := make(chan struct{}), make(chan struct{})
		o := l.options
		o.ConnectedCB = func(nc *nats.Conn) {
			<-known // it may be called before Connect returns
			l.connected(nc)
		}
		o.ClosedCB = func(*nats.Conn) { close(closed) }
		nc, err := o.Connect()
		if err == nil {
			l.mu.Lock()
			l.nc, l.closed = nc, closed
			l.mu.Unlock()
		}
		close(known)
		if err == nil {
			select {
			case <-closed: // nats.go has given up
			case <-l.ctx.Done():
				return
			}
		} else {
			l.state.set(causeConnection, down(err))
		}
		pause := time.NewTimer(longPause)
		select {
		case <-pause.C:
		case <-l.ctx.Done():
		}
		pause.Stop()
	}
}

// connected is called by nats.go after each connection. It calls one of these methods at a
// time, in order.
func (l *link) connected(nc *nats.Conn) {
	l.mu.Lock()
	if l.nc != nc || l.isUp {
		l.mu.Unlock()
		return
	}
	l.isUp, l.broken = true, nil
	l.epoch++
	l.during, l.ended = context.WithCancel(l.ctx)
	close(l.up)
	l.mu.Unlock()
	l.counts.Connected.Add(1)
	l.mostBytes.Store(nc.MaxPayload())
	l.state.connected()
	l.user.connected()
}

func (l *link) disconnected(_ *nats.Conn, err error) {
	l.mu.Lock()
	if l.broken != nil {
		err = l.broken
	}
	if l.isUp {
		l.isUp, l.up = false, make(chan struct{})
		l.ended()
	}
	l.mu.Unlock()
	l.user.disconnected()
	if err == nil {
		err = errors.New("the connection has ended")
	}
	l.state.set(causeConnection, down(err))
}

// failed is called by nats.go for errors that do not end a connection.
func (l *link) failed(_ *nats.Conn, _ *nats.Subscription, err error) {
	switch {
	case errors.Is(err, nats.ErrSlowConsumer):
		l.counts.Slow.Add(1)
		l.end(errSlow)
	case errors.Is(err, nats.ErrPermissionViolation) || errors.Is(err, nats.ErrMaxSubscriptionsExceeded):
		l.counts.Denied.Add(1)
		l.user.refused(err)
	}
}

// leave is called when the server is about to end. It goes to another one, if there is one.
func (l *link) leave(nc *nats.Conn) {
	if len(nc.Servers()) > 1 && l.ctx.Err() == nil {
		_ = nc.ForceReconnect()
	}
}

// end ends the connection, and another is made. It does not wait.
func (l *link) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isUp && l.raw != nil {
		l.broken = why
		_ = l.raw.Close()
	}
}

// current returns the connection, which may be broken, or nil; and the number of
// connections, 0 without a connection.
func (l *link) current() (nc *nats.Conn, epoch int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isUp {
		return l.nc, 0
	}
	return l.nc, l.epoch
}

// asking returns a context for questions on the present connection: it ends with ctx, and
// when the connection ends, since an answer that is on its way then does not come.
func (l *link) asking(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isUp {
		cancel()
		return ctx, cancel
	}
	stop := context.AfterFunc(l.during, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// wait waits for a connection. It returns nil when ctx ends.
func (l *link) wait(ctx context.Context) *nats.Conn {
	for {
		l.mu.Lock()
		nc, up, is := l.nc, l.up, l.isUp
		l.mu.Unlock()
		if is {
			return nc
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil
		}
	}
}

// close ends the connection for good. run has ended, or ends with its context.
func (l *link) close(ctx context.Context) {
	l.mu.Lock()
	nc, closed := l.nc, l.closed
	l.mu.Unlock()
	if nc == nil {
		return
	}
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.raw != nil {
			_ = l.raw.Close()
		}
	})
	defer stop()
	nc.Close()
	<-closed
}

// fits returns an error if a message is larger than NATS takes.
func (l *link) fits(m *nats.Msg) error {
	const headers = 512 // more than those of this package
	if most := l.mostBytes.Load(); most > 0 && int64(len(m.Data)+headers+len(m.Header.Get(headerChannel))) > most {
		return fmt.Errorf("%w: max_payload of NATS is %d bytes", cluster.ErrTooLarge, most)
	}
	return nil
}

// refusedNow reports whether nats.go takes nothing because it is connecting.
func refusedNow(err error) bool {
	return errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionClosed)
}

// isNetwork reports whether an error is of the connection.
func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, net.ErrClosed)
}
