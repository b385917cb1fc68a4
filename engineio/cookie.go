// SPDX-License-Identifier: MIT

// This file holds the cookie by which a proxy may keep a client on one server.

package engineio

import (
	"net/http"
	"strings"
	"time"

	"socketio/internal/durations"
)

// A Cookie is set by the response that opens a session over polling, and by no
// other. Its value is random and anew for each session: it means nothing to this
// server, tells nothing of the session id, and serves a proxy that keeps together
// the requests with the same cookie.
type Cookie struct {
	// Name. If empty, "io".
	Name string
	// Path is where the browser sends it. If empty, "/".
	Path string
	// Domain. If empty, the host that was asked, without its subdomains.
	Domain string
	// Expires and MaxAge say when the browser forgets it; MaxAge counts in whole
	// seconds and wins. If both are zero, with the browser's session.
	Expires time.Time
	MaxAge  time.Duration
	// Secure keeps it to TLS. It is always set for a client that came over TLS, as
	// far as this server or a trusted proxy knows.
	Secure bool
	// ScriptsMayRead leaves HttpOnly out.
	ScriptsMayRead bool
	// SameSite. If zero, http.SameSiteLaxMode; http.SameSiteDefaultMode leaves the
	// attribute out. http.SameSiteNoneMode needs Secure.
	SameSite http.SameSite
	// Partitioned keeps it apart for each site that embeds the page. It needs
	// Secure.
	Partitioned bool
	// Priority is "low", "medium" or "high", in any case: what some browsers drop last
	// when there are too many. If empty, the attribute is left out.
	Priority string
}

// A cookieTemplate is a cookie without its value.
type cookieTemplate struct {
	http.Cookie
	priority string // "; Priority=High" or ""; net/http has no such attribute
}

// template is the cookie without its value. It panics on one that no browser
// would take.
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
		problem = `Priority is none of "low", "medium" and "high"`
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
		problem = "SameSite is none of the modes of net/http"
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
