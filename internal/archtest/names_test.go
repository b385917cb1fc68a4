// SPDX-License-Identifier: MIT

// This file holds the rule that an exported name means one thing in all public packages.

package archtest_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sameMeaning are the names that several public packages declare, and why a reader of
// one is not misled by the other.
var sameMeaning = map[string]string{
	"Args":                 "the arguments of an event: at the server, and at a client of siotest",
	"Bus":                  "what connects to other nodes: a namespace, and a whole node",
	"Cluster":              "what joins a server to others: the contract, and the one over a bus",
	"Codec":                "a format of messages: packets, in the contract and in msgpack, and what nodes send each other",
	"Conn":                 "an Engine.IO connection: at the server, and at a client of siotest",
	"ConnectError":         "the rejection of a namespace: sent by the server, received by a client of siotest",
	"DecodeError":          "a message that is no packet, in either format",
	"Decoder":              "messages to packets, in either format",
	"Emitter":              "what sends events: a part of a server, and a process without one",
	"Entry":                "a line of a record: of a transcript, and of the log of a namespace",
	"ErrClosed":            "the connection has closed",
	"ErrDegraded":          "other servers may not know of this one's rooms",
	"ErrDropped":           "the message was dropped, as its policy allows",
	"ErrTaken":             "one error, in the contract of stores and in that of their sessions",
	"ErrQueueFull":         "the queue has no room for the message",
	"ErrReservedEvent":     "the name of the event is reserved",
	"ErrRoomName":          "the name of the room is too long",
	"ErrMoved":             "the client is asked to connect again",
	"ErrShutdown":          "the server shuts down",
	"ErrSlowConsumer":      "the client did not read in time",
	"ErrTooLarge":          "the message is larger than the limit",
	"ErrorKind":            "what is wrong with a message that is no packet, in either format",
	"Event":                "an event with its arguments: at the server, and at a client of siotest",
	"Handshake":            "the request that opened a connection: socketio embeds that of engineio, adapter copies what other nodes see",
	"KindNamespace":        "see ErrorKind",
	"KindPacketType":       "see ErrorKind",
	"KindPayload":          "see ErrorKind",
	"Message":              "what an end of a connection sends to the other: to a client, and to another node",
	"New":                  "makes the main type of its package",
	"NewServer":            "makes the Server of its package",
	"Node":                 "one server of several: for adapters, in a network in memory, and to forward requests",
	"Options":              "configure the main type of their package",
	"OverflowClose":        "what happens to a message when a queue is full, in adapter with a zero value for the default",
	"OverflowDropNewest":   "see OverflowClose",
	"OverflowDropOldest":   "see OverflowClose",
	"OverflowFail":         "see OverflowClose",
	"Packet":               "a Socket.IO packet: with values for adapters, as text for the parser",
	"Polling":              "the transport",
	"ReasonForcedClose":    "why it ended: the connection, and with it the socket",
	"ReasonParseError":     "see ReasonForcedClose",
	"ReasonPingTimeout":    "see ReasonForcedClose",
	"ReasonTransportClose": "see ReasonForcedClose",
	"ReasonTransportError": "see ReasonForcedClose",
	"Reply":                "an acknowledgement: at the server, and at a client of siotest",
	"RoomObserver":         "is notified of changes of rooms: an application's, and an adapter's",
	"Server":               "the server of its package",
	"Stats":                "counters of the main type of their package",
	"SocketInfo":           "a socket as others see it: observers, and other nodes",
	"WebSocket":            "the transport",
}

var exportedLine = regexp.MustCompile(`^\t(?:type|func|const|var) (\w+)( = )?`)

func TestNamesMeanOneThing(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "api.txt"))
	if err != nil {
		t.Fatal(err)
	}
	declaredBy, in := make(map[string][]string), ""
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "package "); ok {
			in = strings.TrimSpace(name)
			continue
		}
		if m := exportedLine.FindStringSubmatch(line); m != nil && m[2] == "" { // an alias is the same thing
			declaredBy[m[1]] = append(declaredBy[m[1]], in)
		}
	}
	if len(declaredBy) < 150 {
		t.Fatalf("docs/api.txt has %d names: is it read?", len(declaredBy))
	}
	for _, name := range slices.Sorted(maps.Keys(declaredBy)) {
		if all := declaredBy[name]; len(all) > 1 && sameMeaning[name] == "" {
			t.Errorf("%s is declared in %s: give one another name, or say in sameMeaning why they mean the same", name, strings.Join(all, " and "))
		}
	}
}

// docLines is how long the first page of the documentation of package socketio may be.
const docLines = 150

func TestDocumentationFitsOnAPage(t *testing.T) {
	cmd := exec.Command("go", "doc", module)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "type Server struct") {
		t.Fatalf("go doc %s does not list the types: %.200s", module, out)
	}
	if n := strings.Count(string(out), "\n"); n > docLines {
		t.Errorf("go doc %s has %d lines, at most %d: shorten the package comment, or export less", module, n, docLines)
	}
}
