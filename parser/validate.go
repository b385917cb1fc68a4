// SPDX-License-Identifier: MIT

// This file checks JSON text (RFC 8259) in one pass, without recursion and
// without memory of its own. In packets with attachments the same pass checks
// the placeholders.

package parser

import "socketio/internal/jsontext"

// A validator checks one JSON text. Set the first three fields, then call run.
type validator struct {
	data     []byte
	maxDepth int

	// attachments is the number of attachments that placeholders may name. If zero,
	// objects that look like placeholders are plain data.
	attachments int

	// maxElements bounds the arrays and objects; zero means no bound.
	maxElements int

	// Results.
	elements  int       // arrays, and four times the objects
	pos       int       // where run stopped
	seen      [2]uint64 // bit i: attachment i has been named
	misplaced bool      // a malformed, foreign or repeated placeholder was met

	// objects has a bit for each open array or object, set for an object. A bit
	// is written when its level is entered, so older levels need no clearing.
	objects [ceilingDepth / 64]uint64
}

// Valid reports whether data is one JSON value with at most MaxDepth levels and
// MaxElements arrays and objects. White space around it is allowed. Unlike encoding/json,
// Valid rejects invalid UTF-8 and has its own limit of the depth.
func (l *Limits) Valid(data []byte) bool {
	v := validator{data: data, maxDepth: l.maxDepth(), maxElements: l.maxElements()}
	return v.run(jsontext.SkipSpace(data, 0))
}

// objectWeight is the number of arrays that an object counts as, since a map takes more
// memory.
const objectWeight = 4

// tooMany counts an array or an object, and reports whether the limit is exceeded.
func (v *validator) tooMany(object bool) bool {
	v.elements++
	if object {
		v.elements += objectWeight - 1
	}
	return v.maxElements > 0 && v.elements > v.maxElements
}

// run checks the value at i and that nothing but white space follows it.
// On failure pos is near the mistake.
func (v *validator) run(i int) bool {
	data := v.data
	depth := 0
	for {
		// A value starts at i, which may be past the end.
		ok := false
		if i < len(data) {
			switch c := data[i]; c {
			case '"':
				i, ok = jsontext.ScanString(data, i)
			case '[', '{':
				object := c == '{'
				if object && v.attachments > 0 {
					if num, n, is := jsontext.Placeholder(data[i:]); is && depth < v.maxDepth {
						v.name(num)
						i, ok = i+n, true
						break
					}
				}
				if depth == v.maxDepth || v.tooMany(object) {
					break
				}
				if i = jsontext.SkipSpace(data, i+1); i < len(data) && data[i] == c+2 { // '[' + 2 == ']', '{' + 2 == '}'
					i, ok = i+1, true
					break
				}
				v.enter(depth, object)
				depth++
				if object {
					if i, ok = v.member(i); !ok {
						v.pos = i
						return false
					}
				}
				continue
			case 't':
				i, ok = scanLiteral(data, i, "true")
			case 'f':
				i, ok = scanLiteral(data, i, "false")
			case 'n':
				i, ok = scanLiteral(data, i, "null")
			default:
				i, ok = jsontext.ScanNumber(data, i)
			}
		}
		if !ok {
			v.pos = i
			return false
		}
		// A value ended at i. Close the levels that end with it, up to the next comma.
		for {
			i = jsontext.SkipSpace(data, i)
			if depth == 0 {
				v.pos = i
				return i == len(data)
			}
			if i == len(data) {
				v.pos = i
				return false
			}
			object := v.inObject(depth - 1)
			if data[i] == ',' {
				i = jsontext.SkipSpace(data, i+1)
				if object {
					if i, ok = v.member(i); !ok {
						v.pos = i
						return false
					}
				}
				break
			}
			if object && data[i] != '}' || !object && data[i] != ']' {
				v.pos = i
				return false
			}
			i++
			depth--
		}
	}
}

func (v *validator) enter(level int, object bool) {
	bit := uint64(1) << (level % 64)
	if object {
		v.objects[level/64] |= bit
	} else {
		v.objects[level/64] &^= bit
	}
}

func (v *validator) inObject(level int) bool {
	return v.objects[level/64]>>(level%64)&1 != 0
}

// member checks the name of an object's member at i, and the colon. It returns
// where the value starts.
func (v *validator) member(i int) (int, bool) {
	if i >= len(v.data) || v.data[i] != '"' {
		return i, false
	}
	name := i
	i, ok := jsontext.ScanString(v.data, i)
	if !ok {
		return i, false
	}
	end := i
	if i = jsontext.SkipSpace(v.data, i); i >= len(v.data) || v.data[i] != ':' {
		return i, false
	}
	i = jsontext.SkipSpace(v.data, i+1)
	// Placeholder has accepted all valid ones, so this object is invalid.
	if v.attachments > 0 && string(v.data[name:end]) == `"_placeholder"` && jsontext.HasPrefixAt(v.data, i, "true") {
		v.misplaced = true
	}
	return i, true
}

// name records that a placeholder names attachment num.
func (v *validator) name(num int) {
	bit := uint64(1) << (num % 64)
	if num >= v.attachments || v.seen[num/64]&bit != 0 {
		v.misplaced = true
		return
	}
	v.seen[num/64] |= bit
}

// placeholdersOK reports, after a successful run, whether each attachment was
// named exactly once.
func (v *validator) placeholdersOK() bool {
	if v.misplaced {
		return false
	}
	for num := range v.attachments {
		if v.seen[num/64]>>(num%64)&1 == 0 {
			return false
		}
	}
	return true
}

func scanLiteral(data []byte, i int, word string) (int, bool) {
	if jsontext.HasPrefixAt(data, i, word) {
		return i + len(word), true
	}
	return i, false
}
