// SPDX-License-Identifier: MIT

// This file holds Table.

package intern

import (
	"hash/maphash"
	"sync"

	"socketio/internal/lock"
)

const (
	places   = 256
	maxText  = 2 << 10 // bytes of a text in a Table
	maxWorth = 16
)

// A Table finds texts that are common. It remembers at most 256 of them, of at most 2 KiB
// each. The zero value is ready for use. Its method may be called from any goroutine.
//
// Each hash has one place. A text enters when it comes for the second time in a row there,
// so that texts that come once take no memory. Each time it comes again its worth grows;
// each time another text comes its worth falls, and without any it is replaced. So rare
// texts, of which there may be any number, do not displace common ones.
type Table struct {
	seed  maphash.Seed // immutable after once
	once  sync.Once
	mu    lock.Mutex // guards the field below
	place [places]place
}

type place struct {
	hash  uint64
	text  *string // nil until it comes for the second time
	worth uint8
}

// Common returns the one copy of a text if it is known to be common, otherwise nil. It does
// not keep b.
func (t *Table) Common(b []byte) *string {
	if len(b) == 0 || len(b) > maxText {
		return nil
	}
	t.once.Do(func() { t.seed = maphash.MakeSeed() })
	hash := maphash.Bytes(t.seed, b)
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &t.place[hash%places]
	switch {
	case p.hash != hash || p.text != nil && *p.text != string(b):
		if p.worth > 0 {
			p.worth--
			return nil
		}
		*p = place{hash: hash}
		return nil
	case p.text == nil:
		text := string(b)
		p.text = &text
	}
	p.worth = min(p.worth+1, maxWorth)
	return p.text
}
