// SPDX-License-Identifier: MIT

// This file holds sessions that other servers may have or take.

package socketio

import (
	"context"
	"errors"
	"math"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/recovery"
)

// find returns a session that another server may have.
func (r *recoverer) find(ctx context.Context, namespace, secret string) (*adapter.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return r.shared.Find(ctx, namespace, secret)
}

// fetch makes a session that the client may continue one of this server. The server that
// has its socket ends that.
func (j *journal) fetch(ctx context.Context, s *Socket, r *redemption) recovery.Reason {
	taking, cancel := context.WithTimeout(ctx, j.ns.server.opts.MiddlewareTimeout)
	defer cancel()
	old, err := j.owner.shared.Take(taking, j.ns.name, s.kept().pid)
	switch {
	case errors.Is(err, adapter.ErrTaken):
		return recovery.InUse
	case errors.Is(err, adapter.ErrNoSession):
		return recovery.Unknown
	case err != nil:
		return j.notTaken(ctx, err)
	}
	r.distant = false
	j.lineages.Found(r.lineage, old)
	return ""
}

// notTaken logs the error with which the store did not give a session, unless the client has
// gone meanwhile. It returns the reason.
func (j *journal) notTaken(ctx context.Context, err error) recovery.Reason {
	if ctx.Err() == nil {
		j.owner.failed("a session could not be taken", j.ns.name, err)
	}
	return recovery.StoreFailed
}

// lose ends a socket whose session another server has. Its events that wait for their
// handlers are dropped.
func (j *journal) lose(s *Socket) {
	s.kept().taken.Store(true)
	s.kept().savedAt.Store(math.MaxUint64)
	s.runner().dropEvents()
	s.conn.eio.Abort(engineio.ReasonForcedClose, errTakenOver, closePolicy, "")
}

// A holder is the adapter.Holder of a server.
type holder struct{ *recoverer }

var _ adapter.Holder = holder{}

// journal returns the journal of a namespace, or nil.
func (h holder) journal(namespace string) *journal {
	for _, j := range h.all() {
		if j.ns.name == namespace {
			return j
		}
	}
	return nil
}

// HandOver implements adapter.Holder.
func (h holder) HandOver(ctx context.Context, namespace, secret string) error {
	j := h.journal(namespace)
	if j == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.server.opts.MiddlewareTimeout)
	defer cancel()
	l, known := j.claimSoon(ctx, secret)
	switch {
	case l == nil:
		return adapter.ErrTaken
	case !known:
		return j.endStray(ctx, l, secret)
	}
	over := true
	if live, _, _ := j.lineages.State(l); live != nil {
		over = j.evict(ctx, live, l)
	}
	if err := j.giveBack(l, false); err != nil || over {
		return err
	}
	return adapter.ErrTaken
}

// endStray saves the end of a claimed session that has no socket here, if this server has
// it: the answer of the store was lost when it was taken.
func (j *journal) endStray(ctx context.Context, l *recovery.Lineage, secret string) error {
	defer j.lineages.Drop(l)
	s, err := j.owner.find(ctx, j.ns.name, secret)
	if err != nil || !s.Ended.IsZero() {
		return nil // Take of the other server reports it
	}
	s.Ended = time.Now()
	if err := j.owner.save(ctx, j.ns.name, s); err != nil && !errors.Is(err, adapter.ErrTaken) {
		return err
	}
	return nil
}

// Held implements adapter.Holder.
func (h holder) Held() map[string][]string {
	all := make(map[string][]string)
	for _, j := range h.all() {
		for _, s := range j.lineages.Sockets() {
			all[j.ns.name] = append(all[j.ns.name], s.kept().secret)
		}
	}
	return all
}

// Taken implements adapter.Holder.
func (h holder) Taken(namespace string, secrets []string) {
	j := h.journal(namespace)
	if j == nil {
		return
	}
	for _, secret := range secrets {
		if s := j.lineages.Live(secret); s != nil {
			j.lose(s)
		}
	}
}
