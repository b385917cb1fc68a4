// SPDX-License-Identifier: MIT

// This file seals messages with the secret of the cluster; see Options.Sealed.

package cluster

import (
	"crypto/hmac"
	"crypto/sha256"
)

// sealedMark is the first byte of a sealed message. Neither JSON nor MessagePack begins
// with it.
const sealedMark = 0xc1

// seal returns data with an HMAC in front. That also covers the namespace, so that a
// message can't be moved to another one.
func seal(secret []byte, c Channel, data []byte) []byte {
	sealed := append(make([]byte, 0, 1+sha256.Size+len(data)), sealedMark)
	return append(append(sealed, sealOf(secret, c, data)...), data...)
}

// unseal returns what was sealed. It reports false if the HMAC is missing or wrong.
func unseal(secret []byte, c Channel, sealed []byte) (data []byte, ok bool) {
	if len(sealed) < 1+sha256.Size || sealed[0] != sealedMark {
		return nil, false
	}
	data = sealed[1+sha256.Size:]
	return data, hmac.Equal(sealed[1:1+sha256.Size], sealOf(secret, c, data))
}

func sealOf(secret []byte, c Channel, data []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write(append([]byte("socketio message "+c.Namespace), 0))
	_, _ = mac.Write(data)
	return mac.Sum(nil)
}
