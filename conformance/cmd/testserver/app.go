// SPDX-License-Identifier: MIT

package main

// This file holds the state shared by handlers and middlewares.

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"socketio"
)

// app is the state shared by the handlers.
type app struct {
	io         *socketio.Server
	namespaces []*socketio.Namespace
	parents    map[string]*socketio.ParentNamespace // by the prefix of their children's names
	steps      sync.Map                             // *socketio.Socket to the notes of its middleware, []string
	reports    sync.Map                             // id to how that socket went, gone

	mu       sync.Mutex
	made     []string // names of namespaces in the order of their making
	refusals []int    // codes of rejected requests
	gates    map[string]gate
}

// A gate keeps sockets waiting in a middleware.
type gate struct {
	opened context.Context // done when it is
	open   context.CancelFunc
}

// gate returns the gate with this name, made on first use; openGate opens it.
func (a *app) gate(name string) context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	g, ok := a.gates[name]
	if !ok {
		g.opened, g.open = context.WithCancel(context.Background())
		a.gates[name] = g
	}
	return g.opened
}

func (a *app) openGate(name string) {
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

// all are the namespaces that there are, those made on demand too.
func (a *app) all() []*socketio.Namespace {
	all := slices.Clone(a.namespaces)
	for _, parent := range a.parents {
		all = append(all, parent.Children()...)
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
