// SPDX-License-Identifier: MIT

// This file tests a trusted proxy on a unix socket, whose peers have no address.

package engineio_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"socketio/engineio"
)

// onUnixSocket serves on a unix socket. If bound is set, clients bind their end to a path
// of their own.
func (w *world) onUnixSocket(h hosting, bound bool) *rig {
	w.t.Helper()
	dir, err := os.MkdirTemp("", "sio") // the path of a socket is short
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		w.t.Fatal(err)
	}
	r := w.serveOn(h, l)
	var n atomic.Int32
	r.dial = func(ctx context.Context) (net.Conn, error) {
		d := new(net.Dialer)
		if bound {
			d.LocalAddr = &net.UnixAddr{Name: filepath.Join(dir, fmt.Sprint("c", n.Add(1))), Net: "unix"}
		}
		return d.DialContext(ctx, "unix", path)
	}
	return r
}

func TestTrustedUnixSocket(t *testing.T) {
	trust := func(list ...netip.Prefix) *engineio.Options { return &engineio.Options{TrustedProxies: list} }
	said := []string{"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "chat.example"}
	overTCP(t, func(w *world) {
		for _, bound := range []bool{false, true} {
			r := w.onUnixSocket(hosting{options: trust(netip.MustParsePrefix("10.0.0.0/8"), engineio.UnixSocket)}, bound)
			r.host = "internal"
			for _, sid := range []string{r.polling(said...).id(), r.websocket(said...).id()} {
				if h := r.side(sid).Handshake(); h.RemoteAddr != "1.2.3.4" || !h.Secure || h.Host != "chat.example" {
					w.t.Errorf("the handshake has %s, secure %v, host %s", h.RemoteAddr, h.Secure, h.Host)
				}
			}
			further := append(said, "X-Forwarded-For", "10.1.1.1")
			if h := r.side(r.polling(further...).id()).Handshake(); h.RemoteAddr != "1.2.3.4" {
				w.t.Errorf("behind two proxies: %s", h.RemoteAddr)
			}
			r.wantAdmission("the host that the proxy names", true, append(said, "Origin", "https://chat.example")...)
			r.wantAdmission("another", false, append(said, "Origin", "https://evil.example")...)
			c := r.websocket()
			c.send("4x")
			c.want("the echo", "4x")
			p := r.polling()
			p.park()
			p.upgrade()
		}

		r := w.onUnixSocket(hosting{options: trust(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))}, false)
		if h := r.side(r.polling(said...).id()).Handshake(); h.Secure || strings.Contains(h.RemoteAddr, "1.2.3.4") {
			w.t.Errorf("no address is in a prefix: the handshake has %s, secure %v", h.RemoteAddr, h.Secure)
		}
	})
	overTCP(t, func(w *world) { // an address is no unix socket
		r := w.serve(hosting{options: trust(engineio.UnixSocket)})
		if h := r.side(r.polling(said...).id()).Handshake(); h.Secure || strings.Contains(h.RemoteAddr, "1.2.3.4") {
			w.t.Errorf("over TCP: the handshake has %s, secure %v", h.RemoteAddr, h.Secure)
		}
		// An outer middleware may have set another address of the peer.
		for _, name := range []string{"", "@", "nobody"} {
			r := w.serve(hosting{options: trust(engineio.UnixSocket), wrap: func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.RemoteAddr = name
					h.ServeHTTP(w, r)
				})
			}})
			if h := r.side(r.polling(said...).id()).Handshake(); h.Secure || h.RemoteAddr != name {
				w.t.Errorf("over TCP as %q: the handshake has %q, secure %v", name, h.RemoteAddr, h.Secure)
			}
		}
	})
}

func TestTrustedProxiesThatAreNone(t *testing.T) {
	failed, _ := netip.ParsePrefix("10.0.0.0")
	for want, p := range map[string]netip.Prefix{
		"entry 1 is not a valid prefix":        netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), 33),
		"entry 1 is the zero netip.Prefix, as": failed,
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				want := "engineio: Options.TrustedProxies: " + want
				if v, _ := recover().(string); !strings.HasPrefix(v, want) {
					t.Errorf("the panic is %q, want %q", v, want)
				}
			}()
			engineio.NewServer(&engineio.Options{TrustedProxies: []netip.Prefix{engineio.UnixSocket, p}}, nil)
		})
	}
}
