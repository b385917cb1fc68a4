// SPDX-License-Identifier: MIT

// The package comment.

// Package hostile holds tests in which a server, in a process of its own, is
// attacked over raw sockets while other clients go on undisturbed. They need the
// process accounts of Linux.
//
// Reading order: hostile_linux_test.go for the result that each attack must have,
// process_linux_test.go and target_linux_test.go for the server, bystander_linux_test.go
// and attacker_linux_test.go for its clients, then the attacks; fullsize_linux_test.go
// has those that "make soak" runs in full size.
package hostile
