// SPDX-License-Identifier: MIT

// This file holds the options.

package forward

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"time"
)

const (
	minSecret = 16
	maxURL    = 1024

	// Time for two SYNs to be lost: a busy server must not cost its clients their sessions.
	// A server that has ended refuses connections at once.
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second // from a request for a WebSocket to its response
	idleTimeout      = 30 * time.Second
	idleConns        = 256 // kept for the next requests, per server
	maxSkew          = 30 * time.Second
)

// Options configure a Node.
type Options struct {
	// Secret is known to the servers of the cluster, and to nobody else. It has at least
	// 16 bytes, which should be random. Without it nothing is forwarded, and the log says
	// so when the server starts.
	Secret []byte
	// URL is where the other servers reach this Node as an http.Handler: the address of
	// this server, not of a load balancer, for example "http://10.0.0.7:7000/". Clients
	// must not reach it. With "https" the connections between the servers are encrypted.
	// It must be set if Secret is.
	URL string
	// TLS is for requests to servers whose URL has "https": their certificates must be
	// for the host of the URL, and valid by RootCAs. If nil, the defaults of crypto/tls.
	TLS *tls.Config
	// DisableUpgrades answers WebSockets for sessions of other servers with an error, so
	// that clients stay on polling. WebSockets over HTTP/2 are always answered so.
	DisableUpgrades bool
	// MaxRequests is the maximum number of polls and POSTs that are being forwarded at the
	// same time. Those above are rejected. Defaults to 65,536.
	MaxRequests int
	// Dial opens the connections to other servers. If nil, a net.Dialer with a timeout of
	// 5 s.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// parseURL parses the URL of a server. It returns nil if there is something wrong with it.
func parseURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil
	}
	return u
}
