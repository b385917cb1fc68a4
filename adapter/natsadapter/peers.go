// SPDX-License-Identifier: MIT

// This file waits until all NATS servers know the subscriptions of this one.

package natsadapter

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// A NATS server confirms a subscription, and then tells the servers that it is connected
// with. A message that another of them receives in between does not arrive. What a server
// in Go publishes after its subscriptions follows them on every way. So each asks "sync",
// and is answered by one server in Go at each NATS server: those at one NATS server are a
// queue group with its name.
type peers struct {
	subject string
	ttl     time.Duration // how long a NATS server is known after it was heard of

	mu     sync.Mutex // guards the fields below
	own    string     // the NATS server of this one
	known  map[string]time.Time
	asking map[string]*question
	number uint64
}

// A question is a request for answers of NATS servers.
type question struct {
	missing map[string]bool
	done    chan struct{} // closed when none is missing
}

const (
	// headerServer has the NATS server of a sender.
	headerServer = "Socketio-Server"
	// peersAnswerIn is how long an answer is awaited. A NATS server that does not answer is
	// forgotten until it is heard of again.
	peersAnswerIn = 500 * time.Millisecond
)

func newPeers(subject string, ttl time.Duration) *peers {
	return &peers{subject: subject, ttl: ttl, known: make(map[string]time.Time), asking: make(map[string]*question)}
}

// joined records the NATS server of this one.
func (p *peers) joined(server string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = server
}

// heard records that servers in Go are connected to a NATS server.
func (p *peers) heard(server string) {
	if server == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	const most = 4096 // nobody has more NATS servers
	if _, ok := p.known[server]; ok || len(p.known) < most {
		p.known[server] = time.Now()
	}
}

// self returns the NATS server of this one.
func (p *peers) self() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.own
}

// ask returns a question to the NATS servers that are known, and its number, or nil if
// there is no other than that of this one.
func (p *peers) ask() (q *question, number string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q = &question{missing: make(map[string]bool), done: make(chan struct{})}
	for server, last := range p.known {
		switch {
		case time.Since(last) > p.ttl:
			delete(p.known, server)
		case server != p.own:
			q.missing[server] = true
		}
	}
	if len(q.missing) == 0 {
		return nil, ""
	}
	p.number++
	number = "p" + strconv.FormatUint(p.number, 36)
	p.asking[number] = q
	return q, number
}

// answered records an answer.
func (p *peers) answered(subject, server string) {
	p.heard(server)
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.asking[subject[strings.LastIndexByte(subject, '.')+1:]]
	if q == nil {
		return
	}
	if delete(q.missing, server); len(q.missing) == 0 && q.done != nil {
		close(q.done)
		q.done = nil
	}
}

// forget ends a question. Those that have not answered are known no longer.
func (p *peers) forget(number string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for server := range p.asking[number].missing {
		delete(p.known, server)
	}
	delete(p.asking, number)
}

// reach waits until all NATS servers that are known have the subscriptions of nc. inbox is
// the beginning of a subject for answers.
func (p *peers) reach(ctx context.Context, nc *nats.Conn, inbox string) error {
	q, number := p.ask()
	if q == nil {
		return nil
	}
	defer p.forget(number)
	done := q.done
	if err := nc.PublishRequest(p.subject, inbox+"."+number, []byte(p.self())); err != nil {
		return err
	}
	timer := time.NewTimer(peersAnswerIn)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
