// SPDX-License-Identifier: MIT

// This file holds the common parts of the requests of a Dialer: their address, the open
// packet, and the responses that reject a connection.

package engineio

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"

	"socketio/internal/telemetry"
)

const (
	maxResponseHeader = 64 << 10 // bytes of the header of a response
	maxRefusalBody    = 1 << 10  // bytes of the body of a rejection that are read
)

// An address is the target of the requests of one connection.
type address struct {
	base  *url.URL // http or https
	query url.Values
	jar   http.CookieJar
	sid   string // empty until the session is open
}

func (d *Dialer) newAddress(rawURL string) (*address, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("engineio: dial: %w", err)
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, fmt.Errorf("engineio: dial %q: the URL must begin with http://, https://, ws:// or wss://", rawURL)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("engineio: dial %q: the URL has no host", rawURL)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/engine.io/"
	}
	a := &address{query: u.Query(), jar: d.opts.Jar}
	u.RawQuery, u.Fragment = "", ""
	a.base = u
	for name, values := range d.opts.Query {
		a.query[name] = values
	}
	if a.jar == nil {
		a.jar, _ = cookiejar.New(nil) // it does not fail
	}
	return a, nil
}

// url returns the URL of a request.
func (a *address) url(transport string) string {
	u := *a.base
	q := url.Values{"EIO": {"4"}, "transport": {transport}}
	for name, values := range a.query {
		if _, ours := q[name]; !ours {
			q[name] = values
		}
	}
	if a.sid != "" {
		q.Set("sid", a.sid)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// header returns the headers of a request.
func (d *Dialer) header() http.Header {
	if h := d.opts.Header.Clone(); h != nil {
		return h
	}
	return make(http.Header)
}

// An openPacket is the first packet of a server.
type openPacket struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int64    `json:"pingInterval"`
	PingTimeout  int64    `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// parseOpen reads the open packet.
func parseOpen(p packet) (*openPacket, error) {
	if p.typ != packetOpen || p.binary {
		return nil, fmt.Errorf("engineio: dial: the first packet is of type %q, not open: is this an Engine.IO server of revision 4?", p.typ.name())
	}
	open := new(openPacket)
	if err := json.Unmarshal(p.data, open); err != nil {
		return nil, fmt.Errorf("engineio: dial: the open packet is not valid: %w", err)
	}
	const most = math.MaxInt64 / int64(4*time.Millisecond)
	if open.SID == "" || open.PingInterval <= 0 || open.PingTimeout <= 0 || open.PingInterval > most || open.PingTimeout > most {
		return nil, fmt.Errorf("engineio: dial: the open packet has no session id, pingInterval or pingTimeout")
	}
	return open, nil
}

// A DialError is a response of a server that did not open a connection, or ended one.
type DialError struct {
	// Status is that of the response.
	Status int
	// Code and Message are those of its JSON body; see ConnectionError. Code is -1 if
	// the body has none.
	Code    int
	Message string
	// Location is where a redirect leads, else empty.
	Location string
}

func (e *DialError) Error() string {
	text := fmt.Sprintf("engineio: the server answered %d", e.Status)
	switch {
	case e.Location != "":
		return text + ", a redirect to " + e.Location + ": dial that URL"
	case e.Code >= 0:
		return text + fmt.Sprintf(": %s (code %d)", e.Message, e.Code)
	case e.Status == http.StatusNotFound:
		return text + ": is the path of the URL that of the server?"
	case e.Status == http.StatusOK:
		return text + " to a WebSocket handshake: is the path of the URL that of the server, and does the proxy before it pass Upgrade on?"
	}
	return text
}

// refusalOf turns a response into an error. It reads and closes the body.
func refusalOf(resp *http.Response) error {
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusalBody)) // the part that was read is enough
	e := &DialError{Status: resp.StatusCode, Code: -1}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.Location = telemetry.Text(resp.Header.Get("Location"))
	}
	var told struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &told) == nil && told.Code != nil {
		e.Code, e.Message = *told.Code, telemetry.Text(told.Message)
	}
	return e
}
