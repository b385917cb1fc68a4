// SPDX-License-Identifier: MIT

// This file holds questions to many under stress: each ends once, and all who were
// asked have answered or are silent.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
)

// A register records the sockets that were asked, and those that have answered.
type register struct {
	mu       sync.Mutex // guards the fields below
	asked    map[int][]string
	answered map[string]map[int]bool // by socket
}

func (r *register) ask(id string, token int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[token] = append(r.asked[token], id)
}

func (r *register) answer(id string, token int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answered[id] == nil {
		r.answered[id] = make(map[int]bool)
	}
	r.answered[id][token] = true
}

// check compares what one range gave with what the sockets and the clients say. all
// tells that the range was not broken off.
func (r *register) check(token int, replies []string, silent []string, all bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked[token]
	delete(r.asked, token)
	accounted := slices.Concat(replies, silent)
	slices.Sort(accounted)
	if n := len(accounted); len(slices.Compact(accounted)) != n {
		return fmt.Errorf("question %d: somebody stands twice in %q and %q", token, replies, silent)
	}
	for _, id := range replies {
		if !slices.Contains(asked, id) || !r.answered[id][token] {
			return fmt.Errorf("question %d: %s was not asked, or has not answered", token, id)
		}
	}
	if !all {
		return nil
	}
	for _, id := range asked {
		if !slices.Contains(replies, id) && !slices.Contains(silent, id) {
			return fmt.Errorf("question %d: %s was asked, and is in neither of %q and %q", token, id, replies, silent)
		}
	}
	return nil
}

// unasked checks that no socket was asked a question.
func (r *register) unasked(token int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if asked := r.asked[token]; len(asked) > 0 {
		return fmt.Errorf("question %d was not sent, it says, but %q were asked", token, asked)
	}
	return nil
}

// Ranges run to their end, run out of time, are broken off, while those who are
// asked come and go. Nothing is counted twice, nothing is forgotten, nothing stays.
func TestStressAcknowledgementsOfMany(t *testing.T) {
	l := (*ledger)(nil)
	opts := func() *socketio.Options {
		l = newLedger()
		return &socketio.Options{Observers: []any{l}}
	}
	stressed(t, opts, func(w *world, until context.Context) {
		reg := &register{asked: make(map[int][]string), answered: make(map[string]map[int]bool)}
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnAnyOutgoing(func(event string, args socketio.Args) {
				var token int
				if err := args.Decode(&token); event == "question" && err == nil && token > 0 {
					reg.ask(s.ID(), token)
				}
			})
			s.On("kick", func() { s.CloseConn() })
			s.On("hello", func() { _ = s.Join("mixed") })
		})
		c := newTroop(w, 12, func(i int, s *socketio.Socket, p *peer) func(string) {
			_ = s.Join([]string{"answers", "mixed"}[i%2], "stay")
			return func(text string) {
				ack, token, ok := strings.Cut(strings.TrimSuffix(text, "]"), `["question",`)
				if !ok || i%4 == 3 {
					return
				}
				n, err := strconv.Atoi(token)
				if err != nil {
					w.Error(err)
				}
				reg.answer(s.ID(), n)
				_ = p.tries("3" + ack[1:] + "[1]")
			}
		})
		crew := crew{w: w, until: until}
		for worker := range 8 {
			crew.works("questions", func(n int) error {
				token := n*8 + worker
				ctx, to := context.Background(), w.io.To("stay")
				switch worker % 4 {
				case 0:
					to = w.io.To("answers")
				case 1:
					to = to.Timeout(20 * time.Millisecond)
				case 2: // visitors too
					to = w.io.Timeout(10 * time.Millisecond)
				}
				var replies, silent []string
				all := true
				var failed error
				for reply, err := range to.EmitWithAck(ctx, "question", token) {
					if err != nil {
						failed = err
						break
					}
					replies = append(replies, reply.SocketID)
					if worker%4 == 3 && len(replies) == n%4+1 {
						all = false
						break
					}
				}
				var e *socketio.PartialError
				switch {
				case errors.As(failed, &e):
					silent = e.Sockets
					if e.Missing != len(silent) {
						return fmt.Errorf("%d are missing, but %d named", e.Missing, len(silent))
					}
				case errors.Is(failed, context.DeadlineExceeded):
					return reg.unasked(token) // its time was up before it was sent
				case failed != nil:
					return failed
				case worker%4 == 1:
					return errors.New("some never answer, and the range says nothing")
				}
				if worker%4 == 0 && (failed != nil || len(replies) != 6) {
					return fmt.Errorf("%d answers of 6: %w", len(replies), failed)
				}
				return reg.check(token, replies, silent, all)
			}, nil)
		}
		for v := range 3 {
			crew.works("visitor", func(n int) error { return w.visits(v + n) }, nil)
		}
		crew.works("single questions", func(n int) error {
			s := c.sockets[0]
			answer, err := s.EmitWithAck(context.Background(), "question", -n)
			if err != nil || answer.String() != "[1]" {
				return fmt.Errorf("%v %w", answer, err)
			}
			return nil
		}, nil)
		crew.wg.Wait()
		for i, s := range c.sockets {
			eventually(w, "nothing is awaited", func() bool {
				mine, all := socketio.Awaited(s)
				return mine == 0 && all == 0
			})
			c.hearers[i].report()
		}
		want(w, "sockets that were asked and are in no range", len(reg.asked), 0)
		n := l.all()
		want(w, "questions that ended", n["answered"]+n["unanswered"], n["asked"])
		w.Logf("questions %d, answered by all %d", n["asked"], n["answered"])
	})
}
