// SPDX-License-Identifier: MIT

// This file holds the server that is attacked: another process of this binary.

package hostile

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/leakcheck"
	"socketio/parser/msgpack"
)

// targetEnv holds the config of a target as JSON, and makes this binary one.
const targetEnv = "HOSTILE_TARGET"

// A config has the differences between targets. Zero means the default of Options.
type config struct {
	Driver  string
	Deflate bool
	EIO3    bool
	Msgpack bool // the attack is over MessagePack

	AnyOrigin bool // CORS for "*"
	Tenants   bool // there is a function for namespaces that do not exist
	KeepEmpty bool // KeepEmptyNamespaces

	AttachmentTimeout, ConnectTimeout, MessageTimeout time.Duration
	MiddlewareTimeout, UpgradeTimeout, WriteTimeout   time.Duration

	MaxQueueBytes, MaxConnections, MaxPending, MaxDynamicNamespaces int

	QueueBudget int64

	HostHeaderBytes int  // http.Server.MaxHeaderBytes; 16 KiB if zero
	Shutdown        bool // the server ends by Shutdown, which has 20 s
}

func (c *config) options() *socketio.Options {
	o := &socketio.Options{
		AllowEIO3:      c.EIO3,
		MaxConnections: c.MaxConnections,
		PingInterval:   time.Hour, // sessions of attackers that are silent for long still count
		Logger:         slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Limits:         socketio.SocketLimits{AttachmentTimeout: c.AttachmentTimeout, ConnectTimeout: c.ConnectTimeout, MiddlewareTimeout: c.MiddlewareTimeout, MaxDynamicNamespaces: c.MaxDynamicNamespaces, KeepEmptyNamespaces: c.KeepEmpty},
		Engine:         engineio.Options{Driver: engineio.Driver(c.Driver), MessageTimeout: c.MessageTimeout, UpgradeTimeout: c.UpgradeTimeout, WriteTimeout: c.WriteTimeout, MaxQueueBytes: c.MaxQueueBytes, MaxPending: c.MaxPending, QueueBudget: c.QueueBudget},
	}
	if c.AnyOrigin {
		o.CORS = &socketio.CORS{Origins: []string{"*"}}
	}
	if c.Deflate {
		o.Engine.PerMessageDeflate = &engineio.PerMessageDeflate{}
	}
	return o
}

// stats are the counts that a target reports.
type stats struct {
	Connections, Goroutines int
	Middlewares             int64 // runs of the middleware of "/slow"
	Smuggled                int64 // requests for a path that nobody asks for openly
	Stuck                   int64 // handlers that run until the target is told to go on
	Searches                int64 // runs of the function for namespaces that do not exist
}

// work is what a target does for clients, which it counts.
type work struct {
	middlewares, smuggled, stuck, searches atomic.Int64

	release  chan struct{} // closed when what is stuck may go on
	released sync.Once
}

func (w *work) goOn() { w.released.Do(func() { close(w.release) }) }

// target runs a server until its standard input ends. It prints its address first, and
// answers each line with stats.
func target(text string) (status int) {
	var c config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	done := &work{release: make(chan struct{})}
	io := socketio.NewServer(c.options())
	furnish(io, c, done)
	packed := c.options() // the same in MessagePack
	packed.Codec = new(msgpack.Codec)
	io2 := socketio.NewServer(packed)
	furnish(io2, c, done)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.Handle("/msgpack/", io2)
	mux.HandleFunc("/smuggled", func(http.ResponseWriter, *http.Request) { done.smuggled.Add(1) })
	host := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: cmp.Or(c.HostHeaderBytes, 16<<10),
		ErrorLog: log.New(os.Stderr, "host: ", 0),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	served := make(chan error, 1)
	go func() { served <- host.Serve(l) }()
	fmt.Println(l.Addr())

	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "heap":
			fmt.Println(heapNow())
			continue
		case "go on":
			done.goOn()
		}
		line, _ := json.Marshal(stats{
			io.Connections() + io2.Connections(), runtime.NumGoroutine(),
			done.middlewares.Load(), done.smuggled.Load(), done.stuck.Load(), done.searches.Load(),
		})
		fmt.Printf("%s\n", line)
	}
	done.goOn()
	if c.Shutdown {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := io.Shutdown(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "Shutdown:", err)
			status = 4
		}
	}
	_ = io.Close()
	_ = io2.Close()
	_ = host.Close()
	<-served
	if left := leakcheck.Wait(leakcheck.Grace); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "left:", strings.Join(left, "\n\n"))
		return 3
	}
	return status
}

// furnish gives a server its namespaces and handlers.
func furnish(io *socketio.Server, c config, done *work) {
	io.OnConnection(func(s *socketio.Socket) {
		s.On("echo", func(n int) int { return n })
		s.On("parrot", func(text string) string { return text })
		s.On("cookie", func() string { return s.Handshake().HeaderValue("Cookie") })
		s.On("go", func() { s.CloseConn() })
		s.On("listen", func() error { return s.Join("crowd") })
		s.On("tell", func(times, size int) error {
			filler := strings.Repeat("x", size)
			for range times {
				if err := io.To("crowd").Emit("told", filler); err != nil {
					return err
				}
			}
			return nil
		})
		s.OnAny(func(string, socketio.Args) {})
		slowly(s)
	})
	for i := range 200 {
		io.Of(fmt.Sprintf("/n%d", i)).OnConnection(func(s *socketio.Socket) {
			slowly(s)
			// It does not look whether its client is still there.
			s.On("stick", func() {
				done.stuck.Add(1)
				defer done.stuck.Add(-1)
				_ = s.Emit("stuck")
				<-done.release
			})
		})
	}
	io.OfPattern(regexp.MustCompile(`^/(a+)+$`))
	slow := io.Of("/slow")
	slow.Use(func(_ context.Context, s *socketio.Socket) error {
		done.middlewares.Add(1)
		<-s.Context().Done()
		return s.Context().Err()
	})
	if c.Tenants {
		io.OfMatch(done.tenant).Use(func(_ context.Context, s *socketio.Socket) error {
			if strings.HasPrefix(s.Namespace().Name(), "/tenant-closed") {
				return errors.New("closed")
			}
			return nil
		})
	}
}

// tenant accepts "/tenant...". It is slow for "/stuck..." and "/watching..."; only for
// the latter it checks whether the client is still waiting.
func (w *work) tenant(name string, h socketio.Handshake) bool {
	w.searches.Add(1)
	defer w.searches.Add(-1)
	switch {
	case strings.HasPrefix(name, "/stuck"):
		<-w.release
	case strings.HasPrefix(name, "/watching"):
		<-h.Context().Done()
	}
	return strings.HasPrefix(name, "/tenant")
}
