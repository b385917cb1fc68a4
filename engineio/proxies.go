// SPDX-License-Identifier: MIT

// This file holds the headers of trusted proxies: the client's address, the host that it
// asked for, and whether it used TLS.

package engineio

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// UnixSocket, as an entry of Options.TrustedProxies, means every peer that connects to a
// Unix socket. Such a peer has no address: the permissions of the socket's file determine
// which may connect. It is an invalid prefix, but not the zero one, which a failed
// netip.ParsePrefix returns.
var UnixSocket = netip.PrefixFrom(netip.AddrFrom16([16]byte([]byte("any unix socket."))), -1)

// proxies are the trusted ones. They are immutable.
type proxies struct {
	list []netip.Prefix // in canonical form
	unix bool           // the list has UnixSocket
}

// newProxies reads Options.TrustedProxies. It panics on an entry that no address is in.
func newProxies(list []netip.Prefix) *proxies {
	return &proxies{canonicalPrefixes(list), slices.Contains(list, UnixSocket)}
}

// canonicalPrefixes returns the prefixes in the form of the addresses that they are
// compared with: an IPv4 address is never in IPv6 form. It panics on a prefix that contains
// no address.
func canonicalPrefixes(list []netip.Prefix) []netip.Prefix {
	list = slices.Clone(list)
	for i, p := range list {
		switch {
		case p == UnixSocket:
		case p == netip.Prefix{}:
			panic("engineio: Options.TrustedProxies: entry " + strconv.Itoa(i) + " is the zero netip.Prefix, as netip.ParsePrefix returns with an error; check that error, or use engineio.UnixSocket for peers on a Unix socket")
		case !p.IsValid():
			panic("engineio: Options.TrustedProxies: entry " + strconv.Itoa(i) + " is not a valid prefix; use netip.MustParsePrefix, as in netip.MustParsePrefix(\"10.0.0.0/8\")")
		case p.Addr().Is4In6() && p.Bits() >= 96:
			list[i] = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
	}
	return list
}

// forwarded returns the value of a header of a trusted proxy, otherwise def.
func (p *proxies) forwarded(r *http.Request, header, def string) string {
	if !p.trustsPeer(r) {
		return def
	}
	values := r.Header.Values(header)
	if len(values) == 0 {
		return def
	}
	// The nearest proxy wrote the last element.
	last := values[len(values)-1]
	if i := strings.LastIndexByte(last, ','); i >= 0 {
		last = last[i+1:]
	}
	if last = strings.TrimSpace(last); last == "" {
		return def
	}
	return last
}

// clientAddr returns the address of the client: the peer's, or, behind trusted proxies, the
// last address of X-Forwarded-For that is not one of theirs. An address that a proxy names
// is put into the canonical form of package netip, without a zone. An element that is not
// an address ends the search, and the result is the address found before it.
func (p *proxies) clientAddr(r *http.Request) string {
	addr := r.RemoteAddr
	if !p.trustsPeer(r) {
		return addr
	}
	lines := r.Header.Values("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var hop string
			at := strings.LastIndexByte(rest, ',')
			if more = at >= 0; more {
				rest, hop = rest[:at], rest[at+1:]
			} else {
				hop = rest
			}
			ip, port, ok := parseHop(hop)
			if !ok {
				return addr
			}
			if addr = ip.String(); port != 0 {
				addr = netip.AddrPortFrom(ip, port).String()
			}
			if !p.trusts(ip) {
				return addr
			}
		}
	}
	return addr
}

// trustsPeer reports whether the peer of a request is a trusted proxy.
func (p *proxies) trustsPeer(r *http.Request) bool {
	if len(p.list) == 0 {
		return false
	}
	if ip, ok := parsePeer(r.RemoteAddr); ok {
		return p.trusts(ip)
	}
	return p.unix && isUnixPeer(r)
}

// isUnixPeer reports whether a request, whose peer has no IP address, came over a
// unix socket. The peer's address is "" or "@", or a path or a name if the peer has
// bound its end.
func isUnixPeer(r *http.Request) bool {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return strings.HasPrefix(local.Network(), "unix")
	}
	return r.RemoteAddr == "" || r.RemoteAddr[0] == '@' || r.RemoteAddr[0] == '/'
}

func (p *proxies) trusts(ip netip.Addr) bool {
	for _, network := range p.list {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// parsePeer parses the address of a peer as net/http reports it, which may have a zone.
func parsePeer(addr string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		addr = host
	}
	ip, err := netip.ParseAddr(strings.Trim(addr, "[]"))
	return ip.Unmap().WithZone(""), err == nil
}

// parseHop parses an element of X-Forwarded-For: an address, and its port if it has one. An
// IPv6 address may be in brackets, as it must with a port, and the whole element in quotes,
// as in RFC 7239. "unknown" and other names are not addresses.
func parseHop(hop string) (ip netip.Addr, port uint16, ok bool) {
	hop = strings.Trim(hop, " \t")
	if n := len(hop); n >= 2 && hop[0] == '"' && hop[n-1] == '"' {
		hop = hop[1 : n-1]
	}
	ip, err := netip.ParseAddr(hop)
	if inner, closed := strings.CutSuffix(hop, "]"); err != nil && closed && strings.HasPrefix(inner, "[") {
		if ip, err = netip.ParseAddr(inner[1:]); err == nil && !ip.Is6() {
			return netip.Addr{}, 0, false
		}
	}
	if err != nil {
		var both netip.AddrPort
		if both, err = netip.ParseAddrPort(hop); err != nil {
			return netip.Addr{}, 0, false
		}
		ip, port = both.Addr(), both.Port()
	}
	return ip.WithZone("").Unmap(), port, true
}
