// SPDX-License-Identifier: MIT

// This file holds the tests of servers with a packet format other than the default.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

var mp msgpack.Codec

// pack returns a packet in MessagePack.
func pack(t parser.Type, namespace string, id int64, args ...any) []byte {
	p := parser.Outgoing{Type: t, Namespace: namespace, ID: id}
	switch t {
	case parser.TypeEvent:
		p.Event, p.Args = args[0].(string), args[1:]
	case parser.TypeAck:
		p.Args = args
	default:
		if len(args) > 0 {
			p.Payload = args[0]
		}
	}
	enc, err := mp.AppendPacket(nil, p)
	if err != nil {
		panic(err)
	}
	return enc.Data
}

// unpack returns the next packet that the client receives, and its data.
func unpack(p *peer) (got parser.Packet, data any) {
	p.w.Helper()
	next, err := p.next()
	if err != nil || next.binary == nil {
		p.w.Fatalf("the client should hear a binary packet, but hears %v, %v", next, err)
	}
	got, _, err = new(msgpack.Decoder).Add(nil, true, next.binary)
	if err != nil {
		p.w.Fatalf("%v: %v", next, err)
	}
	if got.Data != nil {
		if err := mp.Decode(got.Data, nil, &data); err != nil {
			p.w.Fatal(err)
		}
	}
	return got, data
}

func packJoins(p *peer, namespace string, auth ...any) {
	p.w.Helper()
	p.says(pack(parser.TypeConnect, namespace, parser.NoID, auth...))
	got, data := unpack(p)
	if m, ok := data.(map[string]any); got.Type != parser.TypeConnect || got.Namespace != namespace || !ok || m["sid"] == "" {
		p.w.Fatalf("the client should join %s, but hears %+v %v", namespace, got, data)
	}
}

func TestMsgpackServer(t *testing.T) {
	type photo struct {
		Name   string    `json:"name"`
		Pixels []byte    `json:"pixels"`
		At     time.Time `json:"at"`
	}
	at := time.UnixMilli(1_700_000_000_123).UTC()
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, &socketio.Options{Codec: new(msgpack.Codec)}, func(w *world) {
				answers := make(chan any, 8)
				w.io.OnConnection(func(s *socketio.Socket) {
					var auth struct{ Token []byte }
					answers <- s.Handshake().DecodeAuth(&auth)
					answers <- string(auth.Token)
					answers <- string(s.Handshake().Auth)
					s.On("photo", func(p photo) photo { p.Name += "!"; return p })
					s.On("raw", func(a socketio.Args) { answers <- a.String() })
					s.On("fail", func(n int) error { return &socketio.PublicError{Message: "<no>", Code: "E"} })
					s.On("ask", func() {
						reply, err := s.EmitWithAck(s.Context(), "question", []byte{9})
						var n int
						answers <- errors.Join(err, reply.Decode(&n))
						answers <- n
					})
				})
				w.io.Of("/no").Use(func(context.Context, *socketio.Socket) error {
					return &socketio.ConnectError{Message: "no", Data: map[string]any{"bytes": []byte{1}}}
				})
				p := w.open(transport)
				packJoins(p, "/", map[string]any{"token": []byte("secret")})
				if err, token, text := <-answers, <-answers, <-answers; err != nil || token != "secret" || text != `{"token":"c2VjcmV0"}` {
					t.Error(err, token, text)
				}
				expect := func(what string, typ parser.Type, id int64, want any) {
					t.Helper()
					if got, data := unpack(p); got.Type != typ || got.ID != id || !reflect.DeepEqual(data, want) {
						t.Errorf("%s: %v %d %#v, want %v %d %#v", what, got.Type, got.ID, data, typ, id, want)
					}
				}
				p.says(pack(parser.TypeEvent, "/", 7, "photo", photo{"a", []byte{1, 2}, at}))
				expect("the answer", parser.TypeAck, 7, []any{map[string]any{"name": "a!", "pixels": []byte{1, 2}, "at": at}})
				p.says(pack(parser.TypeEvent, "/", 8, "fail", "x"))
				expect("a wrong argument", parser.TypeAck, 8, []any{map[string]any{"error": map[string]any{"message": "invalid argument 1", "code": "invalid_argument"}}})
				p.says(pack(parser.TypeEvent, "/", 9, "fail", 1))
				expect("a public error", parser.TypeAck, 9, []any{map[string]any{"error": map[string]any{"message": "<no>", "code": "E"}}})
				p.says(pack(parser.TypeEvent, "/", -1, "raw", 1, []byte{1}, nil, "é"))
				if text := <-answers; text != `[1,"AQ==",null,"é"]` {
					t.Error(text)
				}
				p.says(pack(parser.TypeEvent, "/", -1, "ask"))
				expect("a question", parser.TypeEvent, 0, []any{"question", []byte{9}})
				p.says(pack(parser.TypeAck, "/", 0, 42))
				if err, n := <-answers, <-answers; err != nil || n != 42 {
					t.Error(err, n)
				}
				p.says(pack(parser.TypeConnect, "/no", -1))
				expect("a refusal", parser.TypeConnectError, -1, map[string]any{"message": "no", "data": map[string]any{"bytes": []byte{1}}})
				w.io.Emit("to all", make([]byte, 100_000))
				expect("a broadcast", parser.TypeEvent, -1, []any{"to all", make([]byte, 100_000)})
				p.says(pack(parser.TypeEvent, "/", 3, "photo", photo{"b", make([]byte, 200_000), at})) // decoded off the loop
				expect("a large answer", parser.TypeAck, 3, []any{map[string]any{"name": "b!", "pixels": make([]byte, 200_000), "at": at}})
				for _, s := range w.io.Sockets() {
					s.Disconnect()
				}
				expect("the end", parser.TypeDisconnect, -1, nil)
			})
		})
	}
}

