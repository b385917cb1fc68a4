// SPDX-License-Identifier: MIT

// This file tests buses that have logs: the order of entries, tokens, reading, positions.

package adaptertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// A LogFactory makes the buses that RunLogCluster tests.
type LogFactory struct {
	// New returns a new cluster without nodes.
	New func(t *testing.T) *LogWorld
	// Codec is that of the buses. Defaults to cluster.Envelope.
	Codec cluster.Codec
	// Virtual runs each exam in a bubble of testing/synctest.
	Virtual bool
}

// A LogWorld is a cluster of buses and what can happen to them. Exams that need a function
// which is nil are left out; the documentation of the bus must say so.
type LogWorld struct {
	// Bus returns the bus of a new node, on which Open has not been called.
	Bus func() cluster.LogBus
	// Break breaks the connections of a bus, and keeps it from making others until Mend.
	Break, Mend func(b cluster.LogBus)
	// Stall keeps a bus from its broker, without an error, until Resume.
	Stall, Resume func(b cluster.LogBus)
	// Trim removes the oldest entries of the log of a namespace until keep are left.
	Trim func(namespace string, keep int)
	// Replace makes the broker lose all logs, as a restart without data does.
	Replace func()
}

// RunLogCluster tests buses that have logs: what LogBus and LogReceiver promise of events,
// with three nodes that append at once.
func RunLogCluster(t *testing.T, f LogFactory) {
	if f.Codec == nil {
		f.Codec = cluster.Envelope{}
	}
	for _, exam := range []struct {
		name  string
		run   func(x *logExam)
		needs func(w *LogWorld) bool
	}{
		{"OneOrder", testOneOrder, nil},
		{"Read", testLogRead, nil},
		{"Positions", testPositions, nil},
		{"Opening", testOpening, nil},
		{"Early", testEarly, nil},
		{"Data", testLogData, nil},
		{"Close", testLogClose, nil},
		{"Trimmed", testTrimmed, func(w *LogWorld) bool { return w.Trim != nil }},
		{"Outage", testLogOutage, (*LogWorld).breaks},
		{"Gap", testGap, func(w *LogWorld) bool { return w.Trim != nil && w.breaks() }},
		{"Replaced", testReplaced, func(w *LogWorld) bool { return w.Replace != nil }},
		{"Bound", testAppendsBound, func(w *LogWorld) bool { return w.Stall != nil }},
	} {
		t.Run(exam.name, func(t *testing.T) {
			run := func(t *testing.T) {
				w := f.New(t)
				if exam.needs == nil || exam.needs(w) {
					exam.run(beginLog(t, f, w))
				}
			}
			if f.Virtual {
				synctest.Test(t, run)
				return
			}
			run(t)
		})
	}
}

func (w *LogWorld) breaks() bool { return w.Break != nil }

// logSpace is the namespace of most exams.
const logSpace = "/exam"

// A logExam is a cluster of three buses under test, which have opened the log of logSpace.
type logExam struct {
	*testing.T
	ctx   context.Context
	codec cluster.Codec
	world *LogWorld
	nodes []*logNode
}

func beginLog(t *testing.T, f LogFactory, w *LogWorld) *logExam {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	x := &logExam{T: t, ctx: ctx, codec: f.Codec, world: w}
	for range nodes {
		x.nodes = append(x.nodes, x.open(logSpace))
	}
	return x
}

// open opens a new node with logs, and waits for them.
func (x *logExam) open(namespaces ...string) *logNode {
	x.Helper()
	n := x.start()
	for _, namespace := range namespaces {
		n.bus.OpenLog(namespace)
		x.eventually("the end of a log", func() bool { return n.epoch(namespace) != "" })
	}
	return n
}

// start opens a new node without logs.
func (x *logExam) start() *logNode {
	x.Helper()
	n := &logNode{exam: x, name: string(rune('a' + len(x.nodes))), bus: x.world.Bus(), spaces: make(map[string]*logRead), refused: make(map[uint64]bool)}
	if err := n.bus.Open(n); err != nil {
		x.Fatalf("Open: %v", err)
	}
	x.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		n.close(ctx)
	})
	return n
}

