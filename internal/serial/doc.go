// SPDX-License-Identifier: MIT

// Package serial runs items for many owners: the items of one owner one at a time and in
// order, those of different owners concurrently. It depends on neither a server nor a
// client.
//
// Each owner has an [Inbox]. [Workers] are the goroutines that run inboxes; an inbox has
// one only while it is not empty. A [Lane] allows a bounded number of items to run
// concurrently with later items of their inbox.
//
// Reading order: inbox.go, worker.go, lane.go, workers.go.
package serial
