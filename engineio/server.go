// SPDX-License-Identifier: MIT

// This file holds Server: it checks requests and opens sessions.

package engineio

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"socketio/internal/lock"
	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// errTimeout is what a read returns whose deadline has passed.
var errTimeout = os.ErrDeadlineExceeded

// A Server opens Engine.IO connections. It is an http.Handler and does not look
// at the path of a request. All methods may be called from any goroutine.
type Server struct {
	services

	// Immutable after NewServer.
	cfg       config
	accept    func(*Conn) Handler
	openText  []byte // the open packet after the session id, for WebSocket
	openPoll  []byte // the same for polling
	closeOnce sync.Once
	closedC   chan struct{} // closed when Close has ended

	compressor *compressor     // nil if responses are not compressed
	cookie     *cookieTemplate // nil if there is none
	chain      link            // before the first middleware; its next changes

	ending context.Context // ends when Close begins
	end    context.CancelFunc

	// Atomic; safe from anywhere.
	strays    strays
	mutes     mutes
	takeovers sync.WaitGroup // requests inside serveWebSocket and ServeStream; none begins after closing

	mu      lock.RWMutex // guards the fields below
	conns   map[string]*Conn
	pending list.List          // of *Conn, the oldest first; used if there is a bound
	leaving map[*Conn]struct{} // closing, with output still on its way

	outliving      map[*Conn]int // ended, with work of the Handler going on, and the bytes kept for it
	outlivingBytes int64

	passing  map[string]int // sessions by the Origins they pass on, "" for any; nil without streams
	opening  int            // streams that have not said which session they are for
	refusing bool           // no new sessions
	closing  bool           // no new WebSockets and streams
	lastLink *link          // of chain; nil before the first Use
	empty    chan struct{}  // closed when conns and leaving are empty; nil unless Shutdown waits

	onRefusal []*func(*http.Request, *ConnectionError) // replaced when it changes
}

// NewServer returns a Server. accept is called for each new connection, before
// any of its messages, and returns who receives them; it must not block. opts
// may be nil. It panics on options that can't work, with a message that says
// which.
func NewServer(opts *Options, accept func(*Conn) Handler) *Server {
	s := &Server{
		cfg:     newConfig(opts),
		accept:  accept,
		conns:   make(map[string]*Conn),
		leaving: make(map[*Conn]struct{}),

		outliving: make(map[*Conn]int),

		closedC: make(chan struct{}),
	}
	s.services.init(s.cfg.limits(), s.cfg.Logger)
	s.openPoller(s.cfg.Driver)
	s.obs = newObservers(s.cfg.Logger, s.cfg.Observers)
	s.packets = newPacketLog(s.cfg.Logger, s.cfg.LogPackets)
	s.budget.limit = queueBudget(s.cfg.QueueBudget)
	s.chain.s = s
	if s.cfg.webtransport {
		s.passing = make(map[string]int)
	}
	s.cookie = s.cfg.Cookie.template()
	s.compressor = newCompressor(s.cfg.HTTPCompression)
	s.ending, s.end = context.WithCancel(context.Background())
	s.deflate = newDeflate(s.cfg.PerMessageDeflate)
	if s.deflate != nil && s.cfg.InitialPacket != nil {
		s.cfg.InitialPacket.pack(s.deflate)
	}
	s.wsConfig.FromClient = true
	s.openText = s.openTail([]string{})
	s.openPoll = s.openText
	if upgrades := s.cfg.upgrades(); len(upgrades) > 0 {
		s.openPoll = s.openTail(upgrades)
	}
	return s
}

