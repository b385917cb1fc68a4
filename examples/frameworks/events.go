// SPDX-License-Identifier: MIT

// This file holds the application that is mounted: the same for all frameworks.

package frameworks

import "socketio"

// Register adds the events of the examples: "echo" answers with its argument,
// "whoami" with the user, "shout" goes to everyone.
func Register(io *socketio.Server) {
	io.OnConnection(func(s *socketio.Socket) {
		s.On("echo", func(value any) any { return value })
		s.On("whoami", func() string { return User(s.Context()) })
		s.On("shout", func(text string) error { return io.Emit("shout", text) })
	})
}
