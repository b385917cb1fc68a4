// SPDX-License-Identifier: MIT

// This file checks the files of deploy/ that start this program and can't be run
// everywhere: each names flags, paths and times that must fit the program's. The
// manifest of Kubernetes is read in examples/frameworks, which has a YAML library.

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// megabytes reads 460MiB, 512m and 1G.
func megabytes(t *testing.T, text string) int {
	t.Helper()
	for _, unit := range []struct {
		suffix string
		size   int
	}{{"MiB", 1}, {"Mi", 1}, {"m", 1}, {"GiB", 1024}, {"G", 1024}} {
		if digits, ok := strings.CutSuffix(text, unit.suffix); ok {
			n, err := strconv.Atoi(digits)
			if err != nil {
				t.Fatal(err)
			}
			return n * unit.size
		}
	}
	t.Fatalf("%q has no unit that GOMEMLIMIT knows", text)
	return 0
}

// fits checks what is alike for all who start the program.
func fits(t *testing.T, args []string, goMemLimit, memory string, grace time.Duration) settings {
	t.Helper()
	s, err := parse(args)
	if err != nil {
		t.Fatalf("the program does not take %q: %v", args, err)
	}
	if limit, all := megabytes(t, goMemLimit), megabytes(t, memory); limit < all*8/10 || limit > all*95/100 {
		t.Errorf("GOMEMLIMIT is %d MiB of %d MiB, want about nine tenths", limit, all)
	}
	if s.delay+s.drain >= grace {
		t.Errorf("it is killed after %v, and its own end may take %v", grace, s.delay+s.drain)
	}
	if s.maxConnections == 0 {
		t.Error("the number of clients has no bound")
	}
	return s
}

func TestDockerfile(t *testing.T) {
	found := make(map[string]string)
	var copies []string
	for line := range strings.Lines(read(t, "deploy/Dockerfile")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD":
		default:
			t.Errorf("there is no instruction %s", word)
		}
		found[word] += "\n" + rest
		if word == "COPY" {
			copies = append(copies, rest)
		}
	}
	version, _, _ := strings.Cut(strings.SplitAfter(read(t, "go.mod"), "\ngo ")[1], "\n")
	if !strings.Contains(found["FROM"], "golang:"+strings.TrimSuffix(version, ".0")+" AS build") {
		t.Errorf("the image is built with %q, and go.mod says %s", found["FROM"], version)
	}
	if !strings.HasSuffix(found["RUN"], "-o /production ./examples/production") {
		t.Errorf("it builds %q", found["RUN"])
	}
	for _, name := range strings.Fields("go.mod go.sum examples/production/main.go") {
		read(t, name) // what is copied and built is there
	}
	var entry, args []string
	if err := json.Unmarshal([]byte(found["ENTRYPOINT"]), &entry); err != nil || len(entry) != 1 {
		t.Fatalf("ENTRYPOINT is %q, %v: a shell would not pass the signal on", found["ENTRYPOINT"], err)
	}
	if last := copies[len(copies)-1]; last != "--from=build /production "+entry[0] {
		t.Errorf("the program is copied by %q and started as %q", last, entry[0])
	}
	if err := json.Unmarshal([]byte(found["CMD"]), &args); err != nil {
		t.Fatal(err)
	}
	_, limit, _ := strings.Cut(found["ENV"], "GOMEMLIMIT=")
	s := fits(t, args, limit, "512m", 40*time.Second) // as its comment runs it
	if s.addr != ":"+strings.TrimSpace(found["EXPOSE"]) {
		t.Errorf("it listens on %s and exposes %s", s.addr, found["EXPOSE"])
	}
	if strings.TrimSpace(found["STOPSIGNAL"]) != "SIGTERM" {
		t.Errorf("it is stopped by %s", found["STOPSIGNAL"])
	}
	for _, part := range []string{"--memory 512m", "--stop-timeout 40", "-f deploy/Dockerfile"} {
		if !strings.Contains(read(t, "deploy/Dockerfile"), part) {
			t.Errorf("its comment does not have %s", part)
		}
	}
}

// unit reads a unit of systemd: keys by section.
func unit(t *testing.T, name string) map[string]string {
	t.Helper()
	known := " Unit.Description Unit.Requires Unit.After Service.Type Service.ExecStart Service.TimeoutStopSec Service.KillSignal" +
		" Service.Restart Service.LimitNOFILE Service.MemoryMax Service.Environment Service.DynamicUser Service.NoNewPrivileges" +
		" Service.ProtectSystem Service.ProtectHome Service.PrivateTmp Install.WantedBy Socket.ListenStream Socket.Backlog "
	keys, section := make(map[string]string), ""
	for line := range strings.Lines(read(t, name)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		default:
			key, value, ok := strings.Cut(line, "=")
			key = section + "." + key
			if !ok || !strings.Contains(known, " "+key+" ") {
				t.Errorf("%s: %s is no setting that we know", name, line)
			}
			keys[key] = value
		}
	}
	return keys
}

func TestSystemdUnits(t *testing.T) {
	service, socket := unit(t, "deploy/production.service"), unit(t, "deploy/production.socket")
	args := strings.Fields(service["Service.ExecStart"])
	if filepath.Base(args[0]) != "production" || !filepath.IsAbs(args[0]) {
		t.Errorf("it starts %s", args[0])
	}
	seconds, err := strconv.Atoi(service["Service.TimeoutStopSec"])
	if err != nil {
		t.Fatal(err)
	}
	limit := strings.TrimPrefix(service["Service.Environment"], "GOMEMLIMIT=")
	s := fits(t, args[1:], limit, service["Service.MemoryMax"], time.Duration(seconds)*time.Second)
	if files, err := strconv.Atoi(service["Service.LimitNOFILE"]); err != nil || files <= s.maxConnections {
		t.Errorf("%d descriptors for %d clients, %v", files, s.maxConnections, err)
	}
	if service["Unit.Requires"] != "production.socket" || service["Service.KillSignal"] != "SIGTERM" {
		t.Errorf("the service is %v", service)
	}
	if port, err := strconv.Atoi(socket["Socket.ListenStream"]); err != nil || port < 1 {
		t.Errorf("the socket is %v", socket)
	}
}
