// SPDX-License-Identifier: MIT

// This file runs the exams of logs and sessions over a real server.

package pgadapter_test

import (
	"context"
	"fmt"
	"testing"

	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/pgadapter"
	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/clusterhost"
	"socketio/internal/faultnet"
)

func TestLogs(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	adaptertest.RunLogCluster(t, adaptertest.LogFactory{New: func(t *testing.T) *adaptertest.LogWorld {
		o := options(newPrefix())
		o.MaxQueue = 2 << 20
		proxies := make(map[cluster.LogBus]*faultnet.Proxy)
		return &adaptertest.LogWorld{
			Bus: func() cluster.LogBus {
				config, proxy := throughProxy(t, server)
				b := pgadapter.NewLogBus(config, o)
				proxies[b] = proxy
				return b
			},
			Break: func(b cluster.LogBus) {
				proxies[b].Refuse(1 << 30)
				proxies[b].Cut(faultnet.Reset)
			},
			Mend:   func(b cluster.LogBus) { proxies[b].Refuse(0) },
			Stall:  func(b cluster.LogBus) { proxies[b].Stall(faultnet.Both) },
			Resume: func(b cluster.LogBus) { proxies[b].Heal() },
			Trim:   func(namespace string, keep int) { trim(server, o.TablePrefix, namespace, keep) },
			Replace: func() {
				p := o.TablePrefix
				server.Must(nil, fmt.Sprintf("TRUNCATE %slog, %[1]strimmed, %[1]swriters RESTART IDENTITY", p))
				server.Must(nil, fmt.Sprintf("UPDATE %sepoch SET epoch = 'another'", p))
				server.Must(nil, fmt.Sprintf("ALTER SEQUENCE %snumbers RESTART", p))
				killConnections(server, "%")
			},
		}
	}})
}

// trim removes entries as the end of a partition does.
func trim(server *pgtest.Server, prefix, namespace string, keep int) {
	server.Must(nil, fmt.Sprintf(`WITH old AS (
    DELETE FROM %slog WHERE nsp = $1 AND number NOT IN (SELECT number FROM %[1]slog WHERE nsp = $1 ORDER BY number DESC LIMIT $2) RETURNING number
) INSERT INTO %[1]strimmed AS t SELECT $1, max(number) FROM old ON CONFLICT (nsp) DO UPDATE SET number = greatest(t.number, EXCLUDED.number)`, prefix),
		namespace, keep)
}

func TestSessions(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	adaptertest.RunSessions(t, func(t *testing.T) func() cluster.Sessions {
		o := options(newPrefix())
		return func() cluster.Sessions {
			b := pgadapter.NewLogBus(server.Config(), o)
			if err := b.Open(nobody{}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = b.Close(context.Background()) })
			ready := make(chan error, 1)
			b.Subscribe([]cluster.Channel{{}}, func(err error) { ready <- err })
			clusterhost.Eventually(t, "the tables", func() bool { return server.Query(nil, "SELECT FROM "+o.TablePrefix+"sessions") == nil })
			if err := <-ready; err != nil {
				t.Fatal(err)
			}
			return b.Sessions()
		}
	})
}

// nobody is a receiver that hears nothing.
type nobody struct{}

func (nobody) Receive(cluster.Channel, []byte)    {}
func (nobody) Down(error)                         {}
func (nobody) Up()                                {}
func (nobody) LogOpened(string, string, uint64)   {}
func (nobody) Entry(string, cluster.Entry)        {}
func (nobody) Settled(namespace string, _ uint64) {}
func (nobody) Gap(namespace string, upTo uint64)  {}
