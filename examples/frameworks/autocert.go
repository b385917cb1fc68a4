// SPDX-License-Identifier: MIT

// This file serves over TLS with certificates that are fetched and renewed by
// themselves, from a CA that speaks ACME.

package frameworks

import (
	"net/http"
	"time"

	"golang.org/x/crypto/acme/autocert"
)

// AutocertServers returns the two servers of a host: the one with the certificate, on
// port 443, and the one on port 80, which answers the CA and sends browsers on to the
// other. Certificates stay in a directory; without one each start would fetch one, and
// CAs soon reject that.
//
//	secure, plain := AutocertServers(mux, "/var/lib/chat/certs", "chat.example.com")
//	go plain.ListenAndServe()
//	secure.ListenAndServeTLS("", "")
func AutocertServers(handler http.Handler, dir string, hosts ...string) (secure, plain *http.Server) {
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist(hosts...), // otherwise any client could make us request certificates
		Cache:      autocert.DirCache(dir),
	}
	secure = &http.Server{
		Addr:              ":443",
		Handler:           handler,
		TLSConfig:         m.TLSConfig(), // offers HTTP/2 and HTTP/1.1
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       3 * time.Minute,
	}
	plain = &http.Server{Addr: ":80", Handler: m.HTTPHandler(nil), ReadHeaderTimeout: 10 * time.Second}
	return secure, plain
}
