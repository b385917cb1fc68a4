// SPDX-License-Identifier: MIT

// This file holds requests for sessions of other servers: those that the application or a
// Forwarder gets, and those that arrive from another server.

package engineio

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"time"
)

// A Forwarder passes requests for sessions of other servers on to them. Its methods may be
// called from any goroutine.
type Forwarder interface {
	// Attach is called once by NewServer, before all other methods. It returns the tag
	// of this server, with which the ids of its sessions begin, as in TaggedIDs; or "" if
	// nothing is forwarded. Then ids have no tag, and Forward is not called.
	Attach(t ForwardTarget) (tag string)
	// Forward answers a request for a session whose id has the tag of another server. If
	// the session can't be reached, Forward has not written anything and returns the reason
	// for the client. admitted is whether this server's rule for origins admits the
	// request; it may be false for an upgrade only, whose session may admit it. The Cookie
	// header of such an upgrade is not hidden: the server of the session decides that.
	Forward(w http.ResponseWriter, r *http.Request, tag string, admitted bool) (reason string)
	// Close ends what is being forwarded, and returns when the goroutines of the Forwarder
	// have ended. NewServer's Server calls it at its end.
	Close() error
}

// A ForwardTarget is the server that a Forwarder belongs to.
type ForwardTarget struct {
	// Serve serves a request that another server has received and forwarded. It must not
	// be called for a request whose sender is not known to be one: everything in it is
	// believed, the address of the client too. admitted is that of Forwarder.Forward. The
	// request is never forwarded again.
	Serve func(w http.ResponseWriter, r *http.Request, admitted bool)
	// Logger is Options.Logger, or its default.
	Logger *slog.Logger
	// WriteTimeout is Options.WriteTimeout.
	WriteTimeout time.Duration
}

// foreign finds the answer to requests for sessions of other servers. It is immutable.
type foreign struct {
	svc      *services
	sessions *sessions
	rule     *originRule
	f        func(w http.ResponseWriter, r *http.Request, sid string) (served bool) // may be nil
	forward  Forwarder                                                              // may be nil
	own      func(tag string) bool                                                  // of this server; nil without forward
}

// attach gives the Forwarder its server, and returns how the ids of sessions are made.
func (f *foreign) attach(o *Options, serve func(http.ResponseWriter, *http.Request, bool)) (generate func(*http.Request) (string, error)) {
	f.f = o.ForeignSession
	if o.Forward == nil {
		return o.GenerateID
	}
	tag := o.Forward.Attach(ForwardTarget{Serve: serve, Logger: f.svc.log, WriteTimeout: o.WriteTimeout})
	if tag == "" {
		return nil
	}
	f.forward, f.own = o.Forward, func(other string) bool { return other == tag }
	return TaggedIDs(tag)
}

// serve offers a request for a session that does not exist here. It reports whether it was
// answered. Otherwise reason is why its session can't be reached, or "".
func (f *foreign) serve(w http.ResponseWriter, r *http.Request, sid string, upgrade bool) (served bool, reason string) {
	if f.f == nil && f.forward == nil || sid == "" || f.sessions.lookup(sid) != nil {
		return false, ""
	}
	panicked := true
	defer func() {
		if panicked {
			panic(http.ErrAbortHandler) // part of a response may be out
		}
	}()
	if f.forward == nil {
		f.svc.guard("Options.ForeignSession", func() {
			served = f.f(w, r, sid)
			panicked = false
		})
		return served, ""
	}
	tag, ok := SessionTag(sid)
	if !ok || f.own(tag) || arrivalOf(r) != nil {
		panicked = false
		return false, ""
	}
	admitted := !upgrade || f.rule.check(r, r.Header.Get("Origin")) == nil
	if upgrade {
		r = unhide(r)
	}
	f.svc.guard("Options.Forward", func() {
		reason = f.forward.Forward(w, r, tag, admitted)
		panicked = false
	})
	return reason == "" && !panicked, reason
}

// close ends what is being forwarded.
func (f *foreign) close() {
	if f.forward != nil {
		f.svc.guard("Forwarder.Close", func() { _ = f.forward.Close() })
	}
}

// An arrival is a request that another server has forwarded, in its context.
type arrival struct{ admitted bool }

type arrivalKey struct{}

// arrivalOf returns what the other server says about a request, or nil if the client has
// sent it to this one.
func arrivalOf(r *http.Request) *arrival {
	a, _ := r.Context().Value(arrivalKey{}).(*arrival)
	return a
}

// serveForwarded is ForwardTarget.Serve.
func (s *Server) serveForwarded(w http.ResponseWriter, r *http.Request, admitted bool) {
	s.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), arrivalKey{}, &arrival{admitted})))
}

type hiddenKey struct{}

// hide returns a copy of r without the Cookie header, which unhide can put back.
func hide(r *http.Request) *http.Request {
	header := r.Header
	r = r.WithContext(context.WithValue(r.Context(), hiddenKey{}, header["Cookie"]))
	r.Header = maps.Clone(header)
	delete(r.Header, "Cookie")
	return r
}

// unhide reverses hide.
func unhide(r *http.Request) *http.Request {
	cookies, ok := r.Context().Value(hiddenKey{}).([]string)
	if !ok {
		return r
	}
	header := r.Header
	r = r.WithContext(r.Context()) // a copy
	r.Header = maps.Clone(header)
	r.Header["Cookie"] = cookies
	return r
}
