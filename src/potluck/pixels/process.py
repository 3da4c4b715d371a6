"""A child process that is spoken to in messages, from the parent's side."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final

_LENGTH_BYTES: Final = 4
_LAST_WORDS_BYTES: Final = 2_000
_PIECE_BYTES: Final = 1024 * 1024


class Child:
    """Messages of bytes go in and come out. What it complains of goes to a file without a name."""

    def __init__(self, process: asyncio.subprocess.Process, complaints: IO[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._complaints = complaints

    @classmethod
    async def spawn(cls, module: str, arguments: Sequence[str] = ()) -> Child:
        """``python -m MODULE OUR_PID ARGUMENTS…``, in a session of its own: a Ctrl-C is the parent's to pass on."""
        complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                str(os.getpid()),
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
        except BaseException:
            complaints.close()
            raise
        return cls(process, complaints)

    async def send(self, message: bytes) -> None:
        """Does not complain of a child that is gone: `receive` tells."""
        try:
            self._stdin.write(len(message).to_bytes(_LENGTH_BYTES))
            self._stdin.write(message)
            await self._stdin.drain()
        except ConnectionError:
            pass

    async def receive(self) -> bytes | None:
        """The next message; None when it is gone."""
        try:
            head = await self._stdout.readexactly(_LENGTH_BYTES)
            return await self._stdout.readexactly(int.from_bytes(head))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        return self._process.returncode is not None

    def kill(self) -> None:
        if not self.gone:
            self._process.kill()

    async def end(self) -> str:
        """Kill it if it still runs, and wait; its last words and its exit code, for the owner."""
        self.kill()
        self._stdin.close()
        with suppress(ConnectionError):
            # What nobody has read would keep its pipe open.
            while await self._stdout.read(_PIECE_BYTES):
                pass
        code = await self._process.wait()
        if self._complaints.closed:
            return f"exit code {code}"
        with self._complaints as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LAST_WORDS_BYTES))
            said = file.read().decode("utf-8", "replace").strip()
        return f"exit code {code}: {said}" if said else f"exit code {code}"
