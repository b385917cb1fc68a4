// SPDX-License-Identifier: MIT

// Tests of the opening handshake: what is refused, and what is answered.

package ws_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"socketio/internal/ws"
)

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// The example of RFC 6455, section 1.3.
func TestAcceptKey(t *testing.T) {
	if got := ws.AcceptKey(sampleKey); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("got %q", got)
	}
}

func upgradeRequest() *http.Request {
	r := httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=websocket", nil)
	r.Header = http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {sampleKey},
	}
	return r
}

func TestCheckUpgrade(t *testing.T) {
	set := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	const (
		badKey     = "Missing or invalid Sec-WebSocket-Key header"
		badVersion = "Missing or invalid Sec-WebSocket-Version header"
	)
	for _, c := range []struct {
		name    string
		change  func(*http.Request)
		status  int
		message string
	}{
		{"as usual", func(*http.Request) {}, 0, ""},
		{"connection list", set("Connection", "keep-alive, Upgrade"), 0, ""},
		{"connection lines", set("Connection", "keep-alive", "x ,\tUPGRADE"), 0, ""},
		{"upgrade in capitals", set("Upgrade", "WebSocket"), 0, ""},
		{"upgrade list", set("Upgrade", "h2c, websocket"), 0, ""},
		{"HTTP/1.0, as nginx asks by default", func(r *http.Request) { r.ProtoMinor = 0 }, 0, ""},
		{"HTTP/1.2", func(r *http.Request) { r.ProtoMinor = 2 }, 0, ""},

		{"POST", func(r *http.Request) { r.Method = "POST" }, 405, "Invalid HTTP method"},
		{"HTTP/2", func(r *http.Request) { r.ProtoMajor = 2 }, 400, "Invalid HTTP version"},
		{"no connection header", set("Connection"), 400, "Invalid Connection header"},
		{"other connection header", set("Connection", "upgraded, close"), 400, "Invalid Connection header"},
		{"no upgrade header", set("Upgrade"), 400, "Invalid Upgrade header"},
		{"other upgrade header", set("Upgrade", "websockets"), 400, "Invalid Upgrade header"},
		{"no key", set("Sec-Websocket-Key"), 400, badKey},
		{"empty key", set("Sec-Websocket-Key", ""), 400, badKey},
		{"two keys", set("Sec-Websocket-Key", sampleKey, sampleKey), 400, badKey},
		{"key without padding", set("Sec-Websocket-Key", sampleKey[:22]), 400, badKey},
		{"key of 15 bytes", set("Sec-Websocket-Key", "MTIzNDU2Nzg5MDEyMzQ1"), 400, badKey},
		{"key of 17 bytes", set("Sec-Websocket-Key", "MTIzNDU2Nzg5MDEyMzQ1Njc="), 400, badKey},
		{"key of 18 bytes", set("Sec-Websocket-Key", "MTIzNDU2Nzg5MDEyMzQ1Njc4"), 400, badKey},
		{"key with line breaks", set("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25j\r\n=="), 400, badKey},
		{"key that is not base64", set("Sec-Websocket-Key", strings.Repeat("!", 24)), 400, badKey},
		{"huge key", set("Sec-Websocket-Key", strings.Repeat("A", 1<<16)), 400, badKey},
		{"no version", set("Sec-Websocket-Version"), 400, badVersion},
		{"version 8", set("Sec-Websocket-Version", "8"), 400, badVersion},
		{"version 14", set("Sec-Websocket-Version", "14"), 400, badVersion},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := upgradeRequest()
			c.change(r)
			key, err := ws.CheckUpgrade(r)
			if c.status == 0 {
				if err != nil || key != sampleKey {
					t.Errorf("%q, %v", key, err)
				}
				return
			}
			if err == nil || err.Status != c.status || err.Message != c.message || key != "" {
				t.Fatalf("%q, %v, want %d %s", key, err, c.status, c.message)
			}
			if c.message == badVersion && err.Header.Get("Sec-WebSocket-Version") != "13" {
				t.Errorf("header %v", err.Header)
			}
		})
	}
}

func TestAppendResponse(t *testing.T) {
	got := string(ws.AppendResponse([]byte("x"), sampleKey, "", nil))
	want := "xHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAppendResponseWithHeaders(t *testing.T) {
	b := ws.AppendResponse(nil, sampleKey, "chat", http.Header{
		"Set-Cookie":           {"a=b", "c=d"},
		"X-Split":              {" one\r\nInjected: yes\x00 "},
		"Bad Name":             {"x"},
		"Bad\r\nName":          {"x"},
		"":                     {"x"},
		"Content-Length":       {"5"},
		"transfer-encoding":    {"chunked"},
		"Sec-Websocket-Accept": {"other"},
		"Connection":           {"close"},
	})
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Connection":             "Upgrade",
		"Upgrade":                "websocket",
		"Sec-Websocket-Accept":   ws.AcceptKey(sampleKey),
		"Sec-Websocket-Protocol": "chat",
		"Set-Cookie":             "a=b|c=d",
		"X-Split":                "one  Injected: yes",
	} {
		if got := strings.Join(resp.Header[name], "|"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
		delete(resp.Header, name)
	}
	if len(resp.Header) != 0 {
		t.Errorf("too much: %v", resp.Header)
	}
	if b := ws.AppendResponse(nil, sampleKey, "a\r\nb", nil); bytes.Contains(b, []byte("Protocol:")) {
		t.Errorf("a protocol that is no token: %q", b)
	}
}

func TestFirstProtocol(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"chat"}, "chat"},
		{[]string{" chat\t, other"}, "chat"},
		{[]string{" , x", "chat"}, "chat"},
		{[]string{"a b, c"}, ""},
	} {
		if got := ws.FirstProtocol(http.Header{"Sec-Websocket-Protocol": c.lines}); got != c.want {
			t.Errorf("%q: %q, want %q", c.lines, got, c.want)
		}
	}
}

// A token has letters, digits and some signs (RFC 9110, section 5.6.2), each of them at
// any place.
func TestTokens(t *testing.T) {
	for c := range 256 {
		b := byte(c)
		letter := 'a' <= b|0x20 && b|0x20 <= 'z'
		want := b < utf8.RuneSelf && (letter || strings.ContainsRune("0123456789!#$%&'*+-.^_`|~", rune(b)))
		for _, protocol := range []string{string([]byte{b}), string([]byte{'x', b}), string([]byte{b, 'x'})} {
			answer := ws.AppendResponse(nil, sampleKey, protocol, nil)
			if got := bytes.Contains(answer, []byte("Protocol: "+protocol+"\r\n")); got != want {
				t.Errorf("%q as a protocol: %v, want %v", protocol, got, want)
			}
		}
	}
}
