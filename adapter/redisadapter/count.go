// SPDX-License-Identifier: MIT

// This file counts the subscribers of channels, by which servers in Node.js know how many
// they are.

package redisadapter

import (
	"context"
	"errors"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
)

// Subscribers returns the number of subscribers of each channel, in the whole Redis
// Cluster. It implements cluster.PeerCounter.
func (b *bus) Subscribers(ctx context.Context, channels []cluster.Channel) ([]int, error) {
	r := b.routes.Load()
	if r == nil {
		return nil, errors.Join(ErrDown, b.unknown())
	}
	counts := make([]int, len(channels))
	for _, n := range r.all {
		if err := b.count(ctx, r, n, channels, counts); err != nil {
			return nil, down(err)
		}
	}
	return counts, nil
}

// count adds the subscribers at one server. A sharded channel has them only where its slot
// is.
func (b *bus) count(ctx context.Context, r *routes, n *node, channels []cluster.Channel, counts []int) error {
	client := n.client.Load()
	if client == nil {
		return n.err()
	}
	var commands []rueidis.Completed
	var index []int
	for i, channel := range channels {
		name, build := b.topic(channel).name, (*client).B()
		if !b.mode.sharded() {
			commands, index = append(commands, build.PubsubNumsub().Channel(name).Build()), append(index, i)
		} else if r.node(name) == n {
			commands, index = append(commands, build.PubsubShardnumsub().Channel(name).Build()), append(index, i)
		}
	}
	if len(commands) == 0 {
		return nil
	}
	for i, result := range (*client).DoMulti(ctx, commands...) {
		all, err := result.ToArray()
		if err != nil || len(all) < 2 {
			return errors.Join(errors.New("redisadapter: the subscribers can't be counted"), err)
		}
		count, err := all[1].AsInt64()
		if err != nil {
			return err
		}
		counts[index[i]] += int(count)
	}
	return nil
}
