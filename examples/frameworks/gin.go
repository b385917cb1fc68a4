// SPDX-License-Identifier: MIT

// This file holds Gin.

package frameworks

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"socketio"
)

// Gin mounts io beside other routes.
func Gin(io *socketio.Server) http.Handler {
	router := gin.New()
	router.Use(gin.Recovery())
	router.Any("/socket.io/*any", gin.WrapH(io))
	router.GET("/hello", func(c *gin.Context) {
		c.String(http.StatusOK, "hello")
	})
	return router
}
