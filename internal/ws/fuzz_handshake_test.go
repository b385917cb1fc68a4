// SPDX-License-Identifier: MIT

// A fuzz target for the opening handshake: any values of its headers.

package ws_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"socketio/internal/ws"
)

// FuzzHandshake checks a handshake and, if it is taken, has net/http read the
// answer: no value may become a header, a line or a body of its own.
func FuzzHandshake(f *testing.F) {
	const offer = "permessage-deflate; client_max_window_bits"
	f.Add(sampleKey, "Upgrade", "websocket", "13", "chat, superchat", offer, "X-Name", "value")
	f.Add(sampleKey, "Upgrade", "websocket", "13", "chat", "", "X-Name", "\x01")
	f.Add(sampleKey, "keep-alive, upgrade", "WebSocket", "13", " a b,c", offer+`; server_max_window_bits="10"`, "Set-Cookie", "a\r\nX: y")
	f.Add("AAAAAAAAAAAAAAAAAAAAAA=", "", "h2c, websocket", "8", ",,x", "x;y=\"\\", "Sec-Websocket-Accept", "z")
	f.Add("AAAAAAAAAAAAAAAAAAAAAA\r\n", "\tUPGRADE\t", "websocket,", "13 ", "\x00", "permessage-deflate;", "a b", "\x00")
	f.Fuzz(func(t *testing.T, key, connection, upgrade, version, protocols, extensions, name, value string) {
		r := upgradeRequest()
		r.Header["Connection"], r.Header["Upgrade"] = []string{connection}, []string{upgrade}
		r.Header["Sec-Websocket-Key"], r.Header["Sec-Websocket-Version"] = []string{key}, []string{version}
		r.Header["Sec-Websocket-Protocol"] = strings.SplitN(protocols, ";", 2)
		r.Header["Sec-Websocket-Extensions"] = []string{extensions}
		got, err := ws.CheckUpgrade(r)
		if err != nil {
			if got != "" || err.Status < 400 || err.Status > 426 || err.Message == "" {
				t.Fatalf("key %q with error %v", got, err)
			}
			return
		}
		raw, b64 := base64.StdEncoding.DecodeString(key)
		if b64 != nil || len(raw) != 16 || got != key || version != "13" {
			t.Fatalf("key %q of %d bytes and version %q were taken", key, len(raw), version)
		}
		if !strings.Contains(strings.ToLower(connection), "upgrade") || !strings.Contains(strings.ToLower(upgrade), "websocket") {
			t.Fatalf("Connection %q and Upgrade %q were taken", connection, upgrade)
		}
		protocol := ws.FirstProtocol(r.Header)
		if protocol != "" && !strings.Contains(protocols, protocol) || strings.ContainsAny(protocol, " ,;\t\r\n\x00") {
			t.Fatalf("protocol %q of %q", protocol, protocols)
		}
		params := ws.NegotiateDeflate(r.Header)
		wire := ws.AppendDeflateResponse(nil, key, protocol, params, http.Header{name: {value}})
		br := bufio.NewReader(bytes.NewReader(wire))
		resp, rerr := http.ReadResponse(br, r)
		if rerr != nil {
			t.Fatalf("net/http can't read %q: %v", wire, rerr)
		}
		if resp.StatusCode != 101 || br.Buffered() != 0 || resp.Header.Get("Sec-Websocket-Accept") != ws.AcceptKey(key) {
			t.Fatalf("%d bytes are left of %q", br.Buffered(), wire)
		}
		allowed := []string{"Upgrade", "Connection", "Sec-Websocket-Accept", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions", http.CanonicalHeaderKey(name)}
		for each, values := range resp.Header {
			if !slices.Contains(allowed, each) || len(values) != 1 {
				t.Fatalf("header %q: %q in %q", each, values, wire)
			}
		}
		if resp.Header.Get("Sec-Websocket-Protocol") != protocol || resp.Header.Get("Sec-Websocket-Extensions") != params.String() {
			t.Fatalf("protocol %q and %q in %q", protocol, params, wire)
		}
	})
}
