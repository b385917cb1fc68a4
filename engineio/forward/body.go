// SPDX-License-Identifier: MIT

// This file holds the body of a forwarded request: that of the client, and a signature at
// the end.

package forward

import (
	"crypto/hmac"
	"errors"
	"hash"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// errChanged is returned for a body whose signature is wrong.
var errChanged = errors.New("forward: the body was changed on its way")

// A sealed body is that of a client with its signature at the end.
type sealed struct {
	body    io.Reader
	mac     hash.Hash
	tail    []byte      // what is left of the signature
	ended   bool        // the client's body
	stopped atomic.Bool // the rest is not passed on
	once    sync.Once
	closed  chan struct{} // the transport has stopped reading
}

func (k *keys) seal(body io.Reader, signature []byte) *sealed {
	return &sealed{body: body, mac: k.bodyMAC(signature), closed: make(chan struct{})}
}

// Read implements io.Reader.
func (s *sealed) Read(p []byte) (int, error) {
	if s.stopped.Load() {
		return 0, errStopped
	}
	if !s.ended {
		n, err := s.body.Read(p)
		s.mac.Write(p[:n])
		if err != io.EOF {
			return n, err
		}
		s.ended, s.tail = true, s.mac.Sum(nil)
		if n > 0 {
			return n, nil
		}
	}
	if len(s.tail) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.tail)
	s.tail = s.tail[n:]
	return n, nil
}

// Close implements io.Closer. The body of the client stays open.
func (s *sealed) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// drain reads some more of a body that the other server has answered before its end, so
// that the client sees the response: net/http closes a connection with a body that was not
// read, which the client may take for a reset.
func (s *sealed) drain(rc *http.ResponseController, limit int64) {
	s.stopped.Store(true)
	end := time.Now()
	if limit > 0 {
		end = end.Add(drainTimeout)
	}
	_ = rc.SetReadDeadline(end) // the transport may be waiting for the client
	<-s.closed
	if s.ended {
		_ = rc.SetReadDeadline(time.Time{})
		return
	}
	_, _ = io.CopyN(io.Discard, s.body, limit)
}

// abandon is drain without reading more. The connection of the client ends with the response:
// otherwise net/http reads what is left of the body after the handler, which in full duplex
// panics when the next request comes.
func (s *sealed) abandon(w http.ResponseWriter, r *http.Request, rc *http.ResponseController) {
	s.drain(rc, 0)
	if !s.ended && r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}

// errStopped ends the reads of the transport after the response.
var errStopped = errors.New("forward: the body has been answered")

const (
	drainTimeout = 2 * time.Second
	drainLimit   = 1 << 20
)

// An unsealed body is that of a client, without the signature at its end. Its last Read
// fails unless the signature is right.
type unsealed struct {
	body    io.ReadCloser
	mac     hash.Hash
	held    [macSize]byte // the last bytes read: perhaps the signature
	n       int           // of them
	err     error         // of the last Read
	changed func()        // called when the signature is wrong
}

// Read implements io.Reader.
func (u *unsealed) Read(p []byte) (int, error) {
	for u.err == nil && len(p) > 0 {
		n, err := u.body.Read(p)
		u.err = err
		if err == io.EOF {
			u.err = nil
		}
		out := u.exchange(p, n)
		u.mac.Write(p[:out])
		if err == io.EOF {
			u.err = io.EOF
			if u.n < macSize || !hmac.Equal(u.held[:], u.mac.Sum(nil)) {
				u.err = errChanged
				u.changed()
			}
		}
		if out > 0 {
			return out, nil
		}
	}
	return 0, u.err
}

// exchange holds back the last bytes of what is held and p[:n], and moves the others to the
// beginning of p. It returns their number.
func (u *unsealed) exchange(p []byte, n int) (out int) {
	out = u.n + n - macSize
	switch {
	case out <= 0:
		u.n += copy(u.held[u.n:], p[:n])
		return 0
	case n >= macSize:
		var last [macSize]byte
		copy(last[:], p[n-macSize:n])
		copy(p[u.n:], p[:n-macSize])
		copy(p, u.held[:u.n])
		u.held = last
	default:
		var joined [2 * macSize]byte
		copy(joined[:], u.held[:u.n])
		copy(joined[u.n:], p[:n])
		copy(p, joined[:out])
		copy(u.held[:], joined[out:])
	}
	u.n = macSize
	return out
}

// Close implements io.Closer.
func (u *unsealed) Close() error { return u.body.Close() }
