// SPDX-License-Identifier: MIT

// Package room is a chat room: its server in room.go, its page in public, and the program
// around them in serve.go.
package room

import (
	"cmp"
	"context"
	"log"
	"strings"
	"sync"
	"time"

	"socketio"
)

// maxText bounds a message, in bytes.
const maxText = 4000

// A person is sent with each message, so that pages can show the sender.
type person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	At   int64  `json:"at"`            // now, in milliseconds since 1970
	Key  string `json:"key,omitempty"` // with which a page recognizes its own message
}

// A room knows how many people are online.
type room struct {
	io     *socketio.Server
	shared bool // there are other servers, with people of their own

	mu     sync.Mutex // held while emitting a note, so that counts arrive in order
	online int
}

// nickname is the key of a person's name, stored with the socket.
var nickname = socketio.NewDataKey[string]("nickname")

// me is the person behind a socket.
func me(s *socketio.Socket) person {
	name, _ := nickname.Get(s)
	return person{ID: s.ID(), Name: name, At: time.Now().UnixMilli()}
}

// newRoom makes a server whose clients chat. Handlers are checked here, when the program
// starts. With recovery, a page that loses its connection continues where it was.
func newRoom(opts *socketio.Options) *room {
	io := socketio.NewServer(opts)
	r := &room{io: io, shared: opts.Cluster != nil}

	io.On("chat message", func(s *socketio.Socket, args socketio.Args) error {
		var text string
		if err := args.Decode(&text); err != nil {
			return err
		}
		if strings.TrimSpace(text) == "" {
			return nil
		}
		if len(text) > maxText {
			return &socketio.PublicError{Message: "it is too long", Code: "too_long"}
		}
		log.Printf("%s says %q", s.ID(), text)
		from := me(s)
		from.Key = key(args)
		return io.Emit("chat message", text, from) // everyone
	})
	// A page sends a message again until it is acknowledged, always with the same key.
	io.Deduplicate(socketio.Deduplication{Key: func(s *socketio.Socket, event string, args socketio.Args) string {
		if event == "chat message" {
			return key(args)
		}
		return ""
	}})
	io.On("file", func(s *socketio.Socket, file, kind string, data []byte) error {
		log.Printf("%s shares %q, %d bytes", s.ID(), file, len(data))
		return io.Emit("file", file, kind, data, me(s))
	})
	io.On("typing", func(s *socketio.Socket) {
		s.Broadcast().Volatile().Emit("typing", me(s)) // everyone but s
	})
	io.On("nickname", func(s *socketio.Socket, name string) {
		r.rename(s, name)
	})
	io.OnConnection(r.enter)
	return r
}

// key returns the second argument of a message, if there is one: a long random text that
// nobody else knows.
func key(args socketio.Args) string {
	var text, key string
	if args.Decode(&text, &key) != nil || len(key) > 64 {
		return ""
	}
	return key
}

// rename gives a person a new name, and tells the others.
func (r *room) rename(s *socketio.Socket, name string) {
	before := me(s).Name
	if name = clean(name); name != "" && name != before {
		nickname.Set(s, name)
		r.note(0, before+" is now "+name)
	}
}

// enter runs before the first event of a socket.
func (r *room) enter(s *socketio.Socket) {
	var auth struct{ Nickname string }
	_ = s.Handshake().DecodeAuth(&auth) // without a nickname they are a guest
	if s.Recovered() {
		log.Printf("%s came back", s.ID())
		r.note(+1, me(s).Name+" is back")
		r.rename(s, auth.Nickname)
	} else {
		name := cmp.Or(clean(auth.Nickname), "Guest "+s.ID()[:4])
		nickname.Set(s, name)
		log.Printf("%s connected", s.ID())
		r.note(+1, name+" joined")
	}
	s.OnDisconnect(func(reason socketio.DisconnectReason) {
		log.Printf("%s left: %s", s.ID(), reason)
		r.note(-1, me(s).Name+" left")
	})
}

// note notifies everyone of an event and of the number of people online.
func (r *room) note(change int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.online += change
	online := r.online
	if r.shared {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		everybody, _ := r.io.FetchSockets(ctx) // without those of a server that does not answer
		online = len(everybody)
	}
	r.io.Emit("note", text, online)
}

// clean makes a nickname fit to show: one line of at most 24 characters.
func clean(nickname string) string {
	name := []rune(strings.Join(strings.Fields(nickname), " "))
	return string(name[:min(len(name), 24)])
}