func (s *Server) openTail(upgrades []string) []byte {
	b, _ := json.Marshal(struct { // a struct of strings and numbers always encodes
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{upgrades, s.cfg.PingInterval.Milliseconds(), s.cfg.PingTimeout.Milliseconds(), s.cfg.MaxPayload})
	return append([]byte(`",`), b[1:]...)
}

func (s *Server) openPacket(id string, tail []byte) *Message {
	return packetMsg(packetOpen, `{"sid":"`+id+string(tail))
}

// outsideBubble is the answer in a testing/synctest bubble, where it is the year 2000,
// to requests for a server that was made outside: its timers and channels do not
// belong to the bubble, which would wait for them without end.
const outsideBubble = "the server was made outside the bubble: make it inside synctest.Test"

// ServeHTTP serves one request of a session, or opens a session.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.now() < 0 {
		http.Error(w, outsideBubble, http.StatusInternalServerError)
		return
	}
	if len(r.TransferEncoding) > 0 {
		// A Content-Length beside it is not shown here. Who goes by that would see
		// the next request elsewhere: there is none (RFC 9112, section 6.1).
		w.Header().Set("Connection", "close")
	}
	r = s.hideCookie(r)
	switch {
	case s.cfg.CORS.writeHeaders(w, r, r.Header.Get("Origin")):
	case s.chain.next.Load() != nil:
		s.serveChain(w, r)
	default:
		s.serve(w, r)
	}
}

