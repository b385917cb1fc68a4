// SPDX-License-Identifier: MIT

// This file holds Server: it checks requests and opens sessions.

package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"

	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// A Server opens Engine.IO connections. It is an http.Handler and does not look
// at the path of a request. All methods may be called from any goroutine.
type Server struct {
	// Immutable after NewServer.
	cfg       config
	accept    func(*Conn) Handler
	openText  []byte // the open packet after the session id, for WebSocket
	openPoll  []byte // the same for polling
	closeOnce sync.Once
	closedC   chan struct{} // closed when Close has ended

	// The mechanisms. None of them knows the Server.
	svc      *shared
	proxies  *proxies
	refusals *refusals
	sessions *sessions
	chain    *chain
	cookie   *cookieTemplate // nil without Options.Cookie
	headers  *headers
	ids      ids
	gate     gate
	foreign  foreign
	binding  binding
	polls    pollServer

	ending context.Context // ends when Close begins
	end    context.CancelFunc
}

// NewServer returns a Server. accept is called for each new connection, before any of its
// messages, and returns the Handler that receives them; it must not block. opts may be
// nil. NewServer panics on options that can't work, with a message that names them.
func NewServer(opts *Options, accept func(*Conn) Handler) *Server {
	s := &Server{
		cfg:     newConfig(opts),
		accept:  accept,
		closedC: make(chan struct{}),
	}
	s.svc = newShared(&s.cfg)
	svc := &s.svc.services
	s.proxies = newProxies(s.cfg.TrustedProxies)
	s.refusals = &refusals{svc: svc, proxies: s.proxies}
	s.sessions = newSessions(svc, s.cfg.MaxConnections, s.cfg.MaxPending, s.cfg.webtransport)
	s.svc.owner = s.sessions
	s.chain = newChain(http.HandlerFunc(s.serve))
	s.cookie = s.cfg.Cookie.template()
	s.headers = &headers{svc, s.cfg.InitialHeaders, s.cfg.Headers}
	s.gate = gate{originRule{s.cfg.CORS, s.proxies, s.svc.sampled}, s.sessions, s.svc.log, s.cfg.Forward != nil}
	s.foreign = foreign{svc: svc, sessions: s.sessions, rule: &s.gate.rule}
	s.ids = ids{svc, s.foreign.attach(&s.cfg.Options, s.serveForwarded)}
	s.binding = binding{svc, s.sessions, s.proxies, s.cfg.SessionBinding}
	s.polls = pollServer{s.refusals, s.headers, newCompressor(s.cfg.HTTPCompression), [2]byte{'o', 'k'}, s.cfg.BodyTimeout}
	s.ending, s.end = context.WithCancel(context.Background())
	s.openText = s.openTail([]string{})
	s.openPoll = s.openText
	if upgrades := s.cfg.upgrades(); len(upgrades) > 0 {
		s.openPoll = s.openTail(upgrades)
	}
	return s
}

// newShared creates what the connections of a Server have in common, except its owner.
func newShared(cfg *config) *shared {
	svc := new(shared)
	svc.init(cfg.limits(), cfg.Logger)
	svc.openPoller(cfg.Driver)
	svc.obs = newObservers(cfg.Logger, cfg.Observers)
	svc.packets = newPacketLog(cfg.Logger, cfg.LogPackets)
	svc.budget.limit = queueBudget(cfg.QueueBudget)
	svc.deflate = newDeflate(cfg.PerMessageDeflate)
	if svc.deflate != nil && cfg.InitialPacket != nil {
		cfg.InitialPacket.pack(svc.deflate)
	}
	svc.wsConfig.FromClient = true
	return svc
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

// outsideBubble answers requests inside a testing/synctest bubble, where the year is 2000,
// to a server that was made outside of it: its timers and channels do not belong to the
// bubble, which would wait for them forever.
const outsideBubble = "the server was made outside the bubble: make it inside synctest.Test"

// ServeHTTP serves one request of a session, or opens a session.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.svc.now() < 0 {
		http.Error(w, outsideBubble, http.StatusInternalServerError)
		return
	}
	if len(r.TransferEncoding) > 0 {
		// A Content-Length beside it is not visible here. A proxy that goes by it would see
		// the next request begin elsewhere, so there must be none (RFC 9112, section 6.1).
		w.Header().Set("Connection", "close")
	}
	r = s.gate.hideCookie(r)
	if !s.cfg.CORS.writeHeaders(w, r, r.Header.Get("Origin")) {
		s.chain.ServeHTTP(w, r)
	}
}

