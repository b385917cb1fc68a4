// SPDX-License-Identifier: MIT

// This file tests the promises of both drivers about output: bytes are complete and in
// order, and a kernel that accepts none keeps no driver busy.

package netpoll_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"
)

const (
	talkers   = 8
	sentences = 60
)

// sentence makes a frame: length, who, number, and a body that follows from them.
func sentence(who, number int) []byte {
	r := rand.New(rand.NewPCG(uint64(who), uint64(number)))
	body := 1 + r.IntN(3000)
	if number%20 == 0 {
		body = 40_000 + r.IntN(40_000)
	}
	b := make([]byte, 8+body)
	binary.BigEndian.PutUint32(b, uint32(body))
	b[4] = byte(who)
	binary.BigEndian.PutUint16(b[6:], uint16(number))
	for i := range b[8:] {
		b[8+i] = byte(r.Uint32())
	}
	return b
}

// listen reads sentences until all have arrived, in the order of each sender.
func listen(t testing.TB, c net.Conn) {
	t.Helper()
	var next [talkers]int
	head := make([]byte, 8)
	for range talkers * sentences {
		c.SetDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(c, head); err != nil {
			t.Fatal(err)
		}
		who, number := int(head[4]), int(binary.BigEndian.Uint16(head[6:]))
		if who >= talkers || number != next[who] {
			t.Fatalf("a sentence of %d numbered %d, want %d", who, number, next)
		}
		next[who]++
		want := sentence(who, number)
		got := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want[8:]) {
			t.Fatalf("sentence %d of %d is garbled (%v)", number, who, err)
		}
	}
}

// Many goroutines write to peers whose buffers are tiny.
func TestPartialWrites(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		client, server := s.pair()
		if err := server.SetWriteBuffer(4 << 10); err != nil {
			s.Fatal(err)
		}
		p := s.attach(server, nil)
		p.conn.Start(nil)
		var all sync.WaitGroup
		for who := range talkers {
			all.Go(func() {
				for number := range sentences {
					p.say(sentence(who, number))
				}
			})
		}
		listen(s, client)
		all.Wait()
		p.awaitSent("all have arrived")
	})
}

// Many small buffers at once need more than one writev.
func TestManyBuffers(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		client, p := s.open(nil)
		var out [][]byte
		var want []byte
		for i := range 5000 {
			b := bytes.Repeat([]byte{byte(i)}, i%7)
			out, want = append(out, b), append(want, b...)
		}
		p.say(out...)
		read(s, "all of them", client, string(want))
	})
}

// fill returns a connection whose peer accepts nothing more, so that output waits for the
// kernel.
func (s *arena) fill() (*net.TCPConn, *party) {
	s.Helper()
	client, p := s.open(nil)
	p.say(make([]byte, 16<<20))
	return client, p
}

// A peer that does not read delays no other, costs no more than its queue, and can be
// closed. One that continues reading gets everything.
func TestPeerThatDoesNotRead(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		other, _ := s.open(sendBack)
		slow, patient := s.fill()
		stalled, p := s.fill()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		roundTrips(s, other, 200)
		for range 1000 {
			p.say([]byte("it only waits"))
		}
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
			s.Errorf("%d bytes more while nothing can be sent", grown)
		}
		write(s.T, stalled, "it is still heard")
		p.await("input goes on", "it is still heard")
		p.conn.Close()
		if err := p.awaitEnd("closed"); err != net.ErrClosed {
			s.Errorf("Ended(%v), want net.ErrClosed", err)
		}
		read(s, "who reads on gets all", slow, string(make([]byte, 16<<20)))
		slow.Close()
		if err := patient.awaitEnd("the peer has closed"); err != io.EOF {
			s.Errorf("Ended(%v), want io.EOF", err)
		}
	})
}

// A peer that closes while output waits for it.
func TestPeerGoesWithoutReading(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		client, p := s.fill()
		write(s.T, client, "last")
		client.Close() // a reset, because of unread data
		if err := p.awaitEnd("the peer has gone"); err == nil || err == net.ErrClosed {
			s.Errorf("Ended(%v), want an error of the network", err)
		}
		p.await("what it said before", "last")
	})
}
