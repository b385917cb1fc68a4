// SPDX-License-Identifier: MIT

// Package registry keeps the namespaces of a server by name: each is made once, however
// many ask for it together, and one that was made for a client is removed when its last
// user has gone. It does not know what a namespace is: its [Owner] makes and closes them.
//
// Reading order: entry.go, registry.go.
package registry
