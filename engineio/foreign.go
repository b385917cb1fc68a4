// SPDX-License-Identifier: MIT

// This file holds requests for sessions of other servers.

package engineio

import "net/http"

// foreign offers requests to Options.ForeignSession. It is immutable.
type foreign struct {
	svc      *services
	sessions *sessions
	f        func(w http.ResponseWriter, r *http.Request, sid string) (served bool) // may be nil
}

// serve offers a request for a session that does not exist here. It reports whether the
// application has answered it.
func (f *foreign) serve(w http.ResponseWriter, r *http.Request, sid string) (served bool) {
	if f.f == nil || sid == "" || f.sessions.lookup(sid) != nil {
		return false
	}
	panicked := true
	f.svc.guard("Options.ForeignSession", func() {
		served = f.f(w, r, sid)
		panicked = false
	})
	if panicked {
		panic(http.ErrAbortHandler) // part of a response may be out
	}
	return served
}
