// SPDX-License-Identifier: MIT

// This file tests the amount of memory that the process is assumed to have.

package engineio

import (
	"math"
	"os"
	"testing"
	"testing/fstest"
)

func TestMemoryLimit(t *testing.T) {
	const none = math.MaxInt64
	machine := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:       2048 kB\nMemFree:        1 kB\n")}}
	with := func(files map[string]string) fstest.MapFS {
		all := fstest.MapFS{"proc/meminfo": machine["proc/meminfo"]}
		for name, text := range files {
			all[name] = &fstest.MapFile{Data: []byte(text)}
		}
		return all
	}
	const (
		v2      = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		v1      = "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		hybrid  = v1 + "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
		bound   = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
		groups2 = "0::/system.slice/chat.service\n"
		groups1 = "9:name=systemd:/x\n4:cpu,memory:/jobs/7\n1:cpu:/\n0::/\n"
	)
	for name, c := range map[string]struct {
		runtime int64
		root    fstest.MapFS
		want    int64
	}{
		"GOMEMLIMIT":            {1000, machine, 1000},
		"GOMEMLIMIT, all known": {1 << 40, with(map[string]string{"proc/self/mountinfo": v2, "sys/fs/cgroup/memory.max": "4096\n"}), 1 << 40},
		"the machine":           {none, machine, 2 << 20},
		"nothing is known":      {none, fstest.MapFS{}, 4 << 30},
		"rubbish": {none, fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal: much\n\nx")}, "proc/self/mountinfo": {Data: []byte("a - b\n - \n- -")},
			"proc/self/cgroup": {Data: []byte("::\n:\n\x00")}}, 4 << 30},
		"version 2, its own group": {none, with(map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": groups2,
			"sys/fs/cgroup/system.slice/chat.service/memory.max": "500000\n", "sys/fs/cgroup/system.slice/memory.max": "max\n"}), 500_000},
		"version 2, a group around it": {none, with(map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": groups2,
			"sys/fs/cgroup/system.slice/chat.service/memory.max": "max\n", "sys/fs/cgroup/system.slice/memory.max": "400000\n"}), 400_000},
		"version 2, the soft limit": {none, with(map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": groups2,
			"sys/fs/cgroup/system.slice/chat.service/memory.high": "300000\n", "sys/fs/cgroup/system.slice/chat.service/memory.max": "400000\n"}), 300_000},
		"version 2, in a container": {none, with(map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "200000\n"}), 200_000},
		"version 2, outside of its namespace": {none, with(map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/../other\n",
			"sys/fs/cgroup/memory.max": "200000\n"}), 200_000},
		"version 2, more than the machine": {none, with(map[string]string{"proc/self/mountinfo": v2, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "99999999999\n"}), 2 << 20},
		"version 1": {none, with(map[string]string{"proc/self/mountinfo": v1, "proc/self/cgroup": groups1,
			"sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes": "100000\n"}), 100_000},
		"version 1, no limit": {none, with(map[string]string{"proc/self/mountinfo": v1, "proc/self/cgroup": groups1,
			"sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes": "9223372036854771712\n"}), 2 << 20},
		"version 1, in a container": {none, with(map[string]string{"proc/self/mountinfo": bound, "proc/self/cgroup": "4:memory:/docker/abc\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "100000\n"}), 100_000},
		"both": {none, with(map[string]string{"proc/self/mountinfo": hybrid, "proc/self/cgroup": groups1,
			"sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes": "100000\n", "sys/fs/cgroup/unified/memory.max": "90000\n"}), 90_000},
	} {
		t.Run(name, func(t *testing.T) {
			if got := memoryLimit(c.runtime, c.root); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
	if got := memoryLimit(none, os.DirFS("/")); got < 16<<20 || got == none {
		t.Errorf("this machine has %d bytes", got)
	}
	s := NewServer(nil, nil)
	defer s.Close()
	if s.svc.budget.limit < 4<<20 {
		t.Errorf("by default all queues may have %d bytes", s.svc.budget.limit)
	}
}
