// SPDX-License-Identifier: MIT

// This file holds the bus: its beginning, its messages, and its end.

package natsadapter

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"socketio/adapter/cluster"
)

// A logTaker takes what arrives for logs, and hears of the connection.
type logTaker interface {
	connected()
	answered(number string, m *nats.Msg) // an answer to the entry with a number
	heard(namespace string, m *nats.Msg) // an entry
}

// A bus is the cluster.Bus of one server.
type bus struct {
	options  *Options
	subjects subjects
	state    *state
	link     *link
	subs     *subscriber
	peers    *peers
	box      *outbox
	losses   losses
	receiver cluster.Receiver // constant after Open
	log      logTaker         // nil without JetStream

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // all goroutines
}

var (
	_ cluster.Bus         = (*bus)(nil)
	_ cluster.LossCounter = (*bus)(nil)
)

func newBus(urls string, o *Options) *bus {
	b := &bus{options: o, subjects: subjects{o.Prefix}, state: newState(), box: newOutbox(o.MaxQueue)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	heartbeat := o.Cluster.Heartbeat
	if heartbeat <= 0 {
		heartbeat = 5 * time.Second
	}
	b.peers = newPeers(b.subjects.sync(), 3*heartbeat)
	b.link = newLink(urls, o, b.state)
	b.subs = &subscriber{
		subjects: b.subjects, link: b.link, state: b.state, peers: b.peers,
		messages: make(chan *nats.Msg, o.MaxPending), ctx: b.ctx,
	}
	b.subs.init()
	b.link.ctx, b.link.user = b.ctx, b
	return b
}

// connected implements linkUser.
func (b *bus) connected() {
	poke(b.subs.wake)
	if b.log != nil {
		b.log.connected()
	}
}

// disconnected implements linkUser.
func (b *bus) disconnected() { b.losses.disconnected() }

// refused implements linkUser.
func (b *bus) refused(err error) {
	if strings.Contains(strings.ToLower(err.Error()), "for publish to ") {
		b.losses.lose(1)
	}
	b.subs.refuse(err)
}

// Lost implements cluster.LossCounter. It counts messages of which it is not known that NATS
// had them when the connection ended, those that NATS has refused, and those that came while
// Options.MaxPending others waited.
func (b *bus) Lost() uint64 { return b.losses.count() + b.subs.dropped.Load() }

// Open implements cluster.Bus.
func (b *bus) Open(r cluster.Receiver) error {
	b.receiver = r
	if err := b.link.configure(b.options.NATS); err != nil {
		return err
	}
	prefix := b.link.options.InboxPrefix
	if prefix == "" {
		prefix = strings.TrimSuffix(nats.InboxPrefix, ".")
	}
	b.subs.inbox = prefix + "." + inboxName()
	b.losses.subject = b.subs.inbox + ".m"
	b.work.Go(b.link.run)
	b.work.Go(b.subs.run)
	b.work.Go(b.receive)
	b.work.Go(b.send)
	b.work.Go(func() { b.state.tell(b.ctx, r) })
	return nil
}

// Close implements cluster.Bus.
func (b *bus) Close(ctx context.Context) error {
	var err error
	if b.receiver != nil {
		err = b.box.Close(ctx)
		if nc, epoch := b.link.current(); err == nil && epoch > 0 {
			if _, ok := ctx.Deadline(); ok {
				if nc.FlushWithContext(ctx) == nil {
					b.losses.allCame()
				}
			}
		}
	}
	b.cancel()
	b.link.close(ctx)
	b.work.Wait()
	b.link.close(ctx) // if it has connected meanwhile
	return err
}

// Subscribe implements cluster.Bus.
func (b *bus) Subscribe(channels []cluster.Channel, done func(error)) {
	b.subs.put(change{channels: channels, add: true, done: done})
}

// Unsubscribe implements cluster.Bus.
func (b *bus) Unsubscribe(channels []cluster.Channel) { b.subs.put(change{channels: channels}) }

// Publish implements cluster.Bus.
func (b *bus) Publish(c cluster.Channel, data []byte) error {
	if err := b.state.err(causeConnection); err != nil {
		return err
	}
	subject, exact := b.subjects.of(c)
	m := &nats.Msg{Subject: subject, Data: data}
	switch {
	case !exact:
		m.Header = nats.Header{headerChannel: {fullName(c)}}
	case c.Class == cluster.ClassNodes:
		m.Header = nats.Header{headerServer: {b.peers.self()}}
	}
	if err := b.link.fits(m); err != nil {
		return err
	}
	return b.box.Put(m)
}

// Reset implements cluster.Bus.
func (b *bus) Reset() { b.link.end(errReset) }

// send sends what waits until the bus is closed. It may block while NATS reads nothing.
func (b *bus) send() {
	defer b.box.Finish()
	mark := time.NewTimer(markEvery)
	defer mark.Stop()
	running := true // mark
	for b.ctx.Err() == nil {
		next, more := b.box.Take()
		if len(next) == 0 {
			if !more {
				return
			}
			select {
			case <-b.box.Wake():
			case <-mark.C:
				running = false
				b.sendMark()
			case <-b.ctx.Done():
			}
			continue
		}
		for i, m := range next {
			b.sendOne(m)
			b.box.Sent(next[i : i+1])
		}
		select {
		case <-mark.C:
			running = false
			b.sendMark()
		default:
		}
		if !running {
			running = true
			mark.Reset(markEvery)
		}
	}
}

// sendMark sends a mark. One that is lost with the connection is of no use on the next.
func (b *bus) sendMark() {
	if m := b.losses.mark(); m != nil {
		if nc, epoch := b.link.current(); epoch > 0 {
			_ = nc.PublishMsg(m)
		}
	}
}

// sendOne sends a message when there is a connection.
func (b *bus) sendOne(m *nats.Msg) {
	for {
		nc := b.link.wait(b.ctx)
		if nc == nil {
			return
		}
		b.losses.sending()
		err := nc.PublishMsg(m)
		switch {
		case err == nil:
			return
		case refusedNow(err):
			b.losses.notSent()
			// The connection has just ended. The link has not heard of it yet.
			pause := time.NewTimer(time.Millisecond)
			select {
			case <-pause.C:
			case <-b.ctx.Done():
			}
			pause.Stop()
			continue
		}
		b.options.Counts.Unsent.Add(1)
		if isNetwork(err) {
			b.link.end(err) // nats.go has dropped what it had not sent
		} else {
			b.losses.notSent()
			b.losses.lose(1)
		}
		return
	}
}

// receive handles messages in the order of their arrival.
func (b *bus) receive() {
	for {
		select {
		case m := <-b.subs.messages:
			b.handle(m)
		case <-b.ctx.Done():
			return
		}
	}
}

func (b *bus) handle(m *nats.Msg) {
	c, ok := b.subs.channel(m.Sub.Subject)
	switch {
	case ok:
	case m.Sub.Subject == b.peers.subject:
		b.peers.heard(string(m.Data))
		if m.Reply != "" {
			_ = b.box.Put(&nats.Msg{Subject: m.Reply, Data: []byte(b.peers.self())})
		}
		return
	case strings.HasPrefix(m.Subject, b.subs.inbox+"."):
		if number, ok := strings.CutPrefix(m.Subject, b.subs.inbox+".a"); ok && b.log != nil {
			b.log.answered(number, m)
		} else if number, ok := strings.CutPrefix(m.Subject, b.losses.subject); ok {
			b.losses.cameBack(number)
		} else {
			b.peers.answered(m.Subject, string(m.Data))
		}
		return
	default:
		return // unsubscribed a moment ago
	}
	if c.Class == cluster.ClassNodes {
		b.peers.heard(m.Header.Get(headerServer))
	}
	if c.Class == cluster.ClassLog {
		b.log.heard(c.Namespace, m)
		return
	}
	if c.Class == cluster.ClassAnyRoom {
		name, exact := untoken(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
		if c.Class = cluster.ClassRoom; exact {
			c.Name = name
		} else if _, c.Name, ok = parseFullName(m.Header.Get(headerChannel)); !ok {
			return
		}
	}
	if full := m.Header.Get(headerChannel); full != "" && full != fullName(c) {
		return // another name with the same hash
	}
	b.receiver.Receive(c, m.Data)
}
