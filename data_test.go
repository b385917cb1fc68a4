// SPDX-License-Identifier: MIT

// This file holds values kept with a socket.

package socketio_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"socketio"
)

type user struct {
	Name string
	Age  int
}

var (
	userData    = socketio.NewDataKey[user]("user")
	sameName    = socketio.NewDataKey[string]("user")
	counterData = socketio.NewDataKey[int]("counter")
	brokenData  = socketio.NewDataKey[any]("broken")
)

func TestDataKeys(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a", "b")
		a, b := c.sockets["a"], c.sockets["b"]
		if _, ok := userData.Get(a); ok {
			t.Error("nobody has set it")
		}
		userData.Delete(a)
		userData.Set(a, user{"Anna", 30})
		got, ok := userData.Get(a)
		want(t, "the value", fmt.Sprint(got, ok), "{Anna 30} true")
		if _, ok := userData.Get(b); ok {
			t.Error("another socket has its own values")
		}
		text, ok := sameName.Get(a)
		want(t, "another type", fmt.Sprintf("%q %v", text, ok), `"" false`)
		before, _ := w.io.To("a").FetchSockets(w.Context())
		userData.Set(a, user{"Berta", 31})
		counterData.Set(a, 7)
		old, _ := userData.Get(before[0])
		now, _ := userData.Get(a)
		want(t, "what was fetched stays", old.Name+" "+now.Name, "Anna Berta")
		if _, ok := counterData.Get(before[0]); ok {
			t.Error("what was fetched stays")
		}
		for _, v := range []any{math.NaN(), func() {}, explosive{}} {
			brokenData.Set(a, v)
			after, _ := w.io.To("a").FetchSockets(w.Context())
			want(t, "as JSON, without what has none", string(after[0].Data()), `{"counter":7,"user":{"Name":"Berta","Age":31}}`)
		}
		userData.Delete(a)
		if _, ok := userData.Get(a); ok {
			t.Error("it is deleted")
		}
		a.CloseConn()
		if n, ok := counterData.Get(a); n != 7 || !ok {
			t.Error("values stay when the socket has gone")
		}
		want(t, "the name", userData.Name(), "user")
	})
}

func TestDataFromManyGoroutines(t *testing.T) {
	memory(t, nil, func(w *world) {
		s := newCrowd(w, websocket, "a").sockets["a"]
		var wg sync.WaitGroup
		for i := range 8 {
			key := socketio.NewDataKey[int](fmt.Sprint("key", i))
			wg.Go(func() {
				for n := range 200 {
					key.Set(s, n)
					if got, ok := key.Get(s); got != n || !ok {
						t.Errorf("key %d: %d %v", i, got, ok)
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestADataKeyHasAName(t *testing.T) {
	defer func() {
		if s, _ := recover().(string); !strings.Contains(s, "NewDataKey") {
			t.Errorf("it panics and says why: %q", s)
		}
	}()
	socketio.NewDataKey[int]("")
}
