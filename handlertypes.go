// SPDX-License-Identifier: MIT

// This file holds the types with a special meaning in the handlers of this package; see
// package call.

package socketio

import (
	"reflect"

	"socketio/engineio"
)

// insteadOfType suggests an alternative to a parameter that no client can fill.
func insteadOfType(base reflect.Type) string {
	switch base {
	case reflect.TypeFor[Handshake](), reflect.TypeFor[engineio.Handshake]():
		return ": take a *socketio.Socket and call its Handshake"
	}
	if base.PkgPath() == "net/http" {
		return ", which no client can send; Socket.Handshake has the request that opened the connection"
	}
	return ""
}
