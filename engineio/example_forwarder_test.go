// SPDX-License-Identifier: MIT

// This file holds the example of Forwarder.

package engineio_test

import (
	"fmt"
	"net/http"

	"socketio/engineio"
)

// A neighbour forwards to the other server in this process. Package forward has one that
// forwards over the network.
type neighbour struct {
	tag    string
	target engineio.ForwardTarget
	others map[string]*neighbour
}

func (n *neighbour) Attach(t engineio.ForwardTarget) (tag string) {
	n.target = t
	return n.tag
}

func (n *neighbour) Forward(w http.ResponseWriter, r *http.Request, tag string, admitted bool) (reason string) {
	other := n.others[tag]
	if other == nil {
		return "unknown_server"
	}
	other.target.Serve(w, r, admitted)
	return ""
}

func (*neighbour) Close() error { return nil }

// Two servers behind a load balancer that sends each request to either of them.
func ExampleForwarder() {
	others := make(map[string]*neighbour)
	var servers []*engineio.Server
	for _, tag := range []string{"a", "b"} {
		others[tag] = &neighbour{tag: tag, others: others}
		srv := engineio.NewServer(&engineio.Options{Forward: others[tag]}, func(c *engineio.Conn) engineio.Handler { return echo{c} })
		defer srv.Close()
		servers = append(servers, srv)
	}
	turn := 0
	client := poll(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn++
		servers[turn%2].ServeHTTP(w, r)
	}))
	defer client.close()
	fmt.Println(client.post("4by the one"))
	fmt.Println(client.post("4by the other"))
	fmt.Println(client.get() == "4by the one\x1e4by the other")
	fmt.Println(answer(servers[0], handshake+"&sid=c.aaaaaaaaaaaaaaaaaaaa").Status)
	// Output:
	// ok
	// ok
	// true
	// 400 Bad Request
}
