// SPDX-License-Identifier: MIT

// This file measures what one connection can make a server keep, for the rows of
// docs/limits.md that one connection can fill: "make hostile" prints the table.

package hostile

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/internal/ws"
)

const (
	kib = 1 << 10
	mib = 1 << 20

	// fixed is the number of bytes that a connection may keep besides what it has sent:
	// itself, its socket, and the buffers of its transport.
	fixed = 192 * kib

	// beforeJoin is the size to which a message may inflate before the first join.
	beforeJoin = 64 * kib

	// noise is the growth of the process itself.
	noise = mib
)

// A worstCase fills one row of docs/limits.md, over one connection.
type worstCase struct {
	row string
	// most is the number of bytes that the documentation allows the connection to keep,
	// however little it sends, besides fixed.
	most int
	// least is the number of bytes that it must keep, or nothing was measured.
	least int
	// perByte is the number of bytes kept per uncompressed byte sent. If zero, 2.
	perByte int
	// joined, deflated: ways that make no difference are left out.
	joined, deflated []bool
	fill             func(c *filler)
}

var (
	both  = []bool{false, true}
	never = []bool{false}
	only  = []bool{true}
)

var worstCases = []worstCase{
	{
		row: "an idle session", most: 0, joined: both, deflated: both,
		fill: func(*filler) {},
	},
	{
		row: "a large header", most: 32 * kib, least: 20 * kib, joined: never, deflated: never,
		fill: func(*filler) {}, // see begin
	},
	{
		row: "a message that stops", most: mib, least: 500_000, joined: both, deflated: never,
		fill: func(c *filler) {
			c.raw(ws.AppendMasked(nil, ws.Text, true, [4]byte{1, 2, 3, 4}, c.text(1_000_000))[:900_000])
		},
	},
	{
		row: "fragments that stop", most: mib, least: 500_000, joined: both, deflated: never,
		fill: func(c *filler) {
			for i := range 900 {
				op := ws.Continuation
				if i == 0 {
					op = ws.Text
				}
				c.raw(ws.AppendMasked(nil, op, false, [4]byte{1, 2, 3, 4}, c.text(1000)))
			}
		},
	},
	{
		row: "attachments that stop", most: 11_000_000, joined: both, deflated: both,
		fill: func(c *filler) {
			var places []string
			for i := range 10 {
				places = append(places, fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i))
			}
			c.says(ws.Text, []byte(`4510-["x",`+strings.Join(places, ",")+`]`))
			for range 9 {
				c.says(ws.Binary, c.text(990_000))
			}
		},
	},
	{
		row: "large auth", most: 256 * kib, least: 200 * kib, joined: both, deflated: both,
		fill: func(c *filler) {
			for i := range 10 {
				c.says(ws.Text, slices.Concat([]byte(fmt.Sprintf(`40/n%d,{"a":"`, i)), c.text(62_000), []byte(`"}`)))
			}
		},
	},
	{
		row: "128 namespaces", most: 128 * 4 * kib, perByte: 300, joined: only, deflated: never,
		fill: func(c *filler) {
			for i := range 127 {
				c.says(ws.Text, []byte(fmt.Sprintf("40/n%d,", i)))
			}
		},
	},
	{
		row: "events for a handler that waits", most: 2*mib + 1_000_000, least: mib / 2, joined: only, deflated: both,
		fill: func(c *filler) { c.events("", 60) },
	},
	{
		row: "events for handlers of 20 namespaces", most: 2*mib + 1_000_000, least: mib / 2, joined: only, deflated: both,
		fill: func(c *filler) {
			for i := range 20 {
				c.says(ws.Text, []byte(fmt.Sprintf("40/n%d,", i)))
			}
			for i := range 20 {
				c.events(fmt.Sprintf("/n%d,", i), 8) // no inbox is full
			}
		},
	},
	{
		row: "small events for a handler that waits", most: 256 * kib, perByte: 10, joined: only, deflated: never,
		fill: func(c *filler) {
			c.says(ws.Text, []byte(`42["wait"]`))
			for range 2000 {
				c.says(ws.Text, []byte(`42["wait"]`))
			}
		},
	},
	{
		row: "a list of lists that a handler keeps", most: 16 * mib, least: mib, perByte: 40, joined: only, deflated: both,
		fill: func(c *filler) { c.holds("[]", 262_000) },
	},
	{
		row: "a list of objects that a handler keeps", most: 28 * mib, least: mib, perByte: 80, joined: only, deflated: both,
		fill: func(c *filler) { c.holds(`{"":0}`, 65_000) },
	},
	{
		row: "a list of numbers that a handler keeps", most: 20 * mib, least: mib, perByte: 40, joined: only, deflated: both,
		fill: func(c *filler) { c.holds("1", 490_000) },
	},
	{
		row: "answers that nobody reads", most: 17 * 4 * mib, joined: only, deflated: both,
		fill: func(c *filler) {
			for range 12 {
				c.says(ws.Text, slices.Concat([]byte(`420["parrot","`), c.text(500_000), []byte(`"]`)))
			}
		},
	},
	{
		row: "a CONNECT that a middleware keeps waiting", most: 64 * kib, least: 50 * kib, joined: both, deflated: both,
		fill: func(c *filler) {
			c.says(ws.Text, slices.Concat([]byte(`40/slow,{"a":"`), c.text(62_000), []byte(`"}`)))
		},
	},
}

