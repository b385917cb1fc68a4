// SPDX-License-Identifier: MIT

// This file holds the keys, and the numbers that protect requests against being repeated.

package forward

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync/atomic"
	"time"

	"socketio/internal/fields"
	"socketio/internal/lock"
)

// macSize is the size of a signature in bytes.
const macSize = sha256.Size

// keys are derived from the secret, one for each purpose, so that a signature for one is
// worth nothing for another.
type keys struct{ request, body, announcement []byte }

func newKeys(secret []byte) keys {
	derive := func(purpose string) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte("socketio/engineio/forward 1 " + purpose))
		return h.Sum(nil)
	}
	return keys{derive("request"), derive("body"), derive("announcement")}
}

// sign returns the signature of parts, none of which can be confused with another.
func sign(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	var b []byte
	for _, p := range parts {
		b = fields.AppendText(b[:0], p)
		h.Write(b)
	}
	return h.Sum(nil)
}

// bodyMAC returns the hash whose sum signs the body of the request with a signature.
func (k *keys) bodyMAC(request []byte) hash.Hash {
	h := hmac.New(sha256.New, k.body)
	h.Write(request)
	return h
}

// numbers are the numbers of the requests that a node sends. Each is used once.
type numbers struct{ last atomic.Uint64 }

func (n *numbers) next() uint64 { return n.last.Add(1) }

const (
	windowBits = 16 << 10 // requests of one server may arrive in any order within this many
	maxWindows = 10_000   // servers whose requests are accepted
)

// A window remembers which numbers of a server have arrived. Those that are older than it
// count as arrived.
type window struct {
	top  uint64 // the largest number
	used time.Time
	bits [windowBits / 64]uint64
}

// take records a number. It reports false if it has arrived before, or may have.
func (w *window) take(number uint64) bool {
	if number == 0 || w.top >= windowBits && number <= w.top-windowBits {
		return false
	}
	if number > w.top {
		if number-w.top >= windowBits {
			clear(w.bits[:])
		} else {
			for i := w.top + 1; i <= number; i++ {
				w.bits[i%windowBits/64] &^= 1 << (i % 64)
			}
		}
		w.top = number
	}
	word, bit := &w.bits[number%windowBits/64], uint64(1)<<(number%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// windows are the windows of all servers, by tag. They are bounded.
type windows struct {
	mu   lock.Mutex // guards the field below
	tags map[string]*window
}

// take records the number of a request whose signature and time are right. It reports false
// if it has arrived before. now is not before the time of the request plus maxSkew.
func (s *windows) take(tag string, number uint64, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.tags[tag]
	if w == nil {
		if len(s.tags) >= maxWindows && !s.evict(now) {
			return false
		}
		if s.tags == nil {
			s.tags = make(map[string]*window)
		}
		w = new(window)
		s.tags[tag] = w
	}
	w.used = now
	return w.take(number)
}

// evict forgets the servers of which nothing has been heard for so long that everything they
// have sent is too late by now. It reports whether there was one.
func (s *windows) evict(now time.Time) (evicted bool) {
	for tag, w := range s.tags {
		if now.Sub(w.used) > 2*maxSkew {
			delete(s.tags, tag)
			evicted = true
		}
	}
	return evicted
}
