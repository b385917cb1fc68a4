// SPDX-License-Identifier: MIT

// This file tests a Redis server that Sentinels watch.

package redisadapter_test

import (
	"strings"
	"testing"

	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// A replica takes the place of its master, which lives on, and then that of one that dies.
// Sentinels tell.
func TestSentinel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		if testing.Short() && mode != "classic" {
			return // the connections are the same
		}
		master := redistest.Start(t)
		replica := redistest.StartReplica(t, master)
		sentinel := redistest.StartSentinel(t, master)
		redis := on(sentinel.Addr())
		redis.Sentinel.MasterSet = "mymaster"
		all := hostsWith(t, mode, newPrefix(), 2, redis, "room")

		sentinel.Must("SENTINEL", "FAILOVER", "mymaster")
		took := clusterhost.Eventually(t, "the subscriptions at the new master", func() bool {
			list, err := replica.Do("CLIENT", "LIST", "TYPE", "pubsub")
			text, _ := list.(string)
			return err == nil && strings.Count(text, " name= ") == len(all) // the Sentinel has a name
		})
		t.Logf("events arrive %v after a promotion", took+clusterhost.Exchange(t, all))
		clusterhost.Settled(t, all)

		sentinel.Until("SENTINEL", "REPLICAS", "mymaster", "master-link-status ok")
		replica.Kill()
		fails(t, all)
		t.Logf("events arrive %v after the death of a master", clusterhost.Exchange(t, all))
		clusterhost.Settled(t, all)
	})
}
