// SPDX-License-Identifier: MIT

// This file holds the beginning and the end of namespaces, for package registry, which
// keeps them by name.

package socketio

import (
	"socketio/internal/registry"
	"socketio/internal/telemetry"
)

// An owner is a Server as its registry sees it, in the same memory.
type owner Server

// Make implements registry.Owner, as the methods below do.
func (o *owner) Make(e *entry) *Namespace {
	ns := newNamespace((*Server)(o), e.Name())
	ns.entry = e
	if p, ok := e.Parent(); ok {
		ns.parent = p.registered()
	}
	return ns
}

// Created notifies observers, before the application is notified of the namespace.
func (o *owner) Created(ns *Namespace) { ns.server.watch.namespaceCreated(ns.name) }

// Announce notifies the application.
func (o *owner) Announce(ns *Namespace) {
	s := (*Server)(o)
	for _, fn := range s.made.All() {
		s.guard("OnNewNamespace", func() { (*fn)(ns) })
	}
}

// Close ends a namespace that is removed, or was created after the end of the server.
func (o *owner) Close(ns *Namespace) { ns.closeAdapter() }

// Removed notifies observers.
func (o *owner) Removed(ns *Namespace) { ns.server.watch.namespaceRemoved(ns.name) }

// ParentOf returns the first parent whose pattern matches. Functions of OfMatch are not
// called: they decide about clients.
func (o *owner) ParentOf(name string, parents []maker) (parent maker, ok bool) {
	unasked := false
	for _, p := range parents {
		if p.asks() {
			unasked = true
		} else if yes, _ := p.matches(name, nil); yes {
			parent = p
			break
		}
	}
	if unasked {
		o.sampled.Warn("Of made a namespace without asking the functions of OfMatch, so it lets clients in without their middlewares: "+
			"for a name that comes from a request use Lookup, which makes none; call Of for the others before OfMatch", "nsp", telemetry.Text(name))
	}
	return parent, parent != nil
}

func newRegistry(s *Server) *spaces {
	return registry.New[*Namespace, maker]((*owner)(s), registry.Limits{
		MaxDynamic: s.opts.MaxDynamicNamespaces, KeepEmpty: s.opts.KeepEmptyNamespaces,
	})
}
