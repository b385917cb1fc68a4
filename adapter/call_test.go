// SPDX-License-Identifier: MIT

// This file tests Call: the replies, the missing replies, and the end.

package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"socketio/adapter"
)

var errCause = errors.New("cause")

// rest returns the remaining replies, and Err.
func rest(c *adapter.Call, ctx context.Context) string {
	var got []string
	for {
		a, ok := c.Next(ctx)
		if !ok {
			break
		}
		got = append(got, fmt.Sprint(a.Node, "/", a.Socket, "=", a.Args))
	}
	return fmt.Sprint(strings.Join(got, " "), "; ", c.Err(ctx.Err()))
}

// A reply that arrives after Next has given up is not lost between Next and Err: its
// sender counts as silent.
func TestAnswerAfterTheTime(t *testing.T) {
	a, b := &member{id: "a"}, &member{id: "b"}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	c := adapter.NewCall()
	c.Expect(a)
	c.Expect(b)
	c.ExpectNode("other")
	c.Seal()
	c.Answer(b, 1)
	for n := range 2 {
		if _, ok := c.Next(ended); ok != (n == 0) {
			t.Errorf("step %d: an answer is %v", n, ok)
		}
	}
	c.Answer(a, 1)
	c.NodeAnswer("other", "", 1)
	var e *adapter.PartialError
	if !errors.As(c.Err(ended.Err()), &e) || fmt.Sprint(e.Sockets, e.Nodes) != "[a] [other]" || !errors.Is(e, context.Canceled) {
		t.Errorf("want a and another node to be silent, got %v", c.Err(ended.Err()))
	}
}

