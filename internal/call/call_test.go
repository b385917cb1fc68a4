// SPDX-License-Identifier: MIT

// This file tests the package with a user that is not a server: a peer, with its own kind
// of arguments.

package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"socketio/internal/call"
)

type (
	peer   struct{ name string }
	values []json.RawMessage
	reply  func(args ...any) error
)

// A message is an event of a peer. It implements call.Event.
type message struct {
	from   *peer
	args   values
	text   string
	answer []any
}

var errMissing = errors.New("missing")

func (m *message) Context() context.Context { return context.Background() }
func (m *message) Socket() *peer            { return m.from }
func (m *message) Args() values             { return append(values(nil), m.args...) }
func (m *message) Len() int                 { return len(m.args) }

func (m *message) Decode(i int, dst any) error {
	if i >= len(m.args) {
		return fmt.Errorf("argument %d: %w", i, errMissing)
	}
	return json.Unmarshal(m.args[i], dst)
}

func (m *message) Text() (string, error) {
	err := m.Decode(0, &m.text)
	return m.text, err
}

func (m *message) Answer(args ...any) error {
	if _, bad := args[0].(func()); bad {
		panic("no form")
	}
	m.answer = args
	return nil
}

func (m *message) AnswerFunc() func(args ...any) error { return m.Answer }

func newCompiler() *call.Compiler[*message, *peer, values, reply] {
	return call.New[*message, *peer, values, reply](&call.Words{
		Package: "peers",
		Ours:    []reflect.Type{reflect.TypeFor[peer](), reflect.TypeFor[reply](), reflect.TypeFor[context.Context]()},
		Sent:    []reflect.Type{reflect.TypeFor[values]()},
		Instead: func(reflect.Type) string { return "" },
	})
}

func panicked(value any, _ []byte) error { return fmt.Errorf("panic: %v", value) }

// message0 is an event with arguments in JSON.
func message0(args ...string) *message {
	m := &message{from: &peer{"ann"}}
	for _, a := range args {
		m.args = append(m.args, json.RawMessage(a))
	}
	return m
}

type point struct{ X, Y int }