// slowly gives a socket the events that keep a handler.
func slowly(s *socketio.Socket) {
	s.On("wait", func(ctx context.Context) { <-ctx.Done() })
	s.On("hold", func(ctx context.Context, v any) {
		<-ctx.Done()
		runtime.KeepAlive(v)
	})
}

// heapNow returns the bytes in use after a collection, including stacks.
func heapNow() int {
	runtime.GC()
	runtime.GC() // what was in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// heap asks the target for heapNow.
func (p *process) heap() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.in, "heap\n")
	line := ""
	if err == nil {
		line, err = p.out.ReadString('\n')
	}
	n, _ := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || n == 0 {
		p.t.Errorf("the server does not tell its heap: %q, %v", line, err)
	}
	return n
}

// A filler is one connection that fills a row.
type filler struct {
	*socket
	deflated bool
}

// text is filler of n bytes: letters that compress well if the connection compresses,
// and else hardly.
func (c *filler) text(n int) []byte {
	if c.deflated {
		return bytes.Repeat([]byte{'a'}, n)
	}
	random := make([]byte, (n+1)/2)
	_, _ = rand.Read(random) // never fails
	return []byte(hex.EncodeToString(random))[:n]
}

// says sends a message. The server may have gone, or may read no more.
func (c *filler) says(op ws.Opcode, payload []byte) {
	if c.deflated {
		_ = c.WriteCompressed(op, payload)
		return
	}
	_ = c.WriteMessage(op, payload)
}

func (c *filler) raw(b []byte) { _ = c.WriteFrame(b) }

// events has a handler wait, and sends events of 100 KB to it.
func (c *filler) events(namespace string, n int) {
	c.says(ws.Text, []byte("42"+namespace+`["wait"]`))
	for range n {
		c.says(ws.Text, slices.Concat([]byte("42"+namespace+`["x","`), c.text(100_000), []byte(`"]`)))
	}
}

// holds sends an event whose argument, n repetitions of the same, a handler keeps as any.
func (c *filler) holds(element string, n int) {
	c.says(ws.Text, slices.Concat([]byte(`42["hold",[`), bytes.Repeat([]byte(element+","), n-1), []byte(element+`]]`)))
}

// begin opens the connection of a row.
func (k *worstCase) begin(a *attacker, joined, deflated bool) *filler {
	var headers []string
	if deflated {
		headers = []string{"Sec-WebSocket-Extensions", "permessage-deflate; client_no_context_takeover"}
	}
	if k.row == "a large header" {
		headers = []string{"X-Filler", strings.Repeat("x", 14*kib), "Cookie", strings.Repeat("c", 14*kib)}
	}
	h := make(map[string][]string)
	for i := 0; i+1 < len(headers); i += 2 {
		h[headers[i]] = []string{headers[i+1]}
	}
	s := a.webSocketOn(a.dialNarrow(), "", h)
	if joined {
		s.says("40")
		if got := s.next(); !strings.HasPrefix(got, `40{"sid":`) {
			a.fail("joining: %.100q", got)
		}
	}
	return &filler{s, deflated}
}

// A finding is the measurement of one row and way.
type finding struct {
	row              string
	joined, deflated bool
	sent, kept, most int
}

func (f finding) cells() []string {
	word := func(yes bool, a, b string) string {
		if yes {
			return a
		}
		return b
	}
	return []string{
		f.row, word(f.joined, "after", "before"), word(f.deflated, "yes", "no"),
		fmt.Sprintf("%.1f", float64(f.sent)/kib), fmt.Sprintf("%.1f", float64(f.kept)/kib),
		fmt.Sprintf("%.1f", float64(f.kept)/float64(max(f.sent, 1))), fmt.Sprintf("%.0f", float64(f.most)/kib),
	}
}

