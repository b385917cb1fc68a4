// SPDX-License-Identifier: MIT

// Package diskstore keeps the events and sessions of recovery on a disk, so that clients
// continue their sessions when their server has been restarted, even after kill -9. It is
// for one server; a directory belongs to one process at a time.
//
//	store, err := diskstore.Open(ctx, "/var/lib/app/recovery", nil)
//	if err != nil {
//		return err
//	}
//	io := socketio.NewServer(&socketio.Options{
//		Recovery: &socketio.Recovery{Store: store}, // closed by io.Shutdown
//	})
//
// Emit then returns nil when the event is in the log, before any client is sent a byte of
// it. If the disk is full or fails, the event is sent all the same and Emit returns
// socketio.ErrNotStored; clients that would need what is missing are not recovered.
//
// It is a module of its own, so that programs without it do not need the database.
//
// Reading order: diskstore.go (Store), group.go (writes are shared), record.go (what a
// record is), segment.go (files of events), events.go and eventlog.go (writing, trimming
// and reading them), table.go, sessions.go and replies.go (the database), state.go (what
// one process leaves for the next), lock.go, files.go.
package diskstore
