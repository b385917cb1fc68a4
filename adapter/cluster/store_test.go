// SPDX-License-Identifier: MIT

// This file tests the store that nodes share.

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A keeperNode is a node with sessions.
type keeperNode struct {
	*testing.T
	*cluster.Cluster
	bus   *membus.Node
	store adapter.SharedStore

	mu      sync.Mutex // guards the fields below
	sockets map[string]*adapter.Session
	claimed map[string]bool // a client is about to continue them
	stuck   bool            // handlers do not return
	taken   []string        // by Taken
}

// sharing returns nodes over a network, for one namespace.
func sharing(t *testing.T, network *membus.Network, r adapter.Retention, names ...string) []*keeperNode {
	t.Helper()
	var all []*keeperNode
	for _, name := range names {
		bus := network.Node(name)
		n := &keeperNode{T: t, Cluster: cluster.New(membus.WithLog{Node: bus}, &cluster.Options{Name: name}), bus: bus, sockets: make(map[string]*adapter.Session), claimed: make(map[string]bool)}
		info := adapter.Node{ID: name, Logger: slog.New(slog.DiscardHandler)}
		if err := n.Open(info); err != nil {
			t.Fatal(err)
		}
		n.store = n.Store().(adapter.SharedStore)
		if err := n.store.Open(info, r); err != nil {
			t.Fatal(err)
		}
		n.store.Serve(n)
		space := n.Adapter(&local{nsp: "/"})
		t.Cleanup(func() {
			_ = space.Close()
			_ = n.Close(context.Background())
		})
		all = append(all, n)
	}
	time.Sleep(time.Second)
	return all
}

var minute = adapter.Retention{Window: time.Minute, MaxBytes: 1 << 20, MaxSessions: 100}

// begins begins a session with a socket.
func (n *keeperNode) begins(secret string) {
	n.Helper()
	s := &adapter.Session{ID: "id of " + secret, Secret: secret, Data: []byte("{}"), Epoch: "e"}
	if err := n.store.Save(n.Context(), "/", s); err != nil {
		n.Fatalf("Save: %v", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sockets[secret] = s
}

// ends ends a session.
func (n *keeperNode) ends(secret string) {
	n.Helper()
	if err := n.HandOver(n.Context(), "/", secret); err != nil {
		n.Fatalf("the end: %v", err)
	}
}

// takes returns why a client of a session is not recovered on the node, or "" if it is.
func (n *keeperNode) takes(secret string, within time.Duration) string {
	ctx, cancel := context.WithTimeout(n.Context(), within)
	defer cancel()
	claim := func(yes bool) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.claimed[secret] = yes
	}
	claim(true)
	defer claim(false)
	s, err := n.store.Take(ctx, "/", secret)
	switch {
	case errors.Is(err, adapter.ErrTaken):
		return "taken"
	case errors.Is(err, adapter.ErrNoSession):
		return "none"
	case err != nil:
		return err.Error()
	case s.Ended.IsZero():
		return "not ended"
	}
	live := *s
	live.Ended = time.Time{}
	if err := n.store.Save(ctx, "/", &live); err != nil {
		return err.Error()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sockets[secret] = &live
	return ""
}

// HandOver implements adapter.Holder.
func (n *keeperNode) HandOver(ctx context.Context, namespace, secret string) error {
	n.mu.Lock()
	s, claimed, stuck := n.sockets[secret], n.claimed[secret], n.stuck
	n.mu.Unlock()
	if s == nil && claimed {
		return adapter.ErrTaken
	}
	if s == nil {
		return nil
	}
	if stuck {
		<-ctx.Done()
		return adapter.ErrTaken
	}
	ended := *s
	ended.Ended = time.Now()
	if err := n.store.Save(ctx, namespace, &ended); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.sockets, secret)
	return nil
}

// Held implements adapter.Holder.
func (n *keeperNode) Held() map[string][]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var secrets []string
	for secret := range n.sockets {
		secrets = append(secrets, secret)
	}
	return map[string][]string{"/": secrets}
}

