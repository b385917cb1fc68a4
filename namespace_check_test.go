// SPDX-License-Identifier: MIT

// This file tests namespaces that a cluster can't have.

package socketio_test

import (
	"errors"
	"strings"
	"testing"

	"socketio"
	"socketio/adapter"
)

// A picky cluster has namespaces with short names only.
type picky struct{ adapter.Cluster }

func (picky) CheckNamespace(name string) error {
	if len(name) > 8 {
		return errors.New("the name is too long")
	}
	return nil
}

// Of panics for a namespace that the cluster can't have, with its reason. Clients can't
// connect to one that a parent would make, and the parent is not asked.
func TestNamespacesThatAClusterCanNotHave(t *testing.T) {
	memory(t, &socketio.Options{Cluster: picky{adapter.Alone()}}, func(w *world) {
		asked := newList()
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool {
			asked.add(name)
			return true
		})
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, "the name is too long") {
					t.Errorf("Of panics with %q, want the reason", text)
				}
			}()
			w.io.Of("/a-long-name")
		}()
		p := w.open(polling)
		p.says(`0/a-long-name,`)
		p.hears(`4/a-long-name,{"message":"Invalid namespace"}`)
		p.joins("/short")
		want(t, "the parent was asked", strings.Join(asked.await(w, 1), ", "), "/short")
	})
}
