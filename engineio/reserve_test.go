// SPDX-License-Identifier: MIT

// This file tests when there is a reserve.

package engineio

import (
	"testing"
	"testing/synctest"
	"time"
)

// has returns the size of the reserve once all that is due has happened.
func (r *reserve) has() int {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.memory == nil {
		return 0
	}
	return r.memory.Cap()
}

func TestReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r reserve
		want := func(when string, size int) {
			t.Helper()
			if got := r.has(); got != size {
				t.Errorf("%s the reserve has %d bytes, want %d", when, got, size)
			}
		}
		want("at first", 0)
		r.use()
		want("with a large message", reserveSize)
		for range 3 {
			time.Sleep(reserveTime - time.Second)
			r.use()
			want("as long as they come", reserveSize)
		}
		time.Sleep(2 * reserveTime)
		want("when no more come", 0)
		r.use()
		want("when they come again", reserveSize)
		r.close()
		want("after the end", 0)
		r.use()
		time.Sleep(2 * reserveTime)
		want("for messages after the end", 0)
	})
}

// Messages on both transports are counted, small ones are not.
func TestReserveIsForLargeMessages(t *testing.T) {
	for _, size := range []int{largeMessage - 1, largeMessage} {
		var svc shared
		c := &Conn{svc: &svc, handler: ender{}}
		c.handlePacket(packet{typ: packetMessage, data: make([]byte, size)})
		if got, want := svc.reserve.recent.Load(), size >= largeMessage; got != want {
			t.Errorf("a message of %d bytes: large is %v, want %v", size, got, want)
		}
		svc.reserve.close()
	}
}
