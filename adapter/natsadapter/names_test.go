// SPDX-License-Identifier: MIT

// This file tests the names of subjects.

package natsadapter

import (
	"strings"
	"testing"

	"socketio/adapter/cluster"
)

// Names of all kinds have tokens that differ, are read back, and are valid in subjects.
func TestTokens(t *testing.T) {
	long := strings.Repeat("x", longest)
	names := []string{
		"", "/", "room", "a.b", "a b", "*", ">", "a*", "=", "==", "=-", "=2E", ".", "..", "\x00", "\xff\xfe", "\u65e5\u672c \U0001f600", "\r\n",
		"A", "a", long, long + "x", long + "y", strings.Repeat(".", 39), strings.Repeat(".", 40), strings.Repeat(".", 41), strings.Repeat("z", 100_000),
		"=-" + strings.Repeat("A", 43), "$SYS", "_INBOX.x",
	}
	seen := make(map[string]string)
	for _, name := range names {
		tok, exact := token(name)
		if other, ok := seen[tok]; ok {
			t.Errorf("%.30q and %.30q have the token %q", name, other, tok)
		}
		seen[tok] = name
		if tok == "" || len(tok) > longest || strings.Trim(tok, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=") != "" {
			t.Errorf("the token of %.30q: %q", name, tok)
		}
		if got, ok := untoken(tok); ok != exact || ok && got != name {
			t.Errorf("untoken(%q) = %.30q, %v, want %.30q, %v", tok, got, ok, name, exact)
		}
		channel := cluster.Channel{Namespace: name, Name: name + "."}
		if space, room, ok := parseFullName(fullName(channel)); !ok || space != name || room != name+"." {
			t.Errorf("parseFullName: %.30q, %.30q, %v", space, room, ok)
		}
	}
	for _, bad := range []string{"=2", "=2e", "=41", "a.b", "=-short", long + "x"} {
		if name, ok := untoken(bad); ok {
			t.Errorf("untoken(%q) = %q", bad, name)
		}
	}
}

// No two channels have one subject.
func TestSubjects(t *testing.T) {
	s := subjects{"p"}
	seen := make(map[string]cluster.Channel)
	for class := cluster.ClassNodes; class <= cluster.ClassAnswers; class++ {
		for _, space := range []string{"/", "/a", "/a.room.b", "", "*"} {
			for _, name := range []string{"", "x", "a.b", "*", "events"} {
				c := cluster.Channel{Class: class, Namespace: space, Name: name}
				switch class {
				case cluster.ClassNodes:
					c.Namespace, c.Name = "", ""
				case cluster.ClassRoom, cluster.ClassNode:
				default:
					c.Name = ""
				}
				subject, exact := s.of(c)
				if other, ok := seen[subject]; ok && other != c {
					t.Errorf("%+v and %+v have the subject %q", c, other, subject)
				}
				seen[subject] = c
				if !exact || !strings.HasPrefix(subject, "p.") {
					t.Errorf("%+v: %q, %v", c, subject, exact)
				}
			}
		}
	}
}
