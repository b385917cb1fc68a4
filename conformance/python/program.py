# SPDX-License-Identifier: MIT
"""Server programs: starting one, ending it, and judging how it ended."""
import asyncio
import itertools
import os
import re
import socket

PATIENCE = 60


# Below the ports that systems assign by themselves: no program gets one of these by chance while a server is down. Each
# process has some of its own.
PORTS = itertools.count()


def free_port():
    while True:
        port = 10000 + (os.getpid() * 40 + next(PORTS) % 40) % 22000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Program:
    """A running server program, whose stdout carries one line, "listening <port>"."""

    @classmethod
    async def start(cls, **env):
        self = cls()
        theirs, self._ours = os.pipe()  # the server ends when nobody holds ours any more
        self._child = await asyncio.create_subprocess_exec(
            *os.environ["SERVER_CMD"].split(" "),
            env={"GORACE": "atexit_sleep_ms=10", **os.environ, "PORT": "0", "WITH_PARENT": "1", **env},
            stdin=theirs,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        os.close(theirs)
        line = await asyncio.wait_for(self._child.stdout.readline(), PATIENCE)
        match = re.fullmatch(rb"listening (\d+)\n", line)
        assert match, f"first line of stdout is {line!r}"
        self.port = int(match[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __del__(self):
        os.close(self._ours)

    async def kill(self):
        """Ends the program at once, as a crash would."""
        self._child.kill()
        await asyncio.wait_for(self._child.communicate(), PATIENCE)

    async def stop(self):
        """Ends the program as an operator would, and fails if it ended badly."""
        if self._child.returncode is not None:
            return
        self._child.terminate()
        try:
            _, said = await asyncio.wait_for(self._child.communicate(), PATIENCE)
        except asyncio.TimeoutError:
            self._child.kill()
            raise
        assert self._child.returncode == 0, f"the server ended with {self._child.returncode}: {said!r}"
        assert b"DATA RACE" not in said and b"panic" not in said, said.decode()
