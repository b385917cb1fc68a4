// SPDX-License-Identifier: MIT

// This file holds the bucket of sessions.

package natsadapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// A bucket has a key for each session, s.NAMESPACE.SECRET. Each change is stored only if the
// revision is still the one that was read, which the leader of the bucket decides with a
// majority of its replicas. Headers say who owns a session.
type bucket struct {
	name    string
	options *LogOptions
	stream  *stream // for its helpers
	link    *link
	ctx     context.Context

	finding chan struct{} // held by the one who looks for the bucket

	mu        sync.Mutex        // guards the fields below
	ready     int               // the connection on which the bucket was found
	revisions map[string]uint64 // of sessions that this server has stored last
}

func newBucket(name string, o *LogOptions, s *stream) *bucket {
	return &bucket{name: name, options: o, stream: s, link: s.link, ctx: s.ctx, finding: make(chan struct{}, 1)}
}

const (
	headerOwner = "Socketio-Owner"
	headerEnded = "Socketio-Ended" // when the session has ended, in milliseconds, or absent
	headerTaken = "Socketio-Taken" // the node that reports its end, or absent
	headerWrite = "Socketio-Write" // a name of the change

	// mostRevisions bounds what is known of sessions. The others cost a question.
	mostRevisions = 1 << 17
)

// A kept is a session as it is stored.
type kept struct {
	key      string
	revision uint64 // 0 if it is not stored
	stored   time.Time
	owner    string
	taken    string // who reports its end
	ended    time.Time
	write    string
	data     []byte
}

func (b *bucket) streamName() string { return "KV_" + b.name }

func (b *bucket) subject(key string) string { return "$KV." + b.name + "." + key }

func sessionKey(namespace, secret string) string {
	space, _ := token(namespace)
	name, _ := token(secret)
	return "s." + space + "." + name
}

// patiently calls fn until it returns no error, or one that another attempt does not
// change, or ctx ends. NATS does not answer while the bucket has no leader.
func (b *bucket) patiently(ctx context.Context, fn func(ctx context.Context) (final bool, err error)) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		limited, cancel := context.WithTimeout(ctx, asksFor)
		b.link.wait(limited)
		attempt, end := b.link.asking(limited)
		final, err := fn(attempt)
		end()
		cancel()
		if err == nil || final {
			return err
		}
		b.lost()
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(ctx.Err(), err)
		case <-b.ctx.Done():
			timer.Stop()
			return cluster.ErrClosed
		}
	}
}

// connect returns the connection, and makes the bucket if it does not exist.
func (b *bucket) connect(ctx context.Context) (*nats.Conn, error) {
	nc := b.link.wait(ctx)
	if nc == nil {
		return nil, errors.Join(ctx.Err(), b.link.state.err(causeConnection))
	}
	if b.isReady() {
		return nc, nil
	}
	select {
	case b.finding <- struct{}{}:
		defer func() { <-b.finding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	_, epoch := b.link.current()
	if b.isReady() {
		return nc, nil
	}
	js, err := b.stream.jet(nc)
	if err != nil {
		return nil, err
	}
	if _, err = js.KeyValue(ctx, b.name); errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: b.name, Description: "sessions of socketio", History: 1, Replicas: b.options.Replicas,
			Storage: b.options.storage(), MaxBytes: b.options.MaxSessionBytes,
		})
		if errors.Is(err, jetstream.ErrBucketExists) {
			err = nil // another server was faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the bucket %s: %w", b.name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = epoch
	return nc, nil
}

// isReady reports whether the bucket was found on this connection.
func (b *bucket) isReady() bool {
	_, epoch := b.link.current()
	b.mu.Lock()
	defer b.mu.Unlock()
	return epoch > 0 && b.ready == epoch
}

// lost makes the next call look for the bucket again.
func (b *bucket) lost() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = 0
}

// revision returns what is known of a session, or 0.
func (b *bucket) revision(key string) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.revisions[key]
}

func (b *bucket) know(key string, revision uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if revision == 0 {
		delete(b.revisions, key)
		return
	}
	if len(b.revisions) >= mostRevisions || b.revisions == nil {
		b.revisions = make(map[string]uint64)
	}
	b.revisions[key] = revision
}

// get asks the leader of the bucket.
func (b *bucket) get(ctx context.Context, key string) (k kept, err error) {
	err = b.patiently(ctx, func(ctx context.Context) (bool, error) {
		nc, err := b.connect(ctx)
		if err != nil {
			return false, err
		}
		m, ok, err := next(ctx, nc, b.stream.api(), b.streamName(), &request{Last: b.subject(key)})
		if err != nil {
			return false, err
		}
		if k = (kept{key: key}); ok {
			k = b.read(m)
		}
		return true, nil
	})
	return k, err
}

