// SPDX-License-Identifier: MIT

// This file stores sessions in a bucket.

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

// sessions is the cluster.Sessions of one server: a bucket with a key for each session,
// s.NAMESPACE.SECRET. Each change is stored only if the revision is still the one that was
// read, which the leader of the bucket decides with a majority of its replicas. Headers
// say who owns a session.
type sessions struct {
	bucket  string
	options *LogOptions
	stream  *stream // for its helpers
	link    *link
	ctx     context.Context
	most    func(m *nats.Msg) error

	finding chan struct{} // held by the one who looks for the bucket

	mu        sync.Mutex        // guards the fields below
	ready     int               // the connection on which the bucket was found
	revisions map[string]uint64 // of sessions that this server has stored last

	expiry expiry
}

var _ cluster.Sessions = (*sessions)(nil)

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

func (s *sessions) name() string { return "KV_" + s.bucket }

func (s *sessions) subject(key string) string { return "$KV." + s.bucket + "." + key }

func sessionKey(namespace, secret string) string {
	space, _ := token(namespace)
	name, _ := token(secret)
	return "s." + space + "." + name
}

// patiently calls fn until it returns no error, or one that another attempt does not
// change, or ctx ends. NATS does not answer while the bucket has no leader.
func (s *sessions) patiently(ctx context.Context, fn func(ctx context.Context) (final bool, err error)) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		attempt, cancel := context.WithTimeout(ctx, asksFor)
		final, err := fn(attempt)
		cancel()
		if err == nil || final {
			return err
		}
		s.lost()
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(ctx.Err(), err)
		case <-s.ctx.Done():
			timer.Stop()
			return cluster.ErrClosed
		}
	}
}

// connect returns the connection, and makes the bucket if it does not exist.
func (s *sessions) connect(ctx context.Context) (*nats.Conn, error) {
	nc := s.link.wait(ctx)
	if nc == nil {
		return nil, errors.Join(ctx.Err(), s.link.state.err(causeConnection))
	}
	if s.isReady() {
		return nc, nil
	}
	select {
	case s.finding <- struct{}{}:
		defer func() { <-s.finding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	_, epoch := s.link.current()
	if s.isReady() {
		return nc, nil
	}
	js, err := s.stream.jet(nc)
	if err != nil {
		return nil, err
	}
	if _, err = js.KeyValue(ctx, s.bucket); errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: s.bucket, Description: "sessions of socketio", History: 1, Replicas: s.options.Replicas,
			Storage: s.options.storage(), MaxBytes: s.options.MaxSessionBytes,
		})
		if errors.Is(err, jetstream.ErrBucketExists) {
			err = nil // another server was faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the bucket %s: %w", s.bucket, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = epoch
	return nc, nil
}

// isReady reports whether the bucket was found on this connection.
func (s *sessions) isReady() bool {
	_, epoch := s.link.current()
	s.mu.Lock()
	defer s.mu.Unlock()
	return epoch > 0 && s.ready == epoch
}

// lost makes the next call look for the bucket again.
func (s *sessions) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = 0
}

// revision returns what is known of a session, or 0.
func (s *sessions) revision(key string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revisions[key]
}

func (s *sessions) know(key string, revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision == 0 {
		delete(s.revisions, key)
		return
	}
	if len(s.revisions) >= mostRevisions || s.revisions == nil {
		s.revisions = make(map[string]uint64)
	}
	s.revisions[key] = revision
}

// get asks the leader of the bucket.
func (s *sessions) get(ctx context.Context, key string) (k kept, err error) {
	err = s.patiently(ctx, func(ctx context.Context) (bool, error) {
		nc, err := s.connect(ctx)
		if err != nil {
			return false, err
		}
		m, ok, err := next(ctx, nc, s.stream.api(), s.name(), &request{Last: s.subject(key)})
		if err != nil {
			return false, err
		}
		if k = (kept{key: key}); ok {
			k = s.read(m)
		}
		return true, nil
	})
	return k, err
}

