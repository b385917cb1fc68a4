// SPDX-License-Identifier: MIT

// Package dist embeds the built browser client: what a page loads from /socket.io/socket.io.js.
package dist // import "socketio/web/client/dist"

import "embed"

// FS holds the bundles and their source maps, by file name:
//
//   - socket.io.js: a script that defines the global io, readable
//   - socket.io.min.js: the same, minified
//   - socket.io.esm.min.js: an ECMAScript module, minified
//   - each of the above with .map behind its name
//
// The files are built from ../src by npm run build. FS is read-only and safe for concurrent use.
//
//go:embed socket.io.js socket.io.js.map
//go:embed socket.io.min.js socket.io.min.js.map
//go:embed socket.io.esm.min.js socket.io.esm.min.js.map
var FS embed.FS