// eventually waits until a condition holds.
func (x *logExam) eventually(what string, holds func() bool) {
	x.Helper()
	start := time.Now()
	for pause := time.Millisecond; !holds(); pause = min(2*pause, 100*time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			for _, n := range x.nodes {
				x.Logf("%s: %s", n.name, n.state(logSpace))
			}
			x.Fatalf("%s: not after %v", what, 20*time.Second)
		}
		timer := time.NewTimer(pause)
		<-timer.C
	}
}

// entry returns what is appended for a text.
func (x *logExam) entry(namespace, text string, attachments ...[]byte) []byte {
	x.Helper()
	m := &nodewire.Message{
		Kind: nodewire.KindBroadcast, From: "00112233445566aa", Namespace: namespace, Go: true,
		Event: adapter.Payload{JSON: []byte(`["e",` + text + `]`), Attachments: attachments},
	}
	data, err := x.codec.Append(nil, cluster.Channel{Class: cluster.ClassLog, Namespace: namespace}, m)
	if err != nil {
		x.Fatalf("Codec.Append: %v", err)
	}
	return data
}

// text is the reverse of entry.
func (x *logExam) text(namespace string, data []byte) string {
	m, err := x.codec.Decode(cluster.Channel{Class: cluster.ClassLog, Namespace: namespace}, data)
	if err != nil {
		return fmt.Sprintf("%d bytes: %v", len(data), err)
	}
	s := strings.TrimSuffix(strings.TrimPrefix(string(m.Event.JSON), `["e",`), "]")
	for _, a := range m.Event.Attachments {
		s += fmt.Sprintf(" %x", a)
	}
	return s
}

// A logNode is the receiver of a bus.
type logNode struct {
	exam *logExam
	name string
	bus  cluster.LogBus

	mu      sync.Mutex // guards the fields below
	token   uint64
	refused map[uint64]bool // tokens for which Append has returned an error
	closed  bool
	down    int
	up      int
	spaces  map[string]*logRead
}

// A logRead is what a node has read from a log.
type logRead struct {
	epochs  []string
	start   uint64 // the argument of the latest LogOpened
	last    uint64
	entries []cluster.Entry
	gaps    []uint64
	settled uint64
}

func (n *logNode) space(namespace string) *logRead {
	s := n.spaces[namespace]
	if s == nil {
		s = new(logRead)
		n.spaces[namespace] = s
	}
	return s
}

// receive calls fn with what was read from a log.
func (n *logNode) receive(namespace string, fn func(r *logRead)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		n.exam.Errorf("%s receives after Close", n.name)
	}
	fn(n.space(namespace))
}

func (n *logNode) Receive(cluster.Channel, []byte) {}

func (n *logNode) Down(error) { n.receive("", func(*logRead) { n.down++ }) }
func (n *logNode) Up()        { n.receive("", func(*logRead) { n.up++ }) }

func (n *logNode) LogOpened(namespace, epoch string, last uint64) {
	n.receive(namespace, func(r *logRead) {
		if epoch == "" || len(epoch) > 64 {
			n.exam.Errorf("%s: the epoch of the log is %q", n.name, epoch)
		}
		r.epochs, r.start, r.last = append(r.epochs, epoch), last, last
	})
}

func (n *logNode) Entry(namespace string, e cluster.Entry) {
	n.receive(namespace, func(r *logRead) {
		switch {
		case len(r.epochs) == 0:
			n.exam.Errorf("%s: an entry of %s comes before LogOpened", n.name, namespace)
		case e.Number <= r.last:
			n.exam.Errorf("%s: entry %d of %s comes after %d", n.name, e.Number, namespace, r.last)
		case e.Token > 0 && e.Token <= r.settled:
			n.exam.Errorf("%s: the entry with token %d comes after Settled(%d)", n.name, e.Token, r.settled)
		case e.Time.IsZero():
			n.exam.Errorf("%s: an entry has no time", n.name)
		}
		r.last, r.entries = e.Number, append(r.entries, e)
	})
}

func (n *logNode) Settled(namespace string, token uint64) {
	n.receive(namespace, func(r *logRead) { r.settled = max(r.settled, token) })
}

