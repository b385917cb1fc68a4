// SPDX-License-Identifier: MIT

// This file holds segment: a file with events of all logs.

package diskstore

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"socketio/adapter"
)

// magic begins each segment.
const magic = "sio-ev1\n"

// A segment is a file of events, the oldest first. Only the latest is written to.
type segment struct {
	name string
	file file
	size int64 // of what is valid; changed by the writer
	torn bool  // what follows size must be cut off before the next write; owned by the writer
	live int   // events that are kept, guarded by events.mu
}

// A location is a record in a segment.
type location struct {
	in   *segment
	off  int64
	size int
}

// read reads and decodes the event at a location.
func (l location) read() (e adapter.KeptEvent, err error) {
	b := make([]byte, l.size)
	if _, err = l.in.file.ReadAt(b, l.off); err != nil {
		return e, fmt.Errorf("%w: %s: %w", errDamaged, filepath.Base(l.in.name), err)
	}
	if _, e, err = parseRecord(b); err != nil {
		return e, fmt.Errorf("%w: %s at byte %d", errDamaged, filepath.Base(l.in.name), l.off)
	}
	return e, nil
}

// put writes records at the end. After an error the segment is as before, as far as the
// disk lets it be.
func (s *segment) put(b []byte, sync bool) error {
	if s.torn {
		if err := s.file.Truncate(s.size); err != nil {
			return err
		}
		s.torn = false
	}
	_, err := s.file.WriteAt(b, s.size)
	if err == nil && sync {
		err = s.file.Sync()
	}
	if err != nil {
		s.cut()
		return err
	}
	s.size += int64(len(b))
	return nil
}

// cut removes what follows the valid part.
func (s *segment) cut() { s.torn = s.file.Truncate(s.size) != nil }

// scan calls f for the records of a segment. It returns the length of the valid part.
// damaged reports that what follows was not merely cut short.
func scan(data []byte, f func(off int64, size int, log uint64, e *adapter.KeptEvent)) (valid int64, damaged bool) {
	if len(data) < len(magic) {
		return 0, !strings.HasPrefix(magic, string(data))
	}
	if string(data[:len(magic)]) != magic {
		return 0, true
	}
	off := len(magic)
	for {
		rest := data[off:]
		if len(rest) < headerSize {
			return int64(off), false
		}
		n, sum, err := parseHeader(rest[:headerSize])
		if err != nil {
			return int64(off), true
		}
		if n > len(rest)-headerSize {
			return int64(off), false
		}
		log, e, err := parseBody(rest[headerSize:headerSize+n], sum)
		if err != nil {
			return int64(off), true
		}
		f(int64(off), headerSize+n, log, &e)
		off += headerSize + n
	}
}

// segmentName returns the name of a segment. The names sort as the numbers do.
func segmentName(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("events-%016x.log", number))
}

// segmentNames returns the segments of a directory, the oldest first, and the number of
// the latest.
func segmentNames(dir string) (names []string, latest uint64, err error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, entry := range all {
		digits, _ := strings.CutPrefix(strings.TrimSuffix(entry.Name(), ".log"), "events-")
		n, err := strconv.ParseUint(digits, 16, 64)
		if name := segmentName(dir, n); err == nil && filepath.Base(name) == entry.Name() {
			latest = max(latest, n)
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, latest, nil
}

// readAll reads a file of a known size.
func readAll(f file, size int64) ([]byte, error) {
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}
