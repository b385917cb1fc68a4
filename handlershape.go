// SPDX-License-Identifier: MIT

// This file holds the shapes a handler may have: checked once, when it is
// registered, and turned into one form of call.

package socketio

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"sync"
)

// A handlerFunc calls a handler with the arguments of an event. manual tells that
// the handler answers by hand.
type handlerFunc func(ev *event) (results []any, manual bool, err error)

// compile checks a handler; see newShape. The common shapes are called without reflection.
func compile(checked *sync.Map, name string, fn any) handlerFunc {
	switch fn := fn.(type) {
	case func():
		return plain(fn == nil, name, func(*event) error { fn(); return nil })
	case func() error:
		return plain(fn == nil, name, func(*event) error { return fn() })
	case func(string):
		return plain(fn == nil, name, text(func(_ *event, v string) error { fn(v); return nil }))
	case func(string) error:
		return plain(fn == nil, name, text(func(_ *event, v string) error { return fn(v) }))
	case func(context.Context, string) error:
		return plain(fn == nil, name, text(func(ev *event, v string) error { return fn(ev.context(), v) }))
	case func([]byte):
		return plain(fn == nil, name, data(func(_ *event, v []byte) error { fn(v); return nil }))
	case func(Args):
		return plain(fn == nil, name, func(ev *event) error { fn(ev.args.clone()); return nil })
	case func(Args) error:
		return plain(fn == nil, name, func(ev *event) error { return fn(ev.args.clone()) })
	case parallel:
		badHandler(name, "Parallel is for Socket.On alone")
	}
	return newShape(checked, name, fn).call
}

// plain makes a handler without results.
func plain(isNil bool, name string, fn func(*event) error) handlerFunc {
	if isNil {
		badHandler(name, "it is nil")
	}
	return func(ev *event) ([]any, bool, error) { return nil, false, fn(ev) }
}

// text decodes the first argument, which is a string.
func text(fn func(*event, string) error) func(*event) error {
	return func(ev *event) error {
		if err := ev.decodeFirst(&ev.text); err != nil {
			return err
		}
		return fn(ev, ev.text)
	}
}

// data decodes the first argument, which is bytes.
func data(fn func(*event, []byte) error) func(*event) error {
	return func(ev *event) error {
		var v []byte
		if err := ev.decodeFirst(&v); err != nil {
			return err
		}
		return fn(ev, v)
	}
}

func (ev *event) decodeFirst(dst any) error {
	if ev.args.Len() == 0 {
		return &HandlerError{ArgIndex: 0, Err: ErrMissingArgument}
	}
	if err := ev.args.codec.Decode(ev.args.raw[0], ev.args.attachments, dst); err != nil {
		return &HandlerError{ArgIndex: 0, Err: err}
	}
	return nil
}

// A shape is a handler that is called by reflection.
type shape struct {
	fn      reflect.Value
	context bool
	socket  bool
	args    bool           // one parameter of type Args takes all
	params  []reflect.Type // one per argument
	rest    reflect.Type   // of a last ...T; nil if there is none
	ack     bool
	results int
	err     bool
}

var (
	contextType = reflect.TypeFor[context.Context]()
	socketType  = reflect.TypeFor[*Socket]()
	argsType    = reflect.TypeFor[Args]()
	ackType     = reflect.TypeFor[Ack]()
	errorType   = reflect.TypeFor[error]()
)

// newShape checks a handler of an event. checked has the types of handlers whose
// parameters and results were looked at: each connection registers the same ones.
func newShape(checked *sync.Map, name string, fn any) *shape {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func {
		badHandler(name, "it is "+describe(fn)+", not a function")
	}
	if v.IsNil() {
		badHandler(name, "it is nil")
	}
	s, t := &shape{fn: v}, v.Type()
	_, known := checked.Load(t)
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	if len(in) > 0 && in[0] == contextType {
		s.context, in = true, in[1:]
	}
	if len(in) > 0 && in[0] == socketType {
		s.socket, in = true, in[1:]
	}
	if len(in) > 0 && in[len(in)-1] == ackType {
		s.ack, in = true, in[:len(in)-1]
	}
	if t.IsVariadic() {
		s.rest, in = in[len(in)-1].Elem(), in[:len(in)-1]
		if !known {
			checkParam(name, "...", s.rest)
		}
	}
	if len(in) == 1 && in[0] == argsType && s.rest == nil {
		s.args, in = true, nil
	}
	for i, p := range in {
		if !known {
			checkParam(name, strconv.Itoa(i+1), p)
		}
	}
	s.params = in
	s.results = t.NumOut()
	if s.results > 0 && t.Out(s.results-1) == errorType {
		s.err = true
		s.results--
	}
	for i := range s.results {
		switch out := t.Out(i); {
		case out == errorType:
			badHandler(name, "an error must be its last result")
		case !known:
			checkResult(name, i+1, out)
		}
	}
	if s.ack && s.results > 0 {
		badHandler(name, "it takes an Ack and has results; only one of them can be the acknowledgement")
	}
	if !known {
		checked.Store(t, nil)
	}
	return s
}

func badHandler(name, why string) {
	panic(fmt.Sprintf("socketio: handler of %q: %s", name, why))
}

func (s *shape) call(ev *event) (results []any, manual bool, err error) {
	in, err := s.arguments(ev)
	if err != nil {
		return nil, false, err
	}
	return s.invoke(in)
}

// arguments decodes what the handler gets.
func (s *shape) arguments(ev *event) ([]reflect.Value, error) {
	in := make([]reflect.Value, 0, 4+len(s.params))
	if s.context {
		in = append(in, reflect.ValueOf(ev.context()))
	}
	if s.socket {
		in = append(in, reflect.ValueOf(ev.socket))
	}
	if s.args {
		in = append(in, reflect.ValueOf(ev.args.clone()))
	}
	for i, t := range s.params {
		v, err := decodeParam(ev, i, t)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	if s.rest != nil {
		for i := len(s.params); i < ev.args.Len(); i++ {
			v, err := decodeParam(ev, i, s.rest)
			if err != nil {
				return nil, err
			}
			in = append(in, v)
		}
	}
	if s.ack {
		in = append(in, reflect.ValueOf(Ack(ev.reply.send)))
	}
	return in, nil
}

// invoke calls the handler.
func (s *shape) invoke(in []reflect.Value) (results []any, manual bool, err error) {
	out := s.fn.Call(in)
	if s.err {
		if e := out[s.results]; !e.IsNil() {
			return nil, s.ack, e.Interface().(error)
		}
	}
	if s.results > 0 {
		results = make([]any, s.results)
		for i := range results {
			results[i] = out[i].Interface()
		}
	}
	return results, s.ack, nil
}

func decodeParam(ev *event, i int, t reflect.Type) (reflect.Value, error) {
	if i >= ev.args.Len() {
		switch t.Kind() {
		case reflect.Pointer, reflect.Interface:
			return reflect.Zero(t), nil
		}
		return reflect.Value{}, &HandlerError{ArgIndex: i, Err: ErrMissingArgument}
	}
	p := reflect.New(t)
	if err := ev.args.codec.Decode(ev.args.raw[i], ev.args.attachments, p.Interface()); err != nil {
		return reflect.Value{}, &HandlerError{ArgIndex: i, Err: err}
	}
	return p.Elem(), nil
}
