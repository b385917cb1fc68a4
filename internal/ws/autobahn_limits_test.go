// SPDX-License-Identifier: MIT

// Autobahn, categories 9 and 10: large messages, many fragments, many messages. Sizes and
// counts are those of the suite; the short form under the race detector has an eighth of
// the bytes in category 9, and a tenth of the messages. Three things are omitted: streams
// over 300 KB are not fed byte by byte; the race detector sees them only in one piece, by
// the server; and the time of round trips is not checked.

package ws_test

import (
	"fmt"
	"slices"
	"testing"

	"socketio/internal/ws"
)

// largeCases are the cases of category 9. refused changes the outcome to that of a server
// with its default limits, where it differs.
func largeCases(refused bool) []abCase {
	var cases []abCase
	part, count := 1, 1000
	if underRace && testing.Short() && !refused {
		part, count = 8, 100
	}
	for i, op := range []ws.Opcode{text, bin} {
		payload := sample
		if op == bin {
			payload = noise
		}
		add := func(group, n int, what string, size int, c abCase) {
			c.id, c.what = fmt.Sprintf("9.%d.%d", group+i, n+1), fmt.Sprintf("%v, %s", op, what)
			if refused && size > 1_000_000 {
				c.want = nil
				if c.code = 1009; group == 3 && n == 0 {
					c.code = 1008 // 4097 fragments come before 1,000,001 bytes
				}
			}
			cases = append(cases, c)
		}
		for n, size := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20} {
			whole := []raw{fin(op, payload(size/part))}
			add(1, n, fmt.Sprintf("%d KiB", size>>10), size, abCase{send: whole, want: whole})
		}
		whole := payload(4 << 20 / part)
		for n := range 9 {
			size := 64 << (2 * n)
			add(3, n, fmt.Sprintf("4 MiB in fragments of %d", size), len(whole), abCase{send: fragments(op, whole, size), want: []raw{fin(op, whole)}})
		}
		mebi := []raw{fin(op, payload(1<<20/part))}
		for n := range 6 {
			add(5, n, fmt.Sprintf("1 MiB in pieces of %d", 64<<n), 1<<20, abCase{send: mebi, want: mebi, chop: 64 << n})
		}
		for n, size := range []int{0, 16, 64, 256, 1024, 4096} {
			many := slices.Repeat([]raw{fin(op, payload(size))}, count)
			add(7, n, fmt.Sprintf("1000 messages of %d bytes", size), size, abCase{send: many, want: many})
		}
	}
	return cases
}

func TestAutobahn9Limits(t *testing.T) {
	abRun(t, ws.Config{MaxMessage: 16 << 20, MaxFragments: 70_000}, 54, largeCases(false))
}

// The same with the default limits.
func TestAutobahn9DefaultLimits(t *testing.T) {
	abRun(t, ws.Config{}, 54, largeCases(true))
}

func TestAutobahn10AutoFragmentation(t *testing.T) {
	payload := sample(65536)
	abRun(t, ws.Config{}, 1, []abCase{
		{id: "10.1.1", what: "64 KiB of text in fragments of 1300 bytes", send: fragments(text, payload, 1300), want: []raw{fin(text, payload)}},
	})
}
