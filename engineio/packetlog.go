// SPDX-License-Identifier: MIT

// This file holds the lines that packets leave in the log, of the connections that
// somebody wants to look at.

package engineio

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"socketio/internal/telemetry"
)

// packetsVariable is the environment variable that stands for Options.LogPackets.
const packetsVariable = "SOCKETIO_DEBUG"

// A describer is a Handler that knows what is in its messages. What it returns may
// have text of the peer, but no secret.
type describer interface {
	DescribeMessage(out, binary bool, data []byte) string
}

// A packetLog says whose packets are logged, and where.
type packetLog struct {
	log   *slog.Logger
	all   bool
	nets  []netip.Prefix
	query [][2]string // name and value, of which one must be there
}

// newPacketLog reads Options.LogPackets, or the environment. It panics on an option that
// is no such list; a wrong variable is logged.
func newPacketLog(cfg *config) (p packetLog) {
	p.log = cfg.Logger
	list, from := cfg.LogPackets, "engineio: Options.LogPackets"
	if list == "" {
		list, from = os.Getenv(packetsVariable), packetsVariable
	}
	for _, item := range strings.Split(list, ",") {
		if item = strings.TrimSpace(item); item == "" || p.add(item) {
			continue
		}
		what := fmt.Sprintf(`%s: %q is none of "*", an address, a network such as "192.0.2.0/24", and a parameter of the query such as "user=7"`, from, telemetry.Text(item))
		if from != packetsVariable {
			panic(what)
		}
		cfg.Logger.Warn(what)
	}
	return p
}

func (p *packetLog) add(item string) bool {
	name, value, isPair := strings.Cut(item, "=")
	switch {
	case item == "*", item == "1", item == "true":
		p.all = true
		return true
	case isPair && name != "":
		p.query = append(p.query, [2]string{name, value})
		return true
	}
	if addr, err := netip.ParseAddr(item); err == nil {
		addr = addr.Unmap()
		p.nets = append(p.nets, netip.PrefixFrom(addr, addr.BitLen()))
		return true
	}
	network, err := netip.ParsePrefix(item)
	if err == nil {
		p.nets = append(p.nets, network.Masked())
	}
	return err == nil
}

// wants reports whether the packets of a new connection are logged.
func (p *packetLog) wants(h *Handshake) bool {
	if p.all {
		return true
	}
	if len(p.nets) > 0 {
		addr, err := netip.ParseAddr(hostOf(h.RemoteAddr))
		if from, err2 := netip.ParseAddrPort(h.RemoteAddr); err2 == nil {
			addr, err = from.Addr(), nil
		}
		addr = addr.Unmap().WithZone("")
		for _, n := range p.nets {
			if err == nil && n.Contains(addr) {
				return true
			}
		}
	}
	if len(p.query) > 0 {
		q := h.Query()
		for _, pair := range p.query {
			if q.Has(pair[0]) && q.Get(pair[0]) == pair[1] {
				return true
			}
		}
	}
	return false
}

// LogPackets begins or ends to log the packets of this connection: a line for each, with
// its direction, type and text, as Options.LogPackets does from the beginning.
func (c *Conn) LogPackets(on bool) { c.logged.Store(on) }

// logOpen logs the beginning of a connection whose packets are to be logged.
func (c *Conn) logOpen() {
	p := &c.srv.packets
	if !p.wants(&c.handshake) {
		return
	}
	c.logged.Store(true)
	log := c.packetLogger()
	log.Info("packets are logged", "conn", c.number, "transport", c.Transport(), "peer", telemetry.Text(c.handshake.RemoteAddr))
	c.logPacket(true, "open", "")
	if m := c.srv.cfg.InitialPacket; m != nil {
		c.logOut(m)
	}
}

// logIn logs a packet that came.
func (c *Conn) logIn(p packet) {
	if !c.logged.Load() {
		return
	}
	if p.typ == packetMessage {
		c.logMessage(false, p.binary, p.data)
	} else {
		c.logPacket(false, p.typ.name(), string(p.data[:min(len(p.data), 16)]))
	}
}

// logHeld logs what Append put in the queue.
func (c *Conn) logHeld() {
	if !c.logged.Load() {
		return
	}
	c.mu.Lock()
	held := c.unlogged
	c.unlogged = nil
	c.mu.Unlock()
	for _, m := range held {
		c.writeOut(m)
	}
}

// logOut logs a message that is about to be sent, so that its line comes before the
// answer's.
func (c *Conn) logOut(m *Message) {
	if !c.logged.Load() || c.ended.Load() && m.first.isMessage() {
		return
	}
	c.logHeld()
	c.writeOut(m)
}

func (c *Conn) writeOut(m *Message) {
	binary, first, attachments := m.Parts()
	if !m.first.isMessage() {
		c.logPacket(true, packetType(m.first.wire[m.first.body]).name(), string(first))
		return
	}
	c.logMessage(true, binary, first)
	for _, a := range attachments {
		c.logMessage(true, true, a)
	}
}

func (c *Conn) logMessage(out, binary bool, data []byte) {
	text := ""
	if d, ok := c.handler.(describer); ok {
		text = d.DescribeMessage(out, binary, data)
	} else if binary {
		text = fmt.Sprintf("%d bytes", len(data))
	} else {
		text = string(data[:min(len(data), 256)])
	}
	c.logPacket(out, "message", text)
}

func (c *Conn) logPacket(out bool, kind, text string) {
	msg := "packet in"
	if out {
		msg = "packet out"
	}
	log := c.packetLogger()
	log.Info(msg, "conn", c.number, "transport", c.Transport(), "packet", kind, "text", telemetry.Text(text))
}

// logClose logs the end of a connection whose packets are logged.
func (c *Conn) logClose(reason CloseReason, err error) {
	if !c.logged.Load() {
		return
	}
	log := c.packetLogger().With("conn", c.number, "transport", c.Transport(), "reason", string(reason))
	if err != nil {
		log = log.With("error", telemetry.Error(err))
	}
	log.Info("closed")
}

// packetLogger is the logger, or, if that keeps nothing below warnings, one that writes
// to the standard error: who asks for packets is to see them.
func (c *Conn) packetLogger() *slog.Logger {
	log := c.srv.packets.log
	if !log.Enabled(context.Background(), slog.LevelInfo) {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return log
}

// isMessage reports whether a frame is a message, and no other packet.
func (f *frame) isMessage() bool { return f.binary || packetType(f.wire[f.body]) == packetMessage }

// name is the name of a packet type in the protocol.
func (t packetType) name() string {
	if t < packetOpen || t > packetNoop {
		return "unknown"
	}
	return [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}[t-packetOpen]
}
