// SPDX-License-Identifier: MIT

// This file holds the sessions of all servers.

package redisadapter

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// sessions is the cluster.Sessions of Redis. A session is a hash; one that has ended has a
// copy besides, under the key that Node.js gives to it, so that a server in Node.js can take
// it: the copy is gone then. What was added to the replies of one that has not ended is
// under a third key. The three are in one slot, and are changed by scripts. The names of the
// sessions of each server are in sorted sets.
type sessions struct {
	finder *finder
	prefix string
	window atomic.Int64 // a time.Duration: how long a session is kept after its end
}

var _ cluster.ReplySessions = (*sessions)(nil)

func newSessions(f *finder, prefix string) *sessions {
	s := &sessions{finder: f, prefix: prefix}
	s.Retain(2 * time.Minute)
	return s
}

// Retain sets how long sessions are kept after their ends. Servers in Node.js do not
// recover those that are older.
func (s *sessions) Retain(window time.Duration) { s.window.Store(int64(window)) }

// spareTime is how much longer a copy is kept, so that Expire can tell whether a server in
// Node.js has taken it.
const spareTime = 30 * time.Second

// A sessionKey names a session in Redis.
type sessionKey struct {
	hash, copy, added string
	member            string // in sorted sets
}

// key returns the names of a session. ok is false for a secret that no server makes.
func (s *sessions) key(namespace, secret string) (k sessionKey, ok bool) {
	const longest = 128
	if len(secret) == 0 || len(secret) > longest {
		return k, false
	}
	for i := range len(secret) {
		switch c := secret[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return k, false
		}
	}
	k.copy, k.member = s.prefix+secret, secret+" "+namespace
	k.hash, _ = beside(k.copy, "#"+namespace)
	k.added, _ = beside(k.copy, "+"+namespace)
	return k, true
}

// index returns the name of a key that is not that of a session. All are in one slot.
func (s *sessions) index(name string) string {
	key, _ := beside(s.prefix+"#", name)
	return key
}

func (s *sessions) liveOf(owner string) string  { return s.index("live:" + owner) }
func (s *sessions) endedOf(owner string) string { return s.index("ended:" + owner) }

// encode returns the text of a session. A line break, which Node.js ignores, tells it from
// those that Node.js writes.
func encode(r *nodewire.SessionRecord) (string, error) {
	data, err := nodewire.AppendSession(nil, r)
	if err != nil {
		return "", err
	}
	return "\n" + base64.StdEncoding.EncodeToString(data), nil
}

// decode is the reverse of encode, also for what Node.js has written.
func decode(text string) (*nodewire.SessionRecord, error) {
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "\n"))
	if err != nil {
		return nil, fmt.Errorf("redisadapter: a session in Redis is malformed: %w", err)
	}
	return nodewire.DecodeSession(data)
}

