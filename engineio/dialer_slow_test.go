// SPDX-License-Identifier: MIT

// This file tests servers that accept no data, and the log of a Dialer about them.

package engineio_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

// WriteTimeout bounds a POST that the server does not read, or does not answer.
func TestDialerPostTimeout(t *testing.T) {
	for name, read := range map[string]int64{"not read": 0, "not answered": 100_001} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				hang := make(chan struct{})
				defer close(hang)
				r := w.serve(hosting{options: &engineio.Options{}, buffer: 4096, wrap: posts(func(r *http.Request) {
					io.CopyN(io.Discard, r.Body, read)
					<-hang
				})})
				s := r.caller(engineio.DialerOptions{Transports: []string{"polling"}, WriteTimeout: 4 * time.Second}).open()
				began := time.Now()
				s.say(strings.Repeat("x", 100_000))
				s.wantEnded("the POST hangs", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
				wantAt(r, "the end", began, 4*time.Second)
			})
		})
	}
	// A server that occasionally accepts some data is slow, not gone.
	t.Run("slow", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{PingInterval: time.Hour, BodyTimeout: time.Hour}, buffer: 4096, wrap: posts(func(r *http.Request) {
				for {
					if _, err := io.CopyN(io.Discard, r.Body, 6<<10); err != nil {
						return
					}
					time.Sleep(3 * time.Second)
				}
			})})
			s := r.caller(engineio.DialerOptions{Transports: []string{"polling"}, WriteTimeout: 4 * time.Second}).open()
			s.say(strings.Repeat("x", 100_000))
			time.Sleep(time.Minute)
			s.wantOpen("a slow server")
			if n, _ := s.Buffered(); n != 0 {
				w.t.Errorf("%d messages wait", n)
			}
		})
	})
	// The deadline ends with the POST.
	t.Run("answered", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{}})
			s := r.caller(engineio.DialerOptions{Transports: []string{"polling"}, WriteTimeout: 4 * time.Second}).open()
			s.say("x")
			s.wantHeard("an echo", "x")
			time.Sleep(time.Minute)
			s.wantOpen("a minute later")
		})
	})
}

// posts wraps a handler: f receives its POSTs, which are answered when f returns.
func posts(f func(r *http.Request)) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				h.ServeHTTP(w, r)
				return
			}
			f(r)
			fmt.Fprint(w, "ok")
		})
	}
}

// The log of a Dialer's connection names the server, and the options of a Dialer.
func TestDialerLog(t *testing.T) {
	logged := func(w *world, o engineio.DialerOptions, h hosting, play func(r *rig, s *side)) string {
		var log warnings
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		r := w.serve(h)
		s := r.caller(o).open()
		play(r, s)
		<-s.ended
		r.quiet()
		return strings.Join(log.take(), "\n")
	}
	for name, c := range map[string]struct {
		options engineio.DialerOptions
		host    hosting
		play    func(r *rig, s *side)
		want    []string
	}{
		"slow server": {
			options: engineio.DialerOptions{WriteTimeout: 4 * time.Second, Transports: []string{"polling"}},
			host: hosting{options: &engineio.Options{}, wrap: posts(func(r *http.Request) {
				io.Copy(io.Discard, r.Body)
				<-r.Context().Done() // the client has gone
			})},
			play: func(_ *rig, s *side) { s.say("x") },
			want: []string{"the server reads too slowly", "raise engineio.DialerOptions.WriteTimeout", "option=WriteTimeout"},
		},
		"full queue": {
			options: engineio.DialerOptions{MaxQueueMessages: 1, Transports: []string{"websocket"}},
			host:    hosting{options: &engineio.Options{}},
			play: func(_ *rig, s *side) {
				s.Cork()
				for s.Send(engineio.TextMessage("x")) == nil {
				}
			},
			want: []string{"the server reads too slowly", "raise engineio.DialerOptions.MaxQueueMessages"},
		},
		"large message": {
			options: engineio.DialerOptions{MaxPayload: 200},
			host:    hosting{options: &engineio.Options{}},
			play: func(r *rig, s *side) {
				r.quiet()
				r.side(s.ID()).say(strings.Repeat("x", 300))
			},
			want: []string{"a message of the server is too large; to allow it raise engineio.DialerOptions.MaxPayload", "max=200"},
		},
		"packets": {
			options: engineio.DialerOptions{LogPackets: "*"},
			host:    hosting{options: &engineio.Options{}},
			play:    func(_ *rig, s *side) { s.Close() },
			want:    []string{"packets are logged", "peer=chat.example"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				got := logged(w, c.options, c.host, c.play)
				for _, want := range c.want {
					if !strings.Contains(got, want) {
						t.Errorf("the log has no %q:\n%s", want, got)
					}
				}
				if strings.Contains(got, "client") || strings.Contains(got, "engineio.Options") {
					t.Errorf("the log speaks of clients:\n%s", got)
				}
			})
		})
	}
}
