// SPDX-License-Identifier: MIT

// This file holds a connection for the commands of tests, which must not depend on the
// client library that is tested.

package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// An Error is an error that the server has answered.
type Error string

func (e Error) Error() string { return string(e) }

// A Conn sends commands and reads replies. It is for one goroutine.
type Conn struct {
	conn net.Conn
	in   *bufio.Reader
}

// dialTimeout limits the connecting, and commandTimeout a command.
const (
	dialTimeout    = time.Second
	commandTimeout = 20 * time.Second
)

// Dial connects to a server.
func Dial(addr string) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, dialTimeout)
	if err != nil {
		return nil, err
	}
	return &Conn{conn: c, in: bufio.NewReader(c)}, nil
}

// Close closes the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

// Do sends a command and returns its reply: a string, an int64, an []any, or nil. An
// error reply is returned as an Error.
func (c *Conn) Do(args ...string) (any, error) {
	if err := c.Send(args...); err != nil {
		return nil, err
	}
	return c.Receive()
}

// Send sends a command. Receive returns its reply.
func (c *Conn) Send(args ...string) error {
	_ = c.conn.SetDeadline(time.Now().Add(commandTimeout))
	out := strconv.AppendInt([]byte{'*'}, int64(len(args)), 10)
	for _, arg := range args {
		out = strconv.AppendInt(append(out, "\r\n$"...), int64(len(arg)), 10)
		out = append(append(out, "\r\n"...), arg...)
	}
	_, err := c.conn.Write(append(out, "\r\n"...))
	return err
}

// Receive reads a reply, or a message of a subscribed channel.
func (c *Conn) Receive() (any, error) {
	_ = c.conn.SetDeadline(time.Now().Add(commandTimeout))
	line, err := c.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < len("+\r\n") {
		return nil, errors.New("redistest: an empty reply")
	}
	text := line[1 : len(line)-2]
	switch line[0] {
	case '+':
		return text, nil
	case '-':
		return nil, Error(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("redistest: reply %q", line)
	}
	switch line[0] {
	case ':':
		return n, nil
	case '$':
		if n < 0 {
			return nil, nil
		}
		b := make([]byte, n+2)
		_, err := io.ReadFull(c.in, b)
		return string(b[:n]), err
	case '*':
		if n < 0 {
			return nil, nil
		}
		all := make([]any, n)
		for i := range all {
			var refused Error
			if all[i], err = c.Receive(); errors.As(err, &refused) {
				all[i] = refused
			} else if err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return nil, fmt.Errorf("redistest: reply %q", line)
}