// run calls a script for a session. The first value that it returns is the state.
func (s *sessions) run(ctx context.Context, l *script, k sessionKey, args ...string) (state string, values []string, err error) {
	for _, load := range []bool{false, true} {
		results, err := s.finder.do(ctx, k.hash, func(b rueidis.Builder) []rueidis.Completed {
			if load {
				return []rueidis.Completed{b.Eval().Script(l.text).Numkeys(3).Key(k.hash, k.copy, k.added).Arg(args...).Build()}
			}
			return []rueidis.Completed{b.Evalsha().Sha1(l.digest).Numkeys(3).Key(k.hash, k.copy, k.added).Arg(args...).Build()}
		})
		if err != nil {
			return "", nil, err
		}
		all, err := results[0].ToArray()
		if e, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(e.Error(), "NOSCRIPT") {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		for _, m := range all {
			text, _ := m.ToString()
			values = append(values, text)
		}
		break
	}
	if len(values) == 0 {
		return "", nil, errReply
	}
	return values[0], values[1:], nil
}

// enter adds a session to a sorted set of its owner.
func (s *sessions) enter(ctx context.Context, set, owner string, k sessionKey, at time.Time) error {
	results, err := s.finder.do(ctx, set, func(b rueidis.Builder) []rueidis.Completed {
		return []rueidis.Completed{
			b.Sadd().Key(s.index("owners")).Member(owner).Build(),
			b.Zadd().Key(set).ScoreMember().ScoreMember(float64(at.UnixMilli()), k.member).Build(),
		}
	})
	if err != nil {
		return err
	}
	return errors.Join(results[0].Error(), results[1].Error())
}

// strike removes a session from sorted sets. Expire repairs what that leaves when it fails.
func (s *sessions) strike(ctx context.Context, k sessionKey, sets ...string) {
	_, _ = s.finder.do(ctx, s.index("owners"), func(b rueidis.Builder) (all []rueidis.Completed) {
		for _, set := range sets {
			all = append(all, b.Zrem().Key(set).Member(k.member).Build())
		}
		return all
	})
}

// Put implements cluster.Sessions.
func (s *sessions) Put(ctx context.Context, namespace, owner string, session *adapter.Session) error {
	k, ok := s.key(namespace, session.Secret)
	if err := ctx.Err(); err != nil || !ok {
		return errors.Join(err, errSecret(ok))
	}
	text, err := encode(&nodewire.SessionRecord{Namespace: namespace, Owner: owner, Session: *session})
	if err != nil {
		return err
	}
	set, other, ended, left := s.liveOf(owner), s.endedOf(owner), "", time.Duration(0)
	at := time.Now()
	if !session.Ended.IsZero() {
		set, other, at, ended = other, set, session.Ended, "1"
		left = max(0, time.Duration(s.window.Load())+spareTime-time.Since(session.Ended))
	}
	if err := s.enter(ctx, set, owner, k, at); err != nil {
		return err
	}
	state, _, err := s.run(ctx, putScript, k, owner, text, ended, strconv.FormatInt(left.Milliseconds(), 10))
	switch {
	case err != nil:
		return err
	case state == "taken":
		s.strike(ctx, k, set)
		return cluster.ErrTaken
	case state == "live" && ended != "", state == "ended" && ended == "":
		s.strike(ctx, k, other)
	}
	return nil
}

func errSecret(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("redisadapter: a secret of another form")
}

// Get implements cluster.Sessions.
func (s *sessions) Get(ctx context.Context, namespace, secret string) (*adapter.Session, string, error) {
	k, ok := s.key(namespace, secret)
	if err := ctx.Err(); err != nil || !ok {
		return nil, "", cmpErr(err, adapter.ErrNoSession)
	}
	state, values, err := s.run(ctx, getScript, k)
	if err != nil {
		return nil, "", err
	}
	if len(values) < 4 {
		return nil, "", adapter.ErrNoSession
	}
	session, err := s.found(state, values[1], values[2], values[3])
	return session, values[0], err
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// found returns the session of a text, with the replies that were added. left is how many
// milliseconds a copy of Node.js has left.
func (s *sessions) found(state, text, added, left string) (*adapter.Session, error) {
	r, err := decode(text)
	if err != nil {
		return nil, err
	}
	r.Replies = append(r.Replies, added...)
	if state == "node" {
		r.Ended = time.Now()
		if ms, err := strconv.ParseInt(left, 10, 64); err == nil && ms >= 0 {
			age := time.Duration(s.window.Load()) - time.Duration(ms)*time.Millisecond
			r.Ended = r.Ended.Add(-max(0, age))
		}
	}
	return &r.Session, nil
}

// AddReplies implements cluster.ReplySessions.
func (s *sessions) AddReplies(ctx context.Context, namespace, owner, secret string, data []byte) error {
	k, ok := s.key(namespace, secret)
	if err := ctx.Err(); err != nil || !ok {
		return cmpErr(err, adapter.ErrNoSession)
	}
	switch state, _, err := s.run(ctx, addScript, k, owner, string(data)); {
	case err != nil:
		return err
	case state == "taken":
		return cluster.ErrTaken
	case state != "live":
		return adapter.ErrNoSession
	}
	return nil
}

// Take implements cluster.Sessions.
func (s *sessions) Take(ctx context.Context, namespace, secret, by, from string, live bool) (*adapter.Session, error) {
	k, ok := s.key(namespace, secret)
	if err := ctx.Err(); err != nil || !ok {
		return nil, cmpErr(err, adapter.ErrNoSession)
	}
	if by != from {
		if err := s.enter(ctx, s.liveOf(by), by, k, time.Now()); err != nil {
			return nil, err
		}
	}
	either := ""
	if live {
		either = "1"
	}
	state, values, err := s.run(ctx, takeScript, k, by, from, either)
	switch {
	case err != nil:
		return nil, err
	case len(values) < 3:
		if by != from {
			s.strike(ctx, k, s.liveOf(by))
		}
		if state == "taken" {
			return nil, cluster.ErrTaken
		}
		return nil, adapter.ErrNoSession
	}
	session, err := s.found(state, values[0], values[1], values[2])
	if err != nil || by == from {
		return session, err
	}
	if !session.Ended.IsZero() {
		if err := s.enter(ctx, s.endedOf(by), by, k, session.Ended); err != nil {
			return session, nil // Expire of another finds it if this server dies
		}
		s.strike(ctx, k, s.liveOf(by))
	}
	if from != "" {
		s.strike(ctx, k, s.liveOf(from), s.endedOf(from))
	}
	return session, nil
}

// Drop implements cluster.Sessions.
func (s *sessions) Drop(ctx context.Context, namespace, secret, owner string) error {
	k, ok := s.key(namespace, secret)
	if err := ctx.Err(); err != nil || !ok {
		return err
	}
	state, _, err := s.run(ctx, dropScript, k, owner)
	if err == nil && state != "taken" {
		s.strike(ctx, k, s.liveOf(owner), s.endedOf(owner))
	}
	return err
}

// Owned implements cluster.Sessions.
func (s *sessions) Owned(ctx context.Context, namespace, owner string, secrets []string) (owned []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, part := range s.bySlot(namespace, secrets) {
		results, err := s.finder.do(ctx, part.keys[0].hash, func(b rueidis.Builder) (all []rueidis.Completed) {
			for _, k := range part.keys {
				all = append(all, b.Hmget().Key(k.hash).Field("o", "c").Build())
			}
			return all
		})
		if err != nil {
			return nil, err
		}
		for i, r := range results {
			fields, err := r.ToArray()
			if err != nil || len(fields) < 2 {
				return nil, cmpErr(err, errReply)
			}
			if name, _ := fields[0].ToString(); name == owner && fields[1].IsNil() {
				owned = append(owned, part.secrets[i])
			}
		}
	}
	return owned, nil
}

// A keyGroup has sessions that are at one Redis server.
type keyGroup struct {
	keys    []sessionKey
	secrets []string
}

// bySlot groups sessions by the servers that have them, at most maxPipeline at once.
func (s *sessions) bySlot(namespace string, secrets []string) (groups []*keyGroup) {
	r := s.finder.routes.Load()
	open := make(map[*node]*keyGroup)
	for _, secret := range secrets {
		k, ok := s.key(namespace, secret)
		if !ok {
			continue
		}
		var n *node
		if r != nil {
			n = r.owner(k.hash)
		}
		g := open[n]
		if g == nil || len(g.keys) == maxPipeline {
			g = new(keyGroup)
			open[n] = g
			groups = append(groups, g)
		}
		g.keys, g.secrets = append(g.keys, k), append(g.secrets, secret)
	}
	return groups
}
