// SPDX-License-Identifier: MIT

// This file holds the shapes of handlers that are called by reflection: how arguments are
// decoded for them, and what becomes of their results. check.go makes a shape.

package call

import "reflect"

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
