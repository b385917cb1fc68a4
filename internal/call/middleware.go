// SPDX-License-Identifier: MIT

// This file holds the way of an event through its middlewares.

package call

import (
	"context"
	"errors"
	"sync"

	"socketio/internal/lock"
)

// A Middleware is a function around the handlers of events, which it sees as a V.
type Middleware[V any] interface {
	~func(ctx context.Context, v V, next func(context.Context, V) error) error
}

// Errors of next for misuse by a middleware.
var (
	ErrTwice = errors.New("socketio: a middleware called next twice")
	ErrOver  = errors.New("socketio: next was called after the event had ended")
)

// A passage is the progress of one event through the middlewares. It is not pooled, since
// a middleware may keep next.
type passage[V any, M Middleware[V]] struct {
	uses   []*M
	handle func(ctx context.Context, v V) error
	made   func(value any, stack []byte) error

	handlers sync.WaitGroup // at most one: they run once
	failed   error          // of a handler; may be read when handlers has ended

	mu   lock.Mutex // guards the fields below
	ran  bool
	over bool
}

// A handledError is returned by next for an error of handle.
type handledError struct{ err error }

func (e *handledError) Error() string { return e.err.Error() }

func (e *handledError) Unwrap() error { return e.err }

// Pass runs an event through the middlewares uses, the first of which is the outermost,
// and then calls handle, at most once. It returns when all of them have returned, and
// handle too if a middleware called next on another goroutine. failed is called with an
// error of a middleware, or a panic turned into an error by made, as soon as the
// outermost has returned. An error of handle is not passed to failed. Pass returns the
// error of handle, else that of the middlewares.
func Pass[V any, M Middleware[V]](ctx context.Context, v V, uses []*M, handle func(context.Context, V) error,
	failed func(error), made func(value any, stack []byte) error) error {
	p := &passage[V, M]{uses: uses, handle: handle, made: made}
	defer p.handlers.Wait() // an event ends after its handlers, even after a Goexit
	defer p.end()
	handled := false
	err := func() (err error) {
		defer Barrier(&err, made)
		err = p.step(0)(ctx, v)
		var e *handledError
		handled = errors.As(err, &e)
		return err
	}()
	p.end()
	if err != nil && !handled {
		failed(err)
	}
	if p.handlers.Wait(); p.failed != nil {
		return p.failed
	}
	return err
}

// step is next for the middleware before the i-th.
func (p *passage[V, M]) step(i int) func(context.Context, V) error {
	if i == len(p.uses) {
		return p.last
	}
	return func(ctx context.Context, v V) (err error) {
		p.mu.Lock()
		over := p.over
		p.mu.Unlock()
		if over {
			return ErrOver
		}
		defer Barrier(&err, p.made)
		return (*p.uses[i])(ctx, v, p.step(i+1))
	}
}

// last runs the handlers.
func (p *passage[V, M]) last(ctx context.Context, v V) error {
	p.mu.Lock()
	switch {
	case p.ran:
		p.mu.Unlock()
		return ErrTwice
	case p.over:
		p.mu.Unlock()
		return ErrOver
	}
	p.ran = true
	p.handlers.Add(1)
	p.mu.Unlock()
	defer p.handlers.Done()
	if p.failed = p.handle(ctx, v); p.failed != nil {
		return &handledError{p.failed}
	}
	return nil
}

// end prevents the handlers from running later.
func (p *passage[V, M]) end() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
}
