// SPDX-License-Identifier: MIT

// This file holds how much memory the process may use: the limit of its runtime, its
// control groups or its machine.

package engineio

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// assumedMemory is assumed for systems without /proc, whose memory is unknown.
const assumedMemory = 4 << 30

// memoryLimit returns the limit of the runtime (GOMEMLIMIT) if that is set, otherwise the
// lowest of the machine's memory and the limits of the control groups of the process, of
// both versions. root is the file system of the machine.
func memoryLimit(runtimeLimit int64, root fs.FS) int64 {
	if runtimeLimit < math.MaxInt64 {
		return runtimeLimit
	}
	limit := int64(math.MaxInt64)
	note := func(n int64) {
		if n > 0 {
			limit = min(limit, n)
		}
	}
	for line := range strings.Lines(readText(root, "proc/meminfo")) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemTotal:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			note(kib << 10)
		}
	}
	groups := readText(root, "proc/self/cgroup")
	for line := range strings.Lines(readText(root, "proc/self/mountinfo")) {
		mount, ok := groupMount(line, groups)
		if !ok {
			continue
		}
		for _, dir := range mount.dirs {
			for _, file := range mount.files {
				n, _ := strconv.ParseInt(strings.TrimSpace(readText(root, path.Join(dir, file)[1:])), 10, 64) // "max" means unlimited
				note(n)
			}
		}
	}
	if limit == math.MaxInt64 {
		return assumedMemory
	}
	return limit
}

// A memoryMount is where control groups of memory are mounted.
type memoryMount struct {
	dirs  []string // of the group of the process and those around it
	files []string // that hold limits
}

// groupMount parses a line of mountinfo.
func groupMount(line, groups string) (m memoryMount, ok bool) {
	before, after, _ := strings.Cut(line, " - ")
	at, what := strings.Fields(before), strings.Fields(after)
	if len(at) < 5 || len(what) < 3 {
		return m, false
	}
	controller := ""
	switch {
	case what[0] == "cgroup2":
		m.files = []string{"memory.max", "memory.high"}
	case what[0] == "cgroup" && strings.Contains(","+what[2]+",", ",memory,"):
		controller = "memory"
		m.files = []string{"memory.limit_in_bytes"}
	default:
		return m, false
	}
	root, point := at[3], at[4]
	group := "/"
	for line := range strings.Lines(groups) { // number:controllers:group
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 &&
			strings.Contains(","+parts[1]+",", ","+controller+",") && (controller != "" || parts[0] == "0") {
			group = parts[2]
		}
	}
	// In a container the mount may be the group itself, or a group whose path is not a
	// prefix of the group's: then only the mount is visible.
	inside, found := strings.CutPrefix(group, strings.TrimSuffix(root, "/"))
	if !found || strings.HasPrefix(group, "/..") {
		inside = ""
	}
	for dir := path.Clean("/" + inside); ; dir = path.Dir(dir) {
		m.dirs = append(m.dirs, path.Join(point, dir))
		if dir == "/" {
			return m, true
		}
	}
}

func readText(root fs.FS, name string) string {
	text, _ := fs.ReadFile(root, name) // a file that does not exist sets no limit
	return string(text)
}
