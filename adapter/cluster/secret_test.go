// SPDX-License-Identifier: MIT

// This file tests the secret of a cluster, and the data in its heartbeats.

package cluster_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/adapter/nodewire"
)

var secret, otherSecret = []byte("0123456789abcdef"), []byte("0123456789abcdeF")

// A crier is an Announcer that records its calls.
type crier struct {
	data json.RawMessage

	mu   sync.Mutex // guards the fields below
	node string
	seen map[string]string // of the others, by uid
	left int
}

func (c *crier) Announcement(node string) json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.node = node
	return c.data
}

func (c *crier) Announced(node string, data json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[node] = string(data)
}

func (c *crier) Left(node string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[node] != "" {
		c.left++
	}
	delete(c.seen, node)
}

func (c *crier) of(other *crier) string {
	other.mu.Lock()
	node := other.node
	other.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[node]
}

func newCrier(data string) *crier {
	return &crier{data: json.RawMessage(data), seen: make(map[string]string)}
}

// The data of a node reach the others at once, change with a heartbeat, and end with the
// node.
func TestAnnouncer(t *testing.T) {
	for name, codec := range map[string]cluster.Codec{"envelope": cluster.Envelope{}, "packed": cluster.Envelope{Packed: true}, "classic": cluster.Classic{}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := membus.New(1)
				one, two, three := newCrier(`{"url":"http://a?<é>"}`), newCrier(`[1,2.5,"x"]`), newCrier("")
				three.data = nil
				options := func(c *crier) *cluster.Options {
					return &cluster.Options{Codec: codec, Secret: secret, Announcer: c}
				}
				newNode(t, network, "a", options(one))
				b := newNode(t, network, "b", options(two))
				c := newNode(t, network, "c", options(three))
				settled()
				want(t, "a's data at b", two.of(one), `{"url":"http://a?<é>"}`)
				want(t, "a's data at c", three.of(one), `{"url":"http://a?<é>"}`)
				want(t, "b's data at a", one.of(two), `[1,2.5,"x"]`)
				want(t, "c has none", one.of(three), "")
				two.mu.Lock()
				two.data = json.RawMessage(`{"new":true}`)
				two.mu.Unlock()
				time.Sleep(6 * time.Second)
				want(t, "b's data changed", one.of(two), `{"new":true}`)
				two.mu.Lock()
				two.data = json.RawMessage(`"` + strings.Repeat("x", 4<<10) + `"`)
				two.mu.Unlock()
				time.Sleep(6 * time.Second)
				want(t, "b's data are too long", one.of(two), `{"new":true}`)
				want(t, "lines of the log", min(1, len(b.log.lines("4 KiB"))), 1)
				b.bus.Kill()
				time.Sleep(12 * time.Second)
				want(t, "b has died", fmt.Sprint(one.of(two), one.left), "1")
				_ = c.space.Close()
				_ = c.Close(t.Context())
				want(t, "c has ended: it had none", one.left, 1)
			})
		})
	}
}

// A node without the secret, or with another, is no member. Neither is one whose
// heartbeats are repeated later, or said to be of another.
func TestSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", &cluster.Options{Secret: secret}), newNode(t, network, "b", &cluster.Options{Secret: secret})
		foe := foe(t, network)
		settled()
		want(t, "nodes", a.count(a.space), 2)
		want(t, "dropped", a.Stats().Dropped, 0)
		newNode(t, network, "c", nil)
		newNode(t, network, "d", &cluster.Options{Secret: otherSecret})
		settled()
		want(t, "nodes beside strangers", a.count(a.space), 2)
		want(t, "all nodes beside strangers", a.Nodes(), 2)
		want(t, "lines of the log", len(a.log.lines("without the secret")), 1)

		var beat, hello published
		for _, p := range b.bus.since(0) {
			switch {
			case p.channel.Class == cluster.ClassNodes:
				beat = p
			case p.channel.Class == cluster.ClassRequests && strings.Contains(p.data, `"type":1,`):
				hello = p
			}
		}
		dropped := a.Stats().Dropped
		uid := beat.data[strings.Index(beat.data, `"uid":"`)+7:][:16]
		forgeries := []published{
			{beat.channel, strings.Replace(beat.data, uid, "0000000000000000", 1)},
			{beat.channel, strings.Replace(beat.data, `"name":"`, `"name":"x`, 1)},
			{beat.channel, strings.Replace(beat.data, `"spaces":[`, `"spaces":["/x",`, 1)},
			{beat.channel, strings.Replace(beat.data, `"spaces":`, `"extra":{"url":"x"},"spaces":`, 1)},
			{beat.channel, strings.Replace(beat.data, `"type":2`, `"type":13`, 1)},
			{hello.channel, strings.NewReplacer(`"type":1,`, `"type":13,`, `"n":1`, `"n":99`).Replace(hello.data)},
			{beat.channel, `{"type":13,"uid":"` + uid + `"}`},
			{hello.channel, `{"type":13,"uid":"` + uid + `","nsp":"/"}`},
			{hello.channel, `{"type":1,"uid":"0000000000000000","nsp":"/"}`},
		}
		for _, f := range forgeries {
			if err := foe.Publish(f.channel, []byte(f.data)); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		want(t, "dropped forgeries", a.Stats().Dropped-dropped, uint64(len(forgeries)))
		want(t, "nodes after forgeries", a.count(a.space), 2)
		b.bus.Kill()
		time.Sleep(2 * time.Minute)
		if err := foe.Publish(beat.channel, []byte(beat.data)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		want(t, "nodes after an old heartbeat", a.count(a.space), 1)
	})
}

// Sealed messages can't be changed, invented or moved to another namespace.
func TestSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		options := &cluster.Options{Secret: secret, Sealed: true}
		a, b := newNode(t, network, "a", options), newNode(t, network, "b", options)
		foe := foe(t, network)
		m := b.join("m")
		other := b.Adapter(&local{nsp: "/other"})
		stranger := &member{id: "stranger", space: other}
		other.Add(stranger, nil)
		settled()
		if err := a.emit("one"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		var event published
		for _, p := range a.bus.since(0) {
			if p.channel.Class == cluster.ClassEvents {
				event = p
			}
		}
		dropped := b.Stats().Dropped
		plain, err := nodewire.AppendEnvelope(nil, &nodewire.Message{Kind: nodewire.KindSocketsJoin, From: "x", Namespace: "/", Rooms: []string{"r"}}, false)
		if err != nil {
			t.Error(err)
		}
		for _, f := range []published{
			event, // again
			{event.channel, strings.Replace(event.data, "one", "two", 1)},
			{event.channel, string(plain)}, {event.channel, "\xc1"}, {event.channel, ""}, {event.channel, event.data[:40]},
			{cluster.Channel{Class: cluster.ClassEvents, Namespace: "/other"}, event.data},
		} {
			if err := foe.Publish(f.channel, []byte(f.data)); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		want(t, "the member got", m.heard(), "one")
		want(t, "a member of another namespace got", stranger.heard(), "")
		want(t, "dropped", b.Stats().Dropped-dropped, 6)
		want(t, "repeated", b.Stats().Repeated, 1)
		want(t, "nodes", b.count(b.space), 2)
		_ = other.Close()
	})
}

func TestBadSecrets(t *testing.T) {
	for name, o := range map[string]cluster.Options{"short": {Secret: []byte("short")}, "empty": {Secret: []byte{}}, "sealed without": {Sealed: true}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: New does not panic", name)
				}
			}()
			cluster.New(membus.New(1).Node("a"), &o)
		}()
	}
}