func (s *sessions) read(m *nats.Msg) kept {
	e, _ := readStored(m)
	subject := m.Subject
	if of := m.Header.Get(jetstream.SubjectHeader); of != "" {
		subject = of
	}
	k := kept{
		key: strings.TrimPrefix(subject, s.subject("")), revision: e.number, stored: e.time, data: e.data,
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
func (s *sessions) put(ctx context.Context, k *kept) (revision uint64, err error) {
	m := &nats.Msg{Subject: s.subject(k.key), Data: k.data, Header: nats.Header{
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
	err = s.patiently(ctx, func(ctx context.Context) (final bool, err error) {
		nc, err := s.connect(ctx)
		if err != nil {
			return false, err
		}
		if err := s.most(m); err != nil {
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
		if now, err := s.get(ctx, k.key); err != nil {
			return 0, err
		} else if now.write == m.Header.Get(headerWrite) {
			return now.revision, nil
		}
	}
	return 0, errChanged
}

// errChanged is returned by put if the revision is another one.
var errChanged = errors.New("natsadapter: the session was changed")

// remove removes a session if its revision is still the one that is stored, or is older.
func (s *sessions) remove(ctx context.Context, key string, revision uint64) error {
	s.know(key, 0)
	text, _ := json.Marshal(map[string]any{"filter": s.subject(key), "seq": revision + 1})
	return s.patiently(ctx, func(ctx context.Context) (bool, error) {
		nc, err := s.connect(ctx)
		if err != nil {
			return false, err
		}
		reply, err := nc.RequestWithContext(ctx, s.stream.api()+"STREAM.PURGE."+s.name(), text)
		if err != nil {
			return false, err
		}
		var answer struct {
			Error *jetstream.APIError `json:"error"`
		}
		if err := json.Unmarshal(reply.Data, &answer); err != nil || answer.Error == nil {
			return true, err
		}
		return false, answer.Error
	})
}

// Put implements cluster.Sessions.
func (s *sessions) Put(ctx context.Context, namespace, owner string, session *adapter.Session) error {
	data, err := nodewire.AppendSession(nil, &nodewire.SessionRecord{Namespace: namespace, Owner: owner, Session: *session})
	if err != nil {
		return err
	}
	k := kept{key: sessionKey(namespace, session.Secret), owner: owner, ended: session.Ended, data: data}
	k.revision = s.revision(k.key)
	for {
		revision, err := s.put(ctx, &k)
		if err == nil {
			s.know(k.key, revision)
			return nil
		}
		if !errors.Is(err, errChanged) {
			return err
		}
		now, err := s.get(ctx, k.key)
		if err != nil {
			return err
		}
		if now.revision > 0 && (now.owner != owner || now.taken != "") {
			s.know(k.key, 0)
			return cluster.ErrTaken
		}
		k.revision = now.revision
	}
}

// Get implements cluster.Sessions.
func (s *sessions) Get(ctx context.Context, namespace, secret string) (*adapter.Session, string, error) {
	k, err := s.get(ctx, sessionKey(namespace, secret))
	if err != nil {
		return nil, "", err
	}
	if k.revision == 0 || k.taken != "" {
		return nil, "", adapter.ErrNoSession
	}
	_, session, err := k.session()
	return session, k.owner, err
}

// Take implements cluster.Sessions.
func (s *sessions) Take(ctx context.Context, namespace, secret, by, from string, live bool) (*adapter.Session, error) {
	key := sessionKey(namespace, secret)
	for {
		k, err := s.get(ctx, key)
		switch {
		case err != nil:
			return nil, err
		case k.revision == 0 || k.taken != "":
			return nil, adapter.ErrNoSession
		case k.owner != from || !live && k.ended.IsZero():
			return nil, cluster.ErrTaken
		}
		_, session, err := k.session()
		if err != nil {
			return nil, err
		}
		k.owner = by
		revision, err := s.put(ctx, &k)
		if err == nil {
			s.know(key, revision)
			return session, nil
		}
		if !errors.Is(err, errChanged) {
			return nil, err
		}
	}
}

// Drop implements cluster.Sessions.
func (s *sessions) Drop(ctx context.Context, namespace, secret, owner string) error {
	k, err := s.get(ctx, sessionKey(namespace, secret))
	if err != nil || k.revision == 0 || k.owner != owner || k.taken != "" {
		return err
	}
	return s.remove(ctx, k.key, k.revision)
}

// ownedAtOnce is how many sessions Owned asks for at once.
const ownedAtOnce = 64

// Owned implements cluster.Sessions. It stores each session again as it is: a leader that
// has been replaced, and does not know it yet, can answer questions, but not do that.
func (s *sessions) Owned(ctx context.Context, namespace, owner string, secrets []string) ([]string, error) {
	owned, errs := make([]bool, len(secrets)), make([]error, len(secrets))
	tokens := make(chan struct{}, ownedAtOnce)
	var work sync.WaitGroup
	for i, secret := range secrets {
		tokens <- struct{}{}
		work.Go(func() {
			defer func() { <-tokens }()
			owned[i], errs[i] = s.owns(ctx, sessionKey(namespace, secret), owner)
		})
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var all []string
	for i, is := range owned {
		if is {
			all = append(all, secrets[i])
		}
	}
	return all, nil
}

func (s *sessions) owns(ctx context.Context, key, owner string) (bool, error) {
	for {
		k, err := s.get(ctx, key)
		if err != nil || k.revision == 0 || k.owner != owner || k.taken != "" {
			return false, err
		}
		revision, err := s.put(ctx, &k)
		if err == nil {
			s.know(key, revision)
			return true, nil
		}
		if !errors.Is(err, errChanged) {
			return false, err
		}
	}
}
