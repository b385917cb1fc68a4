// SPDX-License-Identifier: MIT

// This file tests servers that reach Redis by TLS.

package redisadapter_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"socketio/adapter"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// Events go from one server to the other by TLS, also after Redis was killed and started
// again. A server that does not trust the certificate says so.
func TestTLS(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		redis, addr, trusted := redistest.StartTLS(t)
		prefix := newPrefix()
		var hosts []*clusterhost.Host
		for _, name := range []string{"a", "b"} {
			dial := rueidis.ClientOption{InitAddress: []string{addr}, TLSConfig: trusted}
			hosts = append(hosts, clusterhost.New(t, name, modes[mode](dial, &redisadapter.Options{Prefix: prefix}), "room"))
		}
		clusterhost.Settled(t, hosts)
		clusterhost.Exchange(t, hosts)
		redis.Kill()
		redis.Restart()
		clusterhost.Settled(t, hosts)
		clusterhost.Exchange(t, hosts)

		dial := rueidis.ClientOption{InitAddress: []string{addr}, TLSConfig: &tls.Config{RootCAs: x509.NewCertPool()}}
		stranger := modes[mode](dial, &redisadapter.Options{Prefix: prefix})
		if err := stranger.Open(adapter.Node{ID: "stranger", Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		clusterhost.Eventually(t, "a server that does not trust Redis says so", func() bool {
			err := stranger.Health().Degraded
			return errors.Is(err, redisadapter.ErrDown) && strings.Contains(err.Error(), "x509")
		})
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = stranger.Close(ended) // what waits can't be sent
	})
}