func TestMsgpackViolations(t *testing.T) {
	deep := append(pack(parser.TypeEvent, "/", -1, "e", 0)[:0:0], "\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e"...)
	deep = append(deep, strings.Repeat("\x91", 100_000)...)
	for what, packet := range map[string]any{
		"a text packet":       `2["e"]`,
		"rubbish":             []byte{0xc1},
		"nothing":             []byte{},
		"a hostile length":    []byte("\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd\xff\xff\xff\xff"),
		"a reserved name":     pack(parser.TypeEvent, "/", -1, "disconnect"),
		"too deep":            append(deep, 0xc0),
		"an unjoined one":     pack(parser.TypeEvent, "/other", -1, "e"),
		"a refusal by client": pack(parser.TypeConnectError, "/", -1, "no"),
	} {
		t.Run(what, func(t *testing.T) {
			memory(t, &socketio.Options{Codec: new(msgpack.Codec)}, func(w *world) {
				bystander, p := w.open(websocket), w.open(websocket)
				packJoins(bystander, "/")
				packJoins(p, "/")
				_ = p.tries(packet)
				p.isClosed(1002)
				w.io.Emit("still", 1)
				if _, data := unpack(bystander); !reflect.DeepEqual(data, []any{"still", 1.0}) {
					t.Errorf("the bystander hears %v", data)
				}
			})
		})
	}
}

// shout is a custom format: the default one, with event names in upper case. It may fail.
type shout struct{ fails bool }

func (c *shout) AppendPacket(dst []byte, p parser.Outgoing) (parser.Encoded, error) {
	if c.fails {
		return parser.Encoded{}, errors.New("the codec fails")
	}
	dst = append(dst, '0'+byte(p.Type))
	var data any = p.Payload
	if p.Type == parser.TypeEvent {
		data = append([]any{strings.ToUpper(p.Event)}, p.Args...)
	}
	if data == nil {
		return parser.Encoded{Data: dst}, nil
	}
	text, err := json.Marshal(data)
	return parser.Encoded{Data: append(dst, text...)}, err
}

