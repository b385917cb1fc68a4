// SPDX-License-Identifier: MIT

// This file holds values as JSON can hold them.

package npmcluster

import (
	"encoding/base64"
	"encoding/json"
	"slices"
)

// Object is a JSON object.
type Object = map[string]any

// Neutral returns values as the program tells them: []any, Object and float64, and bytes as
// {"$b":base64}.
func Neutral(v any) any {
	text, err := json.Marshal(wrapped(v))
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return err
	}
	return v
}

// wrapped returns a value as JSON decodes it, with bytes as {"$b":base64}.
func wrapped(v any) any {
	switch v := v.(type) {
	case []byte:
		return Object{"$b": base64.StdEncoding.EncodeToString(v)}
	case []any:
		all := slices.Clone(v)
		for i := range all {
			all[i] = wrapped(all[i])
		}
		return all
	case Object:
		all := make(Object, len(v))
		for key, value := range v {
			all[key] = wrapped(value)
		}
		return all
	case int:
		return float64(v)
	}
	return v
}
