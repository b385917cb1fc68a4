// SPDX-License-Identifier: MIT

// This file checks that each server of a Redis Cluster delivers what is published to it.
// With one server, the heartbeats of package cluster do.

package redisadapter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"socketio/adapter/cluster"
)

const (
	probeEvery  = 5 * time.Second
	probeAnswer = 3 * time.Second // how long a probe may take to come back
)

// classProbe is the class of channels that no other node has.
const classProbe = cluster.Class(255)

// A prober has a channel at each server, to which it publishes, and which it receives.
type prober struct {
	finder *finder
	table  *table
	box    *outbox
	prefix string
	ctx    context.Context

	mu     sync.Mutex // guards the field below
	probes map[*node]*probe
}

// A probe is a channel at one server.
type probe struct {
	channel cluster.Channel
	ready   bool      // it is subscribed
	sent    time.Time // of the message that has not come back, or zero
}

// run sends probes until the bus is closed.
func (p *prober) run() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var last time.Time
	for {
		select {
		case now := <-ticker.C:
			p.check(now)
			if now.Sub(last) >= probeEvery {
				last = now
				p.send(now)
			}
		case <-p.ctx.Done():
			return
		}
	}
}

// check makes new connections to the servers whose probes have not come back.
func (p *prober) check(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, one := range p.probes {
		if !one.sent.IsZero() && now.Sub(one.sent) >= probeAnswer && n.err() == nil {
			one.sent = time.Time{}
			n.reset()
		}
	}
}

// send sends a probe to each server of a Redis Cluster.
func (p *prober) send(now time.Time) {
	r := p.finder.routes.Load()
	if r == nil || r.one != nil {
		return
	}
	p.mu.Lock()
	before := p.probes
	p.probes = make(map[*node]*probe)
	var add, remove []cluster.Channel
	var out []message
	for _, n := range r.all {
		one := before[n]
		if one == nil || r.node(p.topic(one.channel).name) != n {
			one = &probe{channel: p.find(r, n)}
			add = append(add, one.channel)
		} else {
			delete(before, n)
		}
		p.probes[n] = one
		if one.ready && n.err() == nil {
			out = append(out, message{channel: p.topic(one.channel).name})
			if one.sent.IsZero() {
				one.sent = now
			}
		}
	}
	for _, one := range before {
		remove = append(remove, one.channel)
	}
	p.mu.Unlock()
	p.table.remove(remove, p.topic)
	for _, c := range add {
		p.table.add([]cluster.Channel{c}, p.topic, func(err error) { p.subscribed(c, err) })
	}
	for _, m := range out {
		_ = p.box.Put(m) // full: then other messages are on the way
	}
}

// topic returns what is subscribed to for the channel of a probe.
func (p *prober) topic(c cluster.Channel) topic {
	return topic{p.prefix + "-probe#" + c.Name + "#", false}
}

// find returns a channel that a server has.
func (p *prober) find(r *routes, n *node) cluster.Channel {
	own := rand.Uint64()
	for i := 0; ; i++ {
		c := cluster.Channel{Class: classProbe, Name: fmt.Sprintf("%x-%d", own, i)}
		if r.node(p.topic(c).name) == n {
			return c
		}
	}
}

func (p *prober) subscribed(c cluster.Channel, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.probes {
		if one.channel == c {
			one.ready = err == nil
		}
	}
}

// heard is called when a probe comes back.
func (p *prober) heard(c cluster.Channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.probes {
		if one.channel == c {
			one.sent = time.Time{}
		}
	}
}