func TestWorstCase(t *testing.T) {
	connections := 3
	if os.Getenv(fullEnv) == "full" {
		connections = 10
	}
	binary := targetBinary(t)
	var mu sync.Mutex
	var findings []finding
	t.Run("rows", func(t *testing.T) {
		for _, k := range worstCases {
			for _, joined := range k.joined {
				for _, deflated := range k.deflated {
					t.Run(fmt.Sprintf("%s/joined=%t/deflated=%t", k.row, joined, deflated), func(t *testing.T) {
						t.Parallel()
						f := k.measure(t, binary, connections, joined, deflated)
						mu.Lock()
						defer mu.Unlock()
						findings = append(findings, f)
					})
				}
			}
		}
	})
	order := make(map[string]int)
	for i, k := range worstCases {
		order[k.row] = i
	}
	slices.SortFunc(findings, func(a, b finding) int {
		return slices.Compare([]int{order[a.row], mark(a.joined), mark(a.deflated)}, []int{order[b.row], mark(b.joined), mark(b.deflated)})
	})
	t.Log("\n" + tableOf(findings))
}

func mark(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func tableOf(findings []finding) string {
	var b strings.Builder
	line := func(cells ...string) {
		fmt.Fprintf(&b, "%-44s %-7s %-10s %12s %12s %9s %12s\n", cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6])
	}
	line("one connection makes the server keep", "join", "compressed", "sent, KiB", "kept, KiB", "per byte", "bound, KiB")
	for _, f := range findings {
		line(f.cells()...)
	}
	return b.String()
}

// measure fills the row over some connections, and divides the bytes that the server has
// kept among them.
func (k *worstCase) measure(t *testing.T, binary string, connections int, joined, deflated bool) finding {
	p := startTarget(t, binary, config{Driver: "poll", Deflate: deflated, HostHeaderBytes: 64 * kib})
	defer p.stop()
	a := newAttacker(t, p)
	a.patience = patience
	a.bystander = watch(a, "websocket")
	a.bystander.rounds(20)
	a.takesReserve(overWebSocket)
	a.until("that client has gone", func() bool { return p.stats().Connections == 1 })
	before := p.heap()
	a.sent.Store(0)
	fillers := make([]*filler, connections)
	a.each(connections, func(i int) { fillers[i] = k.begin(a, joined, deflated) })
	filled := make(chan struct{})
	go func() { // ends with hangUp: the server may read no more
		defer close(filled)
		a.each(connections, func(i int) { k.fill(fillers[i]) })
	}()
	kept, most, sent := settles(a, before, k.least*connections)
	if most/connections < k.least {
		t.Errorf("%d KiB were kept, want at least %d KiB: was nothing measured?", most/connections/kib, k.least/kib)
	}
	bound := k.most
	if deflated && !joined {
		bound = min(bound, beforeJoin)
	}
	f := finding{k.row, joined, deflated, sent / connections, kept / connections, bound + fixed + noise/connections}
	a.hangUp()
	<-filled
	a.bystander.rounds(20)
	a.bystander.leave() // who is not read is gone when the server ends, if not before
	k.check(t, f)
	return f
}

// settles waits until at least that much was kept, and nothing more is sent or kept. It
// returns the bytes kept then, the maximum in use on the way, and the bytes sent.
func settles(a *attacker, before, least int) (kept, most, sent int) {
	late := time.After(a.patience)
	for steady := 0; steady < 3; steady++ {
		a.bystander.rounds(5)
		now, written := max(a.p.heap()-before, 0), int(a.sent.Load())
		if now > most+most/100+4*kib || written > sent {
			steady = -1
		}
		if steady <= 0 {
			kept = now
		}
		kept, most, sent = min(kept, now), max(most, now), written
		if most < least { // the server is slow to read
			select {
			case <-late:
				return kept, most, sent
			default:
				steady = -1
			}
		}
	}
	return kept, most, sent
}

func (k *worstCase) check(t *testing.T, f finding) {
	perByte := 2
	if k.perByte > 0 {
		perByte = k.perByte
	}
	if free := f.most - k.most; !f.deflated && f.kept > perByte*f.sent+free {
		t.Errorf("%d KiB are kept for %d KiB sent, want at most %d for a byte and %d KiB", f.kept/kib, f.sent/kib, perByte, free/kib)
	}
	if f.kept > f.most {
		t.Errorf("%d KiB are kept, want %d KiB at most, whatever is sent", f.kept/kib, f.most/kib)
	}
}
