// SPDX-License-Identifier: MIT

// Cases from a seed: mostly well-formed, with a mistake here and there.

package difftest

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"

	"socketio/internal/ws"
)

// generated is the number of cases of each kind in an ordinary test run.
const generated = 20000

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// oneIn is true once in n times.
func oneIn(rng *rand.Rand, n int) bool { return rng.IntN(n) == 0 }

// text returns some text, broken once in a while.
func text(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(12) {
		b.WriteString(pick(rng, "a", "é", "€", "😀", "hello ", "\x00", "\u2028", "\uFFFD", "\U0010FFFF"))
	}
	if oneIn(rng, 12) {
		b.WriteString(pick(rng, "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f", "\x80"))
	}
	if oneIn(rng, 6) {
		return b.String() + "z"
	}
	return b.String()
}

// stream returns some frames.
func stream(rng *rand.Rand, fromClient bool) []byte {
	var out []byte
	for range 1 + rng.IntN(6) {
		if oneIn(rng, 5) {
			out = control(rng, out, fromClient)
			continue
		}
		op, payload := ws.Text, text(rng)
		if oneIn(rng, 3) {
			op = ws.Binary
		}
		if oneIn(rng, 8) {
			payload = strings.Repeat("x", pick(rng, 124, 125, 126, 127, 1000, maxMessage-1, maxMessage, maxMessage+1))
		}
		for !oneIn(rng, 3) && len(payload) > 0 {
			cut := rng.IntN(len(payload) + 1)
			out = frame(rng, out, op, false, payload[:cut], fromClient)
			op, payload = ws.Continuation, payload[cut:]
			if oneIn(rng, 3) {
				out = control(rng, out, fromClient)
			}
		}
		out = frame(rng, out, op, !oneIn(rng, 30), payload, fromClient)
	}
	if len(out) > 0 && oneIn(rng, 6) {
		out[rng.IntN(len(out))] ^= 1 << rng.IntN(8)
	}
	if oneIn(rng, 5) {
		out = out[:rng.IntN(len(out)+1)]
	}
	return out
}

func control(rng *rand.Rand, out []byte, fromClient bool) []byte {
	payload := text(rng)
	op := pick(rng, ws.Ping, ws.Pong)
	if oneIn(rng, 4) {
		op = ws.Close
		code := pick[uint16](rng, 0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1012, 1014, 1015, 1016, 2999, 3000, 4999, 5000, 65535)
		if oneIn(rng, 2) {
			code = 1000
		}
		payload = string(binary.BigEndian.AppendUint16(nil, code)) + payload
		if oneIn(rng, 8) {
			payload = payload[:rng.IntN(2)]
		}
	}
	if oneIn(rng, 30) {
		payload = strings.Repeat("p", pick(rng, 125, 126))
	}
	return frame(rng, out, op, true, payload, fromClient)
}

// frame appends one frame, with a mistake once in 40 times.
func frame(rng *rand.Rand, out []byte, op ws.Opcode, fin bool, payload string, fromClient bool) []byte {
	start := len(out)
	masked, form := fromClient, 0
	if oneIn(rng, 40) {
		switch rng.IntN(3) {
		case 0:
			masked = !masked
		case 1:
			form = 1 + rng.IntN(2) // a length longer than need be
		default:
			fin = !fin
		}
	}
	first := byte(op)
	if fin {
		first |= 0x80
	}
	var mask byte
	if masked {
		mask = 0x80
	}
	n := len(payload)
	switch {
	case form == 2 || n > 0xFFFF:
		out = binary.BigEndian.AppendUint64(append(out, first, mask|127), uint64(n))
	case form == 1 || n > 125:
		out = binary.BigEndian.AppendUint16(append(out, first, mask|126), uint16(n))
	default:
		out = append(out, first, mask|byte(n))
	}
	var key [4]byte
	if masked {
		binary.LittleEndian.PutUint32(key[:], rng.Uint32())
		out = append(out, key[:]...)
	}
	for i := range n {
		out = append(out, payload[i]^key[i&3])
	}
	if oneIn(rng, 60) {
		out[start] ^= pick[byte](rng, 0x10, 0x20, 0x40, 0x03, 0x04)
	}
	return out
}

// dialogue returns some messages of one connection.
func dialogue(rng *rand.Rand) []message {
	var out []message
	for range 1 + rng.IntN(3) {
		text, attachments := packetText(rng)
		out = append(out, message{data: []byte(text)})
		if oneIn(rng, 25) {
			attachments += pick(rng, -1, 1)
		}
		for range attachments {
			b := make([]byte, rng.IntN(4))
			for i := range b {
				b[i] = byte(rng.IntN(256))
			}
			out = append(out, message{true, b})
		}
	}
	return out
}

