// SPDX-License-Identifier: MIT

// This file holds the tests of what two revisions of the protocol have to do with
// each other on one server.

package engineio_test

import (
	"testing"

	"socketio/engineio"
)

// All requests of a session must carry its revision.
func TestRevisionOfSession(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		p3, p4 := r.pollingV3(), r.polling()
		for _, eio := range []string{"EIO=4&", "EIO=4&EIO=4&"} {
			query := eio + "transport=polling&sid=" + p3.id()
			r.wantRefusal("GET as 4", r.get(query), 400, 3, "Bad request")
			r.wantRefusal("POST as 4", r.post(query, "4hello"), 400, 3, "Bad request")
			r.wantRefusal("upgrade as 4", r.dialRefused(eio+"transport=websocket&sid="+p3.id()), 400, 3, "Bad request")
		}
		for _, eio := range []string{"EIO=3&", "", "EIO=4&EIO=3&"} {
			query := eio + "transport=polling&sid=" + p4.id()
			r.wantRefusal("GET as 3", r.get(query), 400, 3, "Bad request")
			r.wantRefusal("upgrade as 3", r.dialRefused(eio+"transport=websocket&sid="+p4.id()), 400, 3, "Bad request")
		}
		p3.send("4three")
		p3.want("the sessions go on", "4three")
		p4.send("4four")
		p4.want("the sessions go on", "4four")
	})
}

// JSONP is refused in both revisions.
func TestNoJSONP(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		for _, eio := range []string{"EIO=3", "EIO=4"} {
			r.wantRefusal(eio, r.get(eio+"&transport=polling&j=0"), 400, 3, "JSONP is not supported")
		}
	})
}

// Trap 9: the binary form is an error in revision 4, also where 3 is allowed.
func TestBinaryPostOfRevision4(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		p := r.polling()
		r.wantStatus("a binary body", p.post("\x00\x02\xff4a", "Content-Type", "application/octet-stream"), 400)
		r.side(p.id()).wantEnded("the session has ended", "transport error", nil)
	})
}

// One message goes to clients of all kinds and is not changed on its way.
func TestOneMessageToBothRevisions(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		poll3, poll64 := r.pollingV3(), r.pollingV3("b64=1")
		poll4, ws3, ws64, ws4 := r.polling(), r.websocketV3(), r.websocketV3("b64=1"), r.websocket()
		text := append(make([]byte, engineio.HeaderRoom), `51-["é",{"_placeholder":true,"num":0}]`...)
		m := engineio.NewMessage(text, [][]byte{{1, 2, 3, 4}})
		const packet = `451-["é",{"_placeholder":true,"num":0}]`
		for range 2 {
			for _, side := range r.all() {
				if err := side.Send(m); err != nil {
					w.t.Fatal(err)
				}
			}
			poll3.wantBinary("polling", "\x00\x04\x00\xff"+packet+"\x01\x05\xff\x04\x01\x02\x03\x04")
			poll64.wantAnswer("polling, base64", "39:"+packet+"10:b4AQIDBA==")
			poll4.want("polling, revision 4", packet, "bAQIDBA==")
			ws3.want("websocket", packet, "<0401020304>")
			ws64.want("websocket, base64", packet, "b4AQIDBA==")
			ws4.want("websocket, revision 4", packet, "<01020304>")
		}
	})
}

// The pings of a client that takes no answers are bounded like anything else
// that waits for it.
func TestPingFloodV3(t *testing.T) {
	inMemory(t, func(w *world) {
		o := suiteV3()
		o.MaxQueueMessages = 10 // 16 times that is less than the pings
		r := w.serve(hosting{options: o})
		p := r.pollingV3()
		pings := make([]string, 200)
		for i := range pings {
			pings[i] = "2"
		}
		p.send(pings...)
		r.side(p.id()).wantEnded("nobody polls", "transport error", engineio.ErrSlowConsumer)
	})
}
