// SPDX-License-Identifier: MIT

// Package serial runs what arrives for many owners: the items of one owner one at a
// time and in order, those of different owners at the same time. It knows neither a
// server nor a client.
//
// Each owner has an [Inbox]. [Workers] are the goroutines that run inboxes; one exists
// for an inbox only while there is something in it. A [Lane] lets items run beside the
// later ones of their inbox, a bounded number at once.
//
// Reading order: inbox.go, worker.go, lane.go, workers.go.
package serial
