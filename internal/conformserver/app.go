// SPDX-License-Identifier: MIT

// This file holds the state shared by handlers and middlewares.

package conformserver

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"

	"socketio"
)

// app is the state shared by the handlers of a server.
type app struct {
	*notes
	io         *socketio.Server
	namespaces []*socketio.Namespace
	parents    map[string]*socketio.ParentNamespace // by the prefix of their children's names
}

// notes are what all servers of the program have noted.
type notes struct {
	steps   sync.Map // *socketio.Socket to the notes of its middleware, []string
	reports sync.Map // id to how that socket went, gone

	mu       sync.Mutex
	apps     []*app
	made     []string // names of namespaces in the order of their making
	refusals []int    // codes of rejected requests
	gates    map[string]gate
}

// A gate keeps sockets waiting in a middleware.
type gate struct {
	opened context.Context // done when it is
	open   context.CancelFunc
}

func newNotes() *notes { return &notes{gates: make(map[string]gate)} }

// gate returns the gate with this name, made on first use; openGate opens it.
func (a *notes) gate(name string) context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	g, ok := a.gates[name]
	if !ok {
		g.opened, g.open = context.WithCancel(context.Background())
		a.gates[name] = g
	}
	return g.opened
}

func (a *notes) openGate(name string) {
	a.gate(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gates[name].open()
}

// parentOf returns the parent that a namespace was made from, or nil.
func (a *app) parentOf(nsp *socketio.Namespace) *socketio.ParentNamespace {
	for prefix, parent := range a.parents {
		if strings.HasPrefix(nsp.Name(), prefix) {
			return parent
		}
	}
	return nil
}

// all are the namespaces that there are on all servers, those made on demand too.
func (a *notes) all() (all []*socketio.Namespace) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, each := range a.apps {
		all = append(all, each.namespaces...)
		for _, parent := range each.parents {
			all = append(all, parent.Children()...)
		}
	}
	return all
}

func (a *app) stepsOf(s *socketio.Socket) []string {
	steps, _ := a.steps.Load(s)
	list, _ := steps.([]string)
	return list
}

// answered is how "ask" ended.
type answered struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Reply []any  `json:"reply,omitzero"`
}

func sortedRooms(s *socketio.Socket) []string {
	rooms := append([]string{}, s.Rooms()...)
	slices.Sort(rooms)
	return rooms
}

// authOf returns the client's auth, or an empty object.
func authOf(s *socketio.Socket) json.RawMessage {
	if auth := s.Handshake().Auth; auth != nil {
		return auth
	}
	return json.RawMessage("{}")
}

// settle waits until the other servers have handled what this one has sent them: clients are
// then told in the same order as by one server. The namespaces that are made on demand do not
// settle.
func (a *app) settle(ctx context.Context, nsp *socketio.Namespace) error {
	if os.Getenv("NODES") == "" || !slices.Contains(a.namespaces, nsp) {
		return nil
	}
	for _, err := range nsp.ServerSideEmitWithAck(ctx, "settle") {
		if err != nil {
			return err
		}
	}
	return nil
}
