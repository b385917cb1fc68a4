// SPDX-License-Identifier: MIT

// Package npmcluster controls conformance/cluster/node.mjs for the tests of engines: npm
// servers, emitters and clients in a process of Node.js.
//
// # Reading order
//
// program.go (the process, what it does and tells), values.go (values as it tells them).
package npmcluster
