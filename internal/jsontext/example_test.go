// SPDX-License-Identifier: MIT

// This file shows the package in use.

package jsontext_test

import (
	"fmt"

	"socketio/internal/jsontext"
)

func ExampleAppendString() {
	fmt.Printf("%s\n", jsontext.AppendString(nil, "tab\t and \"quotes\""))
	// Output: "tab\t and \"quotes\""
}

func ExampleUnquote() {
	s, err := jsontext.Unquote([]byte(`"caf\u00e9"`))
	fmt.Println(s, err)
	// Output: café <nil>
}

// A placeholder stands in JSON where bytes were.
func ExampleAppendPlaceholder() {
	raw := jsontext.AppendPlaceholder([]byte(`["photo",`), 0)
	raw = append(raw, ']')
	start, end, num := jsontext.NextPlaceholder(raw, 0)
	fmt.Printf("%s\n%s is number %d\n", raw, raw[start:end], num)
	num, n, ok := jsontext.Placeholder(raw[start:])
	fmt.Println(num, n, ok)
	// Output:
	// ["photo",{"_placeholder":true,"num":0}]
	// {"_placeholder":true,"num":0} is number 0
	// 0 29 true
}