// Taken implements adapter.Holder.
func (n *keeperNode) Taken(_ string, secrets []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, secret := range secrets {
		n.taken = append(n.taken, secret)
		delete(n.sockets, secret)
	}
}

// has returns the secrets of the sockets of the node, and of those that were taken.
func (n *keeperNode) has() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var secrets []string
	for secret := range n.sockets {
		secrets = append(secrets, secret)
	}
	slices.Sort(secrets)
	slices.Sort(n.taken)
	return strings.Join(secrets, " ") + "|" + strings.Join(n.taken, " ")
}

// expires returns the secrets of the sessions that expire on a node.
func (n *keeperNode) expires(before time.Time) string {
	n.Helper()
	var secrets []string
	if _, err := n.store.Expire(n.Context(), before, func(_ string, s *adapter.Session) { secrets = append(secrets, s.Secret) }); err != nil {
		n.Errorf("Expire: %v", err)
	}
	slices.Sort(secrets)
	return strings.Join(secrets, " ")
}

func TestNoStoreWithoutALog(t *testing.T) {
	if s := cluster.New(membus.New(1).Node("a"), nil).Store(); s != nil {
		t.Errorf("a bus without a log has a store: %v", s)
	}
}

// A node to which a client comes asks the one that has its socket to end it.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		network.Delay(5*time.Millisecond, 20*time.Millisecond)
		all := sharing(t, network, minute, "a", "b", "c")
		a, b, c := all[0], all[1], all[2]
		a.begins("live")
		begun := time.Now()
		want(t, "the first node", b.takes("live", time.Minute), "")
		want(t, "at once", time.Since(begun) < time.Second, true)
		want(t, "the sockets", a.has()+b.has(), "|live|")
		want(t, "the next node", c.takes("live", time.Minute), "")
		want(t, "the first again", a.takes("live", time.Minute), "")
		want(t, "the sockets", a.has()+b.has()+c.has(), "live|||")

		a.ends("live")
		want(t, "a session that has ended", c.takes("live", time.Minute), "")
		want(t, "an unknown one", c.takes("never", time.Minute), "none")
		c.ends("live")
		if err := c.store.Drop(t.Context(), "/", "live"); err != nil {
			t.Error(err)
		}
		want(t, "one that was dropped", c.takes("live", time.Minute), "none")

		// The handlers of the old socket do not return.
		a.begins("stuck")
		a.stuck = true
		begun = time.Now()
		want(t, "a socket that does not end", b.takes("stuck", 3*time.Second), "taken")
		want(t, "the wait", time.Since(begun), 3*time.Second)
		want(t, "the sockets", a.has()+b.has(), "stuck||")
	})
}

// The end of a session that could not be stored is stored when it is asked for, or later.
func TestLateEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		all := sharing(t, network, minute, "a", "b")
		a, b := all[0], all[1]
		failed := errors.New("failed")
		fail := func(node, method string) error {
			if node == "a" && (method == "Put" || method == "Drop") {
				return failed
			}
			return nil
		}
		for _, secret := range []string{"asked", "later", "dropped", "own"} {
			a.begins(secret)
		}
		network.FailSessions(fail, nil)
		for _, secret := range []string{"asked", "later", "own"} {
			a.sockets[secret].Ended = time.Now()
			if err := a.store.Save(t.Context(), "/", a.sockets[secret]); !errors.Is(err, failed) {
				t.Errorf("Save: %v", err)
			}
		}
		if err := a.store.Drop(t.Context(), "/", "dropped"); !errors.Is(err, failed) {
			t.Errorf("Drop: %v", err)
		}
		clear(a.sockets)
		want(t, "an end that can't be stored", b.takes("asked", 5*time.Second), "taken")
		network.FailSessions(nil, nil)
		want(t, "one that can", b.takes("asked", 5*time.Second), "")
		want(t, "on the node itself", a.takes("own", 5*time.Second), "")
		want(t, "expired", a.expires(time.Now().Add(-time.Minute)), "")
		want(t, "the sessions", strings.Join(network.Secrets("/"), " "), "asked later own")
		want(t, "the last", b.takes("later", 5*time.Second), "")
		want(t, "the sockets", a.has()+b.has(), "own|asked later|")
	})
}

