// SPDX-License-Identifier: MIT

// This file holds Control: proxies for programs in other languages, one JSON object per
// line.

package faultnet

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// A command is a line that Control reads.
type command struct {
	ID      int    `json:"id"`
	Op      string `json:"op"` // see perform
	Port    int    `json:"port"`
	Target  string `json:"target"`
	Dir     string `json:"dir"` // up, down or both
	Pattern string `json:"pattern"`
	Skip    int    `json:"skip"`
	More    int    `json:"more"`
	How     string `json:"how"` // fin, reset, hold or swallow
	N       int    `json:"n"`
	Delay   int    `json:"ms"`
}

// A response is a line that Control writes: the answer to a command, or a point that was
// reached.
type response struct {
	ID      int    `json:"id,omitempty"`
	Port    int    `json:"port"`
	Reached string `json:"reached,omitempty"` // the action
	Pattern string `json:"pattern,omitempty"`
	More    int    `json:"more,omitempty"`
	Error   string `json:"error,omitempty"`
}

var (
	directions = map[string]Direction{"up": Up, "down": Down, "both": Both, "": Both}
	actions    = map[string]Action{"fin": FIN, "reset": Reset, "hold": Hold, "swallow": Swallow, "": FIN}
)

// Control reads commands from r and performs them until r ends, then closes all proxies.
// It writes a line to w for each command, and one for each point that is reached:
//
//	{"id":1,"op":"open","target":"127.0.0.1:3000"}                                 a proxy; its port is in the answer
//	{"id":2,"op":"at","port":N,"dir":"up","pattern":"2probe","more":3,"how":"fin"} Link.At
//	{"id":3,"op":"cut","port":N,"how":"reset"}                                     Link.Cut
//
// The other operations are aim, refuse, drop, stall, delay (ms), split (n), heal and
// close.
func Control(r io.Reader, w io.Writer) error {
	c := &control{proxies: make(map[int]*Proxy), out: json.NewEncoder(w)}
	defer c.close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var cmd command
		if err := json.Unmarshal(lines.Bytes(), &cmd); err != nil {
			return fmt.Errorf("faultnet: a command that is no JSON: %w", err)
		}
		answer := response{ID: cmd.ID, Port: cmd.Port}
		if err := c.perform(cmd, &answer); err != nil {
			answer.Error = err.Error()
		}
		c.write(answer)
	}
	return lines.Err()
}

// control belongs to the goroutine of Control, except for out.
type control struct {
	proxies map[int]*Proxy // by port
	mu      sync.Mutex     // guards out
	out     *json.Encoder
}

func (c *control) write(r response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.out.Encode(r) // without a reader nobody controls anything
}

func (c *control) close() {
	for _, p := range c.proxies {
		p.Close()
	}
}

func (c *control) perform(cmd command, answer *response) error {
	if cmd.Op == "open" {
		return c.open(cmd.Target, answer)
	}
	p, d, how, err := c.parse(cmd)
	if err != nil {
		return err
	}
	switch cmd.Op {
	case "aim":
		p.Aim(cmd.Target)
	case "refuse":
		p.Refuse(cmd.N)
	case "at":
		p.At(d, Point{Pattern: cmd.Pattern, Skip: cmd.Skip, More: cmd.More}, how)
	case "cut":
		p.Cut(how)
	case "drop":
		p.Drop(d)
	case "stall":
		p.Stall(d)
	case "delay":
		p.Delay(d, time.Duration(cmd.Delay)*time.Millisecond)
	case "split":
		p.Split(d, cmd.N)
	case "heal":
		p.Heal()
	case "close":
		p.Close()
		delete(c.proxies, cmd.Port)
	default:
		return fmt.Errorf("no operation %q", cmd.Op)
	}
	return nil
}

func (c *control) open(target string, answer *response) error {
	ready := make(chan struct{})
	var port int
	p, err := Listen(target, func(_ Direction, at Point, a Action) {
		<-ready
		name := ""
		for text, action := range actions {
			if action == a && text != "" {
				name = text
			}
		}
		c.write(response{Port: port, Reached: name, Pattern: at.Pattern, More: at.More})
	})
	if err != nil {
		return err
	}
	port = p.Port()
	close(ready)
	c.proxies[port] = p
	answer.Port = port
	return nil
}

func (c *control) parse(cmd command) (p *Proxy, d Direction, how Action, err error) {
	p, found := c.proxies[cmd.Port]
	d, direction := directions[cmd.Dir]
	how, action := actions[cmd.How]
	switch {
	case !found:
		err = fmt.Errorf("no proxy on port %d", cmd.Port)
	case !direction:
		err = fmt.Errorf("no direction %q", cmd.Dir)
	case !action:
		err = fmt.Errorf("no action %q", cmd.How)
	case cmd.Op == "cut" && how > Reset:
		err = errors.New("a cut is fin or reset")
	}
	return p, d, how, err
}
