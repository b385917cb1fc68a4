// SPDX-License-Identifier: MIT

// This file tests the package against a server of fixed answers.

package rawclient_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"

	"socketio/internal/leakcheck"
	"socketio/internal/rawclient"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestOpenPackets(t *testing.T) {
	open, err := rawclient.ParseOpen(`0{"sid":"x","upgrades":["websocket"],"pingInterval":1,"pingTimeout":2,"maxPayload":3}`)
	want := rawclient.OpenPacket{SID: "x", Upgrades: []string{"websocket"}, PingInterval: 1, PingTimeout: 2, MaxPayload: 3}
	if err != nil || !reflect.DeepEqual(open, want) {
		t.Errorf("%+v, %v", open, err)
	}
	for _, packet := range []string{"", "0", "0{}", `4{"sid":"x"}`, `0{"sid":"x"`, `{"sid":"x"}`} {
		if open, err := rawclient.ParseOpen(packet); err == nil {
			t.Errorf("%q opens %+v", packet, open)
		}
	}
}

func TestPayloads(t *testing.T) {
	packets := []string{"4text", rawclient.Binary([]byte{1, 2, 3, 4}), "6"}
	payload := rawclient.Join(packets...)
	if payload != "4text\x1ebAQIDBA==\x1e6" || !slices.Equal(rawclient.Split(payload), packets) {
		t.Errorf("%q", payload)
	}
	for packet, want := range map[string]string{"bAQIDBA==": "\x01\x02\x03\x04 true", "4b": " false", "b": " true"} {
		message, binary, err := rawclient.ParseBinary(packet)
		if got := string(message) + map[bool]string{true: " true", false: " false"}[binary]; got != want || err != nil {
			t.Errorf("%s: %q, %v", packet, got, err)
		}
	}
	if _, binary, err := rawclient.ParseBinary("b!"); !binary || err == nil {
		t.Errorf("binary %v, %v", binary, err)
	}
}

func TestRequests(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Host+" "+r.Header.Get("X-Sent"))
		if r.URL.Path == "/cut" {
			w.Header().Set("Content-Length", "10")
		}
		w.WriteHeader(418)
		_, _ = w.Write([]byte("body"))
	}))
	defer srv.Close()
	defer srv.Client().CloseIdleConnections()
	for path, fails := range map[string]bool{"/": false, "/cut": true} {
		r, err := http.NewRequest(http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		rawclient.AddHeader(r, "Host", "chat.example", "X-Sent", "yes")
		got := rawclient.Do(srv.Client(), r)
		if got.Status != 418 || got.Body != "body" || got.Header.Get("X-Seen") != "chat.example yes" || (got.Err != nil) != fails {
			t.Errorf("%s: %+v", path, got)
		}
	}
	srv.Close()
	r, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := rawclient.Do(srv.Client(), r); got.Err == nil || got.Status != 0 {
		t.Errorf("a server that has gone: %+v", got)
	}
}