// A session whose end can't be stored holds up no others, and is dropped after the window; one
// whose end is too large for the store, at once. Both are reported.
func TestEndsThatCanNotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		all := sharing(t, network, minute, "a", "b")
		a, b := all[0], all[1]
		var refusal error
		network.FailSessions(func(node, method string) error {
			if node == "a" && method == "Put" {
				return refusal
			}
			return nil
		}, nil)
		save := func(secret string, why error) {
			s := *a.sockets[secret]
			s.Ended, refusal = time.Now(), why
			if err := a.store.Save(t.Context(), "/", &s); !errors.Is(err, why) {
				t.Errorf("Save: %v", err)
			}
			delete(a.sockets, secret)
		}
		expires := func() string {
			var secrets []string
			_, err := a.store.Expire(t.Context(), time.Now().Add(-minute.Window), func(_ string, s *adapter.Session) { secrets = append(secrets, s.Secret) })
			return fmt.Sprint(secrets, err)
		}
		for _, secret := range []string{"other", "stuck", "large"} {
			a.begins(secret)
		}
		a.ends("other")
		save("large", cluster.ErrTooLarge)
		want(t, "one that is too large", b.takes("large", 5*time.Second), "none")
		want(t, "expired", expires(), "[large] <nil>")
		time.Sleep(30 * time.Second)
		save("stuck", errors.New("refused"))
		time.Sleep(31 * time.Second)
		want(t, "expired, while one can't be stored", expires(), "[other] refused")
		want(t, "the sessions", strings.Join(network.Secrets("/"), " "), "stuck")
		time.Sleep(30 * time.Second)
		want(t, "expired, after its window", expires()+expires(), "[] <nil>[stuck] <nil>")
		want(t, "the sessions", strings.Join(network.Secrets("/"), " "), "")
	})
}

// A session counts once among those that have ended, however often its client comes and goes.
func TestClientThatComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retention := minute
		retention.MaxSessions = 2
		all := sharing(t, membus.New(1), retention, "a", "b")
		a, b := all[0], all[1]
		a.begins("other")
		a.begins("comes and goes")
		a.ends("other")
		for _, next := range []*keeperNode{a, b, a, b, a, a} {
			for _, n := range all {
				n.ends("comes and goes")
			}
			want(t, "the one that comes and goes", next.takes("comes and goes", time.Second), "")
		}
		want(t, "the other", a.takes("other", time.Second), "")
		a.begins("first")
		a.begins("last")
		a.ends("first")
		a.ends("other")
		a.ends("last")
		want(t, "the first of three", b.takes("first", time.Second), "none")
		want(t, "the last", b.takes("last", time.Second), "")
	})
}

// Requests of other nodes that wait for clients do not keep a session on its node.
func TestHandOverBesideRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		all := sharing(t, network, minute, "a", "b")
		a, b := all[0], all[1]
		silent := &local{nsp: "/silent", block: make(chan struct{})}
		asks, answers := b.Adapter(&local{nsp: "/silent"}), a.Adapter(silent)
		settled()
		a.begins("s")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ask := func() *adapter.Call {
			c := adapter.NewCall()
			if err := asks.ServerSideEmitWithAck(ctx, adapter.Payload{JSON: []byte(`["e"]`)}, c); err != nil {
				t.Error(err)
			}
			c.Seal()
			return c
		}
		for range 1024 { // MaxAnswering
			defer ask().Close()
		}
		synctest.Wait()
		want(t, "the session", b.takes("s", 5*time.Second), "")
		begun, last := time.Now(), ask()
		_, answered := last.Next(ctx)
		want(t, "an answer to one more", answered, false)
		want(t, "at once", time.Since(begun) < time.Second, true)
		last.Close()
		close(silent.block)
		synctest.Wait()
		_, _ = asks.Close(), answers.Close()
	})
}

