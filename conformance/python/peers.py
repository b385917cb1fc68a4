# SPDX-License-Identifier: MIT
"""The two clients of python-socketio, with threads and with asyncio, behind one interface for the scenarios."""
import asyncio
import threading

import engineio
import socketio

PATIENCE = 60
LEAVING = 2

# The client refuses a poll of more than 16 packets unless told otherwise; its documentation names this setting.
engineio.payload.Payload.max_decode_packets = 1000
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}
OPTIONS = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.2, "handle_sigint": False}


class Peer:
    """The part that both clients share: events go into one queue for each name and namespace."""

    def __init__(self):
        self._queues = {}

    def listen(self, *names, nsp="/", answer=None):
        """Keeps the events with these names. A question is acknowledged with answer, a tuple for several values."""
        for name in names:
            queue = self._queues[nsp, name] = asyncio.Queue()
            self.client.on(name, self._keeper(queue, answer), namespace=nsp)

    async def next(self, name, nsp="/", patience=PATIENCE):
        """The arguments of the next such event."""
        try:
            return await asyncio.wait_for(self._queues[nsp, name].get(), patience)
        except asyncio.TimeoutError:
            raise AssertionError(f"event {name!r} did not come within {patience} s") from None

    def heard(self, name, nsp="/"):
        """The arguments of all such events that have come and were not taken."""
        queue, heard = self._queues[nsp, name], []
        while not queue.empty():
            heard.append(queue.get_nowait())
        return heard

    async def ask(self, name, *args, nsp="/"):
        """The acknowledgement: None, one value, or a list of several."""
        got = await self.call(name, args, nsp)
        return list(got) if isinstance(got, tuple) else got

    def sid(self, nsp="/"):
        return self.client.get_sid(nsp)


class AsyncPeer(Peer):
    kind = "async"

    def __init__(self):
        super().__init__()
        self.client = socketio.AsyncClient(**OPTIONS)

    def _keeper(self, queue, answer):
        async def keep(*args):
            queue.put_nowait(list(args))
            return answer

        return keep

    async def connect(self, url, transport, **options):
        await self.client.connect(url, transports=TRANSPORTS[transport], wait_timeout=PATIENCE, **options)

    async def emit(self, name, *args, nsp="/"):
        await self.client.emit(name, args, namespace=nsp)

    async def call(self, name, args, nsp):
        return await self.client.call(name, args, namespace=nsp, timeout=PATIENCE)

    async def leave(self):
        await self.client.shutdown()


class InOrder(engineio.Client):
    """Handles each packet before the next. The client has a thread for each: on a busy machine events change their
    order, and an attachment that comes before its event ends that thread with an exception."""

    def _trigger_event(self, event, *args, **kwargs):
        return super()._trigger_event(event, *args, **{**kwargs, "run_async": False})


class SyncClient(socketio.Client):
    def _engineio_client_class(self):
        return InOrder


class SyncPeer(Peer):
    kind = "sync"

    def __init__(self):
        super().__init__()
        self.client = SyncClient(**OPTIONS)
        self._loop = asyncio.get_running_loop()

    def _keeper(self, queue, answer):
        def keep(*args):
            self._loop.call_soon_threadsafe(queue.put_nowait, list(args))
            return answer

        return keep

    async def connect(self, url, transport, **options):
        await asyncio.to_thread(
            self.client.connect, url, transports=TRANSPORTS[transport], wait_timeout=PATIENCE, **options
        )

    async def emit(self, name, *args, nsp="/"):
        await asyncio.to_thread(self.client.emit, name, args, nsp)

    async def call(self, name, args, nsp):
        return await asyncio.to_thread(self.client.call, name, args, nsp, PATIENCE)

    async def leave(self):
        # When the server ends the connection at this moment, the client may wait forever for a queue that nothing
        # empties. Its remains end with this process.
        thread = threading.Thread(target=self.client.shutdown, daemon=True)
        thread.start()
        end = self._loop.time() + LEAVING
        while thread.is_alive() and self._loop.time() < end:
            await asyncio.sleep(0.005)