// packetText returns a packet and how many attachments follow it, with a mistake
// once in a while.
func packetText(rng *rand.Rand) (text string, attachments int) {
	odd := func(n int) bool { return oneIn(rng, n) }
	kind := rng.IntN(7)
	var b strings.Builder
	b.WriteByte('0' + byte(kind))
	if kind >= 5 {
		attachments = pick(rng, 1, 1, 2, 3, 10)
		count := strconv.Itoa(attachments)
		if odd(15) {
			count = pick(rng, "0", "11", "99", "100", "1.0", "1e0", " 1", "1 ", "01", "001", "0x1", "-1", "", "a", "1000000000000")
		}
		b.WriteString(count + "-")
	}
	switch {
	case odd(3):
		b.WriteString(pick(rng, "/admin,", "/a?b=c,", "/é,", "/,"))
	case odd(25):
		b.WriteString(pick(rng, "/"+strings.Repeat("n", pick(rng, 254, 255, 256))+",", "/a\x00,", "/a\u0085,", "/a", "//,", "/ ,"))
	}
	switch {
	case odd(3):
		b.WriteString(strconv.Itoa(rng.IntN(1000)))
	case odd(20):
		b.WriteString(pick(rng, "9007199254740991", "9007199254740992", "99999999999999999999", "00", "01", " ", "1 ", "-1", "1.5", "\u00a0", "\ufeff", "1e3"))
	}
	if !odd(20) {
		b.WriteString(payloadText(rng, kind, attachments))
	}
	text = b.String()
	if odd(20) {
		text = mutate(rng, text)
	}
	if odd(60) {
		text = pick(rng, "", " ", "\n{}", "7", "x", "\u00a0", "\u0085")
	}
	return text, attachments
}

func payloadText(rng *rand.Rand, kind, attachments int) string {
	if oneIn(rng, 25) {
		return pick(rng, "null", "false", "1", `"s"`, "[]", "{}", "[", "[null]", " ", "[[1]]", `["connect"]`, `["disconnecting"]`)
	}
	switch kind {
	case 0:
		return pick(rng, "", `{"token":"é"}`, "{}", "{ }", `{"sid":"a"}`)
	case 1:
		return ""
	case 4:
		return pick(rng, `"no"`, `{"message":"no","data":[1]}`, `{"message":"a"}`)
	}
	var values []string
	for range rng.IntN(4) {
		values = append(values, jsonText(rng, 3))
	}
	for _, i := range rng.Perm(attachments) {
		mark := pick(rng, `{"_placeholder":true,"num":%}`, `{"num":%,"_placeholder":true}`, `{ "_placeholder" : true , "num" : % }`)
		num := strconv.Itoa(i)
		if kind >= 5 && oneIn(rng, 25) {
			num = pick(rng, "0", "1", "11", "0.5", "-1", "1e0", `"0"`, "null", "00")
		}
		if oneIn(rng, 40) {
			mark = pick(rng, `{"_placeholder":true,"num":%,"x":1}`, `{"_placeholder":true}`, `{"_placeholder":1,"num":%}`, `{"\u005fplaceholder":true,"num":%}`, `{"_placeholder":true,"num":%,"num":0}`)
		}
		mark = strings.Replace(mark, "%", num, 1)
		for oneIn(rng, 3) {
			mark = pick(rng, `[`+mark+`]`, `{"in":`+mark+`}`, `[1,`+mark+`,2]`)
		}
		values = append(values, mark)
	}
	if kind == 2 || kind == 5 {
		name := pick(rng, `"e"`, `"é"`, `""`, "7", "-1.5", `"a\nb"`)
		if oneIn(rng, 30) {
			name = pick(rng, `"connect"`, `"connect_error"`, `"newListener"`, `"dis\u0063onnect"`, `"removeListener"`, "null", "true", "[]", `{}`)
		}
		values = append([]string{name}, values...)
	}
	return "[" + strings.Join(values, pick(rng, ",", ", ", " ,\n")) + "]" + pick(rng, "", "", "", " ", "\t\n")
}

func jsonText(rng *rand.Rand, depth int) string {
	if depth > 0 && oneIn(rng, 3) {
		var parts []string
		object := oneIn(rng, 2)
		for range rng.IntN(4) {
			v := jsonText(rng, depth-1)
			if object {
				v = pick(rng, `"a"`, `"b"`, `"__proto__"`, `"constructor"`, `"1"`, `"é"`, `"num"`, `"_placeholder"`) + ":" + v
			}
			parts = append(parts, v)
		}
		if object {
			return "{" + strings.Join(parts, ",") + "}"
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	if oneIn(rng, 150) {
		n := pick(rng, 500, 511, 512, 600)
		return strings.Repeat("[", n) + strings.Repeat("]", n)
	}
	return pick(rng, "null", "true", "false", "0", "-0", "1.5", "1e3", "1e999", "-1e400", "12345678901234567890", "5e-324", "1e-999",
		`""`, `"é€😀"`, `"\ud800"`, `"\ud83d\ude00"`, `"\u0000\n\""`, `"\u2028"`, "01", "tru", `"`, `'a'`)
}

// mutate changes text by some characters.
func mutate(rng *rand.Rand, text string) string {
	runes := []rune(text)
	if len(runes) == 0 {
		return text
	}
	at := rng.IntN(len(runes))
	switch rng.IntN(3) {
	case 0:
		runes[at] = pick(rng, '"', ',', '[', ']', '{', '}', '-', '0', '9', ' ', '/', '\\', 'e', '\u00e9')
	case 1:
		runes = append(runes[:at], runes[at+1:]...)
	default:
		runes = runes[:at]
	}
	return string(runes)
}
