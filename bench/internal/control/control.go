// SPDX-License-Identifier: MIT

//go:build linux

// Package control is how the benchmark talks to a server it measures: commands on
// standard input, answers on standard output, one line each.
//
//	(at start)          listening ADDRESS
//	stat                USER SYSTEM, the process's own CPU in microseconds
//	gc                  ok, after a collection that gives memory back
//	cpuprofile PATH     ok; ends with cpuprofile and no path
//	heapprofile PATH    ok, after a collection
//	memory              where the memory is, in KiB, after a collection that gives memory back
package control

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"syscall"
)

// Listen listens on a port of 127.0.0.1 that the kernel picks, after it has raised
// the process's limit of descriptors as far as allowed. It parses the flags.
func Listen() net.Listener {
	exact := flag.Bool("exact-heap", false, "let the heap profile count every allocation")
	flag.Parse()
	if *exact {
		runtime.MemProfileRate = 1
	}
	RaiseLimit()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		Fatal(err)
	}
	return ln
}

// RaiseLimit raises the limit of descriptors to the system's maximum and returns it.
func RaiseLimit() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 1024
	}
	r.Cur = r.Max
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &r) // best effort
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r)
	return int(r.Cur)
}

// Fatal says why the process ends and ends it.
func Fatal(err error) {
	fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
	os.Exit(1)
}

// Serve says where the server listens and answers commands until standard input
// ends; then it ends the process. more are the commands of one program.
func Serve(addr net.Addr, more map[string]func(arg string) (string, error)) {
	fmt.Println("listening", addr)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		name, arg, _ := strings.Cut(in.Text(), " ")
		do := more[name]
		if do == nil {
			do = func(arg string) (string, error) { return run(name, arg) }
		}
		answer, err := do(arg)
		if err != nil {
			answer = "error " + err.Error()
		}
		fmt.Println(answer)
	}
	os.Exit(0)
}

func run(name, arg string) (string, error) {
	switch name {
	case "stat":
		user, system := CPU()
		return fmt.Sprint(user, " ", system), nil
	case "gc":
		debug.FreeOSMemory()
		return "ok", nil
	case "memory":
		return memory(), nil
	case "cpuprofile":
		return "ok", cpuProfile(arg)
	case "heapprofile":
		return "ok", heapProfile(arg)
	}
	return "", fmt.Errorf("unknown command %q", name)
}

// CPU returns the CPU time used by this process, in microseconds.
func CPU() (user, system int64) {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // can't fail with these arguments
	return r.Utime.Nano() / 1000, r.Stime.Nano() / 1000
}

func memory() string {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return fmt.Sprintf("live objects %d, heap spans in use %d, stacks %d, runtime %d, goroutines %d",
		m.HeapAlloc>>10, m.HeapInuse>>10, m.StackInuse>>10, (m.MSpanInuse+m.MCacheInuse+m.GCSys+m.OtherSys+m.BuckHashSys)>>10,
		runtime.NumGoroutine())
}

func cpuProfile(path string) error {
	if path == "" {
		pprof.StopCPUProfile()
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(f)
}

func heapProfile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	runtime.GC()
	runtime.GC() // the second one publishes the memory freed by the first
	if err := pprof.WriteHeapProfile(f); err != nil {
		return err
	}
	return f.Close()
}
