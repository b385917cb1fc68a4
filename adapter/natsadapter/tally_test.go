// SPDX-License-Identifier: MIT

// This file tests what counts as lost, step by step.

package natsadapter

import "testing"

func TestLosses(t *testing.T) {
	l := &losses{subject: "m"}
	send := func(n int) {
		for range n {
			l.sending()
		}
	}
	want := func(what string, lost uint64) {
		t.Helper()
		if n := l.count(); n != lost {
			t.Errorf("%s: %d messages are lost, want %d", what, n, lost)
		}
	}
	if l.mark() != nil {
		t.Error("a mark before the first message")
	}
	send(3)
	if m := l.mark(); m == nil || m.Subject != "m3" {
		t.Errorf("the mark %v, want m3", m)
	}
	if l.mark() != nil {
		t.Error("two marks with nothing between them")
	}
	send(2)
	l.cameBack("3")
	l.disconnected()
	want("two messages after the mark", 2)
	l.cameBack("3")
	l.cameBack("77")
	l.cameBack("x")
	l.disconnected()
	want("late, foreign and malformed marks", 2)
	send(1)
	l.notSent()
	l.disconnected()
	want("one that is sent later", 2)
	send(1)
	l.disconnected()
	l.notSent()
	want("one that is sent later, as it turns out after the end of the connection", 2)
	send(4)
	l.allCame()
	l.disconnected()
	want("all have come", 2)
	l.lose(1)
	want("one is refused", 3)
}
