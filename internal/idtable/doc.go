// SPDX-License-Identifier: MIT

// Package idtable finds objects by their ids in less memory than a map takes: it stores
// pointers only, and reads the ids from the objects.
//
// Reading order: table.go, segment.go.
package idtable
