// SPDX-License-Identifier: MIT

// Package clientserver is the Go server of the scenarios of the browser client: it does what
// web/client/test/server-contract.md says, as one server, or as several behind nginx.
package clientserver
