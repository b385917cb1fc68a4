// SPDX-License-Identifier: MIT

// This file checks a handler when it is registered: it must be a function whose parameters
// and results are in their places, and of types that JSON can represent (types.go). It
// panics with a message that says what to write instead.

package call

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
)

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

// shapeOf checks a handler of an event. It checks each type of function once, since each
// socket may register the same handlers.
func (c *Compiler[E, S, A, K]) shapeOf(event string, fn any) *shape[E, S, A, K] {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func {
		c.Bad(event, "it is "+Describe(fn)+", not a function")
	}
	if v.IsNil() {
		c.Bad(event, "it is nil")
	}
	t := v.Type()
	if known, ok := c.shapes.Load(t); ok {
		return known.(*shape[E, S, A, K])
	}
	check := &checker{words: c.words, event: event,
		socket: reflect.TypeFor[S](), args: reflect.TypeFor[A](), ack: reflect.TypeFor[K]()}
	s := new(shape[E, S, A, K])
	s.run = func(fn any, e E) ([]any, Answer, error) {
		in, err := s.arguments(e)
		if err != nil {
			return nil, Results, err
		}
		return s.invoke(fn, in)
	}
	s.readParams(check, t)
	s.readResults(check, t)
	if s.ack && s.results > 0 {
		c.Bad(event, "it takes an Ack and has results; only one of them can be the acknowledgement")
	}
	c.shapes.Store(t, s)
	return s
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

func (s *shape[E, S, A, K]) readParams(check *checker, t reflect.Type) {
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	if len(in) > 0 && in[0] == contextType {
		s.context, in = true, in[1:]
	}
	if len(in) > 0 && in[0] == check.socket {
		s.socket, in = true, in[1:]
	}
	if len(in) > 0 && in[len(in)-1] == check.ack {
		s.ack, in = true, in[:len(in)-1]
	}
	if t.IsVariadic() {
		s.rest, in = in[len(in)-1].Elem(), in[:len(in)-1]
		check.param("...", s.rest)
	}
	if len(in) == 1 && in[0] == check.args && s.rest == nil {
		s.args, in = true, nil
	}
	for i, p := range in {
		check.param(strconv.Itoa(i+1), p)
	}
	s.params = in
}

func (s *shape[E, S, A, K]) readResults(check *checker, t reflect.Type) {
	s.results = t.NumOut()
	if s.results > 0 && t.Out(s.results-1) == errorType {
		s.err = true
		s.results--
	}
	for i := range s.results {
		check.result(i+1, t.Out(i))
	}
}

// A checker checks the types of a handler. Its methods panic at the first error.
type checker struct {
	words             *Words
	event             string
	socket, args, ack reflect.Type // of Compiler
}

// param checks that a client can fill a parameter of type t.
func (c *checker) param(which string, t reflect.Type) {
	switch t {
	case contextType:
		c.words.bad(c.event, "a context.Context must be its first parameter")
	case c.socket:
		c.words.bad(c.event, "a "+t.String()+" must come before the arguments of the event")
	case c.args:
		c.words.bad(c.event, "a "+t.String()+" takes all arguments and can't stand beside others")
	case c.ack:
		c.words.bad(c.event, "a "+t.String()+" must be its last parameter")
	}
	is := "parameter " + which + " is " + withArticle(t)
	base := t
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	switch base {
	case bare(c.socket):
		c.words.bad(c.event, is+": take a "+c.socket.String()+", before the arguments of the event")
	case c.ack:
		c.words.bad(c.event, is+": take a "+c.ack.String()+", as the last parameter")
	case c.args:
		c.words.bad(c.event, is+": take a "+c.args.String()+", which is all arguments")
	case contextType:
		c.words.bad(c.event, is+": take a context.Context, as the first parameter")
	}
	f := (&typeCheck{words: c.words}).look(t, "")
	switch {
	case f == nil:
		return
	case f.kind == flawOurs && f.of == base:
		if instead := c.words.Instead(base); instead != "" {
			c.words.bad(c.event, is+instead)
		}
		c.words.bad(c.event, is+", which no client can send")
	case f.kind == flawInterface && f.of == t:
		c.words.bad(c.event, "parameter "+which+" is the interface "+t.String()+"; JSON needs a concrete type, or any")
	}
	why := is + ", which JSON can't fill" + f.reason(base, "send")
	if base.Kind() == reflect.Func {
		why += "; to answer by hand take a " + c.ack.String() + " as the last parameter"
	}
	c.words.bad(c.event, why)
}

// result checks that a client can receive a result of type t.
func (c *checker) result(which int, t reflect.Type) {
	if t == errorType {
		c.words.bad(c.event, "an error must be its last result")
	}
	is := fmt.Sprintf("result %d is %s", which, withArticle(t))
	if t.Implements(errorType) && !encodesItself(t, true) {
		c.words.bad(c.event, is+": a handler that may fail has a last result of type error")
	}
	base := t
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if f := (&typeCheck{words: c.words, out: true}).look(t, ""); f != nil {
		c.words.bad(c.event, is+", which JSON can't carry"+f.reason(base, "get"))
	}
}

// bare returns t, or the element type if t is a pointer.
func bare(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
