// SPDX-License-Identifier: MIT

// This file tests a server whose disk is full, on a file system that really is.

package diskstore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"socketio"
	"socketio/siotest"
)

// A comer is a client that comes back as the npm client does.
type comer struct {
	t        *testing.T
	srv      *siotest.Server
	conn     *siotest.Conn
	pid, sid string
	offset   string
	reason   string
}

// comes connects and reads the CONNECT packet.
func (c *comer) comes() (recovered bool) {
	c.t.Helper()
	c.conn = c.srv.Open()
	auth, _ := json.Marshal(map[string]string{"pid": c.pid, "offset": c.offset})
	if c.pid == "" {
		auth = []byte("{}")
	}
	c.conn.Say("40" + string(auth))
	var reply struct{ SID, PID, NotRecovered string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(c.hears(), "40")), &reply); err != nil {
		c.t.Fatal(err)
	}
	recovered = reply.SID == c.sid
	c.sid, c.pid, c.reason = reply.SID, reply.PID, reply.NotRecovered
	return recovered
}

// hears returns the next packet.
func (c *comer) hears() string {
	c.t.Helper()
	got, err := c.conn.TryHear()
	if err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprint(got)
}

// hearsEvent expects an event with a text, and remembers its position.
func (c *comer) hearsEvent(text string) {
	c.t.Helper()
	got := c.hears()
	var args []string
	if err := json.Unmarshal([]byte(strings.TrimPrefix(got, "42")), &args); err != nil || args[1] != text {
		c.t.Fatalf("the client hears %.100s, want %.20s", got, text)
	}
	if len(args) > 2 {
		c.offset = args[len(args)-1]
	}
}

// Emit says that the disk is full, and the clients that are there hear the event all the
// same. One that has missed it is not recovered, and is told that the store has failed.
// When there is room again, all is as before.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if !mount(t, disk) {
		return // it has run in a program of its own
	}
	io := socketio.NewServer(&socketio.Options{
		Recovery: &socketio.Recovery{Store: open(t, filepath.Join(disk, "store"), nil), Window: time.Hour},
		Logger:   slog.New(slog.DiscardHandler),
	})
	c := &comer{t: t, srv: siotest.NewServer(t, io)}
	c.comes()
	witness := &comer{t: t, srv: c.srv}
	witness.comes()
	long := strings.Repeat("x", 10_000)
	filled := filepath.Join(disk, "filled")
	if err := io.Emit("e", "first"); err != nil {
		t.Fatal(err)
	}
	c.hearsEvent("first")
	witness.hearsEvent("first")
	fill(t, filled)
	full := 0
	for i := range 100 {
		err := io.Emit("e", fmt.Sprint(i, long))
		if err != nil {
			full++
			if !errors.Is(err, socketio.ErrNotStored) {
				t.Fatal(err)
			}
		}
		witness.hearsEvent(fmt.Sprint(i, long))
	}
	if full < 90 {
		t.Errorf("%d of 100 events were not stored", full)
	}
	c.conn.Kill()
	if c.comes() || c.reason != "store_failed" {
		t.Errorf("the client is recovered over a hole, or the reason is %q", c.reason)
	}
	if err := os.Remove(filled); err != nil {
		t.Fatal(err)
	}
	if err := io.Emit("e", "room again"); err != nil {
		t.Errorf("there is room again, but Emit says %v", err)
	}
	c.hearsEvent("room again")
	c.conn.Kill()
	if err := io.Emit("e", "missed"); err != nil {
		t.Error(err)
	}
	if !c.comes() {
		t.Errorf("the client is not recovered: %s", c.reason)
	}
	c.hearsEvent("missed")
}

// fill fills the disk of a file.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for b := make([]byte, 4096); err == nil; {
		_, err = f.Write(b)
	}
}

// mount mounts a file system with 2 MiB. A user who may not do that runs the test in a
// program that may, since it is in a namespace of its own; mount then returns false.
func mount(t *testing.T, dir string) bool {
	t.Helper()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m")
	if err == nil {
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		return true
	}
	const inside = "DISKSTORE_INSIDE"
	if !errors.Is(err, syscall.EPERM) || os.Getenv(inside) != "" {
		t.Fatalf("a file system can't be mounted: %v", err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in a namespace: %v\n%s", err, out)
	}
	return false
}