// Of many clients with one secret, on three nodes, one gets the session.
func TestOneTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		network.Delay(0, 20*time.Millisecond)
		all := sharing(t, network, minute, "a", "b", "c")
		for round := range 20 {
			secret := fmt.Sprint("s", round)
			all[round%3].begins(secret)
			if round%2 == 0 {
				all[round%3].ends(secret)
			}
			var takers sync.WaitGroup
			got := make([]string, 2)
			for i := range got { // a node asks once at a time for each secret
				takers.Go(func() { got[i] = all[(round+1+i)%3].takes(secret, time.Minute) })
			}
			takers.Wait()
			holders := 0
			for _, n := range all {
				if strings.Contains(" "+n.has(), " "+secret+"|") {
					holders++
				}
				n.sockets = make(map[string]*adapter.Session)
			}
			if !slices.Contains(got, "") || holders != 1 {
				t.Errorf("round %d: %q, %d nodes have the session", round, got, holders)
			}
		}
	})
}

// The sessions of a node that was killed go to others when its lease has lapsed; those of
// one that says that it ends, at once.
func TestDeadOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := sharing(t, membus.New(1), minute, "a", "b", "c")
		a, b, c := all[0], all[1], all[2]
		a.begins("killed")
		c.begins("closed")
		a.bus.Kill()
		begun := time.Now()
		want(t, "the session of a killed node", b.takes("killed", time.Minute), "")
		if wait := time.Since(begun); wait < 4*time.Second || wait > 12*time.Second {
			t.Errorf("it was taken after %v", wait)
		}
		time.Sleep(20 * time.Second)
		_ = c.Close(t.Context())
		begun = time.Now()
		want(t, "the session of a node that was closed", b.takes("closed", time.Minute), "")
		want(t, "at once", time.Since(begun) < time.Second, true)

		// A node that has just begun has not heard the others: it waits.
		late := sharing(t, membus.New(1), minute, "d")[0]
		if err := late.bus.Sessions().Put(t.Context(), "/", "0123456789abcdef", &adapter.Session{ID: "i", Secret: "old"}); err != nil {
			t.Fatal(err)
		}
		begun = time.Now()
		want(t, "the session of a node of before", late.takes("old", time.Minute), "")
		want(t, "the wait", time.Since(begun) > 8*time.Second, true)
	})
}

// A node that was frozen for longer than its lease lets nothing of its clients in before
// the sockets have ended whose sessions were taken.
func TestFrozenNodeLosesSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		network.Delay(time.Millisecond, 5*time.Millisecond)
		all := sharing(t, network, minute, "a", "b")
		a, b := all[0], all[1]
		for _, secret := range []string{"stays", "leaves", "dropped"} {
			a.begins(secret)
		}
		time.Sleep(time.Minute)
		want(t, "a node that works", a.store.Lapsed(), false)

		a.bus.Pause()
		want(t, "taken", b.takes("leaves", time.Minute)+b.takes("dropped", time.Minute), "")
		if err := b.store.Drop(t.Context(), "/", "dropped"); err != nil {
			t.Error(err)
		}
		want(t, "the frozen node", a.store.Lapsed(), true)
		done := make(chan string, 1)
		go func() { done <- fmt.Sprint(a.store.Await(context.Background()), " ", a.has()) }()
		time.Sleep(5 * time.Second)
		want(t, "those who wait", len(done), 0)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		want(t, "a wait that ends", a.store.Await(short), context.DeadlineExceeded)
		a.bus.Resume()
		want(t, "the sockets, when it goes on", <-done, "<nil> stays|dropped leaves")
		want(t, "afterwards", a.store.Lapsed(), false)
		time.Sleep(time.Minute)
		want(t, "a minute later", a.store.Lapsed(), false)

		// The store does not answer: all sockets are ended.
		a.bus.Pause()
		time.Sleep(30 * time.Second)
		failed := errors.New("failed")
		network.FailSessions(func(string, string) error { return failed }, nil)
		a.bus.Resume()
		begun, beats := time.Now(), b.Stats().Heartbeats
		want(t, "Await", a.store.Await(t.Context()), nil)
		synctest.Wait()
		if beats = b.Stats().Heartbeats - beats; beats > 110 {
			t.Errorf("%d heartbeats while the store failed at once", beats)
		}
		if wait := time.Since(begun); wait < 9*time.Second || wait > 12*time.Second {
			t.Errorf("the store was asked for %v", wait)
		}
		want(t, "the sockets", a.has(), "|dropped leaves stays")
	})
}