// serve serves a request that the middlewares have let through.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if e := s.checkHeader(r); e != nil {
		s.refuse(w, r, e)
		return
	}
	origin := r.Header.Get("Origin")
	q := parseQuery(r.URL.RawQuery)
	transport, sid := last(q["transport"]), last(q["sid"])
	upgrade := asksUpgrade(r)
	switch {
	case transport == Polling && s.cfg.polling, transport == WebSocket && s.cfg.websocket:
	default:
		s.refuse(w, r, refuse(codeUnknownTransport, transport))
		return
	}
	if r.Method == http.MethodPost && sid != "" {
		s.notePOST(sid)
	}
	if e := s.admitOrigin(r, origin, sid, transport == WebSocket && upgrade); e != nil {
		s.refuse(w, r, e)
		return
	}
	if _, ok := q["j"]; ok {
		e := refuseFor(CauseJSONP, codeBadRequest, "j")
		e.message = "JSONP is not supported"
		s.refuse(w, r, e)
		return
	}
	if sid == "" {
		s.open(w, r, transport, upgrade, q)
		return
	}
	if s.serveForeign(w, r, sid) {
		return
	}
	c, e := s.session(r, sid)
	if e != nil {
		s.refuse(w, r, e)
		return
	}
	if e := s.checkSession(c, transport, upgrade, last(q["EIO"])); e != nil {
		s.refuse(w, r, e)
		return
	}
	switch {
	case transport == WebSocket:
		s.serveWebSocket(w, r, c, q, false)
	case r.Method == http.MethodGet:
		s.noteOrigin(c, r, false)
		s.exchange(w, r, c).get()
	case r.Method == http.MethodPost:
		s.noteOrigin(c, r, true)
		s.exchange(w, r, c).post()
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// checkSession checks a request that names a session.
func (s *Server) checkSession(c *Conn, transport string, upgrade bool, eio string) *requestError {
	switch {
	case transport == WebSocket && !upgrade:
		return refuseFor(CauseTransportMismatch, codeBadRequest, "websocket without an upgrade")
	case transport == WebSocket && s.cfg.DisableUpgrades:
		return refuseFor(CauseUpgradeDisabled, codeBadRequest, "upgrades are disabled")
	case transport == Polling && c.Transport() != Polling:
		return errUpgraded()
	case revisionOf(eio) != c.handshake.Revision:
		return refuseFor(CauseProtocolMismatch, codeBadRequest, "another protocol revision than the session's")
	}
	return nil
}

// errUpgraded refuses a polling request of a session that polls no more.
func errUpgraded() *requestError {
	return refuseFor(CauseTransportMismatch, codeBadRequest, "the session is not on polling any more")
}

// revisionOf is the protocol revision that a request asks for.
func revisionOf(eio string) uint8 {
	if eio == "4" {
		return 4
	}
	return 3
}

// open opens a session.
func (s *Server) open(w http.ResponseWriter, r *http.Request, transport string, upgrade bool, q url.Values) {
	switch {
	case r.Method != http.MethodGet && !(transport == WebSocket && ws.IsConnect(r)):
		s.refuse(w, r, refuse(codeBadMethod, r.Method))
		return
	case transport == WebSocket && !upgrade:
		s.refuse(w, r, refuseFor(CauseTransportHandshake, codeBadRequest, "websocket without an upgrade"))
		return
	}
	ctx, e := s.runHandshake(r)
	revision := revisionOf(last(q["EIO"]))
	if e == nil && revision == 3 && !s.cfg.AllowEIO3 {
		e = refuse(codeUnsupportedVersion, last(q["EIO"]))
		if e.detail == "3" {
			s.sampled.Warn("a client of Socket.IO 1 or 2 (protocol 4, EIO=3) was refused; to let such clients in set Options.AllowEIO3", "peer", telemetry.Text(s.clientAddr(r)))
		}
	}
	id := ""
	if e == nil {
		id, e = s.sessionID(r)
	}
	if e != nil {
		s.refuse(w, r, e)
		return
	}
	c := newConn(&s.services, s, id, newHandshake(s, r, revision, time.Now()), ctx)
	if transport == WebSocket {
		s.serveWebSocket(w, r, c, q, true)
		return
	}
	c.passed = s.newPassedOn(r)
	if e := s.admit(c); e != nil {
		s.refuse(w, r, e)
		return
	}
	p := &polling{c: c, base64: wantsBase64(q)}
	items := s.firstMessages(c, s.openPoll)
	c.begin(p, nil, items, s.accept)
	s.setCookie(w.Header(), c.handshake.Secure)
	s.addHeaders(w.Header(), r, true)
	err := errWriterPanic
	defer func() { // also if a writer panics
		if err != nil {
			c.finish(ReasonTransportError, err, ending{lost: true})
		}
	}()
	if err = s.exchange(w, r, c).write(items, nil); err == nil {
		c.readEnd()
	}
}

// firstMessages are the open packet and, if there is one, the initial packet.
func (s *Server) firstMessages(c *Conn, tail []byte) []*Message {
	items := append(make([]*Message, 0, 2), s.openPacket(c.id, tail))
	if s.cfg.InitialPacket != nil {
		items = append(items, s.cfg.InitialPacket)
	}
	return items
}

func (s *Server) runHandshake(r *http.Request) (context.Context, *requestError) {
	if s.cfg.Handshake == nil {
		return nil, nil
	}
	ctx, err := s.cfg.Handshake(r)
	if err != nil {
		e := refuseFor(CauseHandshake, codeForbidden, err.Error())
		e.cause = err
		if pub := (*Refusal)(nil); errors.As(err, &pub) {
			e.message = pub.Message
		}
		return nil, e
	}
	if ctx == nil {
		return nil, nil
	}
	return context.WithoutCancel(ctx), nil
}

// asksUpgrade reports whether a request asks for a WebSocket, over HTTP/1 or HTTP/2.
func asksUpgrade(r *http.Request) bool { return isUpgrade(r) || ws.IsConnect(r) }

func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// refuse answers a request that can't be served.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, e *requestError) {
	if log := s.cfg.Logger; log.Enabled(r.Context(), slog.LevelDebug) {
		log.Debug("request refused", "code", e.code, "status", e.status, "detail", telemetry.Text(e.detail), "peer", telemetry.Text(s.clientAddr(r)))
	}
	if e.status == http.StatusServiceUnavailable {
		// Spread, so that those who come back do not come back together.
		n, _ := rand.Int(rand.Reader, big.NewInt(5)) // rand.Reader does not fail
		w.Header().Set("Retry-After", strconv.FormatInt(1+n.Int64(), 10))
	}
	if r.ProtoMajor == 1 && isUpgrade(r) { // in HTTP/2 that would end the other requests
		w.Header().Set("Connection", "close")
	}
	e.write(w)
	s.tellRefusal(r, e)
}
