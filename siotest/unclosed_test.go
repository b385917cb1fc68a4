// SPDX-License-Identifier: MIT

// This file tests a server that is never closed, which ends the test program: it runs in
// its own.

package siotest_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"

	"socketio"
	"socketio/siotest"
)

const unclosedVariable = "SIOTEST_UNCLOSED"

func TestUnclosedServer(t *testing.T) {
	if how := os.Getenv(unclosedVariable); how != "" {
		synctest.Test(t, func(t *testing.T) { unclosed(t, how) })
		return
	}
	for how, names := range map[string]bool{
		"websocket": true, "polling": true, "upgrade": true,
		"deferred": false, "cleanup": false, "option": false, "unused": false,
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestUnclosedServer$")
		cmd.Env = append(os.Environ(), unclosedVariable+"="+how)
		out, err := cmd.CombinedOutput()
		named := strings.Contains(string(out), "siotest: nobody has told how to close the server behind the handler, a *http.ServeMux") &&
			strings.Contains(string(out), "set ServerOptions.Close")
		if named != names || (err != nil) != names {
			t.Errorf("%s: %v\n%.600s", how, err, out)
		}
	}
}

// unclosed uses a server behind a mux, which has no Close.
func unclosed(t *testing.T, how string) {
	io := socketio.NewServer(nil)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	opts := &siotest.ServerOptions{}
	transport := siotest.WebSocket
	switch how {
	case "polling", "upgrade":
		transport = siotest.Transport(how)
	case "deferred":
		defer io.Close()
	case "cleanup":
		t.Cleanup(func() { _ = io.Close() })
	case "option":
		opts.Close = io.Close
	}
	srv := siotest.NewServerWith(t, mux, opts)
	if how != "unused" {
		srv.ConnectWith(&siotest.ClientOptions{Transport: transport}).Disconnect()
	}
}
