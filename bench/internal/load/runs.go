// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the runs: connecting, echoing, broadcasting, coming and going.

package load

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	// parallel is how many clients connect at once.
	parallel = 64
	// sources is over how many loopback addresses the clients are spread, so
	// that ports do not run short.
	sources = 16
	// patience is how long one run may take.
	patience = 5 * time.Minute

	ipBindAddressNoPort = 24 // IP_BIND_ADDRESS_NO_PORT
)

// NewTarget returns a Target for a server at addr, "127.0.0.1:port".
func NewTarget(addr string) (*Target, error) {
	a, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return nil, err
	}
	return &Target{
		addr:    [4]byte(a.IP.To4()),
		port:    a.Port,
		host:    addr,
		request: request(addr, true),
		dialect: socketIO,
		clients: make(map[*client]struct{}),
	}, nil
}

// A Target is a server and the clients it has.
type Target struct {
	addr    [4]byte
	port    int
	host    string
	request []byte
	dialect *dialect
	clients map[*client]struct{}
	rooms   [][]*client
	broken  bool
}

// Clients returns how many clients there are.
func (t *Target) Clients() int { return len(t.clients) }

// Broken reports whether a client has been lost while others were at work.
func (t *Target) Broken() bool { return t.broken }

// Bare leaves out the headers of a browser from the handshakes.
func (t *Target) Bare() { t.request = request(t.host, false) }

// Centrifuge lets the clients speak its protocol. It has no events with bytes.
func (t *Target) Centrifuge() { t.dialect = centrifuge }

// Connect opens n clients and waits until they have joined the namespace.
func (l *Loop) Connect(t *Target, n int) error {
	l.run = run{target: t, pending: n}
	for range min(n, parallel) {
		if err := l.dial(t); err != nil {
			return err
		}
	}
	n -= min(n, parallel)
	for before := l.run.pending; n > 0; before = l.run.pending {
		// Each that has joined makes room for another.
		l.turn(time.Second)
		if l.run.err != nil {
			break
		}
		for range min(n, before-l.run.pending) {
			if err := l.dial(t); err != nil {
				return err
			}
			n--
		}
	}
	return l.until("connecting", patience)
}

// Churn has n clients connect, join and close, parallel of them at a time.
func (l *Loop) Churn(t *Target, n int) error {
	l.run = run{target: t, pending: n, churn: true}
	for range min(n, parallel) {
		if err := l.dial(t); err != nil {
			return err
		}
	}
	return l.until("coming and going", patience)
}

// joined is called when a client has joined the namespace.
func (l *Loop) joined(c *client) {
	if !l.run.churn {
		l.run.pending--
		return
	}
	c.state = closing
	l.reply(c.target.dialect.close)
}

// another lets the next client of a Churn come.
func (l *Loop) another() {
	if !l.run.churn || l.run.pending < parallel || l.run.err != nil {
		return
	}
	l.run.err = l.dial(l.run.target)
}

// Echo lets every client send each message once the answer to the one before has
// come, and returns how many answers came.
func (l *Loop) Echo(t *Target, each int) (ops int, err error) {
	return l.echo(t, Work{Clients: len(t.clients), Each: each}, t.dialect.echo, run{least: len(payload)})
}

// Ack is Echo of an event that asks for an acknowledgement.
func (l *Loop) Ack(t *Target, each int) (ops int, err error) {
	return l.echo(t, Work{Clients: len(t.clients), Each: each}, t.dialect.ack, run{least: len(payload)})
}

// Blob is Echo of an event with 64 KiB of bytes, by so many clients.
func (l *Loop) Blob(t *Target, clients, each int) (ops int, err error) {
	return l.echo(t, Work{Clients: clients, Each: each}, t.dialect.blob, run{blob: BlobSize})
}

// Large is Blob with 1 MB.
func (l *Loop) Large(t *Target, clients, each int) (ops int, err error) {
	return l.echo(t, Work{Clients: clients, Each: each}, t.dialect.large, run{blob: LargeSize})
}

// Work is how many messages are sent.
type Work struct {
	Clients  int // those that send
	Each     int // messages of each
	InFlight int // how many wait for their answers at once; 0 is 1
}

// EchoSome is Echo by some of the clients, with several messages in flight.
func (l *Loop) EchoSome(t *Target, w Work) (ops int, err error) {
	return l.echo(t, w, t.dialect.echo, run{least: len(payload)})
}

// echo lets some of the clients send a frame again and again.
func (l *Loop) echo(t *Target, w Work, frame []byte, r run) (int, error) {
	w.Clients = min(w.Clients, len(t.clients))
	w.InFlight = min(max(w.InFlight, 1), w.Each, mostInFlight)
	ops := w.Clients * w.Each
	r.target, r.pending, r.frame = t, ops, frame
	l.run = r
	for c := range t.clients {
		if w.Clients--; w.Clients < 0 {
			break
		}
		c.left = w.Each - w.InFlight
		c.count = 0
		for range w.InFlight {
			l.sending(c)
			l.send(c, frame)
		}
	}
	return ops, l.until("echoing", patience)
}

// Broadcast has one client ask for a broadcast to all, waits until all have got
// it, and so on. It returns the number of deliveries.
func (l *Loop) Broadcast(t *Target, times int) (ops int, err error) {
	var sender *client
	for c := range t.clients {
		c.left = 0
		sender = c
	}
	for range times {
		l.run = run{target: t, pending: len(t.clients), least: len(payload), pushes: true, began: l.now()}
		l.send(sender, t.dialect.bcast)
		if err := l.until("broadcasting", patience); err != nil {
			return 0, err
		}
	}
	return times * len(t.clients), nil
}

// dial opens one connection and sends the handshake. Connecting blocks: to a
// listener on this machine with room in its backlog it takes no time.
func (l *Loop) dial(t *Target) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	c := &client{target: t, fd: fd}
	if err := l.connect(c); err != nil {
		_ = syscall.Close(fd)
		return fmt.Errorf("load: connection %d: %w", l.dialed, err)
	}
	if n := len(l.free); n > 0 {
		c.slot, l.free = l.free[n-1], l.free[:n-1]
	} else {
		c.slot = int32(len(l.slots))
		l.slots = append(l.slots, slot{})
	}
	s := &l.slots[c.slot]
	s.c = c
	t.clients[c] = struct{}{}
	err = syscall.EpollCtl(l.epfd, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: c.slot, Pad: s.gen})
	if err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	l.send(c, t.request)
	return l.run.err
}

func (l *Loop) connect(c *client) error {
	l.dialed++
	source := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + l.dialed%sources)}}
	_ = syscall.SetsockoptInt(c.fd, syscall.IPPROTO_IP, ipBindAddressNoPort, 1) // without it ports are scarcer
	if err := syscall.SetsockoptInt(c.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.SetsockoptTimeval(c.fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &syscall.Timeval{Sec: 10}); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.SetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 2*BlobSize); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(c.fd, source); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if err := syscall.Connect(c.fd, &syscall.SockaddrInet4{Addr: c.target.addr, Port: c.target.port}); err != nil {
		return os.NewSyscallError("connect", err)
	}
	return syscall.SetNonblock(c.fd, true)
}

// Leave closes all clients of a target.
func (l *Loop) Leave(t *Target) {
	for c := range t.clients {
		l.drop(c)
	}
}
