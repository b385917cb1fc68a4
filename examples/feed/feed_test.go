// SPDX-License-Identifier: MIT

// This file tests the feed with the npm client, which "make setup" installs.

package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/internal/leakcheck"
	"socketio/siotest"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func open(t *testing.T, name string) *notes {
	t.Helper()
	n, err := openNotes(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.db.Close() })
	return n
}

// A client that joins while a note is sent, but not stored yet, waits for it: the note is
// not an event for this client. One that is sent after it has joined is an event, even if
// it is stored before the client has loaded.
func TestWritingWhileAClientLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, filepath.Join(t.TempDir(), "notes.db"))
		io := newServer(n)
		reader := siotest.NewServer(t, io).Connect()
		emitted, goOn, stored := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			stored <- n.add(context.Background(), "sent before", func() (string, error) {
				position, err := io.To(room).EmitAt("note", "sent before")
				close(emitted)
				<-goOn
				return position, err
			})
		}()
		<-emitted
		loading := reader.Ask("load")
		for len(members(t, io)) == 0 {
			time.Sleep(time.Millisecond) // virtual
		}
		position := make(chan string, 1)
		go func() {
			stored <- n.add(context.Background(), "sent after", func() (string, error) {
				p, err := io.To(room).EmitAt("note", "sent after")
				position <- p
				return p, err
			})
		}()
		close(goOn)
		for range 2 {
			if err := <-stored; err != nil {
				t.Fatal(err)
			}
		}
		loading.Want([]string{"sent before"})
		reader.Want("note", "sent after", <-position)
		reader.WantNothing()
	})
}

func members(t *testing.T, io *socketio.Server) []socketio.RemoteSocket {
	t.Helper()
	all, err := io.In(room).FetchSockets(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A server that is started again knows the notes of the one before.
func TestNotesOfAnEarlierServer(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notes.db")
	want := []string{}
	for _, text := range []string{"first", "second", "third"} {
		n := open(t, name)
		c := siotest.NewServer(t, newServer(n)).Connect()
		c.Ask("load").Want(want)
		c.Ask("write", text).Want("stored")
		want = append(want, text)
		c.Disconnect()
	}
}

// Forty clients of the npm package join at any moment, lose their connections and come
// back, while three others write. SEED=N repeats a run.
func TestReaders(t *testing.T) {
	seed := os.Getenv("SEED")
	if seed == "" {
		seed = strconv.FormatInt(time.Now().UnixNano()%1e9+1, 10)
	}
	t.Logf("SEED=%s", seed)
	io := newServer(open(t, filepath.Join(t.TempDir(), "notes.db")))
	server := httptest.NewServer(io)
	defer server.Close()
	defer io.Close()
	cmd := exec.Command("node", "testdata/readers.mjs", server.URL, seed)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the clients: %v", err)
	}
	var found struct {
		Notes            []string
		Readers          [][]string
		Recovered, Loads int
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Notes) != 300 || len(found.Readers) < 5 || found.Recovered == 0 {
		t.Errorf("there are %d notes, %d readers, and %d were recovered", len(found.Notes), len(found.Readers), found.Recovered)
	}
	for i, notes := range found.Readers {
		if !slices.Equal(notes, found.Notes) {
			at := 0
			for at < min(len(notes), len(found.Notes)) && notes[at] == found.Notes[at] {
				at++
			}
			t.Errorf("reader %d has %d notes, and differs at %d: %s", i, len(notes), at, strings.Join(notes[at:min(at+5, len(notes))], " "))
		}
	}
	t.Logf("%d readers, %d loads, %d recovered", len(found.Readers), found.Loads, found.Recovered)
}
