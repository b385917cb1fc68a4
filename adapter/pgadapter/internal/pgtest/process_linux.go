// SPDX-License-Identifier: MIT

// This file holds the user of servers and signals to their processes, on Linux.

package pgtest

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// serverUser returns the ids of the user postgres if this process runs as root.
func serverUser() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, false
	}
	uid64, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, 0, false
	}
	gid64, err := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(uid64), uint32(gid64), err == nil
}

func giveAway(dir string) error {
	uid, gid, ok := serverUser()
	if !ok {
		return nil
	}
	return os.Chown(dir, int(uid), int(gid))
}

func asServer() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if uid, gid, ok := serverUser(); ok {
		attr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return attr
}

// endsInOrder makes the kernel send SIGQUIT to a server when this process ends in any way.
func endsInOrder(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	attr.Pdeathsig = syscall.SIGQUIT
	return attr
}

// quit ends a server at once, in order.
func quit(p *os.Process) error { return p.Signal(syscall.SIGQUIT) }

// signalAll sends a signal to a server and its processes.
func signalAll(p *os.Process, goOn bool) error {
	sig := syscall.SIGSTOP
	if goOn {
		sig = syscall.SIGCONT
	}
	if err := p.Signal(sig); err != nil { // first: it starts no more processes
		return err
	}
	for _, child := range children(p.Pid) {
		_ = syscall.Kill(child, sig) // it may have ended
	}
	return nil
}

func children(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