func (n *logNode) Gap(namespace string, upTo uint64) {
	n.receive(namespace, func(r *logRead) {
		if upTo <= r.last {
			n.exam.Errorf("%s: a gap of %s up to %d after entry %d", n.name, namespace, upTo, r.last)
		}
		r.last, r.gaps = upTo, append(r.gaps, upTo)
	})
}

// look returns a copy of what was read from a log.
func (n *logNode) look(namespace string) logRead {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := *n.space(namespace)
	r.entries, r.epochs, r.gaps = slices.Clone(r.entries), slices.Clone(r.epochs), slices.Clone(r.gaps)
	return r
}

func (n *logNode) state(namespace string) string {
	r := n.look(namespace)
	return fmt.Sprintf("epochs %v, start %d, %d entries up to %d, gaps %v, settled %d", r.epochs, r.start, len(r.entries), r.last, r.gaps, r.settled)
}

// epoch returns the latest epoch of a log, or "".
func (n *logNode) epoch(namespace string) string {
	r := n.look(namespace)
	if len(r.epochs) == 0 {
		return ""
	}
	return r.epochs[len(r.epochs)-1]
}

// count returns the number of entries that were read.
func (n *logNode) count(namespace string) int { return len(n.look(namespace).entries) }

// add appends a text to a log and returns its token.
func (n *logNode) add(namespace, text string) (uint64, error) {
	return n.addData(namespace, n.exam.entry(namespace, text))
}

func (n *logNode) addData(namespace string, data []byte) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock() // the bus must not call the receiver
	n.token++
	err := n.bus.Append(namespace, n.token, data)
	if err != nil {
		n.refused[n.token] = true
	}
	return n.token, err
}

// mustAdd appends numbered texts.
func (n *logNode) mustAdd(namespace string, count int) {
	for i := range count {
		if _, err := n.add(namespace, fmt.Sprintf(`"%s%d"`, n.name, i)); err != nil {
			n.exam.Errorf("Append: %v", err)
			return
		}
	}
}

