// SPDX-License-Identifier: MIT

// This file holds flags: several facts about a connection that are read without its lock.

package engineio

import "sync/atomic"

// flags are up to 32 facts in one word. They are safe from anywhere.
type flags struct{ bits atomic.Uint32 }

func (f *flags) has(flag uint32) bool { return f.bits.Load()&flag != 0 }

func (f *flags) set(flag uint32, on bool) {
	if on {
		f.bits.Or(flag)
	} else {
		f.bits.And(^flag)
	}
}

// Those of a Conn.
const (
	isDeflating uint32 = 1 << iota // messages may go out compressed
	isPaused                       // the Handler wants no more messages for now; set under mu
	hadPOST                        // one has arrived
	isLogged                       // its packets are logged
	isOld                          // the client speaks revision 3; immutable
	isPending                      // counts toward Options.MaxPending; set under sessions.mu
	hasEnded                       // the Handler has heard, or is about to hear, of the end
)

// Those of a wsTransport.
const (
	isProbing   uint32 = 1 << iota // a candidate, not yet the connection's transport
	isInflating                    // the read side belongs to the goroutine that inflates
	isWatched                      // dueMessage is set, or looks at begun before it is given up
)