func (b *bucket) read(m *nats.Msg) kept {
	e, _ := readStored(m)
	subject := m.Subject
	if of := m.Header.Get(jetstream.SubjectHeader); of != "" {
		subject = of
	}
	k := kept{
		key: strings.TrimPrefix(subject, b.subject("")), revision: e.number, stored: e.time, data: e.data,
		owner: m.Header.Get(headerOwner), taken: m.Header.Get(headerTaken), write: m.Header.Get(headerWrite),
	}
	if ms, err := strconv.ParseInt(m.Header.Get(headerEnded), 10, 64); err == nil {
		k.ended = time.UnixMilli(ms)
	}
	return k
}

// session returns what is stored.
func (k *kept) session() (namespace string, session *adapter.Session, err error) {
	r, err := nodewire.DecodeSession(k.data)
	if err != nil {
		return "", nil, err
	}
	return r.Namespace, &r.Session, nil
}

// put stores k if its revision is still the one that is stored, and returns the new one.
func (b *bucket) put(ctx context.Context, k *kept) (revision uint64, err error) {
	m := &nats.Msg{Subject: b.subject(k.key), Data: k.data, Header: nats.Header{
		headerOwner: {k.owner}, headerWrite: {inboxName()},
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(k.revision, 10)},
	}}
	if !k.ended.IsZero() {
		m.Header.Set(headerEnded, strconv.FormatInt(k.ended.UnixMilli(), 10))
	}
	if k.taken != "" {
		m.Header.Set(headerTaken, k.taken)
	}
	doubt := false // an attempt before may have stored it
	err = b.patiently(ctx, func(ctx context.Context) (final bool, err error) {
		nc, err := b.connect(ctx)
		if err != nil {
			return false, err
		}
		if err := b.link.fits(m); err != nil {
			return true, err
		}
		reply, err := nc.RequestMsgWithContext(ctx, m)
		if err != nil {
			doubt = true
			return false, err
		}
		var ack struct {
			Error  *jetstream.APIError `json:"error"`
			Number uint64              `json:"seq"`
		}
		if err := json.Unmarshal(reply.Data, &ack); err != nil {
			return true, err
		}
		if ack.Error == nil {
			revision = ack.Number
			return true, nil
		}
		return true, ack.Error
	})
	var refused *jetstream.APIError
	const wrongToo = 10164 // the same, from a cluster
	if !errors.As(err, &refused) || refused.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence && refused.ErrorCode != wrongToo {
		return revision, err
	}
	if doubt {
		if now, err := b.get(ctx, k.key); err != nil {
			return 0, err
		} else if now.write == m.Header.Get(headerWrite) {
			return now.revision, nil
		}
	}
	return 0, errChanged
}

// errChanged is returned by put if the revision is another one.
var errChanged = errors.New("natsadapter: the session was changed")

// remove removes a session if its revision is still the one that is stored, or is older. removed
// is false if there was nothing to remove, or the answer to the first attempt was lost.
func (b *bucket) remove(ctx context.Context, key string, revision uint64) (removed bool, err error) {
	b.know(key, 0)
	text, _ := json.Marshal(map[string]any{"filter": b.subject(key), "seq": revision + 1})
	err = b.patiently(ctx, func(ctx context.Context) (bool, error) {
		nc, err := b.connect(ctx)
		if err != nil {
			return false, err
		}
		reply, err := nc.RequestWithContext(ctx, b.stream.api()+"STREAM.PURGE."+b.streamName(), text)
		if err != nil {
			return false, err
		}
		var answer struct {
			Error  *jetstream.APIError `json:"error"`
			Purged int                 `json:"purged"`
		}
		if err := json.Unmarshal(reply.Data, &answer); err != nil || answer.Error == nil {
			removed = answer.Purged > 0
			return true, err
		}
		return false, answer.Error
	})
	return removed, err
}

// info asks for the state of the bucket.
func (b *bucket) info(ctx context.Context) (info *jetstream.StreamInfo, nc *nats.Conn, err error) {
	err = b.patiently(ctx, func(ctx context.Context) (bool, error) {
		if nc, err = b.connect(ctx); err != nil {
			return false, err
		}
		js, err := b.stream.jet(nc)
		if err != nil {
			return true, err
		}
		handle, err := js.Stream(ctx, b.streamName())
		if err != nil {
			return false, err
		}
		info = handle.CachedInfo()
		return true, nil
	})
	return info, nc, err
}
