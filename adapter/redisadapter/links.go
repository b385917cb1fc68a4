// SPDX-License-Identifier: MIT

// This file reaches the server that has a key.

package redisadapter

import (
	"context"
	"errors"

	"github.com/redis/rueidis"
)

var errReply = errors.New("redisadapter: a reply of another form")

// client returns the client of the server that has a key.
func (f *finder) client(ctx context.Context, key string) (rueidis.Client, error) {
	found := f.next()
	for f.routes.Load() == nil {
		if err := f.err(); err != nil {
			return nil, err
		}
		select {
		case <-found:
			found = f.next()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	n := f.routes.Load().owner(key)
	if n == nil {
		return nil, errNoServer
	}
	select {
	case <-n.tried:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := n.client.Load()
	if c == nil {
		return nil, down(n.err())
	}
	return *c, nil
}

// dedicate makes a connection to the server that has a key. If that fails, so will its use.
// It ends with ctx. The caller calls release.
func (f *finder) dedicate(ctx context.Context, key string) (c rueidis.DedicatedClient, release func(), err error) {
	client, err := f.client(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	c, _ = client.Dedicate()
	stop := context.AfterFunc(ctx, c.Close)
	return c, func() {
		if stop() {
			c.Close()
		}
	}, nil
}

// do sends commands to the server that has a key, and again if another has it now. Those
// before may have been executed already.
func (f *finder) do(ctx context.Context, key string, commands func(b rueidis.Builder) []rueidis.Completed) (results []rueidis.RedisResult, err error) {
	for range maxMoves {
		before := f.routes.Load()
		c, err := f.client(ctx, key)
		if err != nil {
			return nil, err
		}
		results = c.DoMulti(ctx, commands(c.B())...)
		again := false
		for _, r := range results {
			if err := r.NonRedisError(); err != nil && !rueidis.IsRedisNil(err) {
				return nil, down(err)
			}
			again = again || elsewhere(r.Error())
		}
		if !again {
			return results, nil
		}
		if !f.fresh(ctx, before) {
			break
		}
		p := pause(0)
		if !p.wait(ctx) {
			return nil, ctx.Err()
		}
	}
	return results, nil
}
