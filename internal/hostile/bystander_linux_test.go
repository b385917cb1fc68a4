// SPDX-License-Identifier: MIT

// This file holds bystander: a client that is not part of an attack, and must not notice
// it.

package hostile

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"socketio/internal/rawclient"
)

// breath is how long a bystander waits before it asks again.
const breath = 5 * time.Millisecond

// A bystander sends an event and waits for its answer, over and over.
type bystander struct {
	a     *attacker
	turn  chan struct{} // one token: another answer has come
	quit  chan struct{}
	ended chan struct{}
	err   error           // may be read after ended
	waits []time.Duration // for each answer; may be read after ended
}

// watch starts a bystander over one transport.
func watch(a *attacker, transport string) *bystander {
	b := &bystander{a: a, turn: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		c := newBrowser(a.p.addr)
		defer c.close()
		open := c.Open
		if transport == "polling" {
			// A request may come before the connection of the last one is idle again. Another
			// connection would be a descriptor that counts as the attacker's.
			c.client.Transport.(*http.Transport).MaxConnsPerHost = 1
			open = c.Polling
		}
		b.err = b.talk(open)
	}()
	return b
}

// rounds waits for n more answers.
func (b *bystander) rounds(n int) {
	limit := time.After(patience)
	for range n {
		select {
		case <-b.turn:
		case <-b.ended:
			b.a.t.Fatalf("a bystander is harmed: %v", b.err)
		case <-limit:
			b.a.t.Fatal("a bystander gets no answer")
		}
	}
}

// leave ends the bystander, which must not have failed.
func (b *bystander) leave() {
	close(b.quit)
	<-b.ended
	if b.err != nil {
		b.a.t.Errorf("a bystander is harmed: %v", b.err)
	}
}

// waited returns the response times of a bystander that has left.
func (b *bystander) waited() string {
	slices.Sort(b.waits)
	at := func(percent int) time.Duration { return b.waits[(len(b.waits)-1)*percent/100].Round(time.Microsecond) }
	return fmt.Sprintf("%d answers, half of them in %v, 99 of 100 in %v, all in %v", len(b.waits), at(50), at(99), at(100))
}

// answered records an answer and when its event was sent. It reports whether to continue.
func (b *bystander) answered(asked time.Time) bool {
	b.waits = append(b.waits, time.Since(asked))
	select {
	case b.turn <- struct{}{}:
	default:
	}
	select {
	case <-b.quit:
		return false
	case <-time.After(breath):
		return true
	}
}

// talk sends events over a session and waits for their answers, until the bystander is
// told to leave.
func (b *bystander) talk(open func(context.Context) (*rawclient.Session, error)) error {
	c, err := within(open)
	if err != nil {
		return err
	}
	defer c.Close()
	say := func(text string) error {
		_, err := within(func(ctx context.Context) (bool, error) { return true, c.Write(ctx, rawclient.Text(text)...) })
		return err
	}
	// next reads until something other than a ping comes.
	next := func() (string, error) {
		for {
			p, err := within(c.Read)
			if err != nil || p.Text != "2" {
				return p.Text, err
			}
			if err := say("3"); err != nil {
				return "", err
			}
		}
	}
	if err := say("40"); err != nil {
		return err
	}
	if got, err := next(); err != nil || !strings.HasPrefix(got, `40{"sid":`) {
		return fmt.Errorf("joining: %.100q, %v", got, err)
	}
	for i := 0; ; i++ {
		asked := time.Now()
		if err := say(fmt.Sprintf(`42%d["echo",%d]`, i, i)); err != nil {
			return err
		}
		got, err := next()
		if want := fmt.Sprintf("43%d[%d]", i, i); err != nil || got != want {
			return fmt.Errorf("want %s, got %.100q, %v", want, got, err)
		}
		if !b.answered(asked) {
			return nil
		}
	}
}

// within bounds a step of a bystander.
func within[T any](step func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return step(ctx)
}
