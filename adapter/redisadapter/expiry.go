// SPDX-License-Identifier: MIT

// This file ends the sessions that nobody has taken.

package redisadapter

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter"
)

// An expiry is a call of Expire.
type expiry struct {
	*sessions
	by      string
	before  time.Time
	alive   func(owner string) bool
	limit   int
	expired func(namespace string, s *adapter.Session)
}

// Expire implements cluster.Sessions.
func (s *sessions) Expire(ctx context.Context, by string, before time.Time, alive func(owner string) bool, limit int, expired func(string, *adapter.Session)) (left bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	owners, err := s.owners(ctx)
	if err != nil {
		return false, err
	}
	e := &expiry{s, by, before, alive, limit, expired}
	for _, owner := range owners {
		dead := owner != by && !alive(owner)
		if owner == by || dead {
			err = e.each(ctx, s.endedOf(owner), owner, "ended")
		}
		if err == nil && dead {
			err = e.each(ctx, s.liveOf(owner), owner, "live")
		}
		if err != nil {
			return false, err
		}
	}
	return s.remain(ctx, owners, alive)
}

// owners returns the nodes that have, or have had, sessions.
func (s *sessions) owners(ctx context.Context) ([]string, error) {
	results, err := s.finder.do(ctx, s.index("owners"), func(b rueidis.Builder) []rueidis.Completed {
		return []rueidis.Completed{b.Smembers().Key(s.index("owners")).Build()}
	})
	if err != nil {
		return nil, err
	}
	return results[0].AsStrSlice()
}

// remain reports whether there are sessions, and forgets the dead nodes without any.
func (s *sessions) remain(ctx context.Context, owners []string, alive func(string) bool) (left bool, err error) {
	if len(owners) == 0 {
		return false, nil
	}
	results, err := s.finder.do(ctx, s.index("owners"), func(b rueidis.Builder) (all []rueidis.Completed) {
		for _, owner := range owners {
			all = append(all, b.Zcard().Key(s.liveOf(owner)).Build(), b.Zcard().Key(s.endedOf(owner)).Build())
		}
		return all
	})
	if err != nil {
		return false, err
	}
	var gone []string
	for i, owner := range owners {
		live, err1 := results[2*i].AsInt64()
		ended, err2 := results[2*i+1].AsInt64()
		if err1 != nil || err2 != nil {
			return false, cmpErr(err1, err2)
		}
		if live+ended > 0 {
			left = true
		} else if !alive(owner) {
			gone = append(gone, owner)
		}
	}
	if len(gone) > 0 {
		_, err = s.finder.do(ctx, s.index("owners"), func(b rueidis.Builder) []rueidis.Completed {
			return []rueidis.Completed{b.Srem().Key(s.index("owners")).Member(gone...).Build()}
		})
	}
	return left, err
}

// each takes and reports the sessions of a sorted set that must be in a state.
func (e *expiry) each(ctx context.Context, set, owner, state string) error {
	if e.limit <= 0 {
		return nil
	}
	results, err := e.finder.do(ctx, set, func(b rueidis.Builder) []rueidis.Completed {
		return []rueidis.Completed{b.Zrangebyscore().Key(set).Min("-inf").Max("("+strconv.FormatInt(e.before.UnixMilli(), 10)).
			Limit(0, int64(e.limit)).Build()}
	})
	if err != nil {
		return err
	}
	members, err := results[0].AsStrSlice()
	if err != nil {
		return err
	}
	for _, member := range members {
		secret, namespace, _ := strings.Cut(member, " ")
		k, ok := e.key(namespace, secret)
		if !ok {
			k.member = member
			e.strike(ctx, k, set)
			continue
		}
		if err := e.one(ctx, k, set, owner, state, namespace); err != nil {
			return err
		}
	}
	return nil
}

// one takes and reports a session, unless another node has taken it.
func (e *expiry) one(ctx context.Context, k sessionKey, set, owner, state, namespace string) error {
	found, values, err := e.run(ctx, claimScript, k, e.by, owner, state, e.by)
	if err == nil && found == "claimed" && len(values) > 0 {
		if by := values[0]; e.alive(by) {
			return nil
		}
		found, values, err = e.run(ctx, claimScript, k, e.by, owner, state, values[0])
	}
	switch {
	case err != nil:
		return err
	case found == "claimed":
		return nil
	case found != "mine" || len(values) < 2:
		e.strike(ctx, k, set) // it is in another set, or gone
		if found == "none" {
			_, _, err = e.run(ctx, dropScript, k, "")
		}
		return err
	}
	e.limit--
	if session, err := e.found(found, values[0], values[1], ""); err == nil {
		e.expired(namespace, session)
	}
	if _, _, err := e.run(ctx, forgetScript, k, e.by); err != nil {
		return err
	}
	e.strike(ctx, k, set)
	return nil
}
