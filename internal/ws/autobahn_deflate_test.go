// SPDX-License-Identifier: MIT

// Autobahn, categories 12 and 13: permessage-deflate. The client end is the
// compress/flate of the standard library, which is not what the server uses.
//
// The suite sends 1000 messages in each case. Here it is 2 to 32, fewer of the large
// ones, each with another part of the data, compressed at another level. The payloads are
// generated, not the files of the suite, but of the same kinds.

package ws_test

import (
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"socketio/internal/ws"
)

const (
	compressedBit = 0x40
	roundBytes    = 48 << 10 // about the bytes that a case sends
	maxRounds     = 32
)

// abSizes are the sizes of messages, and of their fragments; 0: not fragmented.
var abSizes = [...][2]int{
	{16, 0}, {64, 0}, {256, 0}, {1024, 0}, {4096, 0}, {8192, 0}, {16384, 0}, {32768, 0}, {65536, 0}, {131072, 0},
	{8192, 256}, {16384, 256}, {32768, 256}, {65536, 256}, {131072, 256}, {131072, 1024}, {131072, 4096}, {131072, 32768},
}

func TestAutobahn12Deflate(t *testing.T) {
	count := 0
	for i, kind := range []struct {
		what string
		op   ws.Opcode
		data string
	}{
		{"JSON", text, jsonData()},
		{"random bytes", bin, noise(3 << 16)},
		{"prose", text, proseData()},
		{"HTML", text, htmlData()},
		{"a document of text and packed streams", bin, documentData()},
	} {
		for j, size := range abSizes {
			count++
			t.Run(fmt.Sprintf("12.%d.%d %s, %s", i+1, j+1, kind.what, sizes(size)), func(t *testing.T) {
				runDeflate(t, "permessage-deflate; client_max_window_bits", 15, kind.op, kind.data, size[0], size[1])
			})
		}
	}
	if count != 90 {
		t.Errorf("%d cases", count)
	}
}

func TestAutobahn13DeflateParams(t *testing.T) {
	const (
		plain = "permessage-deflate; client_max_window_bits"
		reset = plain + "; server_no_context_takeover"
	)
	count := 0
	data := jsonData()
	for i, offer := range []struct {
		what, header string
		window       int // bits that the server keeps to
	}{
		{"no wishes", plain, 15},
		{"no context takeover", reset, 15},
		{"a window of 9 bits", plain + "; server_max_window_bits=9", 9},
		{"a window of 15 bits", plain + "; server_max_window_bits=15", 15},
		{"no context takeover, a window of 9 bits", reset + "; server_max_window_bits=9", 9},
		{"no context takeover, a window of 15 bits", reset + "; server_max_window_bits=15", 15},
		{"three offers, the strictest first", reset + "; server_max_window_bits=9, " + reset + ", " + plain, 9},
	} {
		for j, size := range abSizes {
			count++
			t.Run(fmt.Sprintf("13.%d.%d %s, %s", i+1, j+1, offer.what, sizes(size)), func(t *testing.T) {
				runDeflate(t, offer.header, offer.window, text, data, size[0], size[1])
			})
		}
	}
	if count != 126 {
		t.Errorf("%d cases", count)
	}
}

func sizes(s [2]int) string {
	if s[1] == 0 {
		return fmt.Sprintf("messages of %d bytes", s[0])
	}
	return fmt.Sprintf("messages of %d bytes in fragments of %d", s[0], s[1])
}

func runDeflate(t *testing.T, offer string, window int, op ws.Opcode, data string, size, fragment int) {
	params := ws.NegotiateDeflate(http.Header{"Sec-Websocket-Extensions": {offer}})
	if !params.Negotiated() {
		t.Fatal("no agreement")
	}
	rounds := min(max(roundBytes/size, 2), maxRounds)
	if underRace {
		rounds = min(rounds, 5) // one for each level
		if testing.Short() {
			rounds = min(max(16<<10/size, 1), 2)
		}
	}
	var send []raw
	var want []string
	for i := range rounds {
		at := i * 997 % (len(data) - size)
		message := data[at : at+size]
		if op == text {
			message = strings.ToValidUTF8(message, "?") // both ends may be fragmented
		}
		want = append(want, message)
		send = append(send, compressed(op, message, i, fragment)...)
	}
	stream := rawStream(append(send, fin(closed, code(1000, ""))), true)
	cuts := []int{997}
	if !underRace {
		cuts = append(cuts, len(stream))
	}
	if len(stream) < 8<<10 {
		cuts = append(cuts, 1)
	}
	d := ws.NewDeflate(&ws.DeflateOptions{Threshold: -1})
	for _, cut := range cuts {
		e := echo{cfg: ws.Config{FromClient: true}, deflate: d, params: params}
		e.parser.AllowCompressed()
		e.feedAll(stream, cut)
		checkDeflated(t, e.out, op, want, window)
	}
}

