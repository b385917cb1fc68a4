// SPDX-License-Identifier: MIT

// This file holds the shapes of handlers that are called by reflection. They are checked
// when a handler is registered.

package call

import (
	"context"
	"reflect"
	"strconv"
)

// A shape is a type of function that is called by reflection. It is immutable.
type shape[E Event[S, A], S, A any, K interface {
	~func(args ...any) error
}] struct {
	run     func(fn any, e E) (results []any, how Answer, err error) // see Handler
	context bool
	socket  bool
	args    bool           // one parameter of type A receives all
	params  []reflect.Type // one per argument
	rest    reflect.Type   // of a last ...T, or nil
	ack     bool
	results int
	err     bool
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

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

// arguments decodes the arguments of the handler.
func (s *shape[E, S, A, K]) arguments(e E) ([]reflect.Value, error) {
	in := make([]reflect.Value, 0, 4+len(s.params))
	if s.context {
		in = append(in, reflect.ValueOf(e.Context()))
	}
	if s.socket {
		in = append(in, reflect.ValueOf(e.Socket()))
	}
	if s.args {
		in = append(in, reflect.ValueOf(e.Args()))
	}
	for i, t := range s.params {
		v, err := decode(e, i, t)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	if s.rest != nil {
		for i := len(s.params); i < e.Len(); i++ {
			v, err := decode(e, i, s.rest)
			if err != nil {
				return nil, err
			}
			in = append(in, v)
		}
	}
	if s.ack {
		in = append(in, reflect.ValueOf(K(e.AnswerFunc())))
	}
	return in, nil
}

// invoke calls a function of this shape.
func (s *shape[E, S, A, K]) invoke(fn any, in []reflect.Value) (results []any, how Answer, err error) {
	out := reflect.ValueOf(fn).Call(in)
	switch {
	case s.ack:
		how = ByHand
	case s.results == 0:
		how = Nothing
	}
	if s.err {
		if e := out[s.results]; !e.IsNil() {
			if !s.ack {
				how = Results
			}
			return nil, how, e.Interface().(error)
		}
	}
	if s.results > 0 {
		results = make([]any, s.results)
		for i := range results {
			results[i] = out[i].Interface()
		}
	}
	return results, how, nil
}

// decode decodes an argument. A missing one is nil for a pointer and an interface.
func decode[E interface {
	Len() int
	Decode(i int, dst any) error
}](e E, i int, t reflect.Type) (reflect.Value, error) {
	if i >= e.Len() && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface) {
		return reflect.Zero(t), nil
	}
	p := reflect.New(t)
	if err := e.Decode(i, p.Interface()); err != nil {
		return reflect.Value{}, err
	}
	return p.Elem(), nil
}
