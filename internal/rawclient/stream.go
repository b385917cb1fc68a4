// SPDX-License-Identifier: MIT

// This file holds Stream: packets as frames of WebTransport.

package rawclient

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// maxFrame bounds the frames that a Stream reads.
const maxFrame = 1 << 30

// A Stream has packets in the frames of WebTransport, over anything that has bytes. One
// goroutine may read while another writes.
type Stream struct {
	w  io.Writer
	br *bufio.Reader
}

// NewStream returns the Stream over a connection. It reads ahead, unless r is a
// *bufio.Reader.
func NewStream(r io.Reader, w io.Writer) *Stream { return &Stream{w, bufio.NewReader(r)} }

// Write sends packets, each by itself.
func (s *Stream) Write(packets ...Packet) error {
	for _, p := range packets {
		if _, err := s.w.Write(StreamFrame(p)); err != nil {
			return err
		}
	}
	return nil
}

// StreamFrame returns a packet as a frame.
func StreamFrame(p Packet) []byte {
	data, bit := p.Binary, byte(0x80)
	if data == nil {
		data, bit = []byte(p.Text), 0
	}
	var frame []byte
	switch n := len(data); {
	case n < 126:
		frame = []byte{bit | byte(n)}
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16([]byte{bit | 126}, uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64([]byte{bit | 127}, uint64(n))
	}
	return append(frame, data...)
}

// Read returns the next packet. The error is io.EOF if the stream ends after a whole
// frame, io.ErrUnexpectedEOF if it ends inside one.
func (s *Stream) Read() (Packet, error) {
	head, err := s.br.ReadByte()
	if err != nil {
		return Packet{}, err
	}
	n := uint64(head & 0x7f)
	if size := map[uint64]int{126: 2, 127: 8}[n]; size > 0 {
		var b [8]byte
		if _, err := io.ReadFull(s.br, b[8-size:]); err != nil {
			return Packet{}, inFrame(err)
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	if n == 0 || n > maxFrame {
		return Packet{}, errors.New("the server has sent a frame of an impossible length")
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(s.br, data); err != nil {
		return Packet{}, inFrame(err)
	}
	if head&0x80 != 0 {
		return Packet{Binary: data}, nil
	}
	return Packet{Text: string(data)}, nil
}

// inFrame returns the error of a read inside a frame.
func inFrame(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
