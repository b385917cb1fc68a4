// SPDX-License-Identifier: MIT

//go:build linux

// This file holds clients over TLS or with compressed messages. They are
// github.com/coder/websocket's, with a goroutine each while they echo.

package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Secure are such clients.
type Secure struct {
	Latency Latency

	mu    sync.Mutex // guards Latency
	conns []*websocket.Conn
	echo  []byte
}

// NewSecure connects n clients, over TLS or with compression, which join the namespace "/".
func NewSecure(t *Target, n int, secure bool) (*Secure, error) {
	s := &Secure{echo: []byte(echoPacket)}
	url := "ws://" + t.host
	opts := &websocket.DialOptions{CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: 1}
	if secure {
		url = "wss://" + t.host
		// The certificate is the benchmark's own, new for each server.
		opts = &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}},
		}}}
	} else {
		s.echo = []byte(`42["echo","` + chatter + `"]`)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range n {
		c, _, err := websocket.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", opts)
		if err != nil {
			s.Leave()
			return nil, fmt.Errorf("load: %w", err)
		}
		s.conns = append(s.conns, c)
		if err = c.Write(ctx, websocket.MessageText, []byte("40")); err == nil {
			err = s.await(ctx, c, "40")
		}
		if err != nil {
			s.Leave()
			return nil, fmt.Errorf("load: joining: %w", err)
		}
	}
	return s, nil
}

// chatter is about 1 KB of text, which compresses as sentences do.
var chatter = func() string {
	var b strings.Builder
	for i := 0; b.Len() < 1000; i++ {
		fmt.Fprintf(&b, "message %d of a member says that %x of %d are here; ", i, i*2654435761, i*7)
	}
	return b.String()[:1000]
}()

// await reads until a packet that begins so has come.
func (s *Secure) await(ctx context.Context, c *websocket.Conn, prefix string) error {
	for {
		_, data, err := c.Read(ctx)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(string(data), prefix):
			return nil
		case string(data) == "2":
			if err := c.Write(ctx, websocket.MessageText, []byte("3")); err != nil {
				return err
			}
		}
	}
}

// Echo lets every client send each message once the answer to the one before has come,
// and returns how many answers came.
func (s *Secure) Echo(each int) (ops int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan error, len(s.conns))
	for _, c := range s.conns {
		// Ends after its echoes, or with ctx.
		go func() { done <- s.echoes(ctx, c, each) }()
	}
	for range s.conns {
		err = errors.Join(err, <-done)
	}
	return len(s.conns) * each, err
}

func (s *Secure) echoes(ctx context.Context, c *websocket.Conn, each int) error {
	for range each {
		begin := time.Now()
		if err := c.Write(ctx, websocket.MessageText, s.echo); err != nil {
			return err
		}
		if err := s.await(ctx, c, "42"); err != nil {
			return err
		}
		s.mu.Lock()
		s.Latency.Add(time.Since(begin))
		s.mu.Unlock()
	}
	return nil
}

// Leave closes all connections.
func (s *Secure) Leave() {
	for _, c := range s.conns {
		_ = c.CloseNow()
	}
}