// A node whose bus is down serves its clients alone. When the bus works again, it ends the
// sockets whose sessions were taken meanwhile.
func TestNodeThatWasCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := sharing(t, membus.New(1), minute, "a", "b")
		a, b := all[0], all[1]
		a.begins("stays")
		a.begins("leaves")
		a.bus.Break()
		want(t, "taken", b.takes("leaves", time.Minute), "")
		time.Sleep(time.Minute)
		want(t, "a node without bus", a.store.Lapsed(), false)
		want(t, "its sockets", a.has(), "leaves stays|")
		a.mu.Lock()
		a.sockets["new"] = new(adapter.Session) // it could not be saved
		a.mu.Unlock()
		a.bus.Mend()
		time.Sleep(5 * time.Second)
		want(t, "its sockets, when the bus works", a.has(), "new stays|leaves")
		want(t, "a node with its bus", a.store.Lapsed(), false)
	})
}

// A node that is frozen while it takes a session asks once more whose it is when it goes on.
func TestFrozenWhileItTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		all := sharing(t, network, minute, "a", "b")
		a, b := all[0], all[1]
		a.begins("ended")
		a.ends("ended")
		network.Delay(time.Second, time.Second)
		taken := make(chan string, 1)
		go func() { taken <- b.takes("ended", time.Minute) }()
		time.Sleep(2500 * time.Millisecond) // it knows whose it is, and takes it
		network.Delay(10*time.Second, 10*time.Second)
		time.Sleep(3 * time.Second)
		network.Delay(0, 0)
		want(t, "the session", <-taken, "")
	})
}

// Sessions expire on the node that had the socket, or when it is dead on another.
func TestSharedExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retention := minute
		retention.MaxSessions = 3
		all := sharing(t, membus.New(1), retention, "a", "b", "c")
		a, b, c := all[0], all[1], all[2]
		ago := func() time.Time { return time.Now().Add(-retention.Window) }
		a.begins("live")
		a.begins("ended")
		a.ends("ended")
		time.Sleep(50 * time.Second)
		want(t, "too early", a.expires(ago())+b.expires(ago()), "")
		time.Sleep(11 * time.Second)
		want(t, "on another node", b.expires(ago()), "")
		want(t, "on its node", a.expires(ago()), "ended")
		want(t, "again", a.expires(ago()), "")

		b.begins("killed")
		a.begins("of b's client")
		a.ends("of b's client")
		b.bus.Kill()
		for range 6 {
			time.Sleep(11 * time.Second)
			want(t, "while clients of the dead node may come back", c.expires(ago()), "")
		}
		time.Sleep(15 * time.Second)
		want(t, "when they may not", c.expires(ago()), "killed")
		want(t, "on the living", a.expires(ago()), "of b's client")

		// More than MaxSessions: those that have ended first go.
		for i := range 5 {
			secret := fmt.Sprint("s", i)
			a.begins(secret)
			a.ends(secret)
		}
		want(t, "the oldest", c.takes("s0", time.Minute)+" "+c.takes("s1", time.Minute), "none none")
		want(t, "a later one", c.takes("s2", time.Minute), "")
		want(t, "reported", a.expires(ago()), "s0 s1")
		want(t, "again", a.expires(ago()), "")
	})
}