// Every shape has the same result, with reflection or without, and with its arguments
// decoded before the call or during it.
func TestShapes(t *testing.T) {
	type text string
	for _, c := range []struct {
		fn   any
		args string
		want string // the answer, or the error; "" for none
		how  call.Answer
	}{
		{func() {}, `"a"`, "", call.Nothing},
		{func() error { return errors.New("no") }, ``, "no", call.Results},
		{func(p *peer) {}, ``, "", call.Nothing},
		{func(p *peer) error { return errors.New(p.name) }, ``, "ann", call.Results},
		{func(s string) {}, ``, "argument 0: missing", call.Results},
		{func(s string) error { return errors.New(s) }, `"a"`, "a", call.Results},
		{func(p *peer, s string) error { return errors.New(p.name + s) }, `"a"`, "anna", call.Results},
		{func(p *peer, s string) {}, ``, "argument 0: missing", call.Results},
		{func(_ context.Context, s string) error { return errors.New(s) }, `"a"`, "a", call.Results},
		{func(_ context.Context, p *peer, s string) error { return errors.New(p.name + s) }, `"a"`, "anna", call.Results},
		{func(s string) string { return s + s }, `"a"`, "[aa]", call.Results},
		{func(s string) string { return s }, ``, "argument 0: missing", call.Results},
		{func(s string) (string, error) { return s + s, nil }, `"a"`, "[aa]", call.Results},
		{func(s string) (string, error) { return s, errors.New("no") }, `"a"`, "no", call.Results},
		{func(p *peer, s string) string { return p.name + s }, `"a"`, "[anna]", call.Results},
		{func(p *peer, s string) (string, error) { return p.name + s, nil }, `"a"`, "[anna]", call.Results},
		{func(ctx context.Context, s string) (string, error) { return s + s, ctx.Err() }, `"a"`, "[aa]", call.Results},
		{func(ctx context.Context, p *peer, s string) (string, error) { return p.name + s, ctx.Err() }, `"a"`, "[anna]", call.Results},
		{func(b []byte) {}, `"YQ=="`, "", call.Nothing},
		{func(p *peer, b []byte) {}, ``, "argument 0: missing", call.Results},
		{func(v values) error { return fmt.Errorf("%s", v) }, `1 2`, "[1 2]", call.Results},
		{func(p *peer, v values) {}, `1`, "", call.Nothing},
		{func(v values) {}, `1`, "", call.Nothing},
		{func(p *peer, v values) error { return fmt.Errorf("%s %s", p.name, v) }, `1`, "ann [1]", call.Results},
		{func(b []byte) error { return errors.New(string(b)) }, `"YQ=="`, "a", call.Results},
		{func(p *peer, b []byte) error { return errors.New(p.name + string(b)) }, `"YQ=="`, "anna", call.Results},
		{func(v any) error { return fmt.Errorf("%v", v) }, `"a" 2`, "a", call.Results},
		{func(v any) error { return fmt.Errorf("%v", v) }, ``, "<nil>", call.Results},
		{func(v any) error { return nil }, `{`, "unexpected end of JSON input", call.Results},
		{func(p *peer, v any) error { return fmt.Errorf("%s %v", p.name, v) }, `1`, "ann 1", call.Results},
		{func(v any) {}, `1`, "", call.Nothing},
		{func(p *peer, v any) {}, ``, "", call.Nothing},
		{func(p *peer, r reply) { _ = r(p.name) }, ``, "[ann]", call.ByHand},
		{func(s string, r reply) { _ = r(s) }, `"a"`, "[a]", call.ByHand},
		{func(s string, r reply) { _ = r(s) }, ``, "argument 0: missing", call.Results},
		{func(p *peer, s string, r reply) { _ = r(p.name + s) }, `"a"`, "[anna]", call.ByHand},
		{func(p *peer, s string, r reply) {}, `1`, "json: cannot unmarshal number into Go value of type string", call.Results},
		{func(s text) text { return s + s }, `"a"`, "[aa]", call.Results},
		{func(a, b int) int { return a + b }, `1 2 3`, "[3]", call.Results},
		{func(a int, b *int, c any) bool { return b == nil && c == nil }, `1`, "[true]", call.Results},
		{func(p *peer, v point) (int, string, error) { return v.X, p.name, nil }, `{"X":1}`, "[1 ann]", call.Results},
		{func(a int, rest ...int) int { return a * len(rest) }, `3 1 1`, "[6]", call.Results},
		{func(r reply) { _ = r(1) }, ``, "[1]", call.ByHand},
		{func(s string, r reply) error { _ = r(s); return errors.New("late") }, `"a"`, "late", call.ByHand},
		{func(int) {}, `"a"`, "json: cannot unmarshal string into Go value of type int", call.Results},
		{func() { panic("oh") }, ``, "panic: oh", call.Results},
		{func() any { return func() {} }, ``, "panic: no form", call.Results},
	} {
		compiler := newCompiler()
		bound := func(m *message) ([]any, call.Answer, error) {
			h, err := compiler.Bind("q", c.fn)(m)
			if err != nil {
				return nil, call.Results, err
			}
			return h.Run(h.Fn, m)
		}
		for name, h := range map[string]call.Handler[*message]{
			"Compile": compiler.Compile("q", c.fn), "again": compiler.Compile("q", c.fn), "Bind": {Run: func(_ any, m *message) ([]any, call.Answer, error) { return bound(m) }},
		} {
			m := message0(strings.Fields(c.args)...)
			how, err := call.Run(h, m, panicked)
			got := ""
			switch {
			case err != nil:
				got = err.Error()
			case m.answer != nil:
				got = fmt.Sprint(m.answer)
			}
			if got != c.want || how != c.how {
				t.Errorf("%s(%T) gives %q (%d), want %q (%d)", name, c.fn, got, how, c.want, c.how)
			}
		}
	}
}

