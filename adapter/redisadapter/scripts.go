// SPDX-License-Identifier: MIT

// This file holds the scripts that change sessions. The keys are the hash, the copy for
// Node.js, and the replies that were added.

package redisadapter

import (
	"crypto/sha1"
	"encoding/hex"
)

// A script is one in Lua.
type script struct{ text, digest string }

func newScript(text string) *script {
	sum := sha1.Sum([]byte(text)) // Redis names scripts by it
	return &script{text, hex.EncodeToString(sum[:])}
}

// look finds the state of a session: "none"; "live"; "ended"; "node" if a server in Node.js
// has written it; "claimed" if Expire has taken it. The fields of the hash are the owner,
// the text, whether the session has ended, when its copy ends, and who has claimed it. A
// session that has ended and has lost its copy before that was taken by Node.js.
const look = `
local owner, text, ended, till, claimed = unpack(redis.call('HMGET', KEYS[1], 'o', 's', 'e', 'x', 'c'))
local copy = redis.call('GET', KEYS[2])
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local state = 'none'
if claimed then state = 'claimed'
elseif owner and not ended then state = 'live'
elseif owner and not till then state = 'ended'
elseif copy and string.byte(copy) ~= 10 then state, owner, text = 'node', '', copy
elseif owner and (copy or now >= tonumber(till)) then state = 'ended'
end
local mine = copy and copy == text
`

var (
	// putScript takes the owner, the text, whether the session has ended, and for how many
	// milliseconds the copy is kept. It returns the state of before, or "taken".
	putScript = newScript(look + `
if state == 'claimed' or state == 'node' or (state ~= 'none' and owner ~= ARGV[1]) then return {'taken'} end
redis.call('HSET', KEYS[1], 'o', ARGV[1], 's', ARGV[2])
redis.call('HDEL', KEYS[1], 'e', 'x')
redis.call('DEL', KEYS[3])
if mine then redis.call('DEL', KEYS[2]) end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'e', 1)
  if tonumber(ARGV[4]) > 0 then
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
    redis.call('HSET', KEYS[1], 'x', now + ARGV[4])
  end
end
return {state}`)

	// addScript takes the owner, and replies. It returns the state, or "taken".
	addScript = newScript(look + `
if state == 'live' and owner == ARGV[1] then redis.call('APPEND', KEYS[3], ARGV[2])
elseif state ~= 'none' and state ~= 'claimed' and owner ~= ARGV[1] then state = 'taken' end
return {state}`)

	// getScript returns the state, the owner, the text, the replies that were added, and how
	// many milliseconds the copy has left.
	getScript = newScript(look + `
if state == 'none' or state == 'claimed' then return {state} end
return {state, owner, text, redis.call('GET', KEYS[3]) or '', tostring(redis.call('PTTL', KEYS[2]))}`)

	// takeScript takes the new owner, the old one, and whether the session need not have
	// ended. It returns the state, the text, the replies that were added, and how many
	// milliseconds the copy had left.
	takeScript = newScript(look + `
if state == 'none' or state == 'claimed' then return {'none'} end
if owner ~= ARGV[2] or state == 'live' and ARGV[3] == '' then return {'taken'} end
local left = tostring(redis.call('PTTL', KEYS[2]))
redis.call('HSET', KEYS[1], 'o', ARGV[1], 's', text)
redis.call('HDEL', KEYS[1], 'x')
if state ~= 'live' then redis.call('HSET', KEYS[1], 'e', 1) end
if mine then redis.call('DEL', KEYS[2]) end
return {state, text, redis.call('GET', KEYS[3]) or '', left}`)

	// dropScript takes the owner.
	dropScript = newScript(look + `
if state == 'none' then redis.call('DEL', KEYS[1], KEYS[3]) end
if state == 'none' or state == 'node' or claimed or owner ~= ARGV[1] then return {'taken'} end
redis.call('DEL', KEYS[1], KEYS[3])
if mine then redis.call('DEL', KEYS[2]) end
return {state}`)

	// claimScript takes the node that claims, the owner, the state in which the session must
	// be, and a node whose claim does not count. It returns "mine", the text and the replies
	// that were added, or the state, and the node that has claimed the session.
	claimScript = newScript(look + `
if state == 'claimed' and claimed == ARGV[4] or state == ARGV[3] and owner == ARGV[2] then
  redis.call('HSET', KEYS[1], 'c', ARGV[1])
  if mine then redis.call('DEL', KEYS[2]) end
  return {'mine', text, redis.call('GET', KEYS[3]) or ''}
end
return {state, claimed or ''}`)

	// forgetScript removes a session that a node has claimed.
	forgetScript = newScript(look + `
if claimed == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[3]) end
return {state}`)
)
