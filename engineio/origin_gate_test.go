// SPDX-License-Identifier: MIT

// This file tests the origin rule for upgrades: the Origins that a session passes on
// where a proxy changes Host, so that a page whose polls are accepted can open its
// WebSocket; and that a foreign page gains nothing.

package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"socketio/engineio"
)

// Headers of a page of https://chat.example whose requests reach the server as requests
// for internal:8080, and of a page of another site.
var (
	pageGET    = []string{"Sec-Fetch-Site", "same-origin"}
	pagePOST   = []string{"Origin", "https://chat.example", "Sec-Fetch-Site", "same-origin"}
	pageSocket = []string{"Origin", "https://chat.example"}
	evilSocket = []string{"Origin", "https://evil.example"}
	evilFetch  = []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
)

// A pageVisit is a session as a page opens it, and what it sends before it upgrades.
type pageVisit struct {
	name      string
	handshake []string
	posts     [][]string // headers of each POST
	polls     [][]string // headers of each GET after the handshake
	upgrade   []string
	admitted  bool
}

func pageVisits() []pageVisit {
	return []pageVisit{
		{"a page over TLS, before it sends", pageGET, nil, nil, pageSocket, true},
		{"a page over TLS that has sent", pageGET, [][]string{pagePOST}, nil, pageSocket, true},
		{"a page that has sent twice", pageGET, [][]string{pagePOST, pagePOST}, nil, pageSocket, true},
		{"a page whose handshake has an Origin", pagePOST, nil, nil, pageSocket, true},
		{"another page, after the page has sent", pageGET, [][]string{pagePOST}, nil, evilSocket, false},
		{"another page, after a handshake with an Origin", pagePOST, nil, nil, evilSocket, false},
		{"another page that was refused a POST", pageGET, [][]string{evilFetch}, nil, evilSocket, false},
		{"another page that was refused a poll", pageGET, nil, [][]string{evilFetch}, evilSocket, false},
		{"the page, after another was refused", pageGET, [][]string{pagePOST, evilFetch}, nil, pageSocket, true},
		{"an opaque origin", pageGET, nil, nil, []string{"Origin", "null"}, false},
		{"a letter that no origin has", pageGET, nil, nil, []string{"Origin", "https://a\x80b"}, false},
		{"another port", pageGET, [][]string{pagePOST}, nil, []string{"Origin", "https://chat.example:8443"}, false},
		{"another scheme", pageGET, [][]string{pagePOST}, nil, []string{"Origin", "http://chat.example"}, false},
		{"opened by curl", nil, nil, nil, evilSocket, false},
		{"opened by curl, which sends too", nil, [][]string{nil}, nil, evilSocket, false},
		{"opened by curl, whose POSTs claim an origin", nil, [][]string{{"Origin", "https://evil.example", "Sec-Fetch-Site", "same-origin"}}, nil, evilSocket, false},
		{"opened from the address bar", []string{"Sec-Fetch-Site", "none"}, nil, nil, evilSocket, false},
		{"opened from the address bar, then used by the page", []string{"Sec-Fetch-Site", "none"}, [][]string{pagePOST}, nil, pageSocket, true},
		{"opened by a page of the same site", []string{"Sec-Fetch-Site", "same-site"}, nil, nil, evilSocket, false},
		{"opened by a page of another site", []string{"Sec-Fetch-Site", "cross-site"}, nil, nil, evilSocket, false},
		{"no browser", nil, nil, nil, nil, true},
		{"the upgrade passes the rule itself", nil, nil, nil, []string{"Origin", "http://internal:8080"}, true},
		{"the upgrade says same-origin", nil, nil, nil, pagePOST, true},
		{"an Origin longer than any", pageGET, [][]string{{"Origin", "https://" + strings.Repeat("a", 1000), "Sec-Fetch-Site", "same-origin"}}, nil, evilSocket, false},
	}
}

// play makes the requests of the visit up to its upgrade.
func (v *pageVisit) play(r *rig, eio string) *pollPeer {
	r.t.Helper()
	raw := r.get("EIO="+eio+"&transport=polling&b64=1", v.handshake...)
	body := raw.body
	if eio == "3" {
		_, body, _ = strings.Cut(body, ":")
		body = body[:strings.IndexByte(body, '}')+1]
	}
	p := &pollPeer{r: r, revision: int(eio[0] - '0'), raw: raw, open: r.readOpen(body)}
	p.query = "EIO=" + eio + "&transport=polling&sid=" + p.open.SID
	for _, headers := range v.polls {
		r.side(p.id()).say("x")
		r.get(p.query, headers...)
	}
	for _, headers := range v.posts {
		text := "4x"
		if eio == "3" {
			text = "2:4x"
		}
		p.post(text, headers...)
	}
	return p
}