// A function that can't be a handler panics at registration, with a message in the
// program's terms.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		fn   any
		want string
	}{
		{nil, `peers: handler of "q": it is nil, not a function`},
		{3, `peers: handler of "q": it is an int, not a function`},
		{(func(string))(nil), `peers: handler of "q": it is nil`},
		{(func(int))(nil), `peers: handler of "q": it is nil`},
		{func(string, *peer) {}, `peers: handler of "q": a *call_test.peer must come before the arguments of the event`},
		{func(peer) {}, `peers: handler of "q": parameter 1 is a call_test.peer: take a *call_test.peer, before the arguments of the event`},
		{func(values, string) {}, `peers: handler of "q": a call_test.values takes all arguments and can't stand beside others`},
		{func(reply, string) {}, `peers: handler of "q": a call_test.reply must be its last parameter`},
		{func(reply) int { return 0 }, `peers: handler of "q": it takes an Ack and has results; only one of them can be the acknowledgement`},
		{func(chan int) {}, `peers: handler of "q": parameter 1 is a chan int, which JSON can't fill`},
		//lint:ignore ST1008 the mistake that is tried
		{func() (error, int) { return nil, 0 }, `peers: handler of "q": an error must be its last result`},
		{func(*struct{ P *peer }) {}, `peers: handler of "q": parameter 1 is a *struct { P *call_test.peer }, which JSON can't fill: no client can send a *call_test.peer`},
		{func(struct{ P peer }) {}, `peers: handler of "q": parameter 1 is a struct { P call_test.peer }, which JSON can't fill: no client can send a call_test.peer`},
		{func() struct{ C chan int } { panic(0) }, `peers: handler of "q": result 1 is a struct { C chan int }, which JSON can't carry: its field C is a chan int`},
		{func() chan int { return nil }, `peers: handler of "q": result 1 is a chan int, which JSON can't carry`},
	} {
		compiler := newCompiler()
		for _, register := range []func(){
			func() { compiler.Compile("q", c.fn) }, func() { compiler.Compile("q", c.fn) }, func() { compiler.Bind("q", c.fn) },
		} {
			func() {
				defer func() {
					if got := recover(); got != c.want {
						t.Errorf("%T panics with %v, want %s", c.fn, got, c.want)
					}
				}()
				register()
			}()
		}
	}
}

// A field that is left out when it is not set makes a struct one that has something to
// carry, whatever the type of the field.
func TestFieldsThatMayBeLeftOut(t *testing.T) {
	type later struct {
		C chan int `json:",omitzero"`
	}
	for _, fn := range []any{func() later { return later{} }, func() *later { return nil }, func() []later { return nil }} {
		newCompiler().Compile("q", fn) // does not panic
	}
}

// Typed handlers are called without reflection, with the same answers and errors.
func TestTyped(t *testing.T) {
	double := call.TypedAnswer[*message](func(_ context.Context, p *peer, v point) (point, error) {
		if v.X < 0 {
			return point{}, errors.New("negative")
		}
		return point{2 * v.X, len(p.name)}, nil
	})
	var seen []point
	note := call.Typed[*message](func(_ context.Context, _ *peer, v point) error {
		seen = append(seen, v)
		return nil
	})
	for _, c := range []struct {
		h    call.Handler[*message]
		args []string
		want string
		how  call.Answer
	}{
		{double, []string{`{"X":4}`}, "[{8 3}]", call.Results},
		{double, []string{`{"X":-4}`}, "negative", call.Results},
		{double, nil, "argument 0: missing", call.Results},
		{note, []string{`{"X":4}`}, "[]", call.Nothing},
		{note, []string{`7`}, "json: cannot unmarshal number into Go value of type call_test.point", call.Results},
	} {
		m := message0(c.args...)
		how, err := call.Run(c.h, m, panicked)
		got := fmt.Sprint(m.answer)
		if err != nil {
			got = err.Error()
		}
		if got != c.want || how != c.how {
			t.Errorf("%v: %s (%d), want %s (%d)", c.args, got, how, c.want, c.how)
		}
	}
	if len(seen) != 1 || seen[0].X != 4 {
		t.Errorf("the handler without results has seen %v", seen)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		how  []call.Answer
		want bool
	}{
		{nil, false},
		{[]call.Answer{call.Results}, false},
		{[]call.Answer{call.Nothing}, true},
		{[]call.Answer{call.Nothing, call.Results}, true},
		{[]call.Answer{call.Nothing, call.ByHand}, false},
		{[]call.Answer{call.ByHand}, false},
	} {
		var a call.Answers
		for _, how := range c.how {
			a.Add(how)
		}
		if got := a.EmptyDue(); got != c.want {
			t.Errorf("%v: an empty answer is due: %v, want %v", c.how, got, c.want)
		}
	}
}