func TestCall(t *testing.T) {
	a, b, x := &member{id: "a"}, &member{id: "b"}, &member{id: "x"}
	live := t.Context()
	ended, cancel := context.WithCancel(live)
	cancel()
	const silent = "socketio: no answer"
	for name, test := range map[string]struct {
		ctx  context.Context
		do   func(c *adapter.Call)
		want string
	}{
		"nobody": {live, func(c *adapter.Call) {}, "; <nil>"},
		"all answer": {live, func(c *adapter.Call) {
			c.Expect(a)
			c.Expect(b)
			c.Answer(b, 1)
			c.Answer(a, 2)
		}, "/b=1 /a=2; <nil>"},
		"answers that nobody expects": {live, func(c *adapter.Call) {
			c.Expect(a)
			c.Answer(x, 0)
			c.Answer(a, 1)
			c.Answer(a, 2)
			c.Fail(a, errCause)
			c.Fail(x, errCause)
		}, "/a=1; <nil>"},
		"one will not": {live, func(c *adapter.Call) {
			c.Expect(a)
			c.Expect(b)
			c.Fail(b, errCause)
			c.Answer(a, 1)
		}, "/a=1; " + silent + " from 1 sockets (b): cause"},
		"time is up, but what has come counts": {ended, func(c *adapter.Call) {
			c.Expect(a)
			c.Expect(b)
			c.Answer(a, 1)
		}, "/a=1; " + silent + " from 1 sockets (b): context canceled"},
		"time is up for nobody": {ended, func(c *adapter.Call) {
			c.Expect(a)
			c.Answer(a, 1)
		}, "/a=1; <nil>"},
		"a node names its sockets": {live, func(c *adapter.Call) {
			c.ExpectNode("n")
			c.NodeAsked("n", 2, []string{"p", "q"})
			c.NodeAsked("n", 9, nil)
			c.NodeAnswer("n", "p", 1)
			c.NodeAnswer("n", "p", 2)
			c.NodeAnswer("n", "stranger", 3)
			c.NodeAnswer("n", "q", 4)
		}, "n/p=1 n/q=4; <nil>"},
		"a node only counts": {ended, func(c *adapter.Call) {
			c.ExpectNode("n")
			c.NodeAsked("n", 3, nil)
			c.NodeAnswer("n", "", 1)
		}, "n/=1; " + silent + " from 2 sockets, nodes (n): context canceled"},
		"a node has nobody": {live, func(c *adapter.Call) {
			c.ExpectNode("n")
			c.NodeAsked("n", 0, nil)
			c.NodeAnswer("n", "", 1)
		}, "; <nil>"},
		"a node answers itself": {live, func(c *adapter.Call) {
			c.ExpectNode("n")
			c.NodeAnswer("n", "", 1)
			c.NodeAnswer("n", "", 2)
		}, "n/=1; <nil>"},
		"nodes that can't be told apart": {live, func(c *adapter.Call) {
			c.ExpectNodes("n")
			c.NodeAsked("n", 2, nil) // before their number is known
			c.NodeAnswer("n", "", 1)
			c.NodesExpected("n", 3)
			c.NodeAsked("n", 0, nil)
			c.NodeAnswer("n", "", 2)
			c.NodeAsked("n", 1, []string{"p"})
			c.NodeAnswer("n", "p", 3)
			c.NodeAnswer("n", "", 4) // nobody expects it
		}, "n/=1 n/=2 n/p=3; <nil>"},
		"none of them": {live, func(c *adapter.Call) {
			c.ExpectNodes("n")
			c.NodesExpected("n", 0)
			c.NodesExpected("stranger", 5)
		}, "; <nil>"},
		"one of them does not report": {ended, func(c *adapter.Call) {
			c.ExpectNodes("n")
			c.NodesExpected("n", 2)
			c.NodeAsked("n", 2, nil)
			c.NodeAnswer("n", "", 1)
		}, "n/=1; " + silent + " from 1 sockets, nodes (n): context canceled"},
		"their number is never known": {ended, func(c *adapter.Call) {
			c.ExpectNodes("n")
			c.NodeAsked("n", 1, nil)
			c.NodeAnswer("n", "", 1)
		}, "n/=1; " + silent + ", nodes (n): context canceled"},
		"they can't be counted": {live, func(c *adapter.Call) {
			c.ExpectNodes("n")
			c.NodeAsked("n", 1, nil)
			c.NodeAnswer("n", "", 1)
			c.NodeDone("n", errCause)
			c.NodeAsked("n", 1, nil)
		}, "n/=1; " + silent + ", nodes (n): cause"},
		"a node is silent": {ended, func(c *adapter.Call) {
			c.ExpectNode("n")
			c.ExpectNode("m")
			c.NodeAnswer("stranger", "", 1)
		}, "; " + silent + ", nodes (m, n): context canceled"},
		"a node leaves": {live, func(c *adapter.Call) {
			c.Expect(a)
			c.ExpectNode("n")
			c.NodeAsked("n", 2, []string{"p", "q"})
			c.NodeAnswer("n", "p", 1)
			c.NodeDone("n", adapter.ErrNodeGone)
			c.NodeAnswer("n", "q", 2)
			c.Answer(a, 3)
		}, "n/p=1 /a=3; " + silent + " from 1 sockets (q), nodes (n): socketio: a node has left"},
		"a node that has answered leaves": {live, func(c *adapter.Call) {
			c.ExpectNode("n")
			c.NodeAnswer("n", "", 1)
			c.NodeDone("n", adapter.ErrNodeGone)
		}, "n/=1; <nil>"},
		"many are silent": {ended, func(c *adapter.Call) {
			for i := range 9 {
				c.Expect(&member{id: fmt.Sprint("m", i)})
			}
		}, "; " + silent + " from 9 sockets (m0, m1, m2, ...): context canceled"},
		"it is closed": {live, func(c *adapter.Call) {
			c.Expect(a)
			c.ExpectNode("n")
			if left := c.Close(); len(left) != 1 || left[0] != adapter.Member(a) {
				t.Errorf("a was expected: %v", left)
			}
			if c.Expect(b) || c.ExpectNode("m") || len(c.Close()) != 0 {
				t.Error("it is closed")
			}
			c.Answer(a, 1)
			c.NodeAnswer("n", "", 1)
		}, "; <nil>"},
	} {
		c := adapter.NewCall()
		test.do(c)
		c.Seal()
		want(t, name, rest(c, test.ctx), test.want)
	}
}

// Next waits until the Call is sealed and nothing is pending.
func TestCallWaits(t *testing.T) {
	c := adapter.NewCall()
	members := make([]*member, 50)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range members {
			members[i] = &member{id: fmt.Sprint(i)}
			c.Expect(members[i])
			wg.Go(func() {
				if i%3 == 0 {
					c.Fail(members[i], errCause)
				} else {
					c.Answer(members[i], i)
				}
			})
		}
		c.Seal()
	})
	n := 0
	for {
		if _, ok := c.Next(t.Context()); !ok {
			break
		}
		n++
	}
	wg.Wait()
	want(t, "the answers", n, 33)
	var silent *adapter.PartialError
	if err := c.Err(nil); !errors.As(err, &silent) || len(silent.Sockets) != 17 || !errors.Is(err, errCause) {
		t.Errorf("%v", err)
	}
}
