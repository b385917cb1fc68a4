// SPDX-License-Identifier: MIT

// This file holds the log lines of packets, for the connections that LogPackets selects.

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

// packetsVariable is the environment variable for Options.LogPackets.
const packetsVariable = "SOCKETIO_DEBUG"

// A describer is a Handler that can describe its messages. The description may contain text
// of the peer, but no secret.
type describer interface {
	DescribeMessage(out, binary bool, data []byte) string
}

// A packetLog determines whose packets are logged, and where.
type packetLog struct {
	log   *slog.Logger
	all   bool
	nets  []netip.Prefix
	query [][2]string // name and value, of which one must be there
}

// newPacketLog reads Options.LogPackets, or the environment. It panics on an invalid
// option; an invalid variable is logged.
func newPacketLog(log *slog.Logger, list string) (p packetLog) {
	p.log = log
	from := "engineio: Options.LogPackets"
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
		log.Warn(what)
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
func (p *packetLog) wants(first *opening) bool {
	if p.all {
		return true
	}
	if len(p.nets) > 0 {
		remote := first.remoteAddr()
		addr, err := netip.ParseAddr(hostOf(remote))
		if from, err2 := netip.ParseAddrPort(remote); err2 == nil {
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
		q := first.handshake(4).Query()
		for _, pair := range p.query {
			if q.Has(pair[0]) && q.Get(pair[0]) == pair[1] {
				return true
			}
		}
	}
	return false
}

// A tracee is a connection whose packets are logged.
type tracee struct {
	number    uint64
	transport string
	handler   any // may be a describer
}

// out logs a message that is sent.
func (p *packetLog) out(c tracee, m *Message) {
	binary, first, attachments := m.Parts()
	if !m.first.isMessage() {
		p.packet(c, true, packetType(m.first.wire[m.first.body]).name(), string(first))
		return
	}
	p.message(c, true, binary, first)
	for _, a := range attachments {
		p.message(c, true, true, a)
	}
}

// in logs a packet that came.
func (p *packetLog) in(c tracee, in packet) {
	if in.typ == packetMessage {
		p.message(c, false, in.binary, in.data)
	} else {
		p.packet(c, false, in.typ.name(), string(in.data[:min(len(in.data), 16)]))
	}
}

func (p *packetLog) message(c tracee, out, binary bool, data []byte) {
	text := ""
	if d, ok := c.handler.(describer); ok {
		text = d.DescribeMessage(out, binary, data)
	} else if binary {
		text = fmt.Sprintf("%d bytes", len(data))
	} else {
		text = string(data[:min(len(data), 256)])
	}
	p.packet(c, out, "message", text)
}

func (p *packetLog) packet(c tracee, out bool, kind, text string) {
	msg := "packet in"
	if out {
		msg = "packet out"
	}
	log := p.logger()
	log.Info(msg, "conn", c.number, "transport", c.transport, "packet", kind, "text", telemetry.Text(text))
}

// logger returns the logger, or, if that drops level Info, one that writes to standard
// error: a user who asks for packets expects to see them.
func (p *packetLog) logger() *slog.Logger {
	if !p.log.Enabled(context.Background(), slog.LevelInfo) {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return p.log
}
