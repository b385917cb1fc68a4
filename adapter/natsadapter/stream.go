// SPDX-License-Identifier: MIT

// This file holds the stream of JetStream that has the logs of all namespaces.

package natsadapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter/cluster"
)

// A stream is where the logs are: prefix.log.NAMESPACE is stored, and published again as
// prefix.out.NAMESPACE, with the number of the entry and that of the one before in its
// namespace. So servers subscribe to their namespaces only, need no consumers, and know
// when they have missed an entry.
type stream struct {
	name     string
	subjects subjects
	options  *LogOptions
	link     *link
	ctx      context.Context

	latest  atomic.Pointer[snapshot]
	asked   chan struct{} // somebody wants a look soon
	turn    chan struct{} // held by the one who asks
	started atomic.Uint64 // number of questions
	got     uint64        // number of the question that latest answers; by the one whose turn it is
}

// A snapshot is what is known about the stream.
type snapshot struct {
	epoch   string
	created time.Time
	first   uint64 // number of the oldest entry, or one more than last
	last    uint64
	config  jetstream.StreamConfig
}

const (
	// metaGeneration is changed when the stream has lost its end.
	metaGeneration = "socketio-generation"
	// repeatsWithin is how long JetStream knows an entry that is sent again.
	repeatsWithin = 2 * time.Minute
	// asksFor is how long the answer to a question about the stream is awaited.
	asksFor = 3 * time.Second
)

var errNoLog = errors.New("natsadapter: the stream exists, and is not one of this package")

func (s *stream) init() { s.asked, s.turn = make(chan struct{}, 1), make(chan struct{}, 1) }

// logSubject is what entries of a namespace are sent to.
func (s subjects) logSubject(namespace string) (subject string, exact bool) {
	space, exact := token(namespace)
	return s.prefix + ".log." + space, exact
}

// jet returns the interface of JetStream.
func (s *stream) jet(nc *nats.Conn) (jetstream.JetStream, error) {
	if s.options.Domain != "" {
		return jetstream.NewWithDomain(nc, s.options.Domain)
	}
	return jetstream.New(nc)
}

// api is the beginning of the subjects of requests.
func (s *stream) api() string {
	if s.options.Domain != "" {
		return "$JS." + s.options.Domain + ".API."
	}
	return "$JS.API."
}

func (s *stream) config() jetstream.StreamConfig {
	prefix := s.subjects.prefix
	c := jetstream.StreamConfig{
		Name: s.name, Description: "events of socketio", Subjects: []string{prefix + ".log.*"},
		RePublish: &jetstream.RePublish{Source: prefix + ".log.*", Destination: prefix + ".out.{{wildcard(1)}}"},
		Replicas:  s.options.Replicas, MaxAge: s.options.MaxAge, MaxBytes: s.options.MaxBytes, Discard: jetstream.DiscardOld,
		Duplicates: min(repeatsWithin, s.options.MaxAge), AllowDirect: true, Storage: s.options.storage(),
	}
	return c
}

// look asks for the state of the stream, and makes it if it does not exist. The answer is
// not older than the call.
func (s *stream) look(ctx context.Context) (*snapshot, error) {
	before := s.started.Load()
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.got > before {
		return s.latest.Load(), nil // somebody has asked since
	}
	number := s.started.Add(1)
	ctx, cancel := context.WithTimeout(ctx, asksFor)
	defer cancel()
	nc, epoch := s.link.current()
	if epoch == 0 {
		return nil, down(errFirst)
	}
	ctx, end := s.link.asking(ctx)
	defer end()
	js, err := s.jet(nc)
	if err != nil {
		return nil, err
	}
	handle, err := js.Stream(ctx, s.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if handle, err = js.CreateStream(ctx, s.config()); errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			handle, err = js.Stream(ctx, s.name) // another server was faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the stream %s: %w", s.name, err)
	}
	info := handle.CachedInfo()
	if p := info.Config.RePublish; p == nil || !info.Config.AllowDirect || len(info.Config.Subjects) != 1 || info.Config.Subjects[0] != s.subjects.prefix+".log.*" {
		return nil, errNoLog
	}
	snap := &snapshot{created: info.Created, first: info.State.FirstSeq, last: info.State.LastSeq, config: info.Config}
	if snap.epoch = strconv.FormatInt(info.Created.UnixNano(), 36); info.Config.Metadata[metaGeneration] != "" {
		snap.epoch += "-" + info.Config.Metadata[metaGeneration]
	}
	s.latest.Store(snap)
	s.got = number
	return snap, nil
}

