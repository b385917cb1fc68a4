// SPDX-License-Identifier: MIT

// This file holds Proxied, a node between which and its broker the network fails.

package clusterhost

import (
	"context"
	"net"
	"strconv"
	"testing"

	"socketio/adapter/cluster"
	"socketio/internal/faultnet"
)

// A Proxied node reaches its broker by a proxy of its own. It implements adaptertest.Faults.
type Proxied struct {
	*cluster.Cluster
	*faultnet.Proxy
}

// NewProxied starts a proxy before the broker at addr, and a node that reaches the broker at
// the address of the proxy.
func NewProxied(t testing.TB, addr string, node func(addr string) *cluster.Cluster) Proxied {
	proxy, err := faultnet.Listen(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return Proxied{node(net.JoinHostPort("127.0.0.1", strconv.Itoa(proxy.Port()))), proxy}
}

// Close closes the node.
func (p Proxied) Close(ctx context.Context) error { return p.Cluster.Close(ctx) }

// Break implements adaptertest.Faults, as the methods below do.
func (p Proxied) Break() {
	p.Refuse(1 << 30)
	p.Cut(faultnet.Reset)
}

// Mend ends Break.
func (p Proxied) Mend() { p.Refuse(0) }

// Pause keeps all bytes back.
func (p Proxied) Pause() { p.Stall(faultnet.Both) }

// Resume ends Pause.
func (p Proxied) Resume() { p.Heal() }

// Kill is Break: the node can't tell the others.
func (p Proxied) Kill() { p.Break() }
