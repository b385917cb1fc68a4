// SPDX-License-Identifier: MIT

// This file holds the shapes that are called without reflection: those of most handlers.

package call

import (
	"context"
	"reflect"
)

// typed holds the Run of a Handler for each type of function that is called without
// reflection.
type typed[E any] map[reflect.Type]func(fn any, e E) (results []any, how Answer, err error)

func commonShapes[E Event[S, A], S, A any](t typed[E]) {
	quiet(t, func(fn func(), _ E) error { fn(); return nil })
	quiet(t, func(fn func() error, _ E) error { return fn() })
	quiet(t, func(fn func(S), e E) error { fn(e.Socket()); return nil })
	quiet(t, func(fn func(S) error, e E) error { return fn(e.Socket()) })
	quiet(t, func(fn func(A), e E) error { fn(e.Args()); return nil })
	quiet(t, func(fn func(A) error, e E) error { return fn(e.Args()) })
	quiet(t, func(fn func(S, A), e E) error { fn(e.Socket(), e.Args()); return nil })
	quiet(t, func(fn func(S, A) error, e E) error { return fn(e.Socket(), e.Args()) })

	text(t, func(fn func(string), _ E, v string) error { fn(v); return nil })
	text(t, func(fn func(string) error, _ E, v string) error { return fn(v) })
	text(t, func(fn func(S, string), e E, v string) error { fn(e.Socket(), v); return nil })
	text(t, func(fn func(S, string) error, e E, v string) error { return fn(e.Socket(), v) })
	text(t, func(fn func(context.Context, string) error, e E, v string) error { return fn(e.Context(), v) })
	text(t, func(fn func(context.Context, S, string) error, e E, v string) error {
		return fn(e.Context(), e.Socket(), v)
	})

	answer(t, func(fn func(string) string, _ E, v string) (string, error) { return fn(v), nil })
	answer(t, func(fn func(string) (string, error), _ E, v string) (string, error) { return fn(v) })
	answer(t, func(fn func(S, string) string, e E, v string) (string, error) { return fn(e.Socket(), v), nil })
	answer(t, func(fn func(S, string) (string, error), e E, v string) (string, error) { return fn(e.Socket(), v) })
	answer(t, func(fn func(context.Context, string) (string, error), e E, v string) (string, error) {
		return fn(e.Context(), v)
	})
	answer(t, func(fn func(context.Context, S, string) (string, error), e E, v string) (string, error) {
		return fn(e.Context(), e.Socket(), v)
	})

	first(t, func(fn func([]byte), _ E, v []byte) error { fn(v); return nil })
	first(t, func(fn func([]byte) error, _ E, v []byte) error { return fn(v) })
	first(t, func(fn func(S, []byte), e E, v []byte) error { fn(e.Socket(), v); return nil })
	first(t, func(fn func(S, []byte) error, e E, v []byte) error { return fn(e.Socket(), v) })

	value(t, func(fn func(any), _ E, v any) error { fn(v); return nil })
	value(t, func(fn func(any) error, _ E, v any) error { return fn(v) })
	value(t, func(fn func(S, any), e E, v any) error { fn(e.Socket(), v); return nil })
	value(t, func(fn func(S, any) error, e E, v any) error { return fn(e.Socket(), v) })
}

// ackShapes are those that answer by hand.
func ackShapes[E Event[S, A], S, A any, K interface {
	~func(args ...any) error
}](t typed[E]) {
	byHand(t, func(fn func(K), e E) error { fn(K(e.AnswerFunc())); return nil })
	byHand(t, func(fn func(S, K), e E) error { fn(e.Socket(), K(e.AnswerFunc())); return nil })
	byHand(t, func(fn func(string, K), e E) error {
		v, err := e.Text()
		if err == nil {
			fn(v, K(e.AnswerFunc()))
		}
		return err
	})
	byHand(t, func(fn func(S, string, K), e E) error {
		v, err := e.Text()
		if err == nil {
			fn(e.Socket(), v, K(e.AnswerFunc()))
		}
		return err
	})
}

// quiet adds a shape without results.
func quiet[E, F any](t typed[E], call func(F, E) error) {
	t[reflect.TypeFor[F]()] = func(fn any, e E) ([]any, Answer, error) {
		if err := call(fn.(F), e); err != nil {
			return nil, Results, err
		}
		return nil, Nothing, nil
	}
}

// text adds a shape that takes the first argument as a string.
func text[E interface{ Text() (string, error) }, F any](t typed[E], call func(F, E, string) error) {
	quiet(t, func(fn F, e E) error {
		v, err := e.Text()
		if err != nil {
			return err
		}
		return call(fn, e, v)
	})
}

// answer adds a shape that takes the first argument as a string and acknowledges with
// another.
func answer[E interface{ Text() (string, error) }, F any](t typed[E], call func(F, E, string) (string, error)) {
	t[reflect.TypeFor[F]()] = func(fn any, e E) ([]any, Answer, error) {
		v, err := e.Text()
		if err != nil {
			return nil, Results, err
		}
		if v, err = call(fn.(F), e, v); err != nil {
			return nil, Results, err
		}
		return []any{v}, Results, nil
	}
}

// first adds a shape that takes the first argument as a T.
func first[E interface{ Decode(i int, dst any) error }, F, T any](t typed[E], call func(F, E, T) error) {
	quiet(t, func(fn F, e E) error {
		v := new(T)
		if err := e.Decode(0, v); err != nil {
			return err
		}
		return call(fn, e, *v)
	})
}

// value adds a shape that takes the first argument as an any, which is nil if there is
// none.
func value[E interface {
	Len() int
	Decode(i int, dst any) error
}, F any](t typed[E], call func(F, E, any) error) {
	quiet(t, func(fn F, e E) error {
		var v any
		if e.Len() > 0 {
			if err := e.Decode(0, &v); err != nil {
				return err
			}
		}
		return call(fn, e, v)
	})
}

// byHand adds a shape that takes the function that acknowledges. An error of call is one
// of decoding.
func byHand[E, F any](t typed[E], call func(F, E) error) {
	t[reflect.TypeFor[F]()] = func(fn any, e E) ([]any, Answer, error) {
		if err := call(fn.(F), e); err != nil {
			return nil, Results, err
		}
		return nil, ByHand, nil
	}
}
