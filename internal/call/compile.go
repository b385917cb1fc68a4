// SPDX-License-Identifier: MIT

// This file holds Compiler, which compiles functions into handlers, and the shapes that
// are called without reflection.

package call

import (
	"context"
	"fmt"
	"reflect"
	"sync"
)

// A Handler is a compiled function. It calls the function with arguments taken from the
// event e. Non-nil results are the acknowledgement. It does not recover panics.
type Handler[E any] func(e E) (results []any, how Answer, err error)

// A Binder is a compiled function whose arguments are decoded before it is called. It
// returns the call, or an error if the arguments do not fit.
type Binder[E any] func(e E) (Handler[E], error)

// Run calls h and sends its results as the acknowledgement, if it has any. It turns a
// panic, which may also come from the methods that encode the results, into an error by
// made.
func Run[E interface{ Answer(args ...any) error }](h Handler[E], e E, made func(value any, stack []byte) error) (how Answer, err error) {
	defer Barrier(&err, made)
	results, how, err := h(e)
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
	words   *Words
	checked sync.Map // reflect.Type of a function that was checked: nil
}

// New returns a Compiler.
func New[E Event[S, A], S, A any, K interface {
	~func(args ...any) error
}](words *Words) *Compiler[E, S, A, K] {
	return &Compiler[E, S, A, K]{words: words}
}

// Words describe the types of a program to a Compiler, for its checks and messages.
type Words struct {
	// Package is the prefix of the messages.
	Package string
	// Ours are types, without pointers, that have a meaning in this process only. S and K
	// and context.Context are among them.
	Ours []reflect.Type
	// Sent are types, without pointers, that can be sent, but not received. A is among
	// them.
	Sent []reflect.Type
	// Instead names, for such a type, the parameter type to use instead.
	Instead func(base reflect.Type) string
}

// bad panics with a message about the handler of an event.
func (w *Words) bad(event, mistake string) {
	panic(fmt.Sprintf("%s: handler of %q: %s", w.Package, event, mistake))
}

// Bad panics with a message about the handler of an event.
func (c *Compiler[E, S, A, K]) Bad(event, mistake string) { c.words.bad(event, mistake) }

// Compile checks fn and compiles it into a handler. It panics if fn can't be a handler.
// The common shapes are called without reflection.
func (c *Compiler[E, S, A, K]) Compile(event string, fn any) Handler[E] {
	if v := reflect.ValueOf(fn); v.Kind() == reflect.Func && v.IsNil() {
		c.Bad(event, "it is nil")
	}
	switch fn := fn.(type) {
	case func():
		return quiet(func(E) error { fn(); return nil })
	case func() error:
		return quiet(func(E) error { return fn() })
	case func(S):
		return quiet(func(e E) error { fn(e.Socket()); return nil })
	case func(S) error:
		return quiet(func(e E) error { return fn(e.Socket()) })
	case func(string):
		return text(func(_ E, v string) error { fn(v); return nil })
	case func(string) error:
		return text(func(_ E, v string) error { return fn(v) })
	case func(S, string):
		return text(func(e E, v string) error { fn(e.Socket(), v); return nil })
	case func(S, string) error:
		return text(func(e E, v string) error { return fn(e.Socket(), v) })
	case func(context.Context, string) error:
		return text(func(e E, v string) error { return fn(e.Context(), v) })
	case func(context.Context, S, string) error:
		return text(func(e E, v string) error { return fn(e.Context(), e.Socket(), v) })
	case func(string) string:
		return answer(func(_ E, v string) (string, error) { return fn(v), nil })
	case func(string) (string, error):
		return answer(func(_ E, v string) (string, error) { return fn(v) })
	case func(S, string) string:
		return answer(func(e E, v string) (string, error) { return fn(e.Socket(), v), nil })
	case func(S, string) (string, error):
		return answer(func(e E, v string) (string, error) { return fn(e.Socket(), v) })
	case func(context.Context, string) (string, error):
		return answer(func(e E, v string) (string, error) { return fn(e.Context(), v) })
	case func(context.Context, S, string) (string, error):
		return answer(func(e E, v string) (string, error) { return fn(e.Context(), e.Socket(), v) })
	case func([]byte):
		return bytes(func(_ E, v []byte) error { fn(v); return nil })
	case func(S, []byte):
		return bytes(func(e E, v []byte) error { fn(e.Socket(), v); return nil })
	case func(A):
		return quiet(func(e E) error { fn(e.Args()); return nil })
	case func(A) error:
		return quiet(func(e E) error { return fn(e.Args()) })
	case func(S, A):
		return quiet(func(e E) error { fn(e.Socket(), e.Args()); return nil })
	}
	s := c.shapeOf(event, fn)
	return func(e E) ([]any, Answer, error) {
		in, err := s.arguments(e)
		if err != nil {
			return nil, Results, err
		}
		return s.invoke(in)
	}
}

// Bind checks fn and compiles it into a Binder. It panics if fn can't be a handler.
func (c *Compiler[E, S, A, K]) Bind(event string, fn any) Binder[E] {
	s := c.shapeOf(event, fn)
	return func(e E) (Handler[E], error) {
		in, err := s.arguments(e)
		if err != nil {
			return nil, err
		}
		return func(E) ([]any, Answer, error) { return s.invoke(in) }, nil
	}
}

// quiet makes a handler without results.
func quiet[E any](fn func(E) error) Handler[E] {
	return func(e E) ([]any, Answer, error) {
		if err := fn(e); err != nil {
			return nil, Results, err
		}
		return nil, Nothing, nil
	}
}

// text makes a handler of the first argument, a string.
func text[E interface{ Text() (string, error) }](fn func(E, string) error) Handler[E] {
	return quiet(func(e E) error {
		v, err := e.Text()
		if err != nil {
			return err
		}
		return fn(e, v)
	})
}

// answer makes a handler of the first argument, a string, that acknowledges with another.
func answer[E interface{ Text() (string, error) }](fn func(E, string) (string, error)) Handler[E] {
	return func(e E) ([]any, Answer, error) {
		v, err := e.Text()
		if err != nil {
			return nil, Results, err
		}
		if v, err = fn(e, v); err != nil {
			return nil, Results, err
		}
		return []any{v}, Results, nil
	}
}

// bytes makes a handler of the first argument, binary data.
func bytes[E interface{ Decode(i int, dst any) error }](fn func(E, []byte) error) Handler[E] {
	return quiet(func(e E) error {
		var v []byte
		if err := e.Decode(0, &v); err != nil {
			return err
		}
		return fn(e, v)
	})
}
