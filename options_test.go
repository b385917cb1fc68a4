// SPDX-License-Identifier: MIT

// This file holds the tests of how Options, its Limits and its Engine fit together.

package socketio_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/engineio"
)

// There are at most 18 fields; the others are in Limits and Engine.
func TestDailyOptionsAreFew(t *testing.T) {
	if n := reflect.TypeFor[socketio.Options]().NumField(); n > 18 {
		t.Errorf("Options has %d fields, want at most 18", n)
	}
}

// A field that Options and Engine both have counts wherever it is set, and only one of
// the two places may be used.
func TestOptionsAndEngineShareFields(t *testing.T) {
	handshake := func(r *http.Request) (context.Context, error) { return r.Context(), nil }
	values := map[string]any{
		"PingInterval": time.Minute, "PingTimeout": time.Minute, "MaxPayload": 5000, "MaxConnections": 7,
		"Transports": []string{"polling"}, "AllowEIO3": true, "CORS": new(engineio.CORS),
		"TrustedProxies": []netip.Prefix{engineio.UnixSocket}, "Handshake": handshake,
		"Observers": []any{panics{}}, "Logger": slog.New(slog.DiscardHandler),
	}
	daily, engine := reflect.TypeFor[socketio.Options](), reflect.TypeFor[engineio.Options]()
	shared := 0
	for i := range daily.NumField() {
		f := daily.Field(i)
		other, ok := engine.FieldByName(f.Name)
		if !ok {
			continue
		}
		shared++
		if f.Type != other.Type {
			t.Errorf("Options.%s is a %v, and a %v in Engine", f.Name, f.Type, other.Type)
			continue
		}
		value, ok := values[f.Name]
		if !ok {
			t.Errorf("this test has no value for %s", f.Name)
			continue
		}
		opts := new(socketio.Options)
		v := reflect.ValueOf(opts).Elem()
		v.FieldByName(f.Name).Set(reflect.ValueOf(value))
		want(t, f.Name+" alone", message(func() { _ = socketio.NewServer(opts).Close() }), "")
		v.FieldByName("Engine").FieldByName(f.Name).Set(reflect.ValueOf(value))
		want(t, f.Name+" twice", message(func() { socketio.NewServer(opts) }),
			"socketio: Options."+f.Name+" and Options.Engine."+f.Name+" are both set; set one of them")
		v.FieldByName(f.Name).SetZero()
		want(t, f.Name+" in Engine", message(func() { _ = socketio.NewServer(opts).Close() }), "")
	}
	want(t, "the fields that both have", shared, len(values))
}

// Fields of Options reach the engine, and fields of Engine the rest of the server.
func TestSharedOptionsHaveTheSameEffectInBothPlaces(t *testing.T) {
	handshake := func(r *http.Request) (context.Context, error) {
		if r.URL.Query().Has("ban") {
			return nil, &socketio.ConnectError{Message: "banned"}
		}
		return nil, nil
	}
	for place, opts := range map[string]*socketio.Options{
		"Options": {PingInterval: 12 * time.Second, MaxPayload: 2000, Handshake: handshake},
		"Engine":  {Engine: engineio.Options{PingInterval: 12 * time.Second, MaxPayload: 2000, Handshake: handshake}},
	} {
		t.Run(place, func(t *testing.T) {
			memory(t, opts, func(w *world) {
				_, body := w.fetch("GET", "EIO=4&transport=polling", "")
				want(t, "the interval and the bound in the handshake", strings.Contains(body, `"pingInterval":12000`) && strings.Contains(body, `"maxPayload":2000`), true)
				resp, body := w.fetch("GET", "EIO=4&transport=polling&ban", "")
				want(t, "the status of a rejected client", resp.Status, 403)
				want(t, "its text is that of the ConnectError", strings.Contains(body, "banned"), true)
			})
		})
	}
}

// Without a browser client its paths are answered 404, and NoClientFiles is a file
// system for which that is true of every name.
func TestNoClientFilesIsEmpty(t *testing.T) {
	_, err := socketio.NoClientFiles{}.Open("socket.io.js")
	want(t, "the error is fs.ErrNotExist", errors.Is(err, fs.ErrNotExist), true)
}

func TestOptionsThatCannotWork(t *testing.T) {
	for what, o := range map[string]*socketio.Options{
		"Options.Limits.MaxRooms must not be negative":           {Limits: socketio.SocketLimits{MaxRooms: -1}},
		"Options.BodyTimeout must not be negative":               {Engine: engineio.Options{BodyTimeout: -1}},
		"Options.PauseTimeout must not be negative":              {Engine: engineio.Options{PauseTimeout: -1}},
		"Options.Limits.ConnectTimeout must not be negative":     {Limits: socketio.SocketLimits{ConnectTimeout: -1}},
		"Options.Limits.MaxAttachments must not be more than 99": {Limits: socketio.SocketLimits{MaxAttachments: 100}},
		"unknown transport carrier pigeon":                       {Transports: []string{"carrier pigeon"}},
		"Options.Recovery and Options.Cluster are both set":      {Recovery: &socketio.Recovery{}, Cluster: adapter.Alone()},
		"LocalOnly is set with a durable Store": {
			Recovery: &socketio.Recovery{LocalOnly: true, Store: durableStore{adapter.NewMemoryStore()}}, Cluster: adapter.Alone(),
		},
	} {
		if msg := panicOf(func() { socketio.NewServer(o) }); !strings.Contains(msg, what) {
			t.Errorf("NewServer panics with %q, want %q", msg, what)
		}
	}
}

type durableStore struct{ adapter.Store }

func (durableStore) Durable() bool { return true }

// A server whose options are invalid does not open its cluster, which nothing would close.
func TestInvalidOptionsOpenNoCluster(t *testing.T) {
	for name, o := range map[string]socketio.Options{
		"its own":       {Limits: socketio.SocketLimits{MaxRooms: -1}},
		"of the engine": {Engine: engineio.Options{Cookie: &engineio.Cookie{SameSite: http.SameSiteNoneMode}}},
		"observers":     {Observers: []any{42}},
	} {
		c := &openedCluster{Cluster: adapter.Alone()}
		o.Cluster = c
		if panicOf(func() { socketio.NewServer(&o) }) == "" || c.opened {
			t.Errorf("%s: NewServer opened the cluster: %v, and did not panic or did so too late", name, c.opened)
		}
	}
}

// An openedCluster notes that it was opened.
type openedCluster struct {
	adapter.Cluster
	opened bool
}

func (c *openedCluster) Open(n adapter.Node) error {
	c.opened = true
	return c.Cluster.Open(n)
}
