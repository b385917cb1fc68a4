// SPDX-License-Identifier: MIT

// This file holds the names of channels and tables.

package pgadapter

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"socketio/adapter/cluster"
)

// naming returns the name of a channel.
type naming func(c cluster.Channel) string

// asNode names channels as Node.js does: one for each namespace. That of all nodes is
// known to servers in Go alone.
func asNode(prefix string) naming {
	return func(c cluster.Channel) string {
		if c.Class == cluster.ClassNodes {
			return prefix + "-nodes"
		}
		return prefix + "#" + c.Namespace
	}
}

// hashed names channels by hashes, so that the names of namespaces may have any length.
// Answers have a channel for each node.
func hashed(prefix string) naming {
	return func(c cluster.Channel) string {
		const digits = 32
		kind := "nodes"
		switch c.Class {
		case cluster.ClassNodes:
		case cluster.ClassNode:
			kind = "node " + c.Name
		default:
			kind = "space"
		}
		sum := sha256.Sum256([]byte(kind + " " + c.Namespace))
		return prefix + ":" + hex.EncodeToString(sum[:])[:digits]
	}
}

// wakeChannel is the channel that announces entries of the log.
func wakeChannel(prefix string) string { return prefix + ":log" }

// checkChannel returns an error that wraps ErrNamespace for a name that LISTEN would
// shorten, or that is not a text.
func checkChannel(name string) error {
	if len(name) > maxChannel {
		return fmt.Errorf("%w: %q has %d bytes, at most %d", ErrNamespace, name, len(name), maxChannel)
	}
	if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%w: it is not UTF-8", ErrNamespace)
	}
	return nil
}

// quote returns a name, which may have a schema, as an identifier of SQL.
func quote(name string) string { return pgx.Identifier(strings.SplitN(name, ".", 2)).Sanitize() }
