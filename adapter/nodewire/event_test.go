// SPDX-License-Identifier: MIT

// This file tests the encoding of events.

package nodewire_test

import (
	"strings"
	"testing"

	"socketio/adapter/nodewire"
)

func TestEncodeEvent(t *testing.T) {
	for _, c := range []struct {
		args []any
		want string
		n    int // attachments
	}{
		{nil, `["a \"b\""]`, 0},
		{[]any{1, nil, "\u00e9<&>", map[string]any{"k": []int{}}}, `["a \"b\"",1,null,"é<&>",{"k":[]}]`, 0},
		{[]any{[]byte{1}, struct{ B []byte }{[]byte{2}}}, `["a \"b\"",{"_placeholder":true,"num":0},{"B":{"_placeholder":true,"num":1}}]`, 2},
	} {
		e, err := nodewire.EncodeEvent(`a "b"`, c.args...)
		if err != nil || string(e.JSON) != c.want || len(e.Attachments) != c.n {
			t.Errorf("%v: %s, %d attachments, %v, want %s, %d", c.args, e.JSON, len(e.Attachments), err, c.want, c.n)
		}
	}
	if _, err := nodewire.EncodeEvent("name", func() {}); err == nil || !strings.Contains(err.Error(), "name") {
		t.Errorf("a function: %v", err)
	}
}
