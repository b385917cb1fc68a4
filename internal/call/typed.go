// SPDX-License-Identifier: MIT

// This file holds generic handlers, which need no reflection. It is the entry point for
// typed events.

package call

import "context"

// Typed makes a handler from a function that takes the first argument as a T.
func Typed[E Event[S, A], S, A, T any](fn func(ctx context.Context, s S, v T) error) Handler[E] {
	return Handler[E]{Fn: fn, Run: func(_ any, e E) ([]any, Answer, error) {
		v := new(T)
		if err := e.Decode(0, v); err != nil {
			return nil, Results, err
		}
		if err := fn(e.Context(), e.Socket(), *v); err != nil {
			return nil, Results, err
		}
		return nil, Nothing, nil
	}}
}

// TypedAnswer makes a handler from a function that takes the first argument as a T and
// returns the acknowledgement.
func TypedAnswer[E Event[S, A], S, A, T, R any](fn func(ctx context.Context, s S, v T) (R, error)) Handler[E] {
	return Handler[E]{Fn: fn, Run: func(_ any, e E) ([]any, Answer, error) {
		v := new(T)
		if err := e.Decode(0, v); err != nil {
			return nil, Results, err
		}
		r, err := fn(e.Context(), e.Socket(), *v)
		if err != nil {
			return nil, Results, err
		}
		return []any{r}, Results, nil
	}}
}