// The common shapes allocate nothing beyond what the function does.
func TestCommonShapesAllocateNothing(t *testing.T) {
	m := message0(`"hello"`)
	compiler := newCompiler()
	baseline := testing.AllocsPerRun(100, func() { _, _ = m.Text() })
	for _, fn := range []any{func(string) {}, func(*peer, string) {}, func(*peer, string) error { return nil }} {
		h := compiler.Compile("q", fn)
		if got := testing.AllocsPerRun(100, func() { _, _ = call.Run(h, m, panicked) }); got > baseline {
			t.Errorf("%T: %v allocations, decoding alone has %v", fn, got, baseline)
		}
	}
}

// A text as the answer to a text takes two: the list of results, and the text in it.
func TestAnswersOfATextAllocateLittle(t *testing.T) {
	m := message0(`"hello"`)
	compiler := newCompiler()
	baseline := testing.AllocsPerRun(100, func() { _, _ = m.Text() })
	for _, fn := range []any{
		func(s string) string { return s },
		func(s string) (string, error) { return s, nil },
		func(_ *peer, s string) string { return s },
		func(_ *peer, s string) (string, error) { return s, nil },
		func(_ context.Context, s string) (string, error) { return s, nil },
		func(_ context.Context, _ *peer, s string) (string, error) { return s, nil },
	} {
		h := compiler.Compile("q", fn)
		got := testing.AllocsPerRun(100, func() { _, _, _ = h.Run(h.Fn, m) })
		if got > baseline+2 {
			t.Errorf("%T: %v allocations, decoding alone has %v", fn, got, baseline)
		}
	}
}

// A list may change while it is read.
func TestList(t *testing.T) {
	var l call.List[func() int]
	if l.All() != nil {
		t.Error("the zero value is not empty")
	}
	add := func(n int) (remove func()) {
		fn := func() int { return n }
		return l.Add(&fn)
	}
	one := add(1)
	add(2)
	before := l.All()
	one()
	one()
	three := add(3)
	sum := func(list []*func() int) (sum int) {
		for _, fn := range list {
			sum = 10*sum + (*fn)()
		}
		return sum
	}
	if got := sum(before); got != 12 {
		t.Errorf("what was read before has %d, want 12", got)
	}
	if got := sum(l.All()); got != 23 {
		t.Errorf("now there are %d, want 23", got)
	}
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 1000 {
				add(9)()
			}
		}()
	}
	for range 4 {
		<-done
	}
	if got := sum(l.All()); got != 23 {
		t.Errorf("after 4000 that came and went there are %d, want 23", got)
	}
	three()
	if got := sum(l.All()); got != 2 {
		t.Errorf("at last there are %d, want 2", got)
	}
}

// A table may change while it is read, and keeps the order within an event.
func TestTable(t *testing.T) {
	var table call.Table[int]
	if table.All() != nil {
		t.Error("the zero value is not empty")
	}
	one, two, three := 1, 2, 3
	remove := table.Add("a", &one)
	table.Add("a", &two)
	table.Add("b", &three)
	before := table.All()
	remove()
	remove()
	table.Add("a", &one)
	show := func(m map[string][]*int) string {
		var b strings.Builder
		for _, event := range []string{"a", "b"} {
			for _, p := range m[event] {
				fmt.Fprint(&b, event, *p, " ")
			}
		}
		return b.String()
	}
	if got := show(before); got != "a1 a2 b3 " {
		t.Errorf("what was read before has %q", got)
	}
	if got := show(table.All()); got != "a2 a1 b3 " {
		t.Errorf("now there is %q", got)
	}
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 200 {
				table.Add(fmt.Sprint(i), &one)()
			}
		}()
	}
	for range 4 {
		<-done
	}
	if got := table.All(); show(got) != "a2 a1 b3 " || len(got) != 2 {
		t.Errorf("after 800 that came and went there is %q, %d events", show(got), len(got))
	}
}

func TestTry(t *testing.T) {
	if p := call.Try(func() {}); p != nil {
		t.Errorf("a function that returned panicked with %v", p.Value)
	}
	p := call.Try(func() { panic(7) })
	if p == nil || p.Value != 7 || !strings.Contains(string(p.Stack), "TestTry") {
		t.Errorf("a panic with 7 gives %+v", p)
	}
	goes := make(chan bool, 1)
	go func() {
		returned := false
		defer func() { goes <- !returned }()
		call.Try(runtime.Goexit)
		returned = true
	}()
	if !<-goes {
		t.Error("Try stops runtime.Goexit")
	}
}
