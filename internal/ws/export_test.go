// SPDX-License-Identifier: MIT

// What the tests need from inside.

package ws

// Xor applies a mask key, see xor.
func Xor(b []byte, key uint32) uint32 { return xor(b, key) }

// Occupy takes the place of a message being worked on, until release is called.
func (d *Deflate) Occupy() (release func()) {
	d.slots <- struct{}{}
	return func() { <-d.slots }
}

// Capacity returns how much memory the parser has taken for a half-read message.
func (p *Parser) Capacity() int {
	if p.msg == nil {
		return 0
	}
	return cap(p.msg.b)
}
