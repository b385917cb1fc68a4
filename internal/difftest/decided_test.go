// SPDX-License-Identifier: MIT

// Where our decoder intentionally rejects what npm accepts. Each entry checks
// independently that the message is such a case.

package difftest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"socketio/parser"
)

// A difference is one decision. applies gets the text from the beginning of a payload, an
// id or a namespace.
type difference struct {
	reason  string
	kind    parser.ErrorKind
	detail  string // of the error; "" is any
	applies func(text, rest string) bool
}

var differences = []difference{
	{
		// Number(" ") and Number("") are 0 in JavaScript, so it takes them for a CONNECT.
		"the type is a digit", parser.KindPacketType, "",
		func(text, _ string) bool { return text == "" || blank(text) },
	},
	{
		// Number(), again: "1.0", "1e0", " 1 ", "01", "0x1".
		"the number of attachments is written in digits", parser.KindAttachmentCount, "",
		func(text, _ string) bool { return !countForm.MatchString(text) },
	},
	{
		// It becomes a key of tables and a line of logs.
		"a namespace has at most 255 bytes and no control characters", parser.KindNamespace, "",
		func(text, _ string) bool {
			nsp, _, _ := strings.Cut(text[strings.IndexByte(text, '/'):], ",")
			return len(nsp) > 255 || strings.ContainsFunc(nsp, unicode.IsControl)
		},
	},
	{
		// JavaScript rounds them: two ids become one.
		"an id is an integer up to 2^53-1, without zeros in front", parser.KindPayload, "acknowledgement id",
		func(_, rest string) bool {
			digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
			n, err := strconv.ParseUint(digits, 10, 64)
			return err != nil || n > 1<<53-1 || digits != strconv.FormatUint(n, 10)
		},
	},
	{
		// A space passes for the digit of an id: Number(" ") is 0.
		"no space before the payload", parser.KindPayload, "",
		func(_, rest string) bool { return blank(strings.TrimLeft(rest, "0123456789")) },
	},
	{
		// Its server crashes or hangs on some of them.
		"events, acknowledgements and refusals have a payload", parser.KindPayload, "no payload",
		func(_, rest string) bool { return strings.Trim(rest, "0123456789") == "" },
	},
	{
		"payloads nest at most 512 deep", parser.KindPayload, "not JSON, nested too deep",
		func(_, rest string) bool {
			return strings.Count(rest, "[")+strings.Count(rest, "{") > parser.DefaultMaxDepth
		},
	},
	{
		// npm leaves attachments out, uses one twice, or takes 0.5 for a number.
		"each attachment is named once, by a plain placeholder", parser.KindPlaceholder, "",
		func(text, rest string) bool {
			count, _ := strconv.Atoi(countForm.FindStringSubmatch(text)[1])
			return !namedOnce(strings.TrimLeft(rest, "0123456789"), count)
		},
	},
}

// hidden matches what decoding hides: a duplicate member, in an object without others
// inside, and a name written with escapes.
var hidden = regexp.MustCompile(`"num"\s*:[^{}]*"num"\s*:|"_placeholder"\s*:[^{}]*"_placeholder"\s*:|"[^"]*\\u[^"]*"\s*:`)

var countForm = regexp.MustCompile(`^[56]([1-9][0-9]?)-`)

// decided returns the reason why ours rejects m with e and npm does not, or "" without
// one.
func decided(e *parser.DecodeError, m message) string {
	if m.binary {
		return ""
	}
	text := string(m.data)
	rest := afterNamespace(text)
	for _, d := range differences {
		if e.Kind == d.kind && strings.HasPrefix(e.Detail, d.detail) && d.applies(text, rest) {
			return d.reason
		}
	}
	return ""
}

func reasonsOf() []string {
	var reasons []string
	for _, d := range differences {
		reasons = append(reasons, d.reason)
	}
	return reasons
}

// afterNamespace returns what follows type, count and namespace.
func afterNamespace(text string) string {
	if loc := countForm.FindStringIndex(text); loc != nil {
		text = text[loc[1]:]
	} else if text != "" {
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
	}
	if strings.HasPrefix(text, "/") {
		_, text, _ = strings.Cut(text, ",")
	}
	return text
}

// blank reports whether s starts with white space of JavaScript.
func blank(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '\uFEFF' || unicode.IsSpace(r) && r != '\u0085'
}

// namedOnce reports whether payload names each of count attachments once, each by
// an object of just the two members, written without escapes.
func namedOnce(payload string, count int) bool {
	if strings.Count(payload, `"_placeholder"`) != count || hidden.MatchString(payload) {
		return false
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader([]byte(payload)))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return false
	}
	var seen []string
	plain := true
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, each := range v {
				walk(each)
			}
		case map[string]any:
			if v["_placeholder"] == true {
				num, _ := v["num"].(json.Number)
				plain = plain && len(v) == 2
				seen = append(seen, string(num))
				return
			}
			for _, each := range v {
				walk(each)
			}
		}
	}
	walk(v)
	slices.Sort(seen)
	var want []string
	for i := range count {
		want = append(want, strconv.Itoa(i))
	}
	slices.Sort(want)
	return plain && slices.Equal(seen, want)
}
