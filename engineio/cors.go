// SPDX-License-Identifier: MIT

// This file holds CORS: the origins that an application allows, and the headers that say
// so to browsers.

package engineio

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"socketio/internal/durations"
)

// CORS lets pages of other origins connect, over every transport.
type CORS struct {
	// Origins are the allowed origins: "https://example.com",
	// "http://localhost:3000", "capacitor://localhost", "https://*.example.com" (one
	// or more labels), "null", or "*" for all. Case does not matter. NewServer panics
	// on one that no request can have, such as "localhost:3000" or one with a path.
	Origins []string
	// AllowOrigin, if not nil, decides about origins that are not in Origins. It may be
	// called by many goroutines at once.
	AllowOrigin func(r *http.Request, origin string) bool
	// AllowCredentials lets the browser send cookies. It can't be combined with "*" or
	// "null", which any site can have as its origin. If false, the Cookie header of a page
	// of another origin is hidden on every transport from Use, from all functions of Options
	// and from the Handshake, because browsers send cookies with a WebSocket anyway. Other
	// credentials, such as Basic Authorization and client certificates, are not hidden.
	AllowCredentials bool
	// AllowedHeaders are allowed in the answer to a preflight. If empty, those that the
	// browser asks for.
	AllowedHeaders []string
	// ExposedHeaders are the response headers that a page may read.
	ExposedHeaders []string
	// Methods are allowed in the answer to a preflight. If empty, GET, POST and OPTIONS.
	Methods []string
	// MaxAge is how long a browser may cache the answer to a preflight. If zero, the
	// header is omitted.
	MaxAge time.Duration
}

func (c *CORS) check() {
	if c == nil {
		return
	}
	durations.Check("engineio: Options.CORS.MaxAge", c.MaxAge, time.Second)
	for _, o := range c.Origins {
		if (o == "*" || strings.EqualFold(o, "null")) && c.AllowCredentials {
			panic(fmt.Sprintf("engineio: CORS: the origin %q with AllowCredentials lets every site act as its visitors; list the origins", o))
		}
		if isOrigin(o) {
			continue
		}
		instead := fmt.Sprintf("write %q", nearest(o))
		if !isOrigin(nearest(o)) {
			instead = `one is "https://example.com", "http://localhost:3000", "https://*.example.com", "null" or "*"; AllowOrigin can decide anything else`
		}
		panic(fmt.Sprintf("engineio: CORS: %q is not an origin; %s", o, instead))
	}
}

// isOrigin reports whether s is an origin as browsers and apps send it, or a pattern
// of some.
func isOrigin(s string) bool {
	if s == "*" || strings.EqualFold(s, "null") {
		return true
	}
	scheme, host, ok := strings.Cut(strings.ToLower(s), "://")
	if !ok || scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
		return false
	}
	if host == "" {
		return scheme != "http" && scheme != "https" // file://
	}
	host = strings.TrimPrefix(host, "*.")
	if rest, ok := strings.CutPrefix(host, "["); ok { // an IPv6 address
		addr, port, ok := strings.Cut(rest, "]")
		ip, err := netip.ParseAddr(addr)
		return ok && err == nil && ip.Is6() && isPort(port)
	}
	name := host
	if i := strings.IndexByte(host, ':'); i >= 0 {
		name = host[:i]
	}
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("/\\?#@*[]", r)
	}) && isPort(host[len(name):])
}

// isPort reports whether s is nothing or a port with its colon.
func isPort(s string) bool {
	if s == "" {
		return true
	}
	digits, ok := strings.CutPrefix(s, ":")
	_, err := strconv.ParseUint(digits, 10, 16)
	return ok && err == nil
}

// nearest is what may be meant by s.
func nearest(s string) string {
	s = strings.TrimSpace(s)
	scheme, host, ok := strings.Cut(s, "://")
	if !ok {
		scheme, host = "https", s
		if ip, err := netip.ParseAddr(strings.Trim(hostOf(s), "[]")); err == nil || strings.EqualFold(hostOf(s), "localhost") {
			if scheme = "http"; err == nil && ip.Is6() && !strings.HasPrefix(s, "[") {
				host = "[" + s + "]"
			}
		}
	}
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	return scheme + "://" + host
}

// allows reports whether an origin that is not the server's own may connect.
func (c *CORS) allows(r *http.Request, origin string) bool {
	if c == nil {
		return false
	}
	for _, o := range c.Origins {
		if o == "*" || strings.EqualFold(o, origin) || matchesWildcard(o, origin) {
			return true
		}
	}
	return c.AllowOrigin != nil && c.AllowOrigin(r, origin)
}

// matchesWildcard matches "https://*.example.com".
func matchesWildcard(pattern, origin string) bool {
	scheme, domain, ok := strings.Cut(pattern, "://*.")
	if !ok {
		return false
	}
	rest, ok := strings.CutPrefix(strings.ToLower(origin), strings.ToLower(scheme)+"://")
	if !ok {
		return false
	}
	label, ok := strings.CutSuffix(rest, "."+strings.ToLower(domain))
	return ok && label != "" && !strings.ContainsAny(label, "/:@")
}

// writeHeaders adds the CORS headers for an allowed origin, and answers
// a preflight. It reports whether the request is answered.
func (c *CORS) writeHeaders(w http.ResponseWriter, r *http.Request, origin string) (answered bool) {
	if c == nil {
		return false
	}
	h := w.Header()
	allowed := ""
	if slices.Contains(c.Origins, "*") {
		allowed = "*" // the same for all, so nothing varies
	} else {
		h.Add("Vary", "Origin")
		if origin != "" && c.allows(r, origin) {
			allowed = origin
		}
	}
	if allowed != "" {
		h.Set("Access-Control-Allow-Origin", allowed)
		if c.AllowCredentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		if len(c.ExposedHeaders) > 0 {
			h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposedHeaders, ","))
		}
	}
	if r.Method != http.MethodOptions {
		return false
	}
	if allowed != "" {
		methods := "GET,POST,OPTIONS"
		if len(c.Methods) > 0 {
			methods = strings.Join(c.Methods, ",")
		}
		h.Set("Access-Control-Allow-Methods", methods)
		if len(c.AllowedHeaders) > 0 {
			h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowedHeaders, ","))
		} else if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
			h.Add("Vary", "Access-Control-Request-Headers")
		}
		if c.MaxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(int(c.MaxAge/time.Second)))
		}
	}
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusNoContent)
	return true
}
