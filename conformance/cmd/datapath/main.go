// SPDX-License-Identifier: MIT

// Command datapath sends one event each way that docs/DESIGN.md describes, and writes
// which lines ran, into a directory for each way. tools/datapath builds it with
// coverage in mode atomic, runs it, and compares.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/coverage"
	"strings"

	"socketio"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: datapath DIRECTORY")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	server := socketio.NewServer(nil)
	defer server.Close()
	handled := make(chan string, 1)
	sockets := make(chan *socketio.Socket, 1)
	server.OnConnection(func(s *socketio.Socket) {
		s.On("in", func(text string) { handled <- text })
		if err := s.Join("room"); err != nil {
			log.Fatal(err)
		}
		sockets <- s
	})
	srv := httptest.NewServer(server)
	defer srv.Close()

	c, err := dial(srv.Listener.Addr().String())
	if err != nil {
		return err
	}
	defer c.conn.Close()
	socket := <-sockets
	sid, err := poll(srv.URL, sockets)
	if err != nil {
		return err
	}
	for _, way := range []struct {
		name string
		send func() error
		done func() error
	}{
		{"in-websocket", func() error { return c.write(`42["in","a"]`) }, func() error { <-handled; return nil }},
		{"in-polling", func() error { _, err := request(srv.URL, http.MethodPost, sid, `42["in","b"]`); return err }, func() error { <-handled; return nil }},
		{"out-socket", func() error { return socket.Emit("out", "c") }, func() error { return c.want(`42["out","c"]`) }},
		{"out-room", func() error { return server.To("room").Emit("out", "d") }, func() error { return c.want(`42["out","d"]`) }},
	} {
		if err := record(filepath.Join(dir, way.name), way.send, way.done); err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return nil
}

// record writes the lines that run between the beginning of send and the end of done.
func record(dir string, send, done func() error) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := coverage.ClearCounters(); err != nil {
		return err
	}
	if err := send(); err != nil {
		return err
	}
	if err := done(); err != nil {
		return err
	}
	if err := coverage.WriteCountersDir(dir); err != nil {
		return err
	}
	return coverage.WriteMetaDir(dir)
}

// A client is a WebSocket that has joined "/". It reads short text frames only. It is not
// that of the tests, which stands on internal/ws: lines that the client runs would count
// as the server's.
type client struct {
	conn net.Conn
	br   *bufio.Reader
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, br: bufio.NewReader(conn)}
	_, err = fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n", addr)
	if err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the server answers %s", resp.Status)
	}
	if err := c.want("0{"); err != nil {
		return nil, err
	}
	if err := c.write("40"); err != nil {
		return nil, err
	}
	return c, c.want("40{")
}

// write writes a text frame, masked with the key zero.
func (c *client) write(text string) error {
	_, err := c.conn.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...))
	return err
}

// want reads a frame that begins so.
func (c *client) want(begin string) error {
	var head [2]byte
	if _, err := io.ReadFull(c.br, head[:]); err != nil {
		return err
	}
	size := int(head[1])
	if size == 126 {
		var long [2]byte
		if _, err := io.ReadFull(c.br, long[:]); err != nil {
			return err
		}
		size = int(long[0])<<8 | int(long[1])
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(c.br, data); err != nil {
		return err
	}
	if !strings.HasPrefix(string(data), begin) {
		return fmt.Errorf("got %s, want %s", data, begin)
	}
	return nil
}

// poll opens a session over polling, joins "/", and leaves no poll behind.
func poll(url string, sockets <-chan *socketio.Socket) (sid string, err error) {
	open, err := request(url, http.MethodGet, "", "")
	if err != nil {
		return "", err
	}
	_, sid, _ = strings.Cut(open, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	if _, err := request(url, http.MethodPost, sid, "40"); err != nil {
		return "", err
	}
	<-sockets
	_, err = request(url, http.MethodGet, sid, "")
	return sid, err
}

func request(url, method, sid, body string) (string, error) {
	url += "/socket.io/?EIO=4&transport=polling"
	if sid != "" {
		url += "&sid=" + sid
	}
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", method, resp.Status, text)
	}
	return string(text), err
}
