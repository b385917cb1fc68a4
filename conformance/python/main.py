# SPDX-License-Identifier: MIT
"""Runs every scenario with both clients of python-socketio over polling, WebSocket and the upgrade, against the
program that SERVER_CMD names. Prints a line for each and, last, the sum. ONLY=text keeps scenarios by name."""
import asyncio
import os
import sys
import traceback

from peers import AsyncPeer, SyncPeer, TRANSPORTS
from program import Program
from scenarios import SCENARIOS

PATIENCE = 300  # more than the deadlines within a scenario, which say what did not come


class Stage:
    """The resources of one run of a scenario: peers and server programs, all closed at its end."""

    def __init__(self, make, transport, program):
        self.transport = transport
        self.program = program
        self._make = make
        self._peers = []
        self._programs = []

    async def own_server(self, **env):
        self.program = await Program.start(**env)
        self._programs.append(self.program)
        return self.program

    def peer(self):
        peer = self._make()
        self._peers.append(peer)
        return peer

    async def join(self, peer, **options):
        await peer.connect(self.program.url, self.transport, **options)

    async def connect(self, **options):
        peer = self.peer()
        await self.join(peer, **options)
        return peer

    async def crowd(self, count, event):
        """Connected peers that listen to event."""
        peers = await asyncio.gather(*(self.connect() for _ in range(count)))
        for peer in peers:
            peer.listen(event)
        return peers

    async def clear(self):
        await asyncio.gather(*(peer.leave() for peer in self._peers))
        for program in self._programs:
            await program.stop()


async def run(make, transport, slots, counts):
    async with slots:
        program = await Program.start()
        for name, body in SCENARIOS.items():
            if os.environ.get("ONLY", "") not in name:
                continue
            title = f"python {make.kind}, {transport}: {name}"
            why = await attempt(body, Stage(make, transport, program))
            counts[why is None] += 1
            print(f"ok {title}" if why is None else f"FAIL {title}: {why}", flush=True)
        await program.stop()


async def attempt(body, stage):
    """Why a scenario failed, or None."""
    why = None
    for step in (lambda: body(stage), stage.clear):
        try:
            await asyncio.wait_for(step(), PATIENCE)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            why = why or f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}:{place.lineno})"
    return why


async def main():
    slots = asyncio.Semaphore(2)
    counts = {True: 0, False: 0}
    runs = [run(make, transport, slots, counts) for make in (SyncPeer, AsyncPeer) for transport in TRANSPORTS]
    for error in await asyncio.gather(*runs, return_exceptions=True):
        if error is not None:
            counts[False] += 1
            print(f"FAIL python: a server program: {error!r}")
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
