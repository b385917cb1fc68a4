// SPDX-License-Identifier: MIT

// This file holds Compiler, which compiles functions into handlers.

package call

import (
	"reflect"
	"sync"
)

// A Handler is a compiled function: Fn, and Run, which is the same for all functions of
// its type. So a handler takes no memory besides its own, and a call visits none but that
// of the function. Run calls fn with arguments taken from the event e. Non-nil results are
// the acknowledgement. It does not recover panics.
type Handler[E any] struct {
	Run func(fn any, e E) (results []any, how Answer, err error)
	Fn  any
}

// A Binder is a compiled function whose arguments are decoded before it is called. It
// returns the call, or an error if the arguments do not fit.
type Binder[E any] func(e E) (Handler[E], error)

// Run calls h and sends its results as the acknowledgement, if it has any. It turns a
// panic, which may also come from the methods that encode the results, into an error by
// made.
func Run[E interface{ Answer(args ...any) error }](h Handler[E], e E, made func(value any, stack []byte) error) (how Answer, err error) {
	defer Barrier(&err, made)
	results, how, err := h.Run(h.Fn, e)
	if err == nil && results != nil {
		err = e.Answer(results...)
	}
	return how, err
}

// A Compiler makes handlers for events E of sockets S from functions whose parameters
// are, each optional and in this order, a context.Context, an S, one parameter for each
// argument of the event, or an A for all of them, and a K, which sends the
// acknowledgement. Its methods may be called from any goroutine.
type Compiler[E Event[S, A], S, A any, K interface {
	~func(args ...any) error
}] struct {
	words  *Words
	common typed[E]
	shapes sync.Map // reflect.Type of a function that was checked: its *shape
}

// New returns a Compiler.
func New[E Event[S, A], S, A any, K interface {
	~func(args ...any) error
}](words *Words) *Compiler[E, S, A, K] {
	c := &Compiler[E, S, A, K]{words: words, common: make(typed[E])}
	commonShapes[E, S, A](c.common)
	ackShapes[E, S, A, K](c.common)
	return c
}

// Compile checks fn and compiles it into a handler. It panics if fn can't be a handler.
// The common shapes are called without reflection.
func (c *Compiler[E, S, A, K]) Compile(event string, fn any) Handler[E] {
	if v := reflect.ValueOf(fn); v.Kind() == reflect.Func && !v.IsNil() {
		if run := c.common[v.Type()]; run != nil {
			return Handler[E]{run, fn}
		}
	}
	return Handler[E]{c.shapeOf(event, fn).run, fn}
}

// Bind checks fn and compiles it into a Binder. It panics if fn can't be a handler.
func (c *Compiler[E, S, A, K]) Bind(event string, fn any) Binder[E] {
	s := c.shapeOf(event, fn)
	return func(e E) (Handler[E], error) {
		in, err := s.arguments(e)
		if err != nil {
			return Handler[E]{}, err
		}
		return Handler[E]{func(fn any, _ E) ([]any, Answer, error) { return s.invoke(fn, in) }, fn}, nil
	}
}
