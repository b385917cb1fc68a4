// SPDX-License-Identifier: MIT

// This file holds Streams: a bus with a log.

package redisadapter

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
)

// StreamsOptions configure Streams. The zero value is ready for use. What is said to be of
// Node.js are options of createAdapter of @socket.io/redis-streams-adapter; all servers
// of a cluster must have the same.
type StreamsOptions struct {
	// Stream is the name of the stream: the option streamName of Node.js. Defaults to
	// "socket.io".
	Stream string
	// Streams is how many streams the namespaces are divided among: streamCount of
	// Node.js. Servers in Node.js hear nothing of some namespaces if it is not 1, because of
	// an error there. Defaults to 1.
	Streams int
	// MaxLen is how many entries a stream keeps at least, for all its namespaces: maxLen of
	// Node.js. A client that was away for longer is not recovered. Defaults to 10,000.
	MaxLen int
	// ReadCount is how many entries are read at once: readCount of Node.js. If they are
	// large, fewer are read. Defaults to 100.
	ReadCount int
	// Block is how long Redis waits for an entry before it answers without one:
	// blockTimeInMs of Node.js. Defaults to 5 s.
	Block time.Duration
	// Sharded uses SPUBLISH and SSUBSCRIBE for requests and heartbeats: useShardedPubSub of
	// Node.js.
	Sharded bool
	// Prefix begins the names of channels: channelPrefix of Node.js. Defaults to
	// "socket.io".
	Prefix string
	// SessionPrefix begins the names of the keys that have sessions: sessionKeyPrefix of
	// Node.js. Defaults to "sio:session:".
	SessionPrefix string
	// MaxQueue is the maximum number of bytes that wait to be sent to Redis, for each
	// stream and for all other messages. When they are exceeded, Emit returns ErrQueueFull.
	// Defaults to 32 MiB.
	MaxQueue int
	// Cluster has the options that all buses have in common. Codec, Rooms and Ordering are
	// ignored.
	Cluster cluster.Options
}

func (o *StreamsOptions) withDefaults() StreamsOptions {
	var c StreamsOptions
	if o != nil {
		c = *o
	}
	for text, standard := range map[*string]string{&c.Stream: defaultPrefix, &c.Prefix: defaultPrefix, &c.SessionPrefix: "sio:session:"} {
		if *text == "" {
			*text = standard
		}
	}
	for n, standard := range map[*int]int{&c.Streams: 1, &c.MaxLen: 10_000, &c.ReadCount: 100, &c.MaxQueue: 32 << 20} {
		if *n <= 0 {
			*n = standard
		}
	}
	if c.Block <= 0 {
		c.Block = 5 * time.Second
	}
	c.Cluster.Codec, c.Cluster.Rooms, c.Cluster.Ordering = streamsCodec{cluster.Envelope{Packed: true}}, cluster.RoomsTogether, cluster.OrderedByChannel
	return c
}

// Streams returns the Cluster of one server, which sends broadcasts and operations by
// streams of Redis 7 or Valkey, and requests by PUBLISH. Clients are recovered on any
// server if socketio.Options.Recovery is set. Servers in Node.js use createAdapter of
// @socket.io/redis-streams-adapter 0.3; clients are recovered from Go to Node.js and back.
//
// Otherwise it is like Classic. Streams panics if the name of the stream or SessionPrefix
// has braces that enclose nothing, or only one brace.
func Streams(redis rueidis.ClientOption, o *StreamsOptions) *cluster.Cluster {
	opts := o.withDefaults()
	for _, name := range []string{opts.Stream, opts.SessionPrefix} {
		if _, ok := beside(name, ""); !ok {
			panic("redisadapter: StreamsOptions.Stream and SessionPrefix have no braces, or a pair that encloses something")
		}
	}
	return cluster.New(newLogBus(redis, &opts), &opts.Cluster)
}

// A logBus is a bus with a log.
type logBus struct {
	*bus
	opts     StreamsOptions
	mark     string // begins the tokens in entries of this bus
	history  *history
	sessions *sessions

	logs logs
}

var (
	_ cluster.LogBus      = (*logBus)(nil)
	_ cluster.PeerCounter = (*logBus)(nil)
)

// logs are the streams of a bus.
type logs struct {
	mu     sync.Mutex // guards the fields below
	all    map[string]*log
	closed bool
}

// A log is a stream.
type log struct {
	*feed
	*appender
	tail *tailReader
}

func newLogBus(redis rueidis.ClientOption, o *StreamsOptions) *logBus {
	mode := ModeStreams
	if o.Sharded {
		mode = ModeShardedStatic
	}
	b := newBus(redis, mode, &Options{Prefix: o.Prefix, MaxQueue: o.MaxQueue})
	l := &logBus{bus: b, opts: *o, mark: newEpoch() + "-", history: newHistory(b.finder, o.ReadCount), sessions: newSessions(b.finder, o.SessionPrefix)}
	l.logs.all = make(map[string]*log)
	b.more = &l.logs
	return l
}

