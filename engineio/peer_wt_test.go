// SPDX-License-Identifier: MIT

// This file holds the client of a dialogue over WebTransport: its frames, on a stream of
// the dialogue's world.

package engineio_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"socketio/engineio"
	"socketio/internal/memnet"
	"socketio/internal/rawclient"
)

// withStreams returns options with WebTransport enabled besides the others.
func withStreams(options *engineio.Options) *engineio.Options {
	o := new(engineio.Options)
	if options != nil {
		*o = *options
	}
	o.Transports = []string{"polling", "websocket", "webtransport"}
	return o
}

// A wtPeer is a client on WebTransport.
type wtPeer struct {
	framePeer
	c      net.Conn
	in     *bufio.Reader // what the frames are read from
	served chan struct{} // closed when ServeStream has returned
	taken  atomic.Bool   // ServeStream has asked for the stream
	answer *httptest.ResponseRecorder
}

// streamPair is a connection of the world, both ends.
func (r *rig) streamPair() (client, server net.Conn) {
	r.t.Helper()
	if r.w.virtual {
		return memnet.Pipe(r.h.buffer)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		r.t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		r.t.Fatal(err)
	}
	return client, server
}

// stream opens a stream and sends nothing.
func (r *rig) stream(query string, headers ...string) *wtPeer {
	r.t.Helper()
	client, server := r.streamPair()
	p := &wtPeer{framePeer: framePeer{r: r, conn: client}, c: client, in: bufio.NewReader(client), served: make(chan struct{}), answer: httptest.NewRecorder()}
	frames := rawclient.NewStream(p.in, client)
	p.write = func(packet rawclient.Packet) error { return frames.Write(packet) }
	p.read = func() (string, error) {
		client.SetReadDeadline(time.Now().Add(r.w.patience))
		packet, err := frames.Read()
		if packet.Binary != nil {
			return "<" + hex.EncodeToString(packet.Binary) + ">", err
		}
		return packet.Text, err
	}
	r.keep(client)
	req := httptest.NewRequest(http.MethodConnect, "https://"+r.host+"/", nil)
	req.Host, req.RequestURI = r.host, r.path+"?"+query
	req.URL.Path, req.URL.RawQuery = r.path, query
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	go func() {
		defer close(p.served)
		r.srv.ServeStream(p.answer, req, func(context.Context) (net.Conn, error) {
			p.taken.Store(true)
			return server, nil
		})
		if !p.taken.Load() {
			server.Close()
		}
	}()
	r.w.t.Cleanup(func() { <-p.served })
	return p
}

// webtransport opens a session over WebTransport.
func (r *rig) webtransport(headers ...string) *wtPeer {
	r.t.Helper()
	p := r.stream("EIO=4&transport=webtransport", headers...)
	p.send("0")
	p.opened()
	return p
}

// candidate opens a stream for the session.
func (p *pollPeer) candidate() *wtPeer {
	p.r.t.Helper()
	c := p.r.stream("EIO=4&transport=webtransport&sid=" + p.open.SID)
	c.send(`0{"sid":"` + p.open.SID + `"}`)
	c.sid = p.open.SID
	return c
}

// wtFrame is a packet as a frame: bytes if it is written <hex>.
func wtFrame(packet string) []byte { return rawclient.StreamFrame(packetOf(packet)) }

func (p *wtPeer) raw(b []byte) {
	p.r.t.Helper()
	if _, err := p.c.Write(b); err != nil {
		p.r.t.Fatalf("write: %v", err)
	}
}

// wantRefused is wantEOF at once, not after UpgradeTimeout.
func (p *wtPeer) wantRefused(what string) {
	p.r.t.Helper()
	start := time.Now()
	p.wantEOF(what)
	if took := time.Since(start); p.r.w.virtual && took > 5*time.Second {
		p.r.t.Fatalf("%s: the stream ended after %v", what, took)
	}
}

// wantEnd expects the end of the stream and of the session, after any other frames.
func (p *wtPeer) wantEnd(what string) {
	p.r.t.Helper()
	var err error
	for err == nil {
		_, err = p.read()
	}
	if ne, ok := err.(net.Error); err == io.ErrUnexpectedEOF || ok && ne.Timeout() {
		p.r.t.Fatalf("%s: %v, want the end of the stream after a whole frame", what, err)
	}
	p.c.Close()
	p.r.side(p.id()).awaitEnd(what)
}
