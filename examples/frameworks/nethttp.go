// SPDX-License-Identifier: MIT

// This file holds net/http, without a framework.

package frameworks

import (
	"net/http"

	"socketio"
)

// NetHTTP mounts io beside other routes.
func NetHTTP(io *socketio.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("hello"))
	})
	return mux
}
