// SPDX-License-Identifier: MIT

// This file logs the packets of a Conn, and its end at level Debug.

package engineio

import (
	"context"
	"log/slog"

	"socketio/internal/telemetry"
)

// LogPackets starts or stops logging the packets of this connection: a line for each,
// with its direction, type and text, as Options.LogPackets does from the beginning.
func (c *Conn) LogPackets(on bool) { c.flags.set(isLogged, on) }

func traceeOf(c *Conn) tracee {
	return tracee{number: c.number, transport: c.Transport(), handler: c.handler}
}

// logOpen logs that a connection has opened, if its packets are logged.
func logOpen(c *Conn, first []*Message) {
	p := &c.svc.packets
	if !p.wants(&c.opening) {
		return
	}
	c.flags.set(isLogged, true)
	t := traceeOf(c)
	log := p.logger()
	log.Info("packets are logged", "conn", t.number, "transport", t.transport, "peer", telemetry.Text(c.opening.remoteAddr()))
	p.packet(t, true, "open", "")
	for _, m := range first[min(1, len(first)):] {
		c.logOut(m)
	}
}

// logIn logs an incoming packet.
func (c *Conn) logIn(p packet) {
	if c.flags.has(isLogged) {
		c.svc.packets.in(traceeOf(c), p)
	}
}

// holdLogLocked keeps a message to be logged later: the caller may hold locks.
func (c *Conn) holdLogLocked(m *Message) {
	if c.flags.has(isLogged) {
		a := asideLocked(c)
		a.unlogged = append(a.unlogged, m)
	}
}

// logHeld logs the messages queued by Append and Enqueue.
func (c *Conn) logHeld() {
	if !c.flags.has(isLogged) {
		return
	}
	c.mu.Lock()
	a := asideLocked(c)
	held := a.unlogged
	a.unlogged = nil
	c.mu.Unlock()
	for _, m := range held {
		c.svc.packets.out(traceeOf(c), m)
	}
}

// logOut logs a message before it is sent, so that its line comes before that of the
// answer.
func (c *Conn) logOut(m *Message) {
	if !c.flags.has(isLogged) || c.flags.has(hasEnded) && m.first.isMessage() {
		return
	}
	c.logHeld()
	c.svc.packets.out(traceeOf(c), m)
}

// noteClosed logs the end and notifies the observers. It is called once for each
// connection that began.
func (c *Conn) noteClosed(reason CloseReason, err error) {
	keys := func(log *slog.Logger) *slog.Logger {
		log = log.With("conn", c.number, "transport", c.Transport(), "reason", string(reason))
		if err != nil {
			log = log.With("error", telemetry.Error(err))
		}
		return log
	}
	if c.flags.has(isLogged) {
		keys(c.svc.packets.logger()).Info("closed")
	}
	if c.svc.log.Enabled(context.Background(), slog.LevelDebug) {
		keys(c.svc.log).Debug("connection closed")
	}
	c.svc.obs.closed(c, reason, err)
}
