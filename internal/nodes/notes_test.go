// SPDX-License-Identifier: MIT

// This file tests the notes.

package nodes

import (
	"context"
	"errors"
	"net/rpc"
	"slices"
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// Another process has the same notes.
func TestNotesOfAllProcesses(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	serving, end := context.WithCancel(t.Context())
	defer end()
	own := NewNotes()
	l, err := serveNotes(serving, own)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := rpc.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	other := remote{client}

	came := make(chan string, 2)
	for _, n := range []Notes{own, other} {
		go func() {
			text, err := n.Wait(ctx, "gate")
			came <- text + errorText(err)
		}()
	}
	if err := other.Set("another", "x"); err != nil {
		t.Fatal(err)
	}
	if err := other.Set("gate", "open"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := <-came; got != "open" {
			t.Errorf("waiting returned %q, want open", got)
		}
	}
	for _, n := range []Notes{own, other} {
		if text, err := n.Get("another"); text != "x" || err != nil {
			t.Errorf("Get returned %q, %v", text, err)
		}
		if text, err := n.Get("nothing"); text != "" || err != nil {
			t.Errorf("Get of nothing returned %q, %v", text, err)
		}
	}
	for i, n := range []Notes{own, other} {
		if count, err := n.Append("list", string(rune('a'+i))); count != i+1 || err != nil {
			t.Errorf("Append returned %d, %v", count, err)
		}
	}
	if list, err := other.List("list"); !slices.Equal(list, []string{"a", "b"}) || err != nil {
		t.Errorf("List returned %q, %v", list, err)
	}
	cancel() // also what waits for others
	for _, n := range []Notes{own, other} {
		if _, err := n.Wait(ctx, "never"); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait returned %v, want %v", err, context.Canceled)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
