// SPDX-License-Identifier: MIT

// This file holds the headers that an application adds to responses.

package engineio

import "net/http"

// headers are the functions of Options that add headers. It is immutable.
type headers struct {
	svc          *services
	initial, all func(http.Header, *http.Request) // may be nil
}

// add adds the headers of a response that is not an error. first means that it opens the
// session.
func (f *headers) add(h http.Header, r *http.Request, first bool) {
	if f.initial != nil && first {
		f.svc.guard("Options.InitialHeaders", func() { f.initial(h, r) })
	}
	if f.all != nil {
		f.svc.guard("Options.Headers", func() { f.all(h, r) })
	}
}