// renew gives the stream another epoch, because it has lost its end.
func (s *stream) renew(ctx context.Context, known string) error {
	snap, err := s.look(ctx)
	if err != nil || snap.epoch != known {
		return err // another server was faster
	}
	nc, _ := s.link.current()
	js, err := s.jet(nc)
	if err != nil {
		return err
	}
	config := snap.config
	config.Metadata = map[string]string{metaGeneration: inboxName()}
	ctx, cancel := context.WithTimeout(ctx, asksFor)
	defer cancel()
	ctx, end := s.link.asking(ctx)
	defer end()
	if _, err = js.UpdateStream(ctx, config); err != nil {
		return err
	}
	_, err = s.look(ctx)
	return err
}

// A stored is an entry as it was read.
type stored struct {
	number uint64
	time   time.Time
	id     string // see messageID
	name   string // the name of the namespace, if the subject has a hash
	data   []byte
}

// readStored reads the headers of a message that JetStream has sent.
func readStored(m *nats.Msg) (e stored, ok bool) {
	var err error
	if e.number, err = strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64); err != nil || e.number == 0 {
		return e, false
	}
	e.time, _ = time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	e.id, e.name, e.data = m.Header.Get(jetstream.MsgIDHeader), m.Header.Get(headerChannel), m.Data
	return e, true
}

const (
	batchSize  = 256
	batchBytes = 4 << 20
)

// A request asks for stored messages.
type request struct {
	Seq      uint64 `json:"seq,omitempty"`
	Next     string `json:"next_by_subj,omitempty"`
	Last     string `json:"last_by_subj,omitempty"`
	Batch    int    `json:"batch,omitempty"`
	MaxBytes int    `json:"max_bytes,omitempty"`
}

// batch returns the next entries of a subject from a number on, at most batchSize. more is
// false if there are no others. A server that lags behind the leader may answer, which
// does not know the latest ones.
func batch(ctx context.Context, nc *nats.Conn, api, name, subject string, from uint64) (all []*nats.Msg, more bool, err error) {
	replies := make(chan *nats.Msg, batchSize+2)
	inbox := nc.NewInbox()
	sub, err := nc.ChanSubscribe(inbox, replies)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	text, _ := json.Marshal(&request{Seq: max(from, 1), Next: subject, Batch: batchSize, MaxBytes: batchBytes})
	if err := nc.PublishRequest(api+"DIRECT.GET."+name, inbox, text); err != nil {
		return nil, false, err
	}
	for {
		var m *nats.Msg
		select {
		case m = <-replies:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		switch status := m.Header.Get("Status"); status {
		case "":
			all = append(all, m)
			if m.Header.Get("Nats-Num-Pending") == "" {
				return all, true, nil // a server that knows no batches
			}
		case "404":
			return all, false, nil
		case "204":
			return all, m.Header.Get("Nats-Num-Pending") != "0", nil
		default:
			return nil, false, fmt.Errorf("the stream %s: %s %s", name, status, m.Header.Get("Description"))
		}
	}
}

// next asks the leader for the first entry of a subject from a number on. ok is false if
// it does not exist.
func next(ctx context.Context, nc *nats.Conn, api, name string, r *request) (m *nats.Msg, ok bool, err error) {
	text, _ := json.Marshal(r)
	reply, err := nc.RequestWithContext(ctx, api+"STREAM.MSG.GET."+name, text)
	if err != nil {
		return nil, false, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return nil, false, err
	}
	switch {
	case answer.Error != nil && answer.Error.Code == 404:
		return nil, false, nil
	case answer.Error != nil:
		return nil, false, answer.Error
	case answer.Message == nil:
		return nil, false, errors.New("natsadapter: an answer without a message")
	}
	m = &nats.Msg{Subject: answer.Message.Subject, Data: answer.Message.Data}
	if len(answer.Message.Header) > 0 {
		if m.Header, err = nats.DecodeHeadersMsg(answer.Message.Header); err != nil {
			return nil, false, err
		}
	} else {
		m.Header = make(nats.Header)
	}
	m.Header.Set(jetstream.SequenceHeader, strconv.FormatUint(answer.Message.Seq, 10))
	m.Header.Set(jetstream.TimeStampHeaer, answer.Message.Time.Format(time.RFC3339Nano))
	return m, true, nil
}

// sameNamespace reports whether a stored entry is of a namespace, of which the subject has
// only a hash.
func (e *stored) sameNamespace(namespace string) bool {
	return e.name == "" || e.name == fullName(cluster.Channel{Namespace: namespace})
}
