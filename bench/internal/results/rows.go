// SPDX-License-Identifier: MIT

package results

// A Row is something that is measured.
type Row struct {
	ID    string
	Text  string
	Unit  string // "KiB" or "us"
	Floor string // the server that is the floor of this row; may be empty
	Few   bool   // few servers can do this: for the record
}

// Rows are all rows, in the order of the tables.
var Rows = []Row{
	{ID: "idle-1000", Text: "idle client of 1000, 6 handlers, headers of a browser", Unit: "KiB", Floor: "floor"},
	{ID: "idle-5000", Text: "idle client of 5000", Unit: "KiB", Floor: "floor"},
	{ID: "idle-10000", Text: "idle client of 10,000", Unit: "KiB", Floor: "floor"},
	{ID: "idle-18000", Text: "idle client of 18,000", Unit: "KiB", Floor: "floor"},
	{ID: "idle-18000-gc", Text: "idle client of 18,000, after a collection", Unit: "KiB", Floor: "floor"},
	{ID: "idle-plain", Text: "idle client of 10,000, 6 handlers, bare headers", Unit: "KiB", Floor: "floor"},
	{ID: "idle-bare", Text: "idle client of 10,000, no handlers, bare headers", Unit: "KiB", Floor: "floor"},
	{ID: "idle-bare-gc", Text: "the same, after a collection", Unit: "KiB", Floor: "floor"},
	{ID: "idle-browser", Text: "idle client of 10,000, no handlers, headers of a browser", Unit: "KiB", Few: true},
	{ID: "ping", Text: "ping and pong, 10,000 clients", Unit: "us"},
	{ID: "echo-1", Text: "echo, 1 client", Unit: "us", Floor: "floor"},
	{ID: "echo-100", Text: "echo, 100 clients", Unit: "us", Floor: "floor"},
	{ID: "echo-1000", Text: "echo, 1000 clients", Unit: "us", Floor: "floor"},
	{ID: "echo-awake", Text: "echo, 1000 clients, a driver that stays awake", Unit: "us", Floor: "floor"},
	{ID: "echo-8", Text: "echo, 100 clients, 8 in flight", Unit: "us", Floor: "floor"},
	{ID: "ack", Text: "acknowledgement, 1000 clients", Unit: "us", Floor: "floor"},
	{ID: "bcast-1000", Text: "broadcast to 1000, each delivery", Unit: "us", Floor: "floor"},
	{ID: "bcast-10000", Text: "broadcast to 10,000, each delivery", Unit: "us", Floor: "floor"},
	{ID: "rooms", Text: "1000 rooms of 10, each delivery", Unit: "us", Floor: "floor"},
	{ID: "chat", Text: "chat of 1000, 90 % idle, bursts; each delivery", Unit: "us", Floor: "floor"},
	{ID: "connect", Text: "connect, join, close", Unit: "us", Floor: "floor"},
	{ID: "poll", Text: "echo over polling, 100 clients", Unit: "us", Floor: "barehttp"},
	{ID: "blob", Text: "echo of 64 KiB, 50 clients", Unit: "us", Floor: "floor"},
	{ID: "large", Text: "echo of 1 MB, 4 clients", Unit: "us", Floor: "floor"},
	{ID: "tls", Text: "echo over TLS, 100 clients", Unit: "us", Few: true},
	{ID: "deflate", Text: "echo of 1 KB of text with permessage-deflate, 100 clients", Unit: "us", Few: true},
	{ID: "echo-2", Text: "echo, 1000 clients, server on two cores", Unit: "us", Few: true},
	{ID: "bcast-2", Text: "broadcast to 1000, server on two cores", Unit: "us", Few: true},
}

// RowOf returns the row with an ID.
func RowOf(id string) (Row, bool) {
	for _, r := range Rows {
		if r.ID == id {
			return r, true
		}
	}
	return Row{}, false
}

// A Server is one that is compared.
type Server struct {
	Name, Text string
	Floor      bool // it is no Socket.IO server: what is below all of them
	Own        bool // this repository's
	Other      bool // it has a protocol of its own
}

// Servers are all servers, in the order of the tables.
var Servers = []Server{
	{Name: "ours", Text: "this repository, event loops", Own: true},
	{Name: "ours-goroutine", Text: "this repository, a goroutine per connection", Own: true},
	{Name: "oxide", Text: "socketioxide on axum"},
	{Name: "bun", Text: "npm socket.io on Bun's engine"},
	{Name: "node", Text: "npm socket.io with ws"},
	{Name: "zishang", Text: "zishang520/socket.io"},
	{Name: "centrifuge", Text: "centrifugal/centrifuge, its own protocol", Other: true},
	{Name: "gws", Text: "raw lxzan/gws on net/http", Floor: true},
	{Name: "coder", Text: "raw coder/websocket on net/http", Floor: true},
	{Name: "barehttp", Text: "bare net/http, polling only", Floor: true},
	{Name: "floor", Text: "bare epoll loop", Floor: true},
	{Name: "recovery memory", Text: "this repository, with recovery in memory", Own: true},
	{Name: "recovery disk", Text: "this repository, with recovery on disk", Own: true},
}

// Peers are the Socket.IO servers that are not ours.
func Peers() []string {
	var names []string
	for _, s := range Servers {
		if !s.Own && !s.Floor && !s.Other {
			names = append(names, s.Name)
		}
	}
	return names
}

// Best returns the peer with the least median in a row.
func (r *Run) Best(row string, f func(Sample) float64) (name string, value float64) {
	for _, p := range Peers() {
		if m, ok := r.Median(row, p, f); ok && m > 0 && (name == "" || m < value) {
			name, value = p, m
		}
	}
	return name, value
}
