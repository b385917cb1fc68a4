# SPDX-License-Identifier: MIT
"""The scenarios. Each is a coroutine that gets a Stage; SCENARIOS has them by name."""
import asyncio

import socketio.exceptions

from program import free_port

SCENARIOS = {}
BOX = {"deep": {"list": [b"\x01\x02\x03", {"inner": "é".encode()}], "none": None}, "empty": b""}
TEXT = "àéîõü Ελληνικά 中文 😀👩‍👩‍👧‍👦 \u2028\u0000\u001e \"\\ ends"


def scenario(name):
    def register(body):
        SCENARIOS[name] = body
        return body

    return register


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


@scenario("connect")
async def connect(stage):
    peer = stage.peer()
    peer.listen("auth")
    await stage.join(peer)
    assert len(peer.sid()) >= 16
    equal(await peer.next("auth"), [{}])
    equal(await peer.ask("rooms"), [peer.sid()])


@scenario("the transport is the requested one")
async def transport(stage):
    peer = await stage.connect()
    want = "polling" if stage.transport == "polling" else "websocket"
    equal(peer.client.transport(), want)
    equal(await peer.ask("transport"), want)


@scenario("auth and headers reach the server")
async def auth(stage):
    given = {"token": "é😀", "list": [1, {"two": None}]}
    peer = await stage.connect(auth=given, headers={"X-Custom": "custom value"})
    handshake = await peer.ask("handshake")
    equal(handshake["auth"], given)
    equal(handshake["headers"]["x-custom"], "custom value")
    equal(handshake["query"]["EIO"], "4")


@scenario("echo of every JSON type")
async def values(stage):
    peer = await stage.connect()
    peer.listen("echo-event")
    for value in [None, True, False, 0, -42, 2**53 - 1, 0.1, 1e21, "", "x", [], {}, [[1, [2, {"a": None}]]], {"": {"b": [True]}}]:
        equal(await peer.ask("echo", value), value)
        equal(await peer.ask("echo-raw", value), value)
        await peer.emit("echo-event", value)
        equal(await peer.next("echo-event"), [value])


@scenario("echo of unicode")
async def unicode(stage):
    peer = await stage.connect()
    equal(await peer.ask("echo", TEXT, {TEXT: TEXT}), [TEXT, {TEXT: TEXT}])
    equal(await peer.ask("echo-raw", TEXT), TEXT)


@scenario("binary echo at every depth")
async def binary(stage):
    peer = await stage.connect()
    for value in [b"\x00\x01\xfe\xff", b"", [[b"x"]], BOX, [bytes([i]) * i for i in range(10)]]:
        equal(await peer.ask("echo", value), value)


@scenario("the server sends binary")
async def gift(stage):
    peer = await stage.connect()
    peer.listen("gift")
    equal(await peer.ask("gift"), [b"\x09\x08\x07", BOX])
    equal(await peer.next("gift"), ["before", BOX, b"\xff\x00", "after"])


@scenario("several arguments, and none")
async def arguments(stage):
    peer = await stage.connect()
    many = [1, "2", [3], {"four": 4}, None, True, b"bytes"]
    equal(await peer.ask("echo", *many), many)
    equal(await peer.ask("echo"), None)
    peer.listen("message-back")
    await peer.emit("message", *many)
    equal(await peer.next("message-back"), many)


@scenario("the server asks and the client answers")
async def asks(stage):
    peer = await stage.connect()
    peer.listen("question", answer=({"a": 1}, "second", b"\x01"))
    equal(await peer.ask("ask", 60000, "question", 1, b"two"), {"ok": True, "reply": [{"a": 1}, "second", b"\x01"]})
    equal(await peer.next("question"), [1, b"two"])


@scenario("two hundred acknowledgements in flight")
async def in_flight(stage):
    peer = await stage.connect()
    answers = await asyncio.gather(*(peer.ask("echo", {"i": i, "b": bytes([i])}) for i in range(200)))
    equal(answers, [{"i": i, "b": bytes([i])} for i in range(200)])


@scenario("five hundred emits keep their order")
async def order(stage):
    peer = await stage.connect()
    for i in range(500):
        await peer.emit("collect", i)
    equal(await peer.ask("collected"), list(range(500)))
    peer.listen("burst")
    await peer.ask("burst", 500)
    equal([(await peer.next("burst"))[0] for _ in range(500)], list(range(500)))


@scenario("several namespaces on one connection")
async def namespaces(stage):
    peer = await stage.connect(namespaces=["/", "/custom"])
    assert peer.sid("/") != peer.sid("/custom")
    equal(await peer.ask("echo", "root"), "root")
    equal(await peer.ask("echo", "custom", b"b", nsp="/custom"), ["custom", b"b"])
    equal((await peer.ask("stats"))["sockets"]["/custom"], 1)


@scenario("an unknown namespace is refused")
async def unknown(stage):
    equal(await refusal(stage, "/unknown"), {"message": "Invalid namespace"})