// err implements faults.
func (l *logs) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		if err := errors.Join(one.appender.err(), one.tail.err()); err != nil {
			return err
		}
	}
	return nil
}

func (b *logBus) stream(namespace string) string {
	return stream(b.opts.Stream, b.opts.Streams, namespace)
}

// log returns the log of a namespace, which it begins to read. It returns nil after Close.
func (b *logBus) log(namespace string) *log {
	name := b.stream(namespace)
	b.logs.mu.Lock()
	defer b.logs.mu.Unlock()
	if b.logs.closed {
		return nil
	}
	l := b.logs.all[name]
	if l != nil {
		return l
	}
	receiver, _ := b.receiver.(cluster.LogReceiver)
	l = &log{feed: newFeed(receiver, b.mark)}
	l.appender = &appender{
		stream: name, maxLen: b.opts.MaxLen, sealed: b.opts.Cluster.Sealed, mark: b.mark, finder: b.finder, feed: l.feed,
		news: b.changed, most: b.opts.MaxQueue, wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	key, _ := beside(name, "-epoch")
	l.tail = &tailReader{
		stream: name, key: key, count: b.opts.ReadCount, block: b.opts.Block, finder: b.finder, feed: l.feed,
		tokens: l.tokens, news: b.changed,
	}
	b.logs.all[name] = l
	b.work.Go(func() { l.appender.run(b.ctx) })
	b.work.Go(func() { l.tail.run(b.ctx) })
	return l
}

// Lost implements cluster.LossCounter.
func (b *logBus) Lost() uint64 {
	b.logs.mu.Lock()
	defer b.logs.mu.Unlock()
	n := b.bus.Lost()
	for _, l := range b.logs.all {
		n += l.lost.Load()
	}
	return n
}

// Open implements cluster.Bus.
func (b *logBus) Open(r cluster.Receiver) error {
	if _, ok := r.(cluster.LogReceiver); !ok {
		return errors.New("redisadapter: the Receiver is not a LogReceiver")
	}
	return b.bus.Open(r)
}

// Close implements cluster.Bus.
func (b *logBus) Close(ctx context.Context) error {
	b.logs.mu.Lock()
	b.logs.closed = true
	all := b.logs.all
	b.logs.mu.Unlock()
	var err error
	for _, l := range all {
		err = errors.Join(err, l.appender.close(ctx))
	}
	return errors.Join(err, b.bus.Close(ctx))
}

// OpenLog implements cluster.LogBus.
func (b *logBus) OpenLog(namespace string) {
	l := b.log(namespace)
	if l == nil {
		return
	}
	l.want(namespace)
	b.logs.mu.Lock()
	defer b.logs.mu.Unlock()
	if !b.logs.closed {
		b.work.Go(func() { b.begin(l, namespace) })
	}
}

// begin finds the end of a stream that is already read, for a namespace that is opened.
func (b *logBus) begin(l *log, namespace string) {
	if _, _, ready := l.state(); !ready {
		return // all namespaces begin when the end has been found
	}
	var p pause
	for {
		results, err := b.finder.do(b.ctx, l.tail.stream, func(c rueidis.Builder) []rueidis.Completed {
			return []rueidis.Completed{c.Xrevrange().Key(l.tail.stream).End("+").Start("-").Count(1).Build()}
		})
		if err == nil {
			if end, err := readEnd(results[0]); err == nil {
				l.begin(namespace, end)
				return
			}
		}
		if !p.wait(b.ctx) {
			return
		}
	}
}

// CloseLog implements cluster.LogBus.
func (b *logBus) CloseLog(namespace string) {
	if l := b.log(namespace); l != nil {
		l.forget(namespace)
	}
}

// Append implements cluster.LogBus.
func (b *logBus) Append(namespace string, token uint64, data []byte) error {
	l := b.log(namespace)
	if l == nil {
		return cluster.ErrClosed
	}
	if err := l.tail.err(); err != nil {
		return err // it would not come back
	}
	l.adding(namespace, token)
	return l.put(addition{namespace, token, data, time.Now()})
}

// Read implements cluster.LogBus.
func (b *logBus) Read(ctx context.Context, namespace string, after, upTo uint64) iter.Seq2[cluster.Entry, error] {
	follows := func(uint64, uint64) bool { return false }
	if l := b.log(namespace); l != nil {
		follows = l.follows
	}
	return b.history.read(ctx, b.stream(namespace), namespace, follows, after, upTo)
}

// Position implements cluster.LogBus: it is the id of the entry, as in Node.js.
func (*logBus) Position(_ string, number uint64) string { return formatID(number) }

// Number implements cluster.LogBus.
func (*logBus) Number(_, position string) (uint64, bool) { return parseID(position) }

// Sessions implements cluster.LogBus.
func (b *logBus) Sessions() cluster.Sessions { return b.sessions }