// checkDeflated expects the messages, each in one frame and compressed if that is allowed
// and saves bytes, and then the close frame.
func checkDeflated(t *testing.T, out []byte, op ws.Opcode, want []string, window int) {
	t.Helper()
	frames := rawFrames(t, out, false)
	if len(frames) != len(want)+1 {
		t.Fatalf("%d frames, want %d", len(frames), len(want)+1)
	}
	if last := frames[len(want)]; last != fin(closed, code(1000, "")) {
		t.Fatalf("ended with %v", last)
	}
	packed := 0
	for i, f := range frames[:len(want)] {
		got := f.payload
		if f.first&compressedBit != 0 {
			packed++
			if window < 15 && len(want[i]) > 1<<window {
				t.Errorf("message %d of %d bytes is compressed for a window of %d bits", i, len(want[i]), window)
			}
			if got = stdInflate(t, got); len(f.payload) >= len(got) {
				t.Errorf("message %d has grown from %d to %d bytes", i, len(got), len(f.payload))
			}
		}
		if f.first&^compressedBit != 0x80|byte(op) || got != want[i] {
			t.Fatalf("message %d is %v, want %d bytes %.40q", i, f, len(want[i]), want[i])
		}
	}
	if n := len(want[0]); op == text && n >= 256 && (window == 15 || n <= 1<<window) && packed < len(want) {
		t.Errorf("only %d of %d messages are compressed", packed, len(want))
	}
}

// levels are levels of compression, used in turn: default, best, fast, without matches,
// none.
var levels = []int{stdflate.DefaultCompression, stdflate.BestCompression, stdflate.BestSpeed, stdflate.HuffmanOnly, stdflate.NoCompression}

// compressed returns a message as a client sends it. i selects the level.
func compressed(op ws.Opcode, message string, i, fragment int) []raw {
	payload := stdDeflate(message, levels[i%len(levels)])
	frames := []raw{fin(op, payload)}
	if fragment > 0 {
		frames = fragments(op, payload, fragment)
	}
	frames[0].first |= compressedBit
	return frames
}

// writers holds one compressor for each level: creating one takes longer than using it.
// Tests of this package do not run at the same time.
var writers = make(map[int]*stdflate.Writer)

// stdDeflate compresses as RFC 7692, section 7.2.1 says.
func stdDeflate(message string, level int) string {
	var b bytes.Buffer
	w := writers[level]
	if w == nil {
		var err error
		if w, err = stdflate.NewWriter(nil, level); err != nil {
			panic(err)
		}
		writers[level] = w
	}
	w.Reset(&b)
	io.WriteString(w, message)
	w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xFF\xFF")
}

// stdInflate is the inverse.
func stdInflate(t *testing.T, payload string) string {
	t.Helper()
	b, err := io.ReadAll(stdflate.NewReader(strings.NewReader(payload + "\x00\x00\xFF\xFF\x01\x00\x00\xFF\xFF")))
	if err != nil {
		t.Fatalf("% .40x can't be inflated: %v", payload, err)
	}
	return string(b)
}

const dataSize = 256 << 10

var words = strings.Fields("the server and its rooms größer été naïve 東京 packet socket broadcast Привет client event " +
	"namespace acknowledges binary polling upgrade of in to a that when from before after reconnects queue 🚀 quiet")

// fill writes items until there are enough. pick returns a number below n that looks
// random and is always the same.
func fill(item func(b *strings.Builder, pick func(n int) int)) string {
	x := uint32(1)
	pick := func(n int) int {
		x = x*1664525 + 1013904223
		return int(x>>8) % n
	}
	var b strings.Builder
	for b.Len() < dataSize {
		item(&b, pick)
	}
	return b.String()
}

func word(pick func(int) int) string { return words[pick(len(words))] }

func jsonData() string {
	return fill(func(b *strings.Builder, pick func(int) int) {
		fmt.Fprintf(b, `{"id":%d,"user":{"name":%q,"admin":%v},"tags":[%q,%q],"at":%d.%d},`+"\n",
			pick(1e6), word(pick), pick(2) == 0, word(pick), word(pick), pick(1e9), pick(1000))
	})
}

func proseData() string {
	return fill(func(b *strings.Builder, pick func(int) int) {
		for range 5 + pick(12) {
			b.WriteString(word(pick) + " ")
		}
		b.WriteString(word(pick) + ".\n")
	})
}

func htmlData() string {
	return fill(func(b *strings.Builder, pick func(int) int) {
		fmt.Fprintf(b, "<tr class=\"row-%d\"><td><a href=\"/item/%d\">%s %s</a></td><td>&nbsp;%s</td></tr>\n",
			pick(2), pick(1e5), word(pick), word(pick), word(pick))
	})
}

// documentData returns a few lines of structure around compressed bytes, as in a PDF.
func documentData() string {
	return fill(func(b *strings.Builder, pick func(int) int) {
		fmt.Fprintf(b, "%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n", pick(1e4), pick(1e4))
		b.WriteString(noise(200 + pick(3000)))
		b.WriteString("\nendstream\nendobj\n")
	})
}
