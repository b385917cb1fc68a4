// SPDX-License-Identifier: MIT

// This file holds Event, the line of a log, and how logs are written and read.

package histcheck

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kinds of events.
const (
	Emit    = "emit"    // before an event is sent
	Recv    = "recv"    // an event has arrived
	Ack     = "ack"     // an acknowledgement has arrived
	Err     = "err"     // an emit failed, or an acknowledgement will not come
	Conn    = "conn"    // a socket is connected
	Disc    = "disc"    // a socket is disconnected
	Joining = "joining" // before a socket joins a room
	Join    = "join"    // after it
	Leaving = "leaving" // before it leaves a room
	Leave   = "leave"   // after it
	Auth    = "auth"    // a middleware has let a client in, or not: then there is a reason
	Refused = "refused" // a client was told so; N events had arrived before
	Fork    = "fork"    // another client continues with the secrets of this one
	Upgrade = "upgrade" // a client has moved to WebSocket, or has tried to: then there is a reason
	Stuck   = "stuck"   // a client was stuck, and the runner ended its connection
	Kill    = "kill"    // a process was ended without notice
	Freeze  = "freeze"  // a process was stopped, and goes on after Thaw
	Thaw    = "thaw"    //
	Outage  = "outage"  // what connects the servers does not work, until Over
	Over    = "over"    //
	Health  = "health"  // a server's connection to the others has failed, or works: then there is no reason
	Ask     = "ask"     // before a server asks all servers for their sockets; N numbers the questions
	Told    = "told"    // the answer, in Sessions; with a reason it is not complete
	End     = "end"     // a client has everything that was sent, or leaves for a reason; a server has stopped
	Plan    = "plan"    // what the run was to do
)

// Within what the events of one server keep their order on the way to others.
const (
	OrderAll  = "all"  // all of them
	OrderRoom = "room" // those to one room, and those to several
)

// Directions.
const (
	Up   = "up"   // from a client to a server
	Down = "down" // from a server to clients
)

// An Event is a line of a log.
type Event struct {
	T       int64  `json:"t,omitempty"` // microseconds; with one server for readers only
	Proc    string `json:"proc"`
	Kind    string `json:"kind"`
	Session string `json:"session,omitempty"` // id of the socket
	Epoch   string `json:"epoch,omitempty"`   // the connection: "client/count"

	// Of events and acknowledgements.
	Dir    string `json:"dir,omitempty"`
	Stream string `json:"stream,omitempty"`
	N      int    `json:"n,omitempty"` // from 1 on in each stream
	Hash   string `json:"h,omitempty"` // of the payload, or of the reply; see Hash

	// Of emits.
	To       []string `json:"to,omitempty"`     // down: rooms, or ids of sockets
	Except   []string `json:"except,omitempty"` // down: the same
	Ack      bool     `json:"ack,omitempty"`    // an acknowledgement is awaited
	Volatile bool     `json:"volatile,omitempty"`
	Buffered bool     `json:"buf,omitempty"`     // up: the client keeps it until it is connected
	Retries  int      `json:"retries,omitempty"` // up: how often the client may send it again
	Once     bool     `json:"once,omitempty"`    // up: the server removes duplicates

	// Of acknowledgements: the event that the handler emitted to the socket before.
	Beside string `json:"beside,omitempty"` // its stream
	After  int    `json:"after,omitempty"`  // its number

	// Of connections.
	Recovered bool     `json:"recovered,omitempty"`
	Wanted    bool     `json:"wanted,omitempty"` // client: in time and within all bounds
	Rooms     []string `json:"rooms,omitempty"`  // server: without that of the id
	Data      string   `json:"data,omitempty"`   // server: what the session remembers
	Reason    string   `json:"reason,omitempty"`
	Room      string   `json:"room,omitempty"`   // of joins and leaves
	Target    string   `json:"target,omitempty"` // of Kill: a process; of Fork: the client's name

	Ops      map[string]int `json:"ops,omitempty"`      // of Plan
	Order    string         `json:"order,omitempty"`    // of Plan, if there are several servers: OrderAll or OrderRoom
	Logged   bool           `json:"logged,omitempty"`   // of Plan: the servers have a log in common
	Sessions []string       `json:"sessions,omitempty"` // of Told
}

// Hash returns the hash of a payload, or with the text "reply" of its acknowledgement.
func Hash(stream string, n int, payload string) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s:%d:%s", stream, n, payload)
	return fmt.Sprintf("%08x", h.Sum32())
}

// A Recorder writes the log of a process. Each event is in the file when Record returns,
// so a process that is killed has recorded all it did. It is safe for concurrent use.
type Recorder struct {
	proc string
	mu   sync.Mutex
	w    io.Writer
}

// NewRecorder returns the recorder of a process, which writes to w.
func NewRecorder(proc string, w io.Writer) *Recorder { return &Recorder{proc: proc, w: w} }

// Record writes an event, with the name of the process and the time.
func (r *Recorder) Record(e Event) error {
	e.Proc = r.proc
	r.mu.Lock()
	defer r.mu.Unlock()
	e.T = time.Now().UnixMicro() // in the order of the log
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = r.w.Write(append(line, '\n'))
	return err
}

// A History is what all processes of a run have recorded, by process.
type History map[string][]Event

// Read adds a log to the history. The last line of a process that was killed may be
// incomplete.
func (h History) Read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if err == io.EOF { // the line has no end, if it is one
			return nil
		}
		if err != nil {
			return err
		}
		var e Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		h[e.Proc] = append(h[e.Proc], e)
	}
}

// ReadDir reads all files of a folder that end in .jsonl.
func ReadDir(dir string) (History, error) {
	h := make(History)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".jsonl") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := h.Read(f); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	return h, err
}

// procs returns the servers, or all other processes. Servers are in the
// order in which they ran.
func (h History) procs(server bool) []string {
	var names []string
	for name := range h {
		if isServer(name) == server {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return names
}

func isServer(proc string) bool { return strings.HasPrefix(proc, "server#") }
