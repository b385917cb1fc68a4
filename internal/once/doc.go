// SPDX-License-Identifier: MIT

// Package once keeps the replies to calls that a peer may repeat because it did not
// receive the reply, so that a repeated call is answered and not executed again. It
// depends on neither packets nor sockets.
//
// Reading order: window.go, parked.go.
package once
