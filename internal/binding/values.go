// SPDX-License-Identifier: MIT

// This file holds how lists of undecoded values are decoded, in any packet format.

package binding

import (
	"fmt"

	"socketio/parser"
)

// DecodeValues decodes the first len(dst) values into dst, which must be pointers. A nil
// element skips a value. If there are fewer values, it returns missing with the
// number, from 1. Errors of decoding begin with the name of a package, pkg, and the number.
func DecodeValues(pkg string, missing error, codec parser.Codec, values, attachments [][]byte, dst []any) error {
	for i, d := range dst {
		if i >= len(values) {
			return fmt.Errorf("%w %d", missing, i+1)
		}
		if d == nil {
			continue
		}
		if err := codec.Decode(values[i], attachments, d); err != nil {
			return badValue(pkg, i, err)
		}
	}
	return nil
}

// AnyValues decodes values as encoding/json does for an any, with []byte for binary
// values. See DecodeValues for errors.
func AnyValues(pkg string, codec parser.Codec, values, attachments [][]byte) ([]any, error) {
	decoded := make([]any, len(values))
	for i, raw := range values {
		if err := codec.Decode(raw, attachments, &decoded[i]); err != nil {
			return nil, badValue(pkg, i, err)
		}
	}
	return decoded, nil
}

func badValue(pkg string, i int, err error) error {
	return fmt.Errorf("%s: argument %d: %w", pkg, i+1, err)
}
