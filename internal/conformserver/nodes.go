// SPDX-License-Identifier: MIT

// This file holds several servers in this process, behind nginx without sticky sessions: each
// request of a client goes to the next of them.

package conformserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/engineio/forward"
)

// A node is one server: what clients reach, and what only the other servers reach.
type node struct {
	io              *socketio.Server
	cluster         *cluster.Cluster
	forward, bare   *forward.Node // of the server, and of the bare engine beside it
	public, private net.Listener
	webs            []*http.Server
	end             func(context.Context) error // of all sessions
	close           func() error
}

func runNodes(ctx context.Context, text string, connect Engine, opts *socketio.Options) error {
	count, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("NODES: %w", err)
	}
	notes := newNotes()
	served := make(chan error, 2*count)
	var nodes []*node
	for i := range count {
		n, err := newNode(fmt.Sprint("node", i), connect, notes, *opts, served)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	for _, a := range nodes { // the bare engines have no bus
		for i, b := range nodes {
			if a != b {
				name := fmt.Sprint("node", i)
				a.bare.Announced(name, b.bare.Announcement(name))
			}
		}
	}
	var namespaces []*socketio.Namespace // of all servers
	for _, app := range notes.apps {
		namespaces = append(namespaces, app.namespaces...)
	}
	if err := acquainted(nodes, namespaces); err != nil {
		return err
	}
	proxy, port, err := startNginx(nodes)
	if err != nil {
		return err
	}
	fmt.Printf("listening %d\n", port)
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	// All sessions end before the first server stops to pass requests on.
	for _, n := range nodes {
		err = errors.Join(err, n.end(ctx))
	}
	for _, n := range nodes {
		err = errors.Join(err, n.close())
	}
	return errors.Join(err, proxy())
}

func newNode(name string, connect Engine, notes *notes, opts socketio.Options, served chan error) (n *node, err error) {
	n = new(node)
	if n.public, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if n.private, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	secret := []byte("known to the servers of this process")
	upgrades := os.Getenv("FORWARD_UPGRADES") == "0"
	n.forward = forward.New(&forward.Options{Secret: secret, URL: "http://" + n.private.Addr().String() + "/io", DisableUpgrades: upgrades})
	n.bare = forward.New(&forward.Options{Secret: secret, URL: "http://" + n.private.Addr().String() + "/bare", DisableUpgrades: upgrades})
	n.cluster = connect(name, &cluster.Options{Name: name, Announcer: n.forward})
	opts.Cluster = n.cluster
	opts.Engine.Forward = n.forward
	n.io = socketio.NewServer(&opts)
	register(n.io, notes)
	n.io.Engine().Use(header("X-Middleware", os.Getenv("MIDDLEWARE")))
	engine := newEngine(&opts, n.bare)
	public, private := http.NewServeMux(), http.NewServeMux()
	public.Handle("/socket.io/", n.io)
	public.Handle("/engine.io/", engine)
	private.Handle("/io", n.forward)
	private.Handle("/bare", n.bare)
	for handler, ln := range map[http.Handler]net.Listener{public: n.public, private: n.private} {
		web := &http.Server{Handler: handler}
		n.webs = append(n.webs, web)
		go func() { // ends in close
			if err := web.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				served <- err
			}
		}()
	}
	n.end = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return errors.Join(n.io.Shutdown(ctx), engine.Shutdown(ctx))
	}
	n.close = func() error {
		err := errors.Join(n.io.Close(), engine.Close())
		for _, web := range n.webs {
			err = errors.Join(err, web.Close())
		}
		return err
	}
	return n, nil
}

// acquainted waits until all servers know each other, in each namespace: the first request
// may be forwarded, and is to be answered by all.
func acquainted(nodes []*node, namespaces []*socketio.Namespace) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ; ; time.Sleep(5 * time.Millisecond) {
		strangers := 0
		for _, n := range nodes {
			strangers += len(nodes) - n.cluster.Nodes()
		}
		for _, nsp := range namespaces {
			strangers += len(nodes) - 1
			for _, err := range nsp.ServerSideEmitWithAck(ctx, "settle") {
				if err == nil {
					strangers--
				}
			}
		}
		switch {
		case strangers == 0:
			return nil
		case ctx.Err() != nil:
			return errors.New("after a minute the servers do not know each other")
		}
	}
}

const nginxConfig = `worker_processes 1;
pid %[1]s/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	client_max_body_size 0;
	map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
	upstream servers {
%[2]s		keepalive 32;
	}
	server {
		listen 127.0.0.1:%[3]d backlog=1024;
		location / {
			proxy_pass http://servers;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_buffering off;
			proxy_request_buffering off;
			proxy_read_timeout 1h;
		}
	}
}
`

// startNginx starts nginx in front of the servers. stop ends it.
func startNginx(nodes []*node) (stop func() error, port int, err error) {
	dir, err := os.MkdirTemp("", "socketio-nginx-")
	if err != nil {
		return nil, 0, err
	}
	var servers strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&servers, "\t\tserver %s max_fails=0;\n", n.public.Addr())
	}
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // where Debian keeps it
	}
	fixed, _ := strconv.Atoi(os.Getenv("PORT"))
	for range 10 { // another program may take the port meanwhile
		if port = fixed; fixed == 0 {
			if port, err = freePort(); err != nil {
				break
			}
		}
		config := fmt.Sprintf(nginxConfig, dir, servers.String(), port)
		if os.Getuid() == 0 {
			config = "user root;\n" + config // the directory is ours alone
		}
		file := filepath.Join(dir, "nginx.conf")
		if err = os.WriteFile(file, []byte(config), 0o600); err != nil {
			break
		}
		cmd := exec.Command(path, "-p", dir, "-e", "stderr", "-c", file, "-g", "daemon off;")
		cmd.Stderr, cmd.SysProcAttr = os.Stderr, endWithUs()
		if err = cmd.Start(); err != nil {
			break
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if err = awaitPort(port, ended); err != nil {
			continue
		}
		return func() error {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			err := <-ended
			return errors.Join(err, os.RemoveAll(dir))
		}, port, nil
	}
	return nil, 0, errors.Join(fmt.Errorf("nginx does not start: %w", err), os.RemoveAll(dir))
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// awaitPort waits until a program listens, or has ended.
func awaitPort(port int, ended chan error) error {
	for {
		nc, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			return nc.Close()
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it has ended: %w", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