// serve serves a request that has passed the middlewares.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if e := checkHeader(r, s.cfg.MaxHeaderBytes, s.svc.sampled); e != nil {
		s.refusals.answer(w, r, e)
		return
	}
	origin := r.Header.Get("Origin")
	q := query(r.URL.RawQuery).asked()
	transport, sid := q.transport, q.sid
	switch {
	case transport == Polling && s.cfg.polling, transport == WebSocket && s.cfg.websocket:
	default:
		s.refusals.answer(w, r, refuse(codeUnknownTransport, transport))
		return
	}
	if r.Method == http.MethodPost && sid != "" {
		s.sessions.hearPOST(sid)
	}
	upgrade := transport == WebSocket && asksUpgrade(r)
	reason := "" // why the session can't be reached
	if upgrade {
		var served bool
		if served, reason = s.foreign.serve(w, r, sid, true); served {
			return // which Origins its session passes on is known only where the session is
		}
	}
	if e := s.gate.admit(r, origin, sid, upgrade); e != nil {
		s.refusals.answer(w, r, e)
		return
	}
	if q.jsonp {
		e := refuseFor(CauseJSONP, codeBadRequest, "j")
		e.message = "JSONP is not supported"
		s.refusals.answer(w, r, e)
		return
	}
	if sid == "" {
		s.open(w, r, upgrade, &q)
		return
	}
	if !upgrade {
		var served bool
		if served, reason = s.foreign.serve(w, r, sid, false); served {
			return
		}
	}
	c, e := s.binding.find(r, sid)
	if e != nil {
		e.reason = reason
		s.refusals.answer(w, r, e)
		return
	}
	if e := s.checkSession(c, transport, upgrade, q.eio); e != nil {
		s.refusals.answer(w, r, e)
		return
	}
	switch {
	case transport == WebSocket:
		s.serveWebSocket(w, r, c, nil, q.base64)
	case r.Method == http.MethodGet:
		s.gate.noteOrigin(c, r, false)
		s.polls.exchange(w, r, c).get()
	case r.Method == http.MethodPost:
		s.gate.noteOrigin(c, r, true)
		s.polls.exchange(w, r, c).post()
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
	case revisionOf(eio) != c.Revision():
		return refuseFor(CauseProtocolMismatch, codeBadRequest, "another protocol revision than the session's")
	}
	return nil
}

// open opens a session.
func (s *Server) open(w http.ResponseWriter, r *http.Request, upgrade bool, q *asked) {
	transport := q.transport
	switch {
	case r.Method != http.MethodGet && !(transport == WebSocket && ws.IsConnect(r)):
		s.refusals.answer(w, r, refuse(codeBadMethod, r.Method))
		return
	case transport == WebSocket && !upgrade:
		s.refusals.answer(w, r, refuseFor(CauseTransportHandshake, codeBadRequest, "websocket without an upgrade"))
		return
	}
	ctx, e := s.runHandshake(r)
	revision := revisionOf(q.eio)
	if e == nil && revision == 3 && !s.cfg.AllowEIO3 {
		e = refuse(codeUnsupportedVersion, q.eio)
		if e.detail == "3" {
			s.svc.sampled.Warn("a client of Socket.IO 1 or 2 (protocol 4, EIO=3) was rejected; to accept such clients set Options.AllowEIO3", "peer", telemetry.Text(s.proxies.clientAddr(r)))
		}
	}
	id := ""
	if e == nil {
		id, e = s.ids.next(r)
	}
	if e != nil {
		s.refusals.answer(w, r, e)
		return
	}
	first := request{id, revision, newOpening(&s.svc.texts, s.proxies, r), ctx}
	if transport == WebSocket {
		c, t := newWebSocketConn(s.svc, first)
		s.serveWebSocket(w, r, c, t, q.base64)
		return
	}
	c := newConn(s.svc, first)
	c.passed.Store(newPassedOn(r, &s.gate.rule))
	if e := s.sessions.admit(c); e != nil {
		s.refusals.answer(w, r, e)
		return
	}
	p := newPolling(c)
	p.base64 = q.base64
	items := s.firstMessages(c, s.openPoll)
	c.begin(p, nil, items, s.accept)
	_, secure := c.opening.at()
	s.cookie.set(w.Header(), secure)
	s.headers.add(w.Header(), r, true)
	err := errWriterPanic
	defer func() { // also if a writer panics
		if err != nil {
			c.finish(ReasonTransportError, err, ending{lost: true})
		}
	}()
	if err = s.polls.exchange(w, r, c).write(items, nil); err == nil {
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

// OnConnectionError calls fn for each request that is rejected, and for each WebSocket that
// can't be taken over from the HTTP server (code 3, status 500), on the goroutine of the
// request, after the response has been written. As in the reference implementation, a
// request that ends its session (400, 408, 413 or 415) is not reported here: its error is
// passed to Handler.HandleClose and ConnObserver. Nor is a request with a method that
// sessions do not have (500). fn must not keep the request. A panic in fn is logged. remove
// unregisters fn.
func (s *Server) OnConnectionError(fn func(*http.Request, *ConnectionError)) (remove func()) {
	if fn == nil {
		panic("engineio: OnConnectionError: the function is nil")
	}
	return s.refusals.watch(fn)
}

// Use adds HTTP middlewares. They run for every request, also for those that become a
// WebSocket, in the order in which they were added: the first sees a request first. A
// preflight that Options.CORS answers does not reach them. Response headers that they set
// are also in the 101 of a WebSocket. A middleware that does not call the next handler
// must answer itself. A middleware that passes on its own ResponseWriter must give it an
// Unwrap method; see http.ResponseController. Its WriteHeader is then called with 101
// before a WebSocket opens, so that headers which it sets there, such as a session cookie,
// are in the response. The next handler may take long: polls wait there.
//
// Use may be called while requests are served; requests in progress may or may not pass
// the new middlewares. A panic in a middleware ends its request, as in net/http. Use
// panics if a middleware is nil or returns nil.
func (s *Server) Use(middlewares ...func(http.Handler) http.Handler) {
	s.chain.use(middlewares)
}

// Count returns the number of open sessions.
func (s *Server) Count() int { return s.sessions.count() }
