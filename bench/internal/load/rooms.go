// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the runs with rooms, and the chat.

package load

import (
	"fmt"
	"time"
)

// Rooms has the clients of a target enter rooms, so many in each.
func (l *Loop) Rooms(t *Target, size int) error {
	t.rooms = nil
	l.run = run{target: t}
	i := 0
	for c := range t.clients {
		if i%size == 0 {
			t.rooms = append(t.rooms, nil)
		}
		c.room, c.left = len(t.rooms)-1, 0
		t.rooms[c.room] = append(t.rooms[c.room], c)
		i++
		l.run.pending++
		l.send(c, t.dialect.joinRoom(roomName(c.room)))
		if l.run.pending >= parallel {
			if err := l.until("entering rooms", patience); err != nil {
				return err
			}
		}
	}
	return l.until("entering rooms", patience)
}

func roomName(i int) string { return fmt.Sprintf("r%d", i) }

// ToRooms has a client of each of busy rooms send a message to its room, waits until all
// members have got it, and goes on with other rooms. It returns the number of deliveries.
func (l *Loop) ToRooms(t *Target, busy, times int) (ops int, err error) {
	next := 0
	for range times {
		l.run = run{target: t, least: len(payload), pushes: true, stamps: true}
		for range min(busy, len(t.rooms)) {
			members := t.rooms[next%len(t.rooms)]
			next++
			l.run.pending += len(members)
			ops += len(members)
			l.toRoom(members[0])
		}
		if err := l.until("messages to rooms", patience); err != nil {
			return 0, err
		}
	}
	return ops, nil
}

// toRoom sends a message to the room of a client.
func (l *Loop) toRoom(c *client) {
	d := c.target.dialect
	f := d.toRoom(roomName(c.room))
	stamp(f, d.tailSent(), l.now())
	l.send(c, f)
}

// tailSent is tail in a message to the server.
func (d *dialect) tailSent() int {
	if d.centrifuge {
		return len(`"}}`)
	}
	return d.tail
}

// Of a chat: every chatTick some clients type, and each sends chatBurst messages at once to
// its room.
const (
	chatTick   = 20 * time.Millisecond
	chatTypers = 5
	chatBurst  = 4
)

// Chat plays a chat for a time, at a pace that does not depend on the server: one client
// of each room sends now and then, the others are idle. It returns the number of deliveries.
func (l *Loop) Chat(t *Target, d time.Duration) (ops int, err error) {
	l.run = run{target: t, least: len(payload), pushes: true, stamps: true}
	begin := time.Now()
	for i := range int(d / chatTick) {
		for typer := range chatTypers {
			members := t.rooms[(i*chatTypers+typer)%len(t.rooms)]
			for range chatBurst {
				l.run.pending += len(members)
				ops += len(members)
				l.toRoom(members[0])
			}
		}
		for end := begin.Add(time.Duration(i+1) * chatTick); l.run.err == nil; {
			left := time.Until(end)
			if left <= 0 {
				break
			}
			l.turn(left)
		}
	}
	return ops, l.until("a chat", patience)
}
