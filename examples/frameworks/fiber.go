// SPDX-License-Identifier: MIT

// This file holds Fiber, behind a login as in chi.go.

package frameworks

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"socketio"
)

// CopyUser is for Options.Handshake under Fiber. It copies the user: Fiber uses a
// request's context again for other requests, so it must not be returned.
func CopyUser(r *http.Request) (context.Context, error) {
	return context.WithValue(context.Background(), userKey{}, User(r.Context())), nil
}

// Fiber mounts io, made with Options.Handshake: CopyUser, behind the login.
func Fiber(io *socketio.Server, sessions *Sessions) *fiber.App {
	app := fiber.New()
	app.Post("/login", adaptor.HTTPHandlerFunc(sessions.Login))
	app.Use(func(c fiber.Ctx) error {
		user, ok := sessions.users.Load(c.Cookies("session"))
		if !ok {
			return c.SendStatus(fiber.StatusUnauthorized)
		}
		c.Locals(userKey{}, user) // User finds it in the context of the request
		return c.Next()
	})
	app.All("/socket.io/*", adaptor.HTTPHandler(io))
	app.Get("/hello", func(c fiber.Ctx) error {
		return c.SendString("hello " + User(c.RequestCtx()))
	})
	return app
}
