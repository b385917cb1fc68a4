// SPDX-License-Identifier: MIT

// This file holds namespaces whose name comes from elsewhere: Of makes them, Lookup does
// not.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
)

// Of makes a namespace that has none of the middlewares of OfMatch; Lookup makes none.
func TestLookupMakesNothing(t *testing.T) {
	d := diary{newList()}
	memory(t, &socketio.Options{Observers: []any{d}}, func(w *world) {
		asked := newList()
		tenants := w.io.OfMatch(func(name string, _ socketio.Handshake) bool {
			asked.add(name)
			return name == "/tenant-1"
		})
		tenants.Use(func(_ context.Context, s *socketio.Socket) error {
			if string(s.Handshake().Auth) != `{"token":"t"}` {
				return errors.New("not authorized")
			}
			return nil
		})
		w.io.Of("/fixed")
		before := len(d.all())
		for _, name := range []string{
			"/tenant-1", "tenant-1", "/tenant-2", "/nowhere", "/a,b", "/\x00", "/\xff", "/" + strings.Repeat("x", 300), "/fixed?x=1", "/FIXED",
		} {
			if ns, ok := w.io.Lookup(name); ok || ns != nil {
				t.Errorf("Lookup(%q) finds %v", name, ns)
			}
		}
		for _, name := range []string{"/fixed", "fixed", "/", ""} {
			ns, ok := w.io.Lookup(name)
			if !ok || ns != w.io.Of(name) {
				t.Errorf("Lookup(%q) finds %v, %v", name, ns, ok)
			}
		}
		want(t, "namespaces made", len(d.all()), before)
		want(t, "functions asked", len(asked.all()), 0)
		p := w.open(websocket)
		p.says(`0/tenant-2,`)
		p.hears(`4/tenant-2,{"message":"Invalid namespace"}`)
		p.says(`0/tenant-1,`)
		p.hears(`4/tenant-1,{"message":"not authorized"}`)
		p.joins("/tenant-1", `{"token":"t"}`)
		ns, ok := w.io.Lookup("tenant-1")
		if !ok || ns.Name() != "/tenant-1" || len(ns.Sockets()) != 1 {
			t.Fatalf("one with a socket in it: %v %v", ns, ok)
		}
		_ = ns.Emit("hello")
		p.hears(`2/tenant-1,["hello"]`)
		p.says(`1/tenant-1,`)
		w.settle()
		if _, ok := w.io.Lookup("/tenant-1"); ok {
			t.Error("Lookup has kept a namespace that is empty")
		}
		_ = ns.Emit("to nobody") // does no harm
		p.isOpen()
	})
}

// Lookup runs beside clients that come and go.
func TestLookupRace(t *testing.T) {
	tcp(t, nil, func(w *world) {
		w.io.OfPattern(regexp.MustCompile(`^/team-\d$`))
		stop := make(chan struct{})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						if ns, ok := w.io.Lookup("/team-1"); ok {
							_ = ns.Volatile().Emit("x") // it must not fill a queue
						}
					}
				}
			})
		}
		p := w.open(websocket)
		for range 15 {
			p.says(`0/team-1,`)
			for {
				got, err := p.next()
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(got.text, "0/team-1,") {
					break
				}
			}
			p.says(`1/team-1,`)
		}
		close(stop)
		all.Wait()
		p.goes()
	})
}

// Of that makes a namespace which a function of OfMatch might have made warns, as it has
// none of its middlewares.
func TestOfPastTheFunctionsWarns(t *testing.T) {
	opts, lines := recorded(slog.LevelWarn)
	memory(t, opts, func(w *world) {
		w.io.Of("/before")
		w.io.OfPattern(regexp.MustCompile(`^/early-`))
		want(t, "without functions", strings.Join(lines(), "\n"), "")
		w.io.Of("/early-1")
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool { return strings.HasPrefix(name, "/tenant-") })
		w.io.OfPattern(regexp.MustCompile(`^/late-`))
		w.io.Of("/before")
		w.io.Of("")
		w.io.Of("/early-2") // its pattern comes before the function
		w.io.Lookup("/tenant-1")
		w.open(websocket).joins("/tenant-1")
		w.io.Of("/tenant-1") // was made by the function
		want(t, "where a function was asked, or is not concerned", strings.Join(lines(), "\n"), "")
		for _, name := range []string{"/tenant-2", "/other\u202e", "/late-1"} {
			w.io.Of(name)
		}
		got := lines()
		if len(got) != 1 || !strings.Contains(got[0], "Of made a namespace without asking the functions of OfMatch") ||
			!strings.Contains(got[0], "Lookup") || !strings.HasSuffix(got[0], " nsp=/tenant-2") {
			t.Errorf("the warnings are\n%s", strings.Join(got, "\n"))
		}
		time.Sleep(time.Minute)
		w.io.Of("/late-2")
		if got := lines(); len(got) != 1 || !strings.HasSuffix(got[0], " more=2 nsp=/late-2") {
			t.Errorf("a minute later the warnings are\n%s", strings.Join(got, "\n"))
		}
	})
}

// A name that comes from a request is looked up, so that nobody can have namespaces made.
func ExampleServer_Lookup() {
	io := socketio.NewServer(nil)
	defer io.Close()

	known := func(name string, _ socketio.Handshake) bool { return name == "/tenant-1" }
	io.OfMatch(known).Use(func(context.Context, *socketio.Socket) error { return nil }) // who may come in

	mux := http.NewServeMux()
	mux.HandleFunc("POST /{tenant}/news", func(w http.ResponseWriter, r *http.Request) {
		tenant, ok := io.Lookup("/" + r.PathValue("tenant")) // not Of
		if !ok {
			http.Error(w, "nobody is there", http.StatusNotFound)
			return
		}
		_ = tenant.Emit("news", r.FormValue("text"))
	})
	_, ok := io.Lookup("/tenant-2")
	fmt.Println(ok)
	// Output: false
}