func (*shout) NewDecoder() parser.PacketDecoder              { return new(parser.Decoder) }
func (*shout) EventName(data []byte) []byte                  { return parser.EventName(data) }
func (*shout) SplitArray(dst [][]byte, data []byte) [][]byte { return parser.SplitArray(dst, data) }
func (*shout) Decode(raw []byte, _ [][]byte, dst any) error  { return json.Unmarshal(raw, dst) }

func TestCodecOfOnesOwn(t *testing.T) {
	memory(t, &socketio.Options{Codec: new(shout)}, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("say", func(text string) { s.Emit("heard", text, string(s.Handshake().Auth)) })
		})
		p := w.open(websocket)
		p.joins("/")
		p.says(`2["say","hi"]`)
		p.hears(`2["HEARD","hi","{}"]`)
	})
	memory(t, &socketio.Options{Codec: &shout{fails: true}}, func(w *world) {
		p := w.open(websocket)
		p.says("0")
		p.isClosed(1011)
		if err := w.io.Emit("e"); err == nil || !strings.Contains(err.Error(), "the codec fails") {
			t.Errorf("Emit: %v", err)
		}
	})
}

// GHSA-7xpx-rcqc-8qjh, GHSA-c6g7-r2mf-pf5g and the ext types of socketioxide's parser:
// MessagePack that ends early, announces more data than there is, or nests without end.
// Each closes the connection that sent it and affects no other.
func TestMsgpackThatLies(t *testing.T) {
	const event = "\x83\xa4type\x02\xa3nsp\xa1/\xa4data"
	for name, data := range map[string]string{
		"an array longer than the message":    event + "\xdd\xff\xff\xff\xff",
		"a map longer than the message":       event + "\xdf\xff\xff\xff\xff",
		"a string longer than the message":    event + "\x92\xa1e\xdb\xff\xff\xff\xff",
		"bytes longer than the message":       event + "\x92\xa1e\xc6\xff\xff\xff\xff",
		"an extension longer than it":         event + "\x92\xa1e\xc9\xff\xff\xff\xff\x01",
		"a map of the envelope that is short": "\xdf\xff\xff\xff\xff\xa4type\x02",
		"the key id without a value":          "\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1e\xa2id",
		"the key data without a value":        event,
		"the key type without a value":        "\x81\xa4type",
		"ext 8 without its type":              event + "\x92\xa1e\xc7\x01",
		"ext 16 without its type":             event + "\x92\xa1e\xc8\x00\x01",
		"ext 32 without its type":             event + "\x92\xa1e\xc9\x00\x00\x00\x01",
		"ext 8 of nothing without its type":   event + "\x92\xa1e\xc7\x00",
		"fixext 1 without its type":           event + "\x92\xa1e\xd4",
		"fixext 16 without its data":          event + "\x92\xa1e\xd8\x01",
		"arrays 100,000 deep":                 event + "\x92\xa1e" + strings.Repeat("\x91", 100_000) + "\xc0",
		"maps 100,000 deep":                   event + "\x92\xa1e" + strings.Repeat("\x81\xa1a", 100_000) + "\xc0",
		"arrays 100,000 deep outside data":    "\x84\xa4type\x02\xa3nsp\xa1/\xa1x" + strings.Repeat("\x91", 100_000) + "\xc0\xa4data\x91\xa1e",
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, &socketio.Options{Codec: new(msgpack.Codec)}, func(w *world, transport string) {
				echo(w.io)
				bystander, p := w.open(websocket), w.open(transport)
				packJoins(bystander, "/")
				unpack(bystander) // "auth"
				packJoins(p, "/")
				_ = p.tries([]byte(data))
				p.isClosed(1002)
				bystander.says(pack(parser.TypeEvent, "/", parser.NoID, "message", "still here"))
				if got, back := unpack(bystander); got.Type != parser.TypeEvent {
					t.Errorf("another client hears %v %v, want the echo", got, back)
				}
			})
		})
	}
}
