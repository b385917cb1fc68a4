// SPDX-License-Identifier: MIT

// This file holds the connection that receives.

package pgadapter

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// A listener keeps a connection that listens to the channels of the table.
type listener struct {
	config  *pgx.ConnConfig
	table   *table
	state   *state
	format  *format
	receive func(b *adapter.Batch, c cluster.Channel, data []byte)
	reader  *reader // of logs; nil in Notify
	ctx     context.Context
	link    atomic.Pointer[link]
	heard   atomic.Int64 // when the last notification came

	// The fields below are of the goroutine.

	inbox []*pgconn.Notification // that are not handled yet
	batch adapter.Batch          // what messages have caused
	wakes bool                   // the connection listens to the channel of the reader
}

// deafAfter is how long nothing must have come before a connection counts as deaf. A
// message that is late while others come is behind them.
const deafAfter = 3 * time.Second

// reset makes a new connection, unless messages come on this one.
func (l *listener) reset() {
	if time.Since(time.Unix(0, l.heard.Load())) < deafAfter {
		return
	}
	l.state.receives(errReset)
	if link := l.link.Load(); link != nil {
		link.cut()
	}
}

// run keeps the connection until the bus is closed. After a connection that has lasted, the
// first attempt is made at once; what was notified before it succeeds is lost all the same.
func (l *listener) run() {
	var p pause
	for l.ctx.Err() == nil {
		began := time.Now()
		serving, err := l.serve()
		if l.ctx.Err() != nil {
			return
		}
		l.state.receives(err)
		if serving && time.Since(began) > steadyAfter {
			p = 0
		} else if !p.wait(l.ctx) {
			return
		}
	}
}

// serve connects, listens and receives until the connection breaks. It reports whether it
// has listened.
func (l *listener) serve() (serving bool, err error) {
	l.table.lost()
	l.inbox, l.wakes = nil, false
	link, err := connect(l.ctx, l.config, func(n *pgconn.Notification) { l.inbox = append(l.inbox, n) })
	if err != nil {
		return false, err
	}
	defer link.end()
	defer context.AfterFunc(l.ctx, link.cut)()
	l.link.Store(link)
	defer l.link.Store(nil)
	if l.reader != nil {
		l.reader.begin()
	}
	for {
		if l.ctx.Err() != nil {
			return serving, l.ctx.Err()
		}
		more, err := l.look(link)
		if err != nil {
			return serving, err
		}
		if !serving {
			serving = true
			l.state.receives(nil)
		}
		if !more {
			err = l.wait(link)
		}
		if err != nil {
			return serving, err
		}
		if err := l.handle(link); err != nil {
			return serving, err
		}
	}
}

// look listens to what is wanted, and reads the logs. more reports whether there is more to
// read.
func (l *listener) look(link *link) (more bool, err error) {
	add, remove := l.table.changes()
	names := add
	if !l.wakes && l.reader != nil {
		names = append([]string{l.reader.channel}, add...)
	}
	if len(names)+len(remove) > 0 {
		if err := change(l.ctx, link, names, remove); err != nil {
			return false, err
		}
	}
	l.wakes = true
	l.table.changed(add, remove)
	if l.reader == nil {
		return false, nil
	}
	return l.reader.read(l.ctx, link)
}

// wait waits for a notification, or until the table has changed. It takes those too that
// were read with it.
func (l *listener) wait(link *link) error {
	if len(l.inbox) > 0 {
		return nil
	}
	ctx, end, ok := l.table.begin(l.ctx)
	if !ok {
		return nil
	}
	err := link.PgConn().WaitForNotification(ctx)
	interrupted := ctx.Err() != nil
	end()
	if err != nil && (!interrupted || link.IsClosed()) {
		return err
	}
	if link.PgConn().Frontend().ReadBufferLen() == 0 {
		return nil
	}
	return l.drain(link)
}

// mostAtOnce is about how many notifications are taken before they are handled.
const mostAtOnce = 256

// drain takes notifications that have come. It waits only for the rest of one.
func (l *listener) drain(link *link) error {
	defer link.within(l.ctx, answersIn)()
	for c := link.PgConn(); len(l.inbox) < mostAtOnce && c.Frontend().ReadBufferLen() > 0; {
		if _, err := c.ReceiveMessage(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// change listens to names and to others no longer, in one message.
func change(ctx context.Context, link *link, add, remove []string) error {
	defer link.within(ctx, answersIn)()
	var sql strings.Builder
	for _, name := range add {
		sql.WriteString("LISTEN " + pgx.Identifier{name}.Sanitize() + ";")
	}
	for _, name := range remove {
		sql.WriteString("UNLISTEN " + pgx.Identifier{name}.Sanitize() + ";")
	}
	return link.PgConn().Exec(context.Background(), sql.String()).Close()
}

// handle passes the notifications on that have come, in order. Others may come meanwhile.
// What they cause leaves in one write for each client.
func (l *listener) handle(link *link) error {
	defer l.batch.Flush()
	for len(l.inbox) > 0 {
		n := l.inbox[0]
		l.inbox[0] = nil
		l.inbox = l.inbox[1:]
		l.heard.Store(time.Now().UnixNano())
		if l.reader != nil && n.Channel == l.reader.channel {
			l.reader.woken(n.Payload)
			continue
		}
		c, ok := l.table.channel(n.Channel)
		if !ok {
			continue // unsubscribed a moment ago
		}
		data, attachment, own := l.format.read(n.Payload)
		if own {
			continue
		}
		if attachment != "" {
			l.batch.Flush()
			var err error
			if data, err = l.fetch(link, attachment); err != nil {
				return err
			}
			if data == nil {
				data = []byte(n.Payload) // not a message: it is counted and logged
			}
		}
		l.receive(&l.batch, c, data)
	}
	l.inbox = nil
	return nil
}

// fetch reads an attachment. It returns nil if it does not exist.
func (l *listener) fetch(link *link, attachment string) (data []byte, err error) {
	id, err := strconv.ParseInt(attachment, 10, 64)
	if err != nil {
		return nil, nil
	}
	defer link.within(l.ctx, answersIn)()
	err = link.QueryRow(context.Background(), l.format.selectSQL(), id).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) || codeOf(err) != "" && !link.IsClosed() {
		return nil, nil
	}
	return data, err
}
