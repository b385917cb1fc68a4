// SPDX-License-Identifier: MIT

// This file holds the cookie that lets a proxy send a client to the same server.

package engineio

import (
	"net/http"
	"strings"
	"time"

	"socketio/internal/durations"
)

// A Cookie is set only by the response that opens a session over polling. Its value is
// random and new for each session. The server does not read it, and it reveals nothing
// about the session id; it is for a proxy that sends requests with the same cookie to the
// same server.
type Cookie struct {
	// Name. If empty, "io".
	Name string
	// Path limits the requests with which the browser sends it. If empty, "/".
	Path string
	// Domain. If empty, the host of the request, without its subdomains.
	Domain string
	// Expires and MaxAge determine when the browser deletes it; MaxAge is rounded up to
	// seconds and takes precedence. If both are zero, at the end of the browser's
	// session.
	Expires time.Time
	MaxAge  time.Duration
	// Secure limits it to TLS. It is always set for a client that uses TLS, as far as
	// this server or a trusted proxy knows.
	Secure bool
	// ScriptsMayRead omits HttpOnly.
	ScriptsMayRead bool
	// SameSite. If zero, http.SameSiteLaxMode; http.SameSiteDefaultMode omits the
	// attribute. http.SameSiteNoneMode needs Secure.
	SameSite http.SameSite
	// Partitioned gives each site that embeds the page its own cookie. It needs Secure.
	Partitioned bool
	// Priority is "low", "medium" or "high", in upper or lower case. Some browsers that
	// have too many cookies delete those with high priority last. If empty, the attribute
	// is omitted.
	Priority string
}

// A cookieTemplate is a cookie without its value.
type cookieTemplate struct {
	http.Cookie
	priority string // "; Priority=High" or ""; net/http has no such attribute
}

// template returns the cookie without its value. It panics on a cookie that no browser
// would accept.
func (c *Cookie) template() *cookieTemplate {
	if c == nil {
		return nil
	}
	durations.Check("engineio: Options.Cookie.MaxAge", c.MaxAge, time.Second)
	t := &cookieTemplate{Cookie: http.Cookie{
		Name: c.Name, Path: c.Path, Domain: c.Domain, Expires: c.Expires,
		MaxAge: int((c.MaxAge + time.Second - 1) / time.Second),
		Secure: c.Secure, HttpOnly: !c.ScriptsMayRead, SameSite: c.SameSite, Partitioned: c.Partitioned,
	}}
	if t.Name == "" {
		t.Name = "io"
	}
	if t.Path == "" {
		t.Path = "/"
	}
	if t.SameSite == 0 {
		t.SameSite = http.SameSiteLaxMode
	}
	problem := ""
	switch strings.ToLower(c.Priority) {
	case "":
	case "low":
		t.priority = "; Priority=Low"
	case "medium":
		t.priority = "; Priority=Medium"
	case "high":
		t.priority = "; Priority=High"
	default:
		problem = `Priority must be "low", "medium" or "high"`
	}
	if err := t.Valid(); err != nil {
		problem = err.Error()
	}
	switch {
	case problem != "":
	case t.Path[0] != '/':
		problem = "Path must begin with a slash"
	case c.MaxAge < 0:
		problem = "MaxAge must not be negative"
	case t.SameSite < http.SameSiteDefaultMode || t.SameSite > http.SameSiteNoneMode:
		problem = "SameSite must be a mode of net/http"
	case t.SameSite == http.SameSiteNoneMode && !t.Secure:
		problem = "SameSite=None needs Secure"
	}
	if problem != "" {
		panic("engineio: Options.Cookie: " + problem)
	}
	return t
}

// set adds the cookie to the response that opens a session.
func (t *cookieTemplate) set(h http.Header, secure bool) {
	if t == nil {
		return
	}
	c := t.Cookie
	c.Value = newID()
	c.Secure = c.Secure || secure
	h.Add("Set-Cookie", c.String()+t.priority)
}
