// SPDX-License-Identifier: MIT

// The package comment.

// Package difftest holds tests that pass the same bytes to our parsers and to others, and
// compare the results. It is a module of its own, so that the core does not require the
// others; it is never released.
//
// Reading order: frames_test.go (internal/ws against gobwas/ws), compressed_test.go
// (the same with permessage-deflate, against wsflate and compress/flate),
// packets_test.go (parser against npm socket.io-parser), decided_test.go (where our decoder is
// stricter on purpose), node_test.go (the Node process), generate_test.go (cases
// from a seed).
package difftest
