// SPDX-License-Identifier: MIT

// This file holds how an attack runs, and what must hold when it is over.

package hostile

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(targetEnv); text != "" {
		os.Exit(target(text))
	}
	leakcheck.Main(m)
}

// patience is the time limit for anything that must happen. The speed of the server is
// not tested.
const patience = time.Minute

// freeMemory is the number of bytes that any attack may cost the server; beyond it, each
// byte that it sends may cost two.
const freeMemory = 32 << 20

// reserve is how much more garbage there may be while messages of 32 KiB and more arrive:
// a row of docs/limits.md. The inboxes that clients have filled live meanwhile.
const reserve = 16 << 20

// An attack is one action of hostile clients.
type attack struct {
	name   string
	config config
	// alike tells that the attack ends before a driver has a part in it.
	alike bool
	// memory is the number of bytes that it may cost the server, however much it sends.
	// If zero, freeMemory and twice the bytes that it sends.
	memory int
	// patience is how long the server may take to be rid of it. If zero, patience.
	patience time.Duration
	run      func(a *attacker)
}

// With -short each attack is on one driver: half of them on the one, half on the other.
func TestHostile(t *testing.T) {
	binary := targetBinary(t)
	for i, k := range slices.Concat(requestAttacks, pollingAttacks, webSocketAttacks, packetAttacks, sessionAttacks, originAttacks, workAttacks()) {
		for j, driver := range []string{"poll", "goroutine"} {
			if k.alike && driver != "poll" || !k.alike && testing.Short() && i%2 != j {
				continue
			}
			on := k
			on.config.Driver = driver
			t.Run(k.name+"/"+driver, func(t *testing.T) {
				t.Parallel()
				besiege(t, binary, on)
			})
		}
	}
}

// Clients that disappear when the server closes them do not delay its end. It must end
// within the time that the target gives it: its default for such a client is 30 s.
func TestVanishedBeforeShutdown(t *testing.T) {
	p := startTarget(t, targetBinary(t), config{Shutdown: true})
	defer p.stop()
	a := newAttacker(t, p)
	watching := watch(a, "websocket")
	watching.rounds(5)
	before := p.memory("VmRSS")
	a.each(4, func(int) {
		for range 50 {
			s := a.joined()
			s.post(`42["go"]`, 200)
		}
	})
	watching.rounds(20)
	if grown := p.memory("VmHWM") - before; grown > freeMemory {
		t.Errorf("the server grew by %d KiB", grown>>10)
	}
	if n := p.stats().Connections; n < 200 {
		t.Errorf("%d sessions wait for the notice of their end, want 200", n)
	}
	watching.leave()
	p.stop() // fails the test unless Shutdown has ended in time
	p.checkLog(nil)
}

// besiege runs one attack against a fresh server, with two bystanders.
func besiege(t *testing.T, binary string, k attack) {
	p := startTarget(t, binary, k.config)
	defer p.stop()
	a := newAttacker(t, p)
	a.patience = cmp.Or(k.patience, patience)
	bystanders := []*bystander{watch(a, "websocket"), watch(a, "polling")}
	for _, b := range bystanders {
		b.rounds(20)
	}
	a.bystander = bystanders[0]
	a.takesReserve(overWebSocket)
	if k.config.Msgpack { // this server opens what it keeps with its first client
		a.takesReserve(overMsgpack)
	}
	a.until("these clients have gone", func() bool { return p.stats().Connections <= len(bystanders) })
	before := p.memory("VmRSS")
	_, kept := p.descriptors()
	a.sent.Store(0)

	a.each(1, func(int) { k.run(a) })
	a.hangUp()

	for _, b := range bystanders {
		b.rounds(20)
	}
	a.until("the sessions of the attacker are gone", func() bool { return p.stats().Connections <= len(bystanders) })
	a.until("the descriptors of the attacker are closed", func() bool {
		// The bystander over polling may have been between two connections when the attack
		// began, so the number of sockets at that time is no measure.
		sockets, others := p.descriptors()
		return len(sockets) <= 1+len(bystanders) && len(others) <= len(kept)
	})
	if t.Failed() {
		t.Logf("descriptors before, without sockets: %q", kept)
	}
	for _, b := range bystanders {
		b.leave()
	}
	grown, sent := p.memory("VmHWM")-before, int(a.sent.Load())
	most := cmp.Or(k.memory, 2*sent+freeMemory)
	if grown > most {
		t.Errorf("the server grew by %d KiB for %d KiB sent, at most %d may be", grown>>10, sent>>10, most>>10)
	}
	t.Logf("sent %d KiB, the server grew by %d KiB of %d", sent>>10, grown>>10, most>>10)
	t.Logf("bystander over WebSocket: %s", bystanders[0].waited())
	t.Logf("bystander over polling: %s", bystanders[1].waited())
	p.stop()
	p.checkLog(a.secrets)
}

// targetBinary is the program that startTarget runs: this one, or, since the race
// detector takes memory of its own, this one without it.
func targetBinary(t *testing.T) string {
	if !raced {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		return self
	}
	binary := filepath.Join(t.TempDir(), "target")
	if out, err := exec.Command("go", "test", "-c", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	return binary
}
