// SPDX-License-Identifier: MIT

// This file holds HTTP requests whose whole response is read.

package rawclient

import (
	"io"
	"net/http"
)

// A Reply is an HTTP response, or the error of a request without one.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	Err    error
}

// Do sends a request by a client and reads the response.
func Do(client *http.Client, r *http.Request) Reply {
	resp, err := client.Do(r)
	if err != nil {
		return Reply{Err: err}
	}
	return Read(resp)
}

// Read reads a response to its end, and closes its body. Err is that of reading the body.
func Read(resp *http.Response) Reply {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return Reply{resp.StatusCode, resp.Header, string(body), err}
}

// AddHeader adds headers to a request: name, value, name, value. Host becomes its Host.
func AddHeader(r *http.Request, headers ...string) {
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
}