func TestUpgradeWhereHostIsChanged(t *testing.T) {
	for _, eio := range []string{"4", "3"} {
		for _, v := range pageVisits() {
			t.Run("EIO="+eio+"/"+v.name, func(t *testing.T) {
				inMemory(t, func(w *world) {
					r := w.serve(hosting{options: &engineio.Options{AllowEIO3: true}})
					r.host = "internal:8080"
					p := v.play(r, eio)
					c, resp, err := r.shake("EIO="+eio+"&transport=websocket&sid="+p.id(), v.upgrade...)
					if err != nil {
						t.Fatal(err)
					}
					if (c != nil) != v.admitted {
						body, _ := io.ReadAll(resp.Body)
						t.Errorf("the upgrade got %d %s, want admission: %v", resp.StatusCode, body, v.admitted)
					}
					r.side(p.id()).wantOpen("the session, whatever happened to the upgrade")
					// Only the upgrade may use a passed Origin.
					if len(v.upgrade) == 2 && !strings.Contains(v.upgrade[1], "internal") {
						for name, got := range map[string]reply{
							"a WebSocket of its own":           r.dialRefused("EIO="+eio+"&transport=websocket", v.upgrade...),
							"a poll":                           r.get(p.query, v.upgrade...),
							"a request that is not an upgrade": r.get("EIO="+eio+"&transport=websocket&sid="+p.id(), v.upgrade...),
						} {
							if got.status != 403 && got.status != 400 {
								t.Errorf("%s got %d %s", name, got.status, got.body)
							}
						}
					}
				})
			})
		}
	}
}

func TestStreamUpgradeWhereHostIsChanged(t *testing.T) {
	for _, v := range pageVisits() {
		t.Run(v.name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: withStreams(nil)})
				r.host = "internal:8080"
				p := v.play(r, "4")
				c := r.stream("", v.upgrade...)
				if v.admitted {
					c.send(`0{"sid":"`+p.id()+`"}`, "2probe")
					c.want("the answer to the probe", "3probe")
					return
				}
				c.c.Write(wtFrame(`0{"sid":"` + p.id() + `"}`)) // the stream may have ended
				c.wantRefused("the upgrade")
				<-c.served
				r.side(p.id()).wantOpen("a refused request does not touch the session")
			})
		})
	}
}

// A page of another origin can't open a stream because some session passes on its Origin.
func TestForeignStreamOpensNothing(t *testing.T) {
	inMemory(t, func(w *world) {
		var told []*engineio.ConnectionError
		r := w.serve(hosting{options: withStreams(nil)})
		r.srv.OnConnectionError(func(_ *http.Request, e *engineio.ConnectionError) { told = append(told, e) })
		r.host = "internal:8080"
		mine := r.polling(pageGET...)
		theirs := r.polling()
		for _, first := range []string{"0", `0{"sid":"` + theirs.id() + `"}`, `0{"sid":"none"}`} {
			c := r.stream("", evilSocket...)
			c.send(first)
			c.wantRefused(first)
			<-c.served
		}
		if n := r.srv.Count(); n != 2 || len(told) != 3 {
			t.Fatalf("%d sessions and %d refusals, want 2 and 3", n, len(told))
		}
		for _, e := range told {
			if e.Code != 4 || e.Status != 403 {
				t.Errorf("told %v", e)
			}
		}
		// When the page has shown its Origin, and when no session is left that could pass
		// one on, the request itself is rejected.
		mine.post("4x", pagePOST...)
		refused := func(what string) {
			c := r.stream("", evilSocket...)
			c.wantEOF(what)
			if <-c.served; c.answer.Code != 403 || c.taken.Load() {
				t.Errorf("%s: got %d, accepted: %v", what, c.answer.Code, c.taken.Load())
			}
		}
		refused("the Origin is known")
		r.polling(pageGET...).upgrade()
		refused("the session has upgraded")
		last := r.polling(pageGET...)
		last.park()
		r.side(last.id()).Close()
		last.wantEnd("the session")
		refused("the session has ended")
	})
}

// The binding of a session is still checked.
func TestBindingOfAnUpgradeWhereHostIsChanged(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{SessionBinding: func(_ context.Context, r *engineio.SessionRequest) error {
			if r.Request.UserAgent() != r.Handshake.HeaderValue("User-Agent") {
				return errors.New("another browser")
			}
			return nil
		}}})
		r.host = "internal:8080"
		p := r.polling(append(pageGET, "User-Agent", "a")...)
		query := "EIO=4&transport=websocket&sid=" + p.id()
		r.wantRefusal("another browser", r.dialRefused(query, append(pageSocket, "User-Agent", "b")...), 400, 1, "Session ID unknown")
		if c, resp, err := r.shake(query, append(pageSocket, "User-Agent", "a")...); c == nil {
			t.Errorf("the same browser: %v, %v", resp, err)
		}
	})
}

// A session keeps a bounded number of Origins.
func TestFewOriginsAreKept(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		r.host = "internal:8080"
		p := r.polling(pageGET...)
		for i := range 100 {
			p.post("4x", "Origin", fmt.Sprintf("https://%d.example", i), "Sec-Fetch-Site", "same-origin")
		}
		query := "EIO=4&transport=websocket&sid=" + p.id()
		r.wantRefusal("the last of many", r.dialRefused(query, "Origin", "https://99.example"), 403, 4, "Forbidden")
		if c, resp, err := r.shake(query, "Origin", "https://0.example"); c == nil {
			t.Errorf("the first: %v, %v", resp, err)
		}
	})
}
