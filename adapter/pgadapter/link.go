// SPDX-License-Identifier: MIT

// This file holds a connection, which is ended by closing its socket: nothing is asked of a
// server that does not answer.

package pgadapter

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A link is a connection to Postgres. Its methods are called by one goroutine at a time,
// except cut.
type link struct {
	*pgx.Conn
	wire *wire
	idle time.Time // when it was last used
}

// A wire is the socket of a link.
type wire struct {
	dial pgconn.DialFunc

	mu     sync.Mutex // guards the fields below
	conn   net.Conn   // the latest
	closed bool
	fixed  bool // no further dials: pgx would ask the server to cancel what it does
}

var errCut = errors.New("the connection was ended")

func (w *wire) open(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	refused := w.closed || w.fixed
	w.mu.Unlock()
	if refused {
		return nil, errCut
	}
	c, err := w.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = c.Close()
		return nil, errCut
	}
	w.conn = c
	return c, nil
}

// cut closes the socket, also of a connection that is being made.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

// connect makes a connection. notified, if not nil, takes the notifications.
func connect(ctx context.Context, config *pgx.ConnConfig, notified func(*pgconn.Notification)) (*link, error) {
	config = config.Copy()
	w := &wire{dial: config.DialFunc}
	config.DialFunc = w.open
	if notified != nil {
		config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { notified(n) }
	}
	ctx, cancel := context.WithTimeout(ctx, 2*config.ConnectTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, w.cut)
	c, err := pgx.ConnectConfig(ctx, config)
	if !stop() && err == nil {
		err = errCut
	}
	if err != nil {
		if c != nil {
			(&link{Conn: c, wire: w}).end()
		}
		w.cut()
		return nil, err
	}
	w.mu.Lock()
	w.fixed = true
	w.mu.Unlock()
	return &link{Conn: c, wire: w}, nil
}

// cut ends the connection. It may be called from any goroutine.
func (l *link) cut() { l.wire.cut() }

// within ends the connection after a time, or when ctx ends, unless stop is called before.
func (l *link) within(ctx context.Context, d time.Duration) (stop func()) {
	t := time.AfterFunc(d, l.cut)
	unwatch := context.AfterFunc(ctx, l.cut)
	return func() {
		t.Stop()
		unwatch()
	}
}

// end closes the connection. It says goodbye if the server takes it at once.
func (l *link) end() {
	if !l.IsClosed() {
		t := time.AfterFunc(time.Second/4, l.cut)
		_ = l.Close(context.Background())
		t.Stop()
	}
	l.cut()
	<-l.PgConn().CleanupDone()
}

// links are connections for statements that may take long. They are opened when needed.
type links struct {
	config *pgx.ConnConfig
	ctx    context.Context // of the bus
	slots  chan struct{}   // one token for each connection

	mu     sync.Mutex // guards the fields below
	idle   []*link
	closed bool
}

func newLinks(ctx context.Context, config *pgx.ConnConfig, most int) *links {
	return &links{config: config, ctx: ctx, slots: make(chan struct{}, most)}
}

// do calls fn with a connection. A connection with which fn fails is not used again, unless
// the server has answered. It returns an error that wraps ErrDown without a connection.
func (p *links) do(ctx context.Context, fn func(l *link) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ctx.Done():
		return down(errCut)
	}
	defer func() { <-p.slots }()
	l, err := p.take(ctx)
	if err != nil {
		return down(err)
	}
	stop := l.within(p.ctx, answersIn)
	unwatch := context.AfterFunc(ctx, l.cut)
	err = fn(l)
	cut := !unwatch()
	stop()
	if cut || l.IsClosed() || l.PgConn().TxStatus() != 'I' {
		l.end()
		if err != nil && codeOf(err) == "" && !noRows(err) {
			return errors.Join(ctx.Err(), down(err))
		}
		return err
	}
	p.give(l)
	return err
}

func (p *links) take(ctx context.Context) (*link, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		l := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return l, nil
	}
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	return connect(ctx, p.config, nil)
}

func (p *links) give(l *link) {
	l.idle = time.Now()
	p.mu.Lock()
	if !p.closed {
		p.idle = append(p.idle, l)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	l.end()
}

// noRows reports whether a statement has found nothing.
func noRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// forget closes the connections that were not used since a time.
func (p *links) forget(since time.Time) {
	p.mu.Lock()
	var old, kept []*link
	for _, l := range p.idle {
		if l.idle.Before(since) {
			old = append(old, l)
		} else {
			kept = append(kept, l)
		}
	}
	p.idle = kept
	p.mu.Unlock()
	for _, l := range old {
		l.end()
	}
}

// close closes all connections, and waits for those in use, which end with the context of
// the bus.
func (p *links) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.forget(time.Now().Add(time.Hour))
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
}
