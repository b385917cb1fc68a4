// SPDX-License-Identifier: MIT

// This file starts servers that are one.

package natstest

import (
	"fmt"
	"strings"
	"testing"

	"socketio/internal/tether"
)

// StartCluster starts three servers that are one cluster. config is more of the
// configuration of each. They end with the test.
func StartCluster(t testing.TB, config string) []*Server {
	t.Helper()
	var err error
	for range attempts {
		var all []*Server
		if all, err = startCluster(t, config); err == nil {
			return all
		}
	}
	t.Fatalf("natstest: %v", err)
	return nil
}

func startCluster(t testing.TB, config string) ([]*Server, error) {
	all := make([]*Server, 3)
	var routes []string
	for i := range all {
		all[i] = newServer(t)
		port, err := tether.FreePort()
		if err == nil {
			err = all[i].ChoosePort()
		}
		if err != nil {
			return nil, err
		}
		routes = append(routes, fmt.Sprintf("nats-route://127.0.0.1:%d", port))
	}
	errs := make(chan error, len(all))
	for i, s := range all {
		s.more = config + fmt.Sprintf("cluster { name: %q, listen: %q, routes: [%s] }\n",
			"cluster-of-"+all[0].name, strings.TrimPrefix(routes[i], "nats-route://"), strings.Join(routes, ", "))
		go func() { errs <- s.Run() }()
	}
	var err error
	for range all {
		if e := <-errs; e != nil {
			err = e
		}
	}
	if err != nil {
		for _, s := range all {
			s.Kill()
		}
	}
	return all, err
}

// URLs returns the addresses of servers, separated by commas.
func URLs(all []*Server) string {
	var urls []string
	for _, s := range all {
		urls = append(urls, s.URL())
	}
	return strings.Join(urls, ",")
}
