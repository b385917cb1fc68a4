// SPDX-License-Identifier: MIT

// This file holds the rule that every exported type and function of the packages
// for applications has an example whose output is checked.

package archtest_test

import (
	"go/ast"
	"go/doc"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exemplary are the packages that the rule is for; "" is the root.
var exemplary = []string{"", "engineio", "adapter", "parser", "parser/msgpack"}

// shownBy names the example for a type that has none of its own name. The example
// uses it, by name or, where its value says "quietly", without.
var shownBy = map[string]string{
	"adapter.Queued":             "Batch",
	"socketio.ConnView":          "Socket_Conn quietly",
	"socketio.Deduplication":     "RetryObserver",
	"socketio.ErrorObserver":     "TraceObserver quietly",
	"socketio.EventInfo":         "EventObserver quietly",
	"socketio.NamespaceInfo":     "RoomObserver quietly",
	"socketio.NamespaceObserver": "RoomObserver quietly",
	"socketio.OutInfo":           "EventObserver quietly",
	"socketio.PressureObserver":  "AckObserver quietly",
	"socketio.SendObserver":      "EventObserver quietly",
	"socketio.SessionInfo":       "Recovery",
	"socketio.SocketInfo":        "SocketObserver quietly",
	"engineio.ConnInfo":          "ConnObserver quietly",
	"engineio.DropObserver":      "ConnObserver quietly",
	"engineio.DropReason":        "ConnObserver quietly",
	"engineio.Traffic":           "ConnObserver quietly",
	"engineio.TrafficObserver":   "ConnObserver quietly",
	"engineio.UpgradeObserver":   "ConnObserver quietly",
	"adapter.Answer":             "Call quietly",
	"adapter.Flags":              "Local quietly",
	"adapter.HandshakeInfo":      "Found",
	"adapter.Alone":              "Cluster",
	"adapter.Bus":                "Cluster quietly",
	"adapter.Keeper":             "Local quietly",
	"adapter.Sharer":             "Cluster quietly",
	"adapter.Meta":               "Local quietly",
	"adapter.Node":               "Health quietly",
	"adapter.Record":             "Log quietly",
	"adapter.SharedLog":          "Log quietly",
	"adapter.LogReader":          "Log quietly",
	"adapter.Rooms":              "Memory quietly",
	"adapter.Session":            "Store",
	"adapter.ReplyStore":         "Store quietly",
	"adapter.SharedStore":        "Store quietly",
	"adapter.Holder":             "Store quietly",
	"adapter.KeptEvent":          "Log quietly",
	"adapter.Membership":         "Store",
	"adapter.Retention":          "Store",
	"adapter.OverflowPolicy":     "Local quietly",
	"socketio.Emitter":           "Answers",
	"socketio.Asker":             "Answers",
	"socketio.Unicast":           "Answers",
	"adapter.Payload":            "Local quietly",
	"adapter.RoomWatcher":        "Observable quietly",
	"adapter.PartialError":       "Call",
	"adapter.MemberInfo":         "Found",
	"socketio.DataHolder":        "DataKey quietly",
	"socketio.RemoteSocket":      "Broadcast_FetchSockets quietly",
	"socketio.Reply":             "Broadcast_EmitWithAck quietly",
	"adapter.Member":             "Memory quietly",
	"adapter.Packet":             "Memory",
	"engineio.Driver":            "PerMessageDeflate quietly",
	"engineio.Handler":           "Server",
	"engineio.ForwardTarget":     "Forwarder",
	"parser.Encoded":             "Codec quietly",
	"parser.Outgoing":            "Codec",
	"parser.Packet":              "AppendPacket",
	"parser.PacketDecoder":       "Codec quietly",
	"parser.TextAppender":        "Codec quietly",
	"msgpack.Decoder":            "DecodeError",
}

// A subject is an exported type or function.
type subject struct {
	name string
	kind token.Token // TYPE or FUNC
}

func TestEverythingHasAnExample(t *testing.T) {
	listed := make(map[string]bool)
	for _, dir := range exemplary {
		subjects, examples := subjectsAndExamples(t, filepath.Join(root, filepath.FromSlash(dir)))
		if len(subjects) < 3 || len(examples) < 2 {
			t.Fatalf("%q has %d subjects and %d examples", dir, len(subjects), len(examples))
		}
		pkg := filepath.Base(dir)
		if dir == "" {
			pkg = "socketio"
		}
		for _, s := range subjects {
			full := pkg + "." + s.name
			named := slices.ContainsFunc(examples, func(e *doc.Example) bool {
				return e.Name == s.name || strings.HasPrefix(e.Name, s.name+"_")
			})
			used := slices.ContainsFunc(examples, func(e *doc.Example) bool { return uses(e, s.name) })
			by, quietly := strings.CutSuffix(shownBy[full], " quietly")
			if by != "" {
				listed[full] = true
			}
			shown := slices.ContainsFunc(examples, func(e *doc.Example) bool {
				return by != "" && e.Name == by && (quietly || uses(e, s.name))
			})
			switch {
			case named && by != "":
				t.Errorf("%s has an example of its own: take it out of shownBy", full)
			case named, shown, s.kind == token.FUNC && used:
			case by != "":
				t.Errorf("Example%s with checked output does not show %s", by, full)
			default:
				t.Errorf("%s has no example with checked output: write func Example%s, or name another in shownBy", full, s.name)
			}
		}
	}
	for full := range shownBy {
		if !listed[full] {
			t.Errorf("shownBy has %s, which does not exist", full)
		}
	}
}

// subjectsAndExamples reads one package: what it exports, and its examples with
// output.
func subjectsAndExamples(t *testing.T, dir string) (subjects []subject, examples []*doc.Example) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var tests []*ast.File
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		f, err := parse(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(entry.Name(), "_test.go") {
			tests = append(tests, f)
		} else {
			subjects = append(subjects, exportedBy(f)...)
		}
	}
	for _, e := range doc.Examples(tests...) {
		if e.Output != "" || e.EmptyOutput {
			examples = append(examples, e)
		}
	}
	return subjects, examples
}

func exportedBy(f *ast.File) (subjects []subject) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.IsExported() {
				subjects = append(subjects, subject{d.Name.Name, token.FUNC})
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				// An alias is shown where its type is.
				if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && !s.Assign.IsValid() {
					subjects = append(subjects, subject{s.Name.Name, token.TYPE})
				}
			}
		}
	}
	return subjects
}

// uses reports whether an example has package.name in its code.
func uses(e *doc.Example, name string) (found bool) {
	ast.Inspect(e.Code, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if _, ok := sel.X.(*ast.Ident); ok && sel.Sel.Name == name {
			found = true
		}
		return true
	})
	return found
}
