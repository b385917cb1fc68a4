// SPDX-License-Identifier: MIT

// This file holds a Dialer behind an HTTP proxy.

package engineio_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"socketio/engineio"
)

// A proxy is an HTTP proxy that requires a password. It counts its requests.
type proxy struct {
	url                *url.URL
	tunnels, forwarded atomic.Int32
	reached            atomic.Pointer[string] // the last address that CONNECT named
	forwards           *httputil.ReverseProxy
}

func startProxy(w *world) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	p := &proxy{url: &url.URL{Scheme: "http", Host: l.Addr().String(), User: url.UserPassword("gopher", "se:cret")}}
	transport := &http.Transport{}
	p.forwards = &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0)}
	hs := &http.Server{Handler: p}
	served := make(chan struct{})
	go func() { defer close(served); hs.Serve(l) }() // ends with the listener
	w.t.Cleanup(func() {
		hs.Close()
		<-served
		transport.CloseIdleConnections()
	})
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
	if user, password, _ := r.BasicAuth(); user != "gopher" || password != "se:cret" {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.forwarded.Add(1)
		r.Header.Del("Authorization")
		p.forwards.ServeHTTP(w, r)
		return
	}
	p.reached.Store(&r.Host)
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	p.tunnels.Add(1)
	io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	ended := make(chan struct{})
	go func() { // ends with either connection, which ServeHTTP closes
		defer close(ended)
		io.Copy(to, buffered)
		to.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(from, to)
	from.Close()
	<-ended
}

// WebSockets go through CONNECT, plain and with TLS inside; polls of http are requests
// that the proxy forwards.
func TestDialerProxy(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		for name, transports := range ways {
			t.Run(scheme+", "+name, func(t *testing.T) {
				overTCP(t, func(w *world) {
					l, err := net.Listen("tcp", "127.0.0.1:0")
					if err != nil {
						w.t.Fatal(err)
					}
					h := hosting{options: w.calm()}
					if scheme == "https" {
						h.protocol = "tls"
					}
					r := w.serveOn(h, l)
					p := startProxy(w)
					c := r.caller(engineio.DialerOptions{
						Transports: transports, TLS: &tls.Config{InsecureSkipVerify: true}, DialContext: new(net.Dialer).DialContext,
						Proxy: func(*http.Request) (*url.URL, error) { return p.url, nil },
					})
					s, err := c.dial(scheme + "://" + l.Addr().String())
					if err != nil {
						w.t.Fatal(err)
					}
					s.wantTransport("the last of them", transports[len(transports)-1])
					s.say("through a proxy")
					s.wantHeard("an echo", "through a proxy")
					websocket := transports[len(transports)-1] == "websocket"
					if tunnels := p.tunnels.Load(); (tunnels > 0) != (websocket || scheme == "https") {
						w.t.Errorf("%d tunnels", tunnels)
					} else if tunnels > 0 && *p.reached.Load() != l.Addr().String() {
						w.t.Errorf("CONNECT to %s, want %s", *p.reached.Load(), l.Addr())
					}
					if forwarded := p.forwarded.Load(); (forwarded > 0) != (transports[0] == "polling" && scheme == "http") {
						w.t.Errorf("%d requests were forwarded", forwarded)
					}
					s.Close()
					s.wantEnded("our close", engineio.ReasonForcedClose, nil)
					r.side(s.ID()).wantEnded("the server hears of it", engineio.ReasonTransportClose, nil)
				})
			})
		}
	}
}

// An error of Dial has the response of the proxy, or says that the proxy can't be used.
func TestDialerProxyErrors(t *testing.T) {
	overTCP(t, func(w *world) {
		p := startProxy(w)
		r := w.serve(hosting{options: w.calm()})
		for text, u := range map[string]*url.URL{
			"the proxy answered 407": {Scheme: "http", Host: p.url.Host},
			`scheme "socks5"`:        {Scheme: "socks5", Host: p.url.Host},
			"no proxy today":         nil,
		} {
			c := r.caller(engineio.DialerOptions{
				Transports: []string{"websocket"}, DialContext: new(net.Dialer).DialContext,
				Proxy: func(*http.Request) (*url.URL, error) {
					if u == nil {
						return nil, errors.New(text)
					}
					return u, nil
				},
			})
			ctx, cancel := context.WithTimeout(context.Background(), w.patience)
			_, err := c.Dial(ctx, "http://127.0.0.1:1", r.accept)
			cancel()
			if err == nil || !strings.Contains(err.Error(), text) {
				w.t.Errorf("got %v, want an error with %q", err, text)
			}
		}
		if n := p.tunnels.Load(); n != 0 {
			w.t.Errorf("%d tunnels", n)
		}
	})
}
