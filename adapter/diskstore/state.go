// SPDX-License-Identifier: MIT

// This file holds state: what a process leaves for the next one besides the data.

package diskstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A state tells the next process whether it may trust the data. It is written in place, so
// that a full disk has room for it.
type state struct {
	file    *os.File
	commits group[func(*stateText)]
	text    stateText // owned by the goroutine of the group
}

// stateText is the contents of the file.
type stateText struct {
	clean bool   // everything is written and synced
	sync  bool   // each write was synced
	lost  bool   // an event that was sent is not in its log, nor marked there
	boot  string // identifies the run of the system, or "" if it is unknown
}

const stateFormat = "socketio-diskstore-1 clean=%d sync=%d lost=%d boot=%s\n"

// A stateKind says what was found.
type stateKind int

const (
	stateFound stateKind = iota
	stateMissing
	stateDamaged
)

// stateSize is the size of the file.
const stateSize = 192

// openState opens or creates the state in a directory, and leaves it as it is until begin.
// before is what the last process left.
func openState(dir string, limit time.Duration) (s *state, before stateText, kind stateKind, err error) {
	name := filepath.Join(dir, "state")
	b, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = stateMissing
	case err != nil:
		return nil, before, kind, err
	default:
		if before, err = parseState(string(b)); err != nil {
			kind = stateDamaged
		}
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, before, kind, err
	}
	s = &state{file: f}
	s.commits = group[func(*stateText)]{write: s.write, limit: limit}
	return s, before, kind, nil
}

// begin replaces what the last process left. If that must not be trusted, it is removed
// before: until then the state says so.
func (s *state) begin(now stateText) error {
	s.text = now
	return s.write(nil)
}

func parseState(text string) (s stateText, err error) {
	var clean, sync, lost int
	var boot string
	if _, err = fmt.Sscanf(text, stateFormat, &clean, &sync, &lost, &boot); err != nil {
		return s, err
	}
	s = stateText{clean == 1, sync == 1, lost == 1, strings.Trim(boot, "_")}
	if s.String() != text {
		return stateText{}, errFormat
	}
	return s, nil
}

func (s stateText) String() string {
	text := fmt.Sprintf(stateFormat, digit(s.clean), digit(s.sync), digit(s.lost), "_"+s.boot+"_")
	text += fmt.Sprintf("sum=%08x\n", checksum([]byte(text)))
	return text + strings.Repeat(" ", max(0, stateSize-len(text)))
}

func digit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// trusted reports whether all that was stored is there: nothing was lost with the power.
func (s stateText) trusted(boot string) bool {
	return s.clean || s.sync || s.boot != "" && s.boot == boot
}

// set changes the state and writes it.
func (s *state) set(ctx context.Context, change func(*stateText)) error {
	return s.commits.do(ctx, change)
}

func (s *state) write(batch []func(*stateText)) error {
	for _, change := range batch {
		change(&s.text)
	}
	if _, err := s.file.WriteAt([]byte(s.text.String()), 0); err != nil {
		return err
	}
	return s.file.Sync()
}
