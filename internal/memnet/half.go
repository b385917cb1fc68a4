// SPDX-License-Identifier: MIT

// This file holds half: one direction of a connection, a bounded queue of bytes.

package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const errPipe = syscall.EPIPE

// keepBuffer is the largest buffer, in bytes, that an empty half keeps. An idle
// connection should cost little: tests open them by the ten thousand.
const keepBuffer = 1 << 10

// A half carries bytes from one writer side to one reader side.
type half struct {
	mu      sync.Mutex // guards all below; not held while waiting
	changed sync.Cond  // broadcast at each change below
	size    int        // bound on the bytes under way
	bound   int        // a smaller bound, or 0
	buf     []byte     // buf[off:] is under way
	off     int
	reader  side
	writer  side
	// writing is set while a Write has begun and not ended, so that the bytes of
	// concurrent writes do not mix.
	writing bool
	// broken is set when the reader gets a reset where the end would be.
	broken bool
}

// A side is the state of one end of a half.
type side struct {
	closed error // the reason for closing; nil while open
	// The deadline. Each setDeadline takes a new generation, so that a late timer can't
	// expire a newer deadline.
	expired    bool
	timer      *time.Timer
	generation uint64
}

func newHalf(size int) *half {
	h := &half{size: size}
	h.changed.L = &h.mu
	return h
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.reader.closed != nil:
			return 0, h.reader.closed
		case h.reader.expired:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case h.off < len(h.buf):
			return h.takeLocked(b), nil
		case h.broken:
			return 0, syscall.ECONNRESET
		case h.writer.closed != nil:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (h *half) takeLocked(b []byte) int {
	n := copy(b, h.buf[h.off:])
	h.off += n
	if h.off == len(h.buf) {
		h.buf, h.off = h.buf[:0], 0
		if cap(h.buf) > keepBuffer {
			h.buf = nil
		}
	}
	h.changed.Broadcast()
	return n
}

func (h *half) write(b []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	mine := false
	for {
		switch {
		case h.writer.closed != nil:
			err = h.writer.closed
		case h.reader.closed != nil:
			err = errPipe
		case h.writer.expired:
			err = os.ErrDeadlineExceeded
		case mine || !h.writing:
			mine, h.writing = true, true
			n += h.putLocked(b[n:])
		}
		if err != nil || n == len(b) && mine {
			break
		}
		h.changed.Wait()
	}
	if mine {
		h.writing = false
		h.changed.Broadcast()
	}
	return n, err
}

// putLocked appends as much of b as the bound allows.
func (h *half) putLocked(b []byte) int {
	size := h.size
	if h.bound > 0 {
		size = min(size, h.bound)
	}
	n := min(len(b), size-(len(h.buf)-h.off))
	if n <= 0 {
		return 0
	}
	if h.off > 0 && len(h.buf)+n > cap(h.buf) {
		h.buf = h.buf[:copy(h.buf, h.buf[h.off:])]
		h.off = 0
	}
	h.buf = append(h.buf, b[:n]...)
	h.changed.Broadcast()
	return n
}

func (h *half) setBound(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bound = n
	h.changed.Broadcast()
}

func (h *half) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.buf) - h.off
}

// closeReader reports whether the reader was open.
func (h *half) closeReader() (first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first = h.reader.closed != net.ErrClosed
	h.buf, h.off = nil, 0
	h.reader.closeLocked(net.ErrClosed)
	h.changed.Broadcast()
	return first
}

// closeWriter closes the writer with err. A local Close overrides an earlier reason.
func (h *half) closeWriter(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writer.closed == nil || err == net.ErrClosed {
		h.writer.closeLocked(err)
	}
	h.changed.Broadcast()
}

// abort closes the writer with a reset, which follows the bytes in transit.
func (h *half) abort() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writer.closed == nil {
		h.broken = true
		h.writer.closeLocked(syscall.ECONNRESET)
	}
	h.changed.Broadcast()
}

func (h *half) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf, h.off = nil, 0
	for _, s := range []*side{&h.reader, &h.writer} {
		if s.closed == nil {
			s.closeLocked(syscall.ECONNRESET)
		}
	}
	h.changed.Broadcast()
}

func (s *side) closeLocked(err error) {
	s.closed = err
	s.stopLocked()
}

func (s *side) stopLocked() {
	s.generation++
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// setDeadline sets the deadline of s, which is one of h's sides.
func (h *half) setDeadline(s *side, t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.closed == net.ErrClosed {
		return net.ErrClosed
	}
	s.stopLocked()
	s.expired = false
	if t.IsZero() || s.closed != nil {
		return nil
	}
	wait := time.Until(t)
	if wait <= 0 {
		s.expired = true
		h.changed.Broadcast()
		return nil
	}
	generation := s.generation
	s.timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if s.generation == generation {
			s.expired = true
			h.changed.Broadcast()
		}
	})
	return nil
}
