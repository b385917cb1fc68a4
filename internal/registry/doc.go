// SPDX-License-Identifier: MIT

// Package registry keeps the namespaces of a server by name. Each is made once, even if
// several clients ask for it at the same time. A namespace made for a client is removed
// after its last user has left. The package does not depend on the type of a namespace:
// an [Owner] makes and closes namespaces.
//
// Reading order: entry.go, registry.go, dynamic.go.
package registry
