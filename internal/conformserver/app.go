// SPDX-License-Identifier: MIT

// This file holds the state shared by handlers and middlewares.

package conformserver

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"socketio"
	"socketio/internal/nodes"
)

// app is the state shared by the handlers of a server.
type app struct {
	io         *socketio.Server
	node       *nodes.Node // its place among several servers, or nil
	notes      nodes.Notes // of all servers
	steps      sync.Map    // *socketio.Socket to the notes of its middleware, []string
	namespaces []*socketio.Namespace
	parents    map[string]*socketio.ParentNamespace // by the prefix of their children's names
}

// Names of lists in the notes.
const (
	made     = "made"     // names of namespaces in the order of their making
	refusals = "refusals" // codes of rejected requests
)

// gate is the name of the note that a gate has been opened.
func gate(name string) string { return "gate " + name }

func (a *app) openGate(name string) error { return a.notes.Set(gate(name), "open") }

// parentOf returns the parent that a namespace was made from, or nil.
func (a *app) parentOf(nsp *socketio.Namespace) *socketio.ParentNamespace {
	for prefix, parent := range a.parents {
		if strings.HasPrefix(nsp.Name(), prefix) {
			return parent
		}
	}
	return nil
}

// A status is what a server says about itself.
type status struct {
	Sockets  map[string]int `json:"sockets"` // by the namespaces that are there
	Sessions int            `json:"sessions"`
}

func (a *app) own() status {
	there := slices.Clone(a.namespaces)
	for _, parent := range a.parents {
		there = append(there, parent.Children()...)
	}
	sum := status{Sockets: make(map[string]int), Sessions: a.io.Connections()}
	for _, nsp := range there {
		sum.Sockets[nsp.Name()] = len(nsp.Sockets())
	}
	return sum
}

// status is that of all servers.
func (a *app) status(ctx context.Context) (status, error) {
	sum := a.own()
	if a.node == nil {
		return sum, nil
	}
	for reply, err := range a.io.ServerSideEmitWithAck(ctx, "status") {
		if err != nil {
			return sum, err
		}
		var other status
		if err := reply.Decode(&other); err != nil {
			return sum, err
		}
		for name, count := range other.Sockets {
			sum.Sockets[name] += count
		}
		sum.Sessions += other.Sessions
	}
	return sum, nil
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
// then told in the same order as by one server.
func (a *app) settle(ctx context.Context, nsp *socketio.Namespace) error {
	if a.node == nil {
		return nil
	}
	for _, err := range nsp.ServerSideEmitWithAck(ctx, "settle") {
		if err != nil {
			return err
		}
	}
	return nil
}

// settled answers: everything before has been handled.
func settled() bool { return true }
