// SPDX-License-Identifier: MIT

// Package dist embeds the built browser client: what a page loads from /socket.io/socket.io.js.
package dist // import "socketio/web/client/dist"

import "embed"

// FS holds the bundles and their source maps, by file name:
//
//   - socket.io.js: a script that defines the global io, readable
//   - socket.io.min.js: the same, minified
//   - socket.io.esm.min.js: an ECMAScript module, minified
//   - socket.io.msgpack.min.js: as socket.io.min.js, but its packets are msgpack
//   - each of the above with .map behind its name
//   - each of all these with .br and .gz behind its name: compressed with Brotli and gzip
//
// The files are built from ../src by npm run build. FS is read-only and safe for concurrent use.
//
//go:embed socket.io.js socket.io.js.br socket.io.js.gz
//go:embed socket.io.js.map socket.io.js.map.br socket.io.js.map.gz
//go:embed socket.io.min.js socket.io.min.js.br socket.io.min.js.gz
//go:embed socket.io.min.js.map socket.io.min.js.map.br socket.io.min.js.map.gz
//go:embed socket.io.esm.min.js socket.io.esm.min.js.br socket.io.esm.min.js.gz
//go:embed socket.io.esm.min.js.map socket.io.esm.min.js.map.br socket.io.esm.min.js.map.gz
//go:embed socket.io.msgpack.min.js socket.io.msgpack.min.js.br socket.io.msgpack.min.js.gz
//go:embed socket.io.msgpack.min.js.map socket.io.msgpack.min.js.map.br socket.io.msgpack.min.js.map.gz
var FS embed.FS
