// SPDX-License-Identifier: MIT

// This file holds a login: it gives out a cookie, and a middleware tells from it who
// sends a request.

package frameworks

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"
)

type userKey struct{}

// User returns the user of a request, or of a socket: User(s.Context()).
func User(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

// Sessions are the logins of this process.
type Sessions struct {
	users sync.Map // token to name
}

// Authenticate is the middleware of all routes that need a user, Socket.IO's too.
func (s *Sessions) Authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("session")
		if err != nil {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		user, ok := s.users.Load(cookie.Value)
		if !ok {
			http.Error(w, "log in again", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
	})
}

// Login sets a cookie for any name: add a password check here.
func (s *Sessions) Login(w http.ResponseWriter, r *http.Request) {
	token := rand.Text()
	s.users.Store(token, r.FormValue("name"))
	http.SetCookie(w, &http.Cookie{
		Name: "session", Value: token, Path: "/",
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	})
}
