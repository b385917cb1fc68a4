// SPDX-License-Identifier: MIT

// This file holds nginx, in front of the servers.

package nodes

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Without a master process, whose end its workers would survive.
const nginxConfig = `master_process off;
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
func startNginx(addrs []string) (stop func() error, port int, err error) {
	dir, err := os.MkdirTemp("", "socketio-nginx-")
	if err != nil {
		return nil, 0, err
	}
	var servers strings.Builder
	for _, addr := range addrs {
		fmt.Fprintf(&servers, "\t\tserver %s max_fails=0;\n", addr)
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
		cmd.Stderr, cmd.SysProcAttr = os.Stderr, EndWithUs()
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
