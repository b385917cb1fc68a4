// SPDX-License-Identifier: MIT

// This file holds env: the test around a server and its clients, and how they wait.

package siotest

import (
	"cmp"
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"socketio/internal/binding"
	"socketio/parser"
)

// An env holds the parts of the test shared by a server and its clients. All fields
// except ids are immutable.
type env struct {
	t        TB
	bubble   bool
	patience time.Duration
	quietFor time.Duration
	codec    parser.Codec
	settling chan struct{} // a lock
	ids      aliases
}

func newEnv(t TB, o *ServerOptions) *env {
	e := &env{
		t:        t,
		bubble:   inBubble(),
		patience: o.Patience,
		quietFor: cmp.Or(o.Quiet, 50*time.Millisecond),
		codec:    o.Codec,
		settling: make(chan struct{}, 1),
	}
	if e.codec == nil {
		e.codec = new(binding.Codec)
	}
	if e.patience == 0 {
		if e.patience = 10 * time.Second; e.bubble {
			e.patience = 5 * time.Minute
		}
	}
	return e
}

// inBubble reports whether the calling goroutine is in a synctest bubble. The only way to
// find out is to try: Wait panics outside.
func inBubble() (in bool) {
	defer func() {
		if v := recover(); v != nil {
			in = strings.Contains(fmt.Sprint(v), "already in progress")
		}
	}()
	synctest.Wait()
	return true
}

// settle waits until all goroutines of a bubble are blocked. Outside a bubble it does
// nothing.
func (e *env) settle() {
	if e.bubble {
		e.settling <- struct{}{} // concurrent calls of Wait are not allowed
		defer func() { <-e.settling }()
		for !waits() {
			time.Sleep(time.Nanosecond) // another Server of the bubble waits: until it is done
		}
	}
}

// waits calls synctest.Wait. It reports false if another goroutine of the bubble does so
// at the same time, which panics.
func waits() (ok bool) {
	defer func() {
		if v := recover(); v != nil && !strings.Contains(fmt.Sprint(v), "already in progress") {
			panic(v)
		}
	}()
	synctest.Wait()
	return true
}

// quiet waits like settle, or outside a bubble for a moment.
func (e *env) quiet() {
	if e.bubble {
		e.settle()
	} else {
		time.Sleep(e.quietFor)
	}
}