@scenario("middleware refuses with data")
async def denied(stage):
    want = {"message": "denied", "data": {"code": 42, "nested": {"list": [1, "two", None]}}}
    equal(await refusal(stage, "/denied"), want)


@scenario("token auth: refused, then let in")
async def token(stage):
    want = {"message": "not authorized", "data": {"hint": "token"}}
    equal(await refusal(stage, "/token", auth={"token": "wrong"}), want)
    peer = await stage.connect(namespaces=["/token"], auth={"token": "secret"})
    equal(await peer.ask("echo", "in", nsp="/token"), "in")


# The message of connect_error. connect() fails with the same.
async def refusal(stage, nsp, **options):
    peer = stage.peer()
    peer.listen("connect_error", nsp=nsp)
    try:
        await stage.join(peer, namespaces=[nsp], **options)
    except socketio.exceptions.ConnectionError:
        [said] = await peer.next("connect_error", nsp)
        return said
    raise AssertionError("connected, although a refusal was expected")


@scenario("to everyone, and to everyone but the sender")
async def broadcast(stage):
    ann, ben, cat = await stage.crowd(3, "news")
    await ann.ask("send", {"via": "io"}, "news", "all", BOX)
    for peer in (ann, ben, cat):
        equal(await peer.next("news"), ["all", BOX])
    await ann.ask("send", {"via": "socket"}, "news", "others")
    equal(await ben.next("news"), ["others"])
    equal(await cat.next("news"), ["others"])
    await ann.ask("echo", "in order")
    equal(ann.heard("news"), [])


@scenario("rooms: join, to, leave")
async def rooms(stage):
    ann, ben, cat = await stage.crowd(3, "news")
    await ann.ask("join", "kitchen")
    await ben.ask("join", "kitchen", "garden")
    equal(await ben.ask("rooms"), sorted([ben.sid(), "kitchen", "garden"]))
    await cat.ask("send", {"via": "io", "to": ["kitchen", "garden"]}, "news", "once")
    equal(await ann.next("news"), ["once"])
    equal(await ben.next("news"), ["once"])
    await ben.ask("leave", "kitchen")
    await cat.ask("send", {"via": "io", "to": ["kitchen"]}, "news", "left")
    equal(await ann.next("news"), ["left"])
    await ben.ask("echo", "in order")
    equal(ben.heard("news") + cat.heard("news"), [])


@scenario("the client disconnects")
async def leaves(stage):
    watcher = await stage.connect()
    watcher.listen("gone")
    peer = await stage.connect()
    peer.listen("disconnect")
    sid = peer.sid()
    await watcher.ask("watch", sid)
    await peer.leave()
    equal(await peer.next("disconnect"), ["client disconnect"])
    [gone] = await watcher.next("gone")
    equal(gone["id"], sid)
    # The client leaves the namespace first, but the end of its connection may arrive earlier on another transport.
    assert gone["reason"] in ("client namespace disconnect", "transport close"), gone["reason"]


@scenario("the server disconnects, last words first")
async def ended(stage):
    for close in (False, True):
        peer = await stage.connect()
        peer.listen("disconnect", "bye")
        await peer.emit("farewell", 5, close)
        equal([await peer.next("bye") for _ in range(5)], [[i] for i in range(5)])
        equal(await peer.next("disconnect"), ["server disconnect"])


@scenario("the server is killed and starts again on its port")
async def restart(stage):
    program = await stage.own_server(PORT=str(free_port()))
    peer = stage.peer()
    peer.listen("connect", "disconnect", "auth")
    await stage.join(peer, auth={"who": "me"})
    await peer.next("connect")
    old = peer.sid()
    await peer.ask("join", "a room of the old server")
    await program.kill()
    equal(await peer.next("disconnect"), ["transport error"])
    await stage.own_server(PORT=str(program.port))
    await peer.next("connect")
    assert peer.sid() != old
    equal(await peer.ask("rooms"), [peer.sid()])
    equal((await peer.ask("handshake"))["auth"], {"who": "me"})


@scenario("a large message")
async def large(stage):
    peer = await stage.connect()
    text = "0123456789" * 60000
    equal(await peer.ask("echo", text), text)
    data = bytes(range(256)) * 1200
    equal(await peer.ask("echo", {"in": [data]}), {"in": [data]})


@scenario("pings keep an idle connection")
async def pings(stage):
    await stage.own_server(PING_INTERVAL="500ms", PING_TIMEOUT="3s")
    peer = await stage.connect()
    peer.listen("disconnect")
    await asyncio.sleep(4)
    equal(peer.heard("disconnect"), [])
    equal(await peer.ask("echo", "alive"), "alive")


@scenario("twenty clients at once")
async def crowd(stage):
    peers = await stage.crowd(20, "chat message")
    await peers[0].emit("chat message", "hello")
    for peer in peers:
        equal(await peer.next("chat message"), ["hello"])
    answers = await asyncio.gather(*(peer.ask("echo", i, b"x") for i, peer in enumerate(peers)))
    equal(answers, [[i, b"x"] for i in range(20)])
