// SPDX-License-Identifier: MIT

// This file tests POSTs for sessions of a server that can't be reached.

package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The connection of the client is in order afterwards, although nobody has read the body.
func TestPostToAServerThatIsGone(t *testing.T) {
	w := serve(t, 2, nil)
	c := w.polling(0)
	w.servers[0].private.CloseClientConnections()
	_ = w.servers[0].private.Listener.Close()
	var errors logBook
	front := httptest.NewUnstartedServer(w.servers[1].engine)
	front.Config.ErrorLog = log.New(&errors, "", 0)
	front.Start()
	defer front.Close()
	nc, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "POST /engine.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n4text", c.Opened.SID)
	in := bufio.NewReader(nc)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "server_gone") || err != nil {
		t.Errorf("status %d, %s, %v", resp.StatusCode, body, err)
	}
	if !resp.Close {
		t.Error("the connection is kept, with a body that was not read")
	}
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("after the response: %q, %v", rest, err)
	}
	front.Close() // all handlers have ended
	if text := errors.String(); text != "" {
		t.Errorf("net/http says %s", text)
	}
}
