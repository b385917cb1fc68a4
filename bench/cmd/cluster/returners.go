// SPDX-License-Identifier: MIT

//go:build linux

// This file measures clients that lose their connections, miss events, and are recovered.

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/lxzan/gws"

	"socketio/bench/internal/process"
)

const (
	returning = 100 // clients, each in a room of its own
	returns   = 3   // how often each comes back
	missed    = 5   // events, each time
)

// A returner is a client that comes back.
type returner struct {
	gws.BuiltinEventHandler
	conn *gws.Conn

	mu     sync.Mutex // guards the fields below
	pid    string
	offset string
	came   bool   // the server has answered
	events int    // since it came
	again  string // why it was not recovered
	more   chan struct{}
}

// OnMessage implements gws.Event.
func (r *returner) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer func() { _ = m.Close() }()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch data := m.Bytes(); {
	case bytes.HasPrefix(data, []byte("40")):
		var reply struct{ PID string }
		_ = json.Unmarshal(data[2:], &reply)
		if r.pid != "" && reply.PID != r.pid {
			r.again = string(data)
		}
		r.pid, r.came = reply.PID, true
	case bytes.HasPrefix(data, []byte("42")):
		if i := bytes.LastIndexByte(data, ','); i > 0 {
			r.offset, _ = strconv.Unquote(string(bytes.TrimRight(data[i+1:], "]")))
		}
		r.events++
	}
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// comes connects the client, and returns when it is connected and has received some events.
func (r *returner) comes(addr, name string, events int) error {
	r.mu.Lock()
	r.came, r.events = false, 0
	auth := ""
	if r.pid != "" {
		auth = fmt.Sprintf(`{"pid":%q,"offset":%q}`, r.pid, r.offset)
	}
	r.mu.Unlock()
	conn, _, err := gws.NewClient(r, &gws.ClientOption{Addr: "ws://" + addr + "/socket.io/?EIO=4&transport=websocket"})
	if err != nil {
		return err
	}
	r.conn = conn
	go conn.ReadLoop() // ends with the connection
	if err := conn.WriteString("40" + auth); err != nil {
		return err
	}
	if err := r.until(func() bool { return r.came && r.events >= events }); err != nil || auth != "" {
		return err
	}
	return conn.WriteString(`420["join","` + name + `"]`)
}

func (r *returner) until(done func() bool) error {
	for late := time.After(time.Minute); ; {
		r.mu.Lock()
		ok, again, events := done(), r.again, r.events
		r.mu.Unlock()
		switch {
		case again != "":
			return errors.New("not recovered: " + again)
		case ok:
			return nil
		}
		select {
		case <-r.more:
		case <-late:
			return fmt.Errorf("after a minute a client that comes back has %d events", events)
		}
	}
}

// measureRecoveries returns the CPU time of a recovery, in microseconds, and how many there
// are each second.
func measureRecoveries(p, other *process.Process) (cost, perSecond float64, err error) {
	all := make([]*returner, returning)
	each := func(do func(i int, r *returner) error) error {
		errs := make(chan error, len(all))
		for i, r := range all {
			go func() { errs <- do(i, r) }() // ends with the wait below
		}
		var first error
		for range all {
			first = cmp.Or(first, <-errs)
		}
		return first
	}
	for i := range all {
		all[i] = &returner{more: make(chan struct{}, 1)}
	}
	if err := each(func(i int, r *returner) error { return r.comes(p.Addr, fmt.Sprint("room ", i), 0) }); err != nil {
		return 0, 0, err
	}
	defer func() {
		for _, r := range all {
			_ = r.conn.NetConn().Close()
		}
	}()
	for range 10 { // until all have joined, and have a position
		if _, err := other.Command(fmt.Sprint("send ", returning)); err != nil {
			return 0, 0, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := each(func(_ int, r *returner) error { return r.until(func() bool { return r.offset != "" }) }); err != nil {
		return 0, 0, err
	}
	var spent float64
	var took time.Duration
	for round := range returns + 1 { // the first is not counted
		for _, r := range all {
			_ = r.conn.NetConn().Close()
		}
		time.Sleep(500 * time.Millisecond) // the server notices, and saves their sessions
		if _, err := other.Command(fmt.Sprint("send ", missed*returning)); err != nil {
			return 0, 0, err
		}
		time.Sleep(500 * time.Millisecond)
		user, system, err := p.CPU()
		if err != nil {
			return 0, 0, err
		}
		start := time.Now()
		if err := each(func(i int, r *returner) error { return r.comes(p.Addr, "", missed) }); err != nil {
			return 0, 0, err
		}
		lasted := time.Since(start)
		userAfter, systemAfter, err := p.CPU()
		if err != nil {
			return 0, 0, err
		}
		if round > 0 {
			spent += userAfter + systemAfter - user - system
			took += lasted
		}
	}
	return spent / (returns * returning), returns * returning / took.Seconds(), nil
}
