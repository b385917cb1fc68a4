// SPDX-License-Identifier: MIT

// This file tests the control of a program without Node.js.

package npmcluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A notebook is a test that keeps its errors.
type notebook struct {
	testing.TB
	errors []string
}

func (n *notebook) Errorf(format string, args ...any) {
	n.errors = append(n.errors, fmt.Sprintf(format, args...))
}

// echo controls a program that answers "echo" with the value it was given, "fail" with an
// error, ends at "end", and says nothing to other jobs. Its output is read until stop is
// called.
func echo(t testing.TB) (p *Program, stop func()) {
	in, jobs := io.Pipe()
	out, lines := io.Pipe()
	p = control(t, jobs)
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(out)
	}()
	go func() {
		defer func() { _ = lines.Close() }()
		for dec := json.NewDecoder(in); ; {
			var job struct {
				ID    int
				Do    string
				Value any
			}
			if dec.Decode(&job) != nil || job.Do == "end" {
				return
			}
			answer := Object{"id": job.ID}
			switch job.Do {
			case "echo":
				answer["result"] = job.Value
			case "fail":
				answer["error"] = "it has failed"
			default:
				continue
			}
			_ = json.NewEncoder(lines).Encode(answer)
		}
	}()
	return p, func() {
		_ = jobs.Close()
		<-read
	}
}

func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, stop := echo(t)
		defer stop()
		value := []any{1, "two", []byte("three"), Object{"four": []any{nil, 5}}}
		var got any
		p.Must(t, "echo", Object{"value": value}, &got)
		if want := Neutral(value); !reflect.DeepEqual(got, want) {
			t.Errorf("the result %v, want %v", got, want)
		}
		p.Must(t, "echo", nil, nil)
		if err := p.Do("fail", nil, nil); err == nil || err.Error() != "it has failed" {
			t.Errorf("the error of the program: %v", err)
		}
		start := time.Now()
		if err := p.Do("nothing", nil, nil); err == nil || time.Since(start) != Patience {
			t.Errorf("a job without an answer: %v after %v", err, time.Since(start))
		}
		for range 2 {
			if err := p.Do("end", nil, nil); err == nil || err.Error() != errEnded.Error() {
				t.Errorf("after the end: %v", err)
			}
		}
	})
}

func TestTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notes := &notebook{TB: t}
		p := control(notes, io.Discard)
		p.line([]byte(`{"client":"a","event":"news","args":[1,"x"]}`))
		p.Tell(Told{Server: "s"})
		server := func(m *Told) bool { return m.Server != "" }
		want := Told{Client: "a", Event: "news", Args: []any{1.0, "x"}}
		if all := p.Find(func(*Told) bool { return true }); len(all) != 2 || !reflect.DeepEqual(all[0], want) {
			t.Errorf("told: %v", all)
		}
		go func() { // ends at once
			time.Sleep(time.Second)
			p.line([]byte(`{"client":"b","disconnected":"why"}`))
		}()
		if m, err := p.Until(func(m *Told) bool { return m.Disconnected == "why" }); err != nil || m.Client != "b" {
			t.Errorf("until a client is disconnected: %v, %v", m, err)
		}
		p.Forget()
		for _, limit := range []time.Duration{Patience, impatience} {
			start := time.Now()
			if m, err := p.Until(server); err == nil || time.Since(start) != limit {
				t.Errorf("what was forgotten: %v, %v after %v, want an error after %v", m, err, time.Since(start), limit)
			}
		}
		for _, text := range []string{`no JSON`, `{"fault":"ours"}`, `{"id":7,"result":1}`} {
			p.line([]byte(text))
		}
		faults := []string{`the npm servers say "no JSON"`, "the npm servers: ours", `the npm servers answer what nobody waits for: {"id":7,"result":1}`}
		if !slices.Equal(notes.errors, faults) {
			t.Errorf("the errors %q, want %q", notes.errors, faults)
		}
	})
}

func TestNeutral(t *testing.T) {
	got := Neutral([]any{7, []byte{0, 255}, Object{"a": []byte("b")}, nil, true})
	want := []any{7.0, Object{"$b": "AP8="}, Object{"a": Object{"$b": "Yg=="}}, nil, true}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if err, ok := Neutral(make(chan int)).(error); !ok || errors.Is(err, io.EOF) {
		t.Errorf("a value that JSON does not have: %v", err)
	}
}
