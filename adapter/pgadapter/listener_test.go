// SPDX-License-Identifier: MIT

// This file tests that the end of the connection that receives is reported.

package pgadapter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"socketio/adapter/cluster"
)

// A stateTap is a receiver that keeps the reports of the state.
type stateTap struct {
	mu   sync.Mutex // guards the field below
	told []string
}

func (s *stateTap) Receive(cluster.Channel, []byte) {}
func (s *stateTap) Up()                             { s.tell("up") }

func (s *stateTap) Down(err error) { s.tell(fmt.Sprint("down ", errors.Is(err, ErrDown))) }

func (s *stateTap) tell(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, what)
}

func (s *stateTap) want(t *testing.T, when string, told ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.told, told) {
		t.Errorf("%s: %q, want %q", when, s.told, told)
	}
	s.told = nil
}

// A fakePostgres accepts connections, and answers each statement with nothing.
type fakePostgres struct {
	all []net.Conn
}

func (f *fakePostgres) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	f.all = append(f.all, server)
	go serveNothing(server) // ends with the connection
	return client, nil
}

func serveNothing(c net.Conn) {
	b := pgproto3.NewBackend(c, c)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	b.Send(new(pgproto3.AuthenticationOk))
	for {
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if err := b.Flush(); err != nil {
			return
		}
		m, err := b.Receive()
		if _, ok := m.(*pgproto3.Query); err != nil || !ok {
			return
		}
		b.Send(&pgproto3.CommandComplete{CommandTag: []byte("LISTEN")})
	}
}

// What is notified while there is no connection that receives is lost, also if the next one
// is made at once: that is reported.
func TestLostListenerIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config, err := pgx.ParseConfig("postgres://user@127.0.0.1/db?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		postgres, tap := new(fakePostgres), new(stateTap)
		config.DialFunc = postgres.dial
		ctx, cancel := context.WithCancel(t.Context())
		l := &listener{config: connection(config), table: newTable(hashed("p")), state: newState(), ctx: ctx}
		l.table.add([]cluster.Channel{{}}, func(error) {})
		var work sync.WaitGroup
		work.Go(l.run)
		work.Go(func() { l.state.notify(ctx, tap) })
		for _, lasts := range []time.Duration{time.Second, steadyAfter + time.Second, steadyAfter + time.Second} {
			time.Sleep(lasts)
			tap.want(t, "while it is connected")
			_ = postgres.all[len(postgres.all)-1].Close()
			time.Sleep(steadyAfter / 2)
			tap.want(t, fmt.Sprint("a connection that has lasted ", lasts+steadyAfter/2), "down true", "up")
		}
		cancel()
		work.Wait()
	})
}

// An outage that has ended before it was reported is reported nevertheless.
func TestShortOutageIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tap := newState(), new(stateTap)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.receives(errReset)
		s.receives(nil)
		go s.notify(ctx, tap) // ends with ctx
		tap.want(t, "after an outage", "down true", "up")
		s.sends(nil)
		tap.want(t, "afterwards")
		s.receives(errReset)
		tap.want(t, "an outage", "down true")
		s.receives(nil)
		tap.want(t, "its end", "up")
	})
}
