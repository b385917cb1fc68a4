// SPDX-License-Identifier: MIT

// This file holds the client of a dialogue over WebTransport: its frames, on a stream of
// the dialogue's world.

package engineio_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"socketio/engineio"
	"socketio/internal/memnet"
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
	r      *rig
	c      net.Conn
	in     *bufio.Reader
	sid    string
	open   openPacket
	first  string        // the open packet as received
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
	p := &wtPeer{r: r, c: client, in: bufio.NewReader(client), served: make(chan struct{}), answer: httptest.NewRecorder()}
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
	p.first = p.next("the open packet")
	p.open = r.readOpen(p.first)
	p.sid = p.open.SID
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

func (p *wtPeer) id() string { return p.sid }

// wtFrame is a packet as a frame: bytes if it is written <hex>.
func wtFrame(packet string) []byte {
	data, bit := []byte(packet), byte(0)
	if inner, ok := strings.CutPrefix(packet, "<"); ok {
		data, _ = hex.DecodeString(strings.TrimSuffix(inner, ">"))
		bit = 0x80
	}
	var frame []byte
	switch n := len(data); {
	case n < 126:
		frame = []byte{bit | byte(n)}
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16([]byte{bit | 126}, uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64([]byte{bit | 127}, uint64(n))
	}
	return append(frame, data...)
}

func (p *wtPeer) send(packets ...string) {
	p.r.t.Helper()
	for _, packet := range packets {
		p.raw(wtFrame(packet))
	}
}

func (p *wtPeer) raw(b []byte) {
	p.r.t.Helper()
	if _, err := p.c.Write(b); err != nil {
		p.r.t.Fatalf("write: %v", err)
	}
}

func (p *wtPeer) read() (string, error) {
	p.c.SetReadDeadline(time.Now().Add(p.r.w.patience))
	head, err := p.in.ReadByte()
	if err != nil {
		return "", err
	}
	n := uint64(head & 0x7f)
	if more := map[uint64]int{126: 2, 127: 8}[n]; more > 0 {
		var b [8]byte
		if _, err := io.ReadFull(p.in, b[8-more:]); err != nil {
			return "", err
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	if n == 0 || n > 1<<30 {
		return "", errors.New("a frame of an impossible length")
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(p.in, data); err != nil {
		return "", err
	}
	if head&0x80 != 0 {
		return "<" + hex.EncodeToString(data) + ">", nil
	}
	return string(data), nil
}

func (p *wtPeer) next(what string) string {
	p.r.t.Helper()
	s, err := p.read()
	if err != nil {
		p.r.t.Fatalf("%s: %v", what, err)
	}
	return s
}

func (p *wtPeer) want(what string, packets ...string) {
	p.r.t.Helper()
	for i, want := range packets {
		if got := p.next(what); got != want {
			p.r.t.Fatalf("%s: frame %d is %.80q, want %.80q", what, i+1, got, want)
		}
	}
}

// wantEOF expects the end of the stream next.
func (p *wtPeer) wantEOF(what string) {
	p.r.t.Helper()
	if got, err := p.read(); err == nil {
		p.r.t.Fatalf("%s: got %.80q, want the end of the stream", what, got)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		p.r.t.Fatalf("%s: the stream does not end", what)
	}
	p.c.Close()
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
