// SPDX-License-Identifier: MIT

// This file holds Echo.

package frameworks

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"socketio"
)

// Echo mounts io beside other routes.
func Echo(io *socketio.Server) http.Handler {
	e := echo.New()
	e.Use(middleware.Recover())
	e.Any("/socket.io/*", echo.WrapHandler(io))
	e.GET("/hello", func(c echo.Context) error {
		return c.String(http.StatusOK, "hello")
	})
	return e
}
