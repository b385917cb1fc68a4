// SPDX-License-Identifier: MIT

// This file holds the slots of a Redis Cluster: those of channels, and those of servers.

package redisadapter

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// slots is the number of slots of a Redis Cluster.
const slots = 16384

// A slotRange is a part of the slots of a master.
type slotRange struct {
	first, last int
	master      string // its address
}

// slot returns the slot of a channel: the CRC-16 (XMODEM) of its name, or of what is
// between the first braces, if that is not empty.
func slot(name string) int {
	if i := strings.IndexByte(name, '{'); i >= 0 {
		if j := strings.IndexByte(name[i+1:], '}'); j > 0 {
			name = name[i+1 : i+1+j]
		}
	}
	var crc uint16
	for i := range len(name) {
		crc ^= uint16(name[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}

// readSlots asks a server, which was reached at addr, for the slots of its Redis Cluster.
func readSlots(ctx context.Context, c rueidis.Client, addr string) ([]slotRange, error) {
	all, err := c.Do(ctx, c.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(addr)
	ranges := make([]slotRange, 0, len(all))
	for _, one := range all {
		r, ok := readRange(one, host)
		if !ok {
			return nil, errors.New("redisadapter: CLUSTER SLOTS: an answer of another form")
		}
		ranges = append(ranges, r)
	}
	if len(ranges) == 0 {
		return nil, errors.New("redisadapter: the Redis Cluster has no slots yet")
	}
	return ranges, nil
}

// readRange reads [first, last, [host, port, ...], ...].
func readRange(m rueidis.RedisMessage, asked string) (r slotRange, ok bool) {
	parts, err := m.ToArray()
	if err != nil || len(parts) < 3 {
		return r, false
	}
	first, err1 := parts[0].AsInt64()
	last, err2 := parts[1].AsInt64()
	master, err3 := parts[2].ToArray()
	if err1 != nil || err2 != nil || err3 != nil || first < 0 || last < first || last >= slots || len(master) < 2 {
		return r, false
	}
	host, _ := master[0].ToString()
	if host == "" || host == "?" { // that of the server that was asked
		host = asked
	}
	port, err := master[1].AsInt64()
	return slotRange{int(first), int(last), net.JoinHostPort(host, strconv.FormatInt(port, 10))}, err == nil
}
