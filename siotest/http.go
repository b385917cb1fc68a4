// SPDX-License-Identifier: MIT

// This file holds line: sequential HTTP requests over one connection of a Link. It does
// not retry and does not pool, so that a fault has one effect.

package siotest

import (
	"encoding/json"
	"errors"
	"fmt"

	"socketio/internal/rawclient"
)

// A RefusedError reports a request that the server has rejected.
type RefusedError struct {
	// Status is the HTTP status.
	Status int
	// Code and Message are from the JSON body, or zero if there is no such body.
	Code    int
	Message string
	// Body is the whole body.
	Body string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server answers with status %d %s", e.Status, shorten(e.Body))
}

// refused returns err, as a RefusedError if the server has rejected a request.
func refused(err error) error {
	var r *rawclient.Rejection
	if !errors.As(err, &r) {
		return err
	}
	e := &RefusedError{Status: r.Status, Body: r.Body}
	var said struct {
		Code    int
		Message string
	}
	if json.Unmarshal([]byte(r.Body), &said) == nil { // other bodies are kept as text
		e.Code, e.Message = said.Code, said.Message
	}
	return e
}
