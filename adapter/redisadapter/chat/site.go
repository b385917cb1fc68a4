// SPDX-License-Identifier: MIT

// This file holds the programs of the chat: Redis, two servers, nginx.

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"socketio/adapter/redisadapter/internal/redisserver"
)

// A program is one that runs until end.
type program struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has
}

// start starts a program. Its output goes to that of this one, its first line to first if
// that is not nil.
func start(cmd *exec.Cmd, first chan<- string) (*program, error) {
	cmd.SysProcAttr = endWithUs()
	cmd.Stderr = os.Stderr
	var out io.ReadCloser
	if first != nil {
		var err error
		if out, err = cmd.StdoutPipe(); err != nil {
			return nil, err
		}
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &program{cmd, make(chan struct{})}
	go func() { // ends with the program
		defer close(p.ended)
		if first != nil {
			r := bufio.NewReader(out)
			line, _ := r.ReadString('\n')
			first <- strings.TrimSpace(line)
			_, _ = io.Copy(io.Discard, r)
		}
		_ = cmd.Wait()
	}()
	return p, nil
}

// end ends a program, by force after 3 s.
func (p *program) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(3 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// site runs the whole chat until it is stopped.
func site() (err error) {
	runtime.LockOSThread() // the programs end with the thread that has started them
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "socketio-chat-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all []*program
	defer func() {
		for i := range all {
			all[len(all)-1-i].end()
		}
	}()
	redisPort, redis, err := listening(0, func(port int) (*exec.Cmd, error) {
		return redisserver.Command("redis-server", "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--save", "", "--dir", dir, "--loglevel", "warning")
	})
	if err != nil {
		return fmt.Errorf("redis-server: %w", err)
	}
	all = append(all, redis)

	secret := newSecret()
	var addrs []string
	var pids []int
	for range 2 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "PORT=0", "CHAT_SECRET="+secret, "CHAT_REDIS=127.0.0.1:"+strconv.Itoa(redisPort))
		first := make(chan string, 1)
		p, err := start(cmd, first)
		if err != nil {
			return err
		}
		all = append(all, p)
		u, err := url.Parse(<-first)
		if err != nil || u.Port() == "" {
			return fmt.Errorf("a server: %w", errEnded)
		}
		addrs, pids = append(addrs, "127.0.0.1:"+u.Port()), append(pids, cmd.Process.Pid)
	}
	port, _ := strconv.Atoi(cmp.Or(os.Getenv("PORT"), "3000"))
	port, nginx, err := listening(port, func(port int) (*exec.Cmd, error) { return nginxCommand(dir, port, addrs), nil })
	if err != nil {
		return fmt.Errorf("nginx: %w\nIf another program holds the port, choose one: PORT=3001 make chat-cluster", err)
	}
	all = append(all, nginx)
	fmt.Printf("http://localhost:%d\n", port)
	fmt.Fprintf(os.Stderr, "two servers; without one of them the chat goes on: kill -9 %d\n", pids[0])
	select {
	case <-ctx.Done():
		stop() // a second Ctrl-C ends the process at once, and the programs with it
		return nil
	case <-redis.ended:
		return fmt.Errorf("redis-server: %w", errEnded)
	case <-nginx.ended:
		return fmt.Errorf("nginx: %w", errEnded)
	}
}

// listening starts a program on a port, or on any if port is 0, and waits until it listens.
func listening(port int, command func(port int) (*exec.Cmd, error)) (int, *program, error) {
	fixed := port != 0
	for tries := 0; ; tries++ {
		if !fixed {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return 0, nil, err
			}
			port = ln.Addr().(*net.TCPAddr).Port
			_ = ln.Close()
		} else if nc, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			_ = nc.Close()
			return 0, nil, fmt.Errorf("port %d: %w", port, syscall.EADDRINUSE)
		}
		cmd, err := command(port)
		if err != nil {
			return 0, nil, err
		}
		p, err := start(cmd, nil)
		if err != nil {
			return 0, nil, err
		}
		if err = await(port, p); err == nil {
			return port, p, nil
		}
		if fixed || tries == 5 { // another program may have taken the port meanwhile
			return 0, nil, err
		}
	}
}

// await waits until a program listens.
func await(port int, p *program) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if nc, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			return nc.Close()
		}
		select {
		case <-p.ended:
			return errors.Join(errEnded)
		case <-tick.C:
		}
	}
}

// nginx sends each request to the next server. One that does not answer is left out for a
// second.
const nginxConfig = `worker_processes 1;
pid %[1]s/pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
	upstream chat {
%[2]s		keepalive 16;
	}
	server {
		listen 127.0.0.1:%[3]d;
		client_max_body_size 2m;
		location / {
			proxy_pass http://chat;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_connect_timeout 1s;
			proxy_read_timeout 1h;
			proxy_buffering off;
		}
	}
}
`

func nginxCommand(dir string, port int, servers []string) *exec.Cmd {
	var upstream strings.Builder
	for _, addr := range servers {
		fmt.Fprintf(&upstream, "\t\tserver %s fail_timeout=1s;\n", addr)
	}
	config := fmt.Sprintf(nginxConfig, dir, upstream.String(), port)
	if os.Getuid() == 0 {
		config = "user root;\n" + config // the directory is ours alone
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err) // nginx says that it misses the file
	}
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // where Debian keeps it
	}
	return exec.Command(path, "-p", dir, "-e", "stderr", "-c", file, "-g", "daemon off;")
}
