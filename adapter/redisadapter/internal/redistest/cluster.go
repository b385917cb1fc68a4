// SPDX-License-Identifier: MIT

// This file holds six servers as one Redis Cluster.

package redistest

import (
	"fmt"
	"strconv"
	"testing"
)

const (
	masters = 3
	slots   = 16384
	// nodeTimeout is after how many milliseconds the other servers replace a silent one.
	nodeTimeout = "2000"
)

// A Cluster has three masters, each with a replica.
type Cluster struct {
	// Servers are the masters, and then their replicas in the same order.
	Servers []*Server
	ids     map[*Server]string
}

// StartCluster starts six servers, and waits until each knows who has which slot.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{ids: make(map[*Server]string)}
	for i := range 2 * masters {
		s := (&Server{t: t, args: args, dir: t.TempDir(), clustered: true}).start()
		c.Servers = append(c.Servers, s)
		c.ids[s] = s.Must("CLUSTER", "MYID").(string)
		s.Must("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)) // so that they need not agree on them
		if i < masters {
			s.Must("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/masters), strconv.Itoa((i+1)*slots/masters-1))
		}
	}
	for i, s := range c.Servers {
		for _, other := range c.Servers[:i] { // all pairs: to wait for gossip takes seconds
			s.Must("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(other.Port()), strconv.Itoa(other.bus))
		}
	}
	for i, s := range c.Servers[masters:] {
		s.Until("CLUSTER", "NODES", c.ids[c.Servers[i]])
		s.Must("CLUSTER", "REPLICATE", c.ids[c.Servers[i]])
	}
	for _, s := range c.Servers {
		s.Until("CLUSTER", "INFO", "cluster_state:ok")
		for i := range masters {
			s.Until("CLUSTER", "SLOTS", c.ids[c.Servers[i+masters]])
		}
	}
	return c
}

// Addrs returns the addresses of all servers.
func (c *Cluster) Addrs() []string {
	var all []string
	for _, s := range c.Servers {
		all = append(all, s.Addr())
	}
	return all
}

// Slot returns the slot of a key or of a channel.
func (c *Cluster) Slot(key string) int {
	return int(c.Servers[0].Must("CLUSTER", "KEYSLOT", key).(int64))
}

// Master returns the server that has a slot, in the opinion of the first that lives.
func (c *Cluster) Master(slot int) *Server {
	for _, s := range c.Servers {
		reply, err := s.Do("CLUSTER", "SLOTS")
		if err != nil {
			continue
		}
		for _, r := range reply.([]any) {
			if r := r.([]any); r[0].(int64) <= int64(slot) && int64(slot) <= r[1].(int64) {
				return c.server(r[2].([]any)[2].(string))
			}
		}
	}
	return nil
}

func (c *Cluster) server(id string) *Server {
	for s, own := range c.ids {
		if own == id {
			return s
		}
	}
	return nil
}

// Replica returns the replica of one of the first masters.
func (c *Cluster) Replica(of *Server) *Server {
	for i, s := range c.Servers[:masters] {
		if s == of {
			return c.Servers[i+masters]
		}
	}
	return nil
}

// Promote makes a replica the master of its slots, and waits until all know that.
func (c *Cluster) Promote(replica *Server) {
	replica.t.Helper()
	replica.Must("CLUSTER", "FAILOVER")
	replica.Until("ROLE", "master")
	c.each(func(s *Server) {
		if s != replica {
			s.Until("CLUSTER", "NODES", fmt.Sprintf("%s 127.0.0.1:%d@%d master", c.ids[replica], replica.Port(), replica.bus))
		}
	})
}

// each calls do for the servers that answer.
func (c *Cluster) each(do func(s *Server)) {
	for _, s := range c.Servers {
		if _, err := s.Do("PING"); err == nil {
			do(s)
		}
	}
}

// MoveSlot gives a slot with its keys to another master, as a migration does.
func (c *Cluster) MoveSlot(slot int, to *Server) {
	to.t.Helper()
	from, number := c.Master(slot), strconv.Itoa(slot)
	if from == nil {
		to.t.Fatalf("redistest: nobody has slot %d", slot)
	}
	to.Must("CLUSTER", "SETSLOT", number, "IMPORTING", c.ids[from])
	from.Must("CLUSTER", "SETSLOT", number, "MIGRATING", c.ids[to])
	for {
		const atOnce = "100"
		keys := from.Must("CLUSTER", "GETKEYSINSLOT", number, atOnce).([]any)
		if len(keys) == 0 {
			break
		}
		command := []string{"MIGRATE", "127.0.0.1", strconv.Itoa(to.Port()), "", "0", "10000", "KEYS"}
		for _, key := range keys {
			command = append(command, key.(string))
		}
		from.Must(command...)
	}
	for _, s := range []*Server{to, from} {
		s.Must("CLUSTER", "SETSLOT", number, "NODE", c.ids[to])
	}
	c.each(func(s *Server) {
		s.Until("CLUSTER", "SLOTS", fmt.Sprintf("[%d %d [127.0.0.1 %d %s", slot, slot, to.Port(), c.ids[to]))
	})
}
