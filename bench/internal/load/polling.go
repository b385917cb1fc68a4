// SPDX-License-Identifier: MIT

//go:build linux

// This file holds clients over long-polling: as in browsers, one connection for what
// comes and one for what is sent.

package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Pollers are clients over long-polling. Each has a goroutine while it echoes: what
// they cost is the driver's, not the server's.
type Pollers struct {
	addr    string
	clients []*poller
}

// NewPollers connects n clients, which join the namespace "/".
func NewPollers(t *Target, n int) (*Pollers, error) {
	p := &Pollers{addr: (&net.TCPAddr{IP: t.addr[:], Port: t.port}).String()}
	for range n {
		c := &poller{addr: p.addr}
		p.clients = append(p.clients, c)
		if err := c.join(); err != nil {
			p.Leave()
			return nil, fmt.Errorf("load: polling: %w", err)
		}
	}
	return p, nil
}

// Echo lets every client send each message once the answer to the one before has come,
// and returns how many answers came.
func (p *Pollers) Echo(each int) (ops int, err error) {
	done := make(chan error, len(p.clients))
	for _, c := range p.clients {
		// Ends after its echoes, or at the deadline of its connections.
		go func() { done <- c.echo(each) }()
	}
	for range p.clients {
		err = errors.Join(err, <-done)
	}
	return len(p.clients) * each, err
}

// Leave closes the sessions and all connections.
func (p *Pollers) Leave() {
	for _, c := range p.clients {
		if c.sid != "" {
			_, _ = c.post("1") // the connections close in any case
		}
		c.in.close()
		c.out.close()
	}
}

type poller struct {
	addr, sid string
	in, out   line
}

func (c *poller) join() error {
	body, err := c.get()
	if err != nil {
		return err
	}
	var open struct{ SID string }
	if text, ok := strings.CutPrefix(body, "0"); !ok || json.Unmarshal([]byte(text), &open) != nil {
		return fmt.Errorf("the server begins with %q", body)
	}
	c.sid = open.SID
	if _, err = c.post("40"); err != nil {
		return err
	}
	return c.await("40")
}

func (c *poller) echo(each int) error {
	for range each {
		if _, err := c.post(echoPacket); err != nil {
			return err
		}
		if err := c.await("42"); err != nil {
			return err
		}
	}
	return nil
}

// await polls until a packet that begins so has come.
func (c *poller) await(prefix string) error {
	for {
		body, err := c.get()
		if err != nil {
			return err
		}
		for packet := range strings.SplitSeq(body, "\x1e") {
			switch {
			case strings.HasPrefix(packet, prefix):
				return nil
			case packet == "2":
				if _, err := c.post("3"); err != nil {
					return err
				}
			case packet != "6":
				return fmt.Errorf("the server has sent %.100q", packet)
			}
		}
	}
}

func (c *poller) get() (string, error) { return c.in.do(c.addr, http.MethodGet, c.sid, "") }

func (c *poller) post(packet string) (string, error) {
	return c.out.do(c.addr, http.MethodPost, c.sid, packet)
}

// A line is one connection, used by one request at a time.
type line struct {
	conn net.Conn
	br   *bufio.Reader
}

func (l *line) do(addr, method, sid, body string) (string, error) {
	if l.conn == nil {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return "", err
		}
		l.conn, l.br = conn, bufio.NewReader(conn)
	}
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s /socket.io/?EIO=4&transport=polling", method)
	if sid != "" {
		b.WriteString("&sid=" + sid)
	}
	fmt.Fprintf(&b, " HTTP/1.1\r\nHost: %s\r\n%s", addr, browserHeaders(addr))
	if method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	if _, err := io.WriteString(l.conn, b.String()); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(l.br, nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d %.100q", resp.StatusCode, answer)
	}
	return string(answer), err
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
	}
}
