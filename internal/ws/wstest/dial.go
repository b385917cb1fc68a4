// SPDX-License-Identifier: MIT

// This file holds Dial: the opening handshake, written by hand.

package wstest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"socketio/internal/ws"
)

// maxRefusal bounds the body of a rejection.
const maxRefusal = 1 << 20

// Dial opens a connection by dial and requests a WebSocket at rawURL on it; the scheme of
// rawURL is ignored. header is sent as it is, after the lines of the handshake; a name that
// is also one of those replaces that line, and a nil value removes it. Bytes that arrive
// together with the response are kept for the Client.
//
// There are three results. If the server accepts: the Client, the response, and nil. If it
// rejects the request: a nil Client, the response with a body that can be read, and nil;
// the connection is closed. If there is no response: nil, nil, and the error. ctx bounds
// the handshake only.
func Dial(ctx context.Context, dial func(context.Context) (net.Conn, error), rawURL string, header http.Header) (*Client, *http.Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, nil, fmt.Errorf("wstest: %w", err)
	}
	key := make([]byte, 16)
	rand.Read(key)
	encoded := base64.StdEncoding.EncodeToString(key)
	request := appendRequest(nil, u, encoded, header)

	conn, err := dial(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("wstest: dial: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	client, resp, err := shake(conn, request, encoded)
	if !stop() {
		err = ctx.Err() // the deadline is set, or will be: the connection is unusable
	}
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("wstest: handshake: %w", err)
	}
	if client == nil {
		conn.Close()
	}
	return client, resp, nil
}

func shake(conn net.Conn, request []byte, key string) (*Client, *http.Response, error) {
	if _, err := conn.Write(request); err != nil {
		return nil, nil, err
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodGet})
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return nil, resp, err
	}
	if got, want := resp.Header.Get("Sec-WebSocket-Accept"), ws.AcceptKey(key); got != want {
		return nil, nil, fmt.Errorf("Sec-WebSocket-Accept is %q, want %q", got, want)
	}
	resp.Body = http.NoBody
	return newClient(conn, br), resp, nil
}

func appendRequest(dst []byte, u *url.URL, key string, header http.Header) []byte {
	dst = fmt.Appendf(dst, "GET %s HTTP/1.1\r\n", u.RequestURI())
	for _, line := range [][2]string{
		{"Host", u.Host},
		{"Upgrade", "websocket"},
		{"Connection", "Upgrade"},
		{"Sec-WebSocket-Version", "13"},
		{"Sec-WebSocket-Key", key},
	} {
		if !replaced(header, line[0]) {
			dst = fmt.Appendf(dst, "%s: %s\r\n", line[0], line[1])
		}
	}
	for name, values := range header {
		for _, value := range values {
			dst = fmt.Appendf(dst, "%s: %s\r\n", name, value)
		}
	}
	return append(dst, "\r\n"...)
}

func replaced(header http.Header, name string) bool {
	for other := range header {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}
