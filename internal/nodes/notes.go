// SPDX-License-Identifier: MIT

// This file holds the notes, which the first process keeps for all.

package nodes

import (
	"context"
	"net"
	"net/rpc"
	"slices"
	"sync"
)

// Notes are what the handlers of all servers know. All methods may be called from any
// goroutine.
type Notes interface {
	// Set notes a text under a name, in place of what was there.
	Set(name, text string) error
	// Get returns the text that is noted under a name, or "".
	Get(name string) (string, error)
	// Wait returns when something is noted under a name.
	Wait(ctx context.Context, name string) (string, error)
	// Append adds an entry to a list, and returns how many it has.
	Append(list, entry string) (int, error)
	// List returns the entries of a list.
	List(name string) ([]string, error)
}

// NewNotes returns notes for one process.
func NewNotes() Notes {
	return &notes{texts: make(map[string]string), lists: make(map[string][]string), changed: make(chan struct{})}
}

type notes struct {
	mu      sync.Mutex
	texts   map[string]string
	lists   map[string][]string
	changed chan struct{} // closed by the next Set
}

func (n *notes) Set(name, text string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.texts[name] = text
	close(n.changed)
	n.changed = make(chan struct{})
	return nil
}

func (n *notes) Get(name string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.texts[name], nil
}

func (n *notes) Wait(ctx context.Context, name string) (string, error) {
	for {
		n.mu.Lock()
		text, noted := n.texts[name]
		changed := n.changed
		n.mu.Unlock()
		if noted {
			return text, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

func (n *notes) Append(list, entry string) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lists[list] = append(n.lists[list], entry)
	return len(n.lists[list]), nil
}

func (n *notes) List(name string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lists[name]), nil
}

// serveNotes serves the notes for other processes, until the listener closes.
func serveNotes(ctx context.Context, n Notes) (net.Listener, error) {
	server := rpc.NewServer()
	if err := server.RegisterName("Notes", &served{ctx, n}); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { // ends with the listener; connections end with the other processes
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go server.ServeConn(nc)
		}
	}()
	return l, nil
}

// served has the methods of Notes in the form of net/rpc. A note is a name and a text.
type served struct {
	ctx   context.Context
	notes Notes
}

func (s *served) Set(note [2]string, _ *int) error { return s.notes.Set(note[0], note[1]) }

func (s *served) Get(name string, text *string) (err error) {
	*text, err = s.notes.Get(name)
	return err
}

func (s *served) Wait(name string, text *string) (err error) {
	*text, err = s.notes.Wait(s.ctx, name)
	return err
}

func (s *served) Append(note [2]string, count *int) (err error) {
	*count, err = s.notes.Append(note[0], note[1])
	return err
}

func (s *served) List(name string, list *[]string) (err error) {
	*list, err = s.notes.List(name)
	return err
}

// remote are the notes of the first process, as the others have them.
type remote struct{ client *rpc.Client }

func (r remote) Set(name, text string) error {
	return r.client.Call("Notes.Set", [2]string{name, text}, new(int))
}

func (r remote) Get(name string) (text string, err error) {
	err = r.client.Call("Notes.Get", name, &text)
	return text, err
}

func (r remote) Wait(ctx context.Context, name string) (string, error) {
	text := new(string)
	call := r.client.Go("Notes.Wait", name, text, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		return *text, call.Error
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (r remote) Append(list, entry string) (count int, err error) {
	err = r.client.Call("Notes.Append", [2]string{list, entry}, &count)
	return count, err
}

func (r remote) List(name string) (list []string, err error) {
	err = r.client.Call("Notes.List", name, &list)
	return list, err
}
