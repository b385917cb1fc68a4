// SPDX-License-Identifier: MIT

// This file holds Transcript, the record of a connection's packets.

package siotest

import (
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	// maxEntries bounds a transcript; the oldest entries are dropped first.
	maxEntries = 10_000
	// maxEntry is the number of bytes kept of a packet.
	maxEntry = 1 << 10
)

// An Entry is one line of a transcript.
type Entry struct {
	// At is the time since the connection was opened; exact in a bubble.
	At time.Duration
	// Sent reports whether the client sent the packet; otherwise the server did.
	Sent bool
	// Note marks an event of the connection rather than a packet.
	Note bool
	// Packet is an Engine.IO packet as in polling; a binary message is "b" and its bytes
	// in hexadecimal. Long packets are truncated.
	Packet string
}

// A Transcript lists the packets of a connection, in order. Packets that only end a poll
// are left out.
type Transcript []Entry

// String returns a line for each entry: the time, the direction, and the packet.
//
//	0s      > 40
//	0s      < 40{"sid":"socket-1"}
//	25s     < 2
//	25s     > 3
//
// Ids are replaced by names, so that the transcript of a test in a bubble is the same
// each time: session for the Engine.IO session, socket-1 for the first socket of the
// connection, alice's socket for that of another client named alice.
func (t Transcript) String() string {
	var b strings.Builder
	for _, e := range t {
		mark := "<"
		if e.Sent {
			mark = ">"
		}
		if e.Note {
			mark = "-"
		}
		fmt.Fprintf(&b, "%-7v %s %s\n", e.At.Round(time.Millisecond), mark, e.Packet)
	}
	return b.String()
}

// tail returns the last n entries.
func (t Transcript) tail(n int) Transcript { return t[max(0, len(t)-n):] }

// A recorder keeps the transcript of a connection.
type recorder struct {
	start time.Time

	mu      sync.Mutex // guards the fields below
	entries Transcript
	ids     []string // id, name, id, name
	sockets int
}

func (r *recorder) add(e Entry) {
	e.At = time.Since(r.start)
	if len(e.Packet) > maxEntry {
		e.Packet = fmt.Sprintf("%s... (%d bytes)", e.Packet[:maxEntry], len(e.Packet))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) >= 2*maxEntries {
		r.entries = append(Transcript(nil), r.entries.tail(maxEntries)...)
	}
	r.entries = append(r.entries, e)
}

// packet records an Engine.IO packet: a string, or the []byte of a binary message.
func (r *recorder) packet(sent bool, packet any) {
	switch packet := packet.(type) {
	case string:
		r.add(Entry{Sent: sent, Packet: packet})
	case []byte:
		r.add(Entry{Sent: sent, Packet: "b" + hex.EncodeToString(packet)})
	}
}

func (r *recorder) note(format string, args ...any) {
	r.add(Entry{Note: true, Packet: fmt.Sprintf(format, args...)})
}

// names makes name replace id; "" numbers a socket.
func (r *recorder) names(id, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name == "" {
		r.sockets++
		name = fmt.Sprintf("socket-%d", r.sockets)
	}
	r.ids = append(r.ids, id, name)
}

// transcript replaces the connection's own ids, and others by their names: id, name,
// id, name.
func (r *recorder) transcript(names []string) Transcript {
	r.mu.Lock()
	defer r.mu.Unlock()
	replacer := strings.NewReplacer(append(r.ids[:len(r.ids):len(r.ids)], names...)...) // the first pair of an id takes precedence
	t := append(Transcript(nil), r.entries.tail(maxEntries)...)
	for i := range t {
		t[i].Packet = replacer.Replace(t[i].Packet)
	}
	return t
}

// aliases holds the names for clients' ids in transcripts of other connections.
type aliases struct {
	mu    sync.Mutex
	pairs []string // id, name, id, name
}

func (a *aliases) add(id, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pairs = append(a.pairs, id, name)
}

// all returns id, name, id, name. The caller must not change it.
func (a *aliases) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pairs
}
