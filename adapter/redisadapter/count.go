// SPDX-License-Identifier: MIT

// This file counts the subscribers of channels, by which servers in Node.js know how many
// they are.

package redisadapter

import (
	"context"
	"errors"

	"github.com/redis/rueidis"
)

var errCount = errors.New("redisadapter: the subscribers can't be counted")

// count adds to counts the subscribers that channels have at one server. A sharded channel
// has them only where its slot is.
func count(ctx context.Context, r *routes, n *node, channels []string, counts []int) error {
	client := n.client.Load()
	if client == nil {
		return errors.Join(errCount, n.err())
	}
	var commands []rueidis.Completed
	var index []int
	for i, name := range channels {
		switch build := (*client).B(); {
		case !n.sharded:
			commands, index = append(commands, build.PubsubNumsub().Channel(name).Build()), append(index, i)
		case r.node(name) == n:
			commands, index = append(commands, build.PubsubShardnumsub().Channel(name).Build()), append(index, i)
		}
	}
	if len(commands) == 0 {
		return nil
	}
	for i, result := range (*client).DoMulti(ctx, commands...) {
		all, err := result.ToArray()
		if err != nil || len(all) != 2 { // the name and the number
			return errors.Join(errCount, err)
		}
		number, err := all[1].AsInt64()
		if err != nil {
			return errors.Join(errCount, err)
		}
		counts[index[i]] += int(number)
	}
	return nil
}