// close closes the bus, after which nothing may come.
func (n *logNode) close(ctx context.Context) {
	n.mu.Lock()
	closed := n.closed
	n.mu.Unlock()
	if closed {
		return
	}
	if err := n.bus.Close(ctx); err != nil {
		n.exam.Errorf("Close: %v", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
}

// read returns the entries of a log that Read finds.
func (n *logNode) read(namespace string, after, upTo uint64) (entries []cluster.Entry, err error) {
	ctx, cancel := context.WithTimeout(n.exam.ctx, 10*time.Second)
	defer cancel()
	for e, err := range n.bus.Read(ctx, namespace, after, upTo) {
		if err != nil {
			return entries, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// summary describes entries as all nodes see them.
func (x *logExam) summary(namespace string, entries []cluster.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%d:%s ", e.Number, x.text(namespace, e.Data))
	}
	return b.String()
}

// check compares a value with the expected one.
func check[T comparable](x *logExam, what string, got, expected T) {
	x.Helper()
	if got != expected {
		x.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

// All nodes read all entries in one order, those of each node in the order of appending.
// Each knows its own.
func testOneOrder(x *logExam) {
	const count = 200
	var all sync.WaitGroup
	for _, n := range x.nodes {
		n.bus.OpenLog("/other")
		x.eventually("the other log", func() bool { return n.epoch("/other") != "" })
	}
	for _, n := range x.nodes {
		all.Go(func() { n.mustAdd(logSpace, count) })
		all.Go(func() { n.mustAdd("/other", 10) })
	}
	all.Wait()
	for _, n := range x.nodes {
		x.eventually("all entries", func() bool { return n.count(logSpace) >= nodes*count && n.count("/other") >= nodes*10 })
	}
	first := x.summary(logSpace, x.nodes[0].look(logSpace).entries)
	for i, n := range x.nodes {
		r := n.look(logSpace)
		check(x, "the number of entries at "+n.name, len(r.entries), nodes*count)
		check(x, "the entries of the other log at "+n.name, n.count("/other"), nodes*10)
		if got := x.summary(logSpace, r.entries); got != first {
			x.Errorf("%s reads in another order than %s", n.name, x.nodes[0].name)
		}
		next, last := make(map[byte]int), uint64(0)
		for _, e := range r.entries {
			text := x.text(logSpace, e.Data)
			from := text[1]
			check(x, "the next of "+string(from), text, fmt.Sprintf(`"%c%d"`, from, next[from]))
			next[from]++
			own := int(from-'a') == i
			switch {
			case own != (e.Token > 0):
				x.Errorf("%s reads %s with the token %d", n.name, text, e.Token)
			case own && e.Token <= last:
				x.Errorf("%s reads its token %d after %d", n.name, e.Token, last)
			case own:
				last = e.Token
			}
		}
	}
}

// Read finds each range of entries, whole.
func testLogRead(x *logExam) {
	a, b := x.nodes[0], x.nodes[1]
	start := a.look(logSpace).start
	for range 10 {
		a.mustAdd(logSpace, 20)
		b.mustAdd(logSpace, 20)
	}
	c := x.nodes[2]
	x.eventually("all entries", func() bool { return c.count(logSpace) == 400 })
	all := c.look(logSpace).entries
	for _, test := range []struct{ after, upTo int }{{-1, 399}, {-1, 0}, {0, 399}, {7, 8}, {7, 7}, {100, 350}, {399, 399}} {
		after := start
		if test.after >= 0 {
			after = all[test.after].Number
		}
		for _, n := range x.nodes {
			got, err := n.read(logSpace, after, all[test.upTo].Number)
			if err != nil {
				x.Errorf("Read: %v", err)
			}
			check(x, fmt.Sprintf("the entries from %d to %d", test.after, test.upTo), x.summary(logSpace, got), x.summary(logSpace, all[test.after+1:test.upTo+1]))
		}
	}
	n := 0
	for range c.bus.Read(x.ctx, logSpace, start, all[399].Number) {
		if n++; n == 3 {
			break // it may be left
		}
	}
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	var err error
	for _, err = range c.bus.Read(ctx, logSpace, start, all[399].Number) {
	}
	if !errors.Is(err, context.Canceled) {
		x.Errorf("Read with a context that has ended: %v", err)
	}
}

// Positions are texts that all nodes understand.
func testPositions(x *logExam) {
	x.nodes[0].mustAdd(logSpace, 50)
	x.eventually("all entries", func() bool { return x.nodes[2].count(logSpace) == 50 })
	seen := make(map[string]bool)
	for _, e := range x.nodes[2].look(logSpace).entries {
		text := x.nodes[2].bus.Position(logSpace, e.Number)
		if text == "" || len(text) > 128 || seen[text] {
			x.Errorf("the position of %d is %q", e.Number, text)
		}
		seen[text] = true
		for _, n := range x.nodes {
			if got, ok := n.bus.Number(logSpace, text); !ok || got != e.Number {
				x.Errorf("the number of %q is %d, %v, want %d", text, got, ok, e.Number)
			}
		}
		for _, bad := range []string{text + "x", text + " ", "0" + text, "-" + text} {
			if got, ok := x.nodes[0].bus.Number(logSpace, bad); ok {
				x.Errorf("%q is the position of %d", bad, got)
			}
		}
	}
	for _, bad := range []string{"", "x", "no such position", "0", "-", ".", strings.Repeat("9", 100), "\x00", rand.Text()} {
		if got, ok := x.nodes[0].bus.Number(logSpace, bad); ok {
			x.Errorf("%q is the position of %d", bad, got)
		}
	}
}

// A log is read from its end on. It may be closed and opened again.
func testOpening(x *logExam) {
	a, b := x.nodes[0], x.nodes[1]
	a.mustAdd(logSpace, 10)
	x.eventually("the first entries", func() bool { return a.count(logSpace) == 10 && b.count(logSpace) == 10 })
	last := a.look(logSpace).last
	late := x.open(logSpace)
	check(x, "whether a new node finds the end", late.look(logSpace).start >= last, true)
	check(x, "its epoch", late.epoch(logSpace), a.epoch(logSpace))
	b.bus.CloseLog(logSpace)
	a.mustAdd(logSpace, 5)
	x.eventually("what follows", func() bool { return late.count(logSpace) == 5 })
	check(x, "what a node reads that has closed the log", b.count(logSpace), 10)
	b.bus.OpenLog(logSpace)
	x.eventually("the log is opened again", func() bool { return len(b.look(logSpace).epochs) == 2 })
	check(x, "whether it finds the end", b.look(logSpace).start >= late.look(logSpace).last, true)
	b.mustAdd(logSpace, 5)
	x.eventually("more entries", func() bool { return b.count(logSpace) == 15 && late.count(logSpace) == 10 })
	check(x, "the tokens go on", b.look(logSpace).entries[14].Token, b.token)
}

// What a node appends right after OpenLog comes back to it, with what others append
// meanwhile, although it may be in the log before the end of that was found.
func testEarly(x *logExam) {
	const count = 50
	a := x.nodes[0]
	late := x.start()
	for i := range 5 {
		namespace := fmt.Sprintf("/early%d", i)
		a.bus.OpenLog(namespace)
		x.eventually("the log", func() bool { return a.epoch(namespace) != "" })
		a.mustAdd(namespace, count)
		x.eventually("what was added before", func() bool { return a.count(namespace) == count })
		before := late.token
		late.bus.OpenLog(namespace)
		x.eventually("the bus takes entries", func() bool {
			_, err := late.add(namespace, `"first"`)
			if err != nil {
				before = late.token
			}
			return err == nil
		})
		late.mustAdd(namespace, count)
		a.mustAdd(namespace, count)
		x.eventually("all entries", func() bool { return a.count(namespace) == 3*count+1 })
		own := func() (tokens []uint64) {
			for _, e := range late.look(namespace).entries {
				if e.Token > 0 {
					tokens = append(tokens, e.Token)
				}
			}
			return tokens
		}
		x.eventually("what the node has appended", func() bool { return len(own()) == count+1 })
		for j, token := range own() {
			check(x, "the token", token, before+uint64(j)+1)
		}
		entries := late.look(namespace).entries
		all := a.look(namespace).entries
		x.eventually("what others have appended", func() bool {
			entries = late.look(namespace).entries
			return entries[len(entries)-1].Number == all[len(all)-1].Number
		})
		rest := all[len(all)-len(entries):]
		check(x, "what the node has read", x.summary(namespace, entries), x.summary(namespace, rest))
	}
}

// Entries have the bytes that were appended, whatever their size.
func testLogData(x *logExam) {
	a, b := x.nodes[0], x.nodes[1]
	var want []string
	bytes := make([]byte, 1<<20)
	_, _ = rand.Read(bytes) // never fails
	for _, size := range []int{0, 1, 3000, 6000, 7999, 8000, 8001, 1 << 16, 900_000} {
		data := x.entry(logSpace, `{"_placeholder":true,"num":0}`, bytes[:size])
		want = append(want, x.text(logSpace, data))
		if _, err := a.addData(logSpace, data); err != nil {
			x.Errorf("Append of %d bytes: %v", size, err)
		}
		text := `"` + strings.Repeat("ä\\u0000", size/8) + `"`
		want = append(want, text)
		if _, err := a.add(logSpace, text); err != nil {
			x.Errorf("Append of %d bytes: %v", size, err)
		}
	}
	x.eventually("all entries", func() bool { return b.count(logSpace) == len(want) })
	r := b.look(logSpace)
	again, err := b.read(logSpace, r.start, r.last)
	if err != nil || len(again) != len(want) {
		x.Fatalf("Read: %d entries, %v", len(again), err)
	}
	for i, text := range want {
		check(x, fmt.Sprint("whether entry ", i, " is the same"), x.text(logSpace, r.entries[i].Data) == text, true)
		check(x, fmt.Sprint("whether entry ", i, " is read again"), x.text(logSpace, again[i].Data) == text, true)
	}
}

// Close sends what was appended before. Afterwards Append returns an error.
func testLogClose(x *logExam) {
	a, b := x.nodes[0], x.nodes[1]
	a.mustAdd(logSpace, 100)
	ctx, cancel := context.WithTimeout(x.ctx, 10*time.Second)
	defer cancel()
	a.close(ctx)
	if _, err := a.add(logSpace, `"late"`); err == nil {
		x.Error("Append after Close returns no error")
	}
	x.eventually("what was appended before Close", func() bool { return b.count(logSpace) == 100 })
}
