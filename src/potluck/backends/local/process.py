"""Child processes of the embedded engine, from the parent's side."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from potluck.backends.local.child import Task

# Enough of llama.cpp's last words to see why it died, little enough to keep for every child.
_LINES_KEPT = 40
_LONGEST_LINE = 500


class ChildGone(Exception):
    """The process ended before it was ready."""


class Process(Protocol):
    """A child that runs. It is ended with `kill`, or with `ask` and time."""

    @property
    def pid(self) -> int: ...

    async def port(self) -> int:
        """Where it listens, once it has loaded its model. Raises `ChildGone` if that never comes."""
        ...

    async def end(self) -> str:
        """Wait for its death; why it died, in words for the owner."""
        ...

    def ask(self) -> None: ...

    def kill(self) -> None: ...

    def last_words(self) -> list[str]:
        """The last lines of its stderr."""
        ...


Spawn = Callable[[Task], Awaitable[Process]]


async def spawn(task: Task) -> Process:
    """Start a child for ``task``, in a session of its own: a Ctrl-C at the terminal is the parent's to pass on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "potluck.backends.local.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    return await _Child.told(process, task)


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)

    @classmethod
    async def told(cls, process: asyncio.subprocess.Process, task: Task) -> _Child:
        child = cls(process)
        try:
            child._stdin.write(msgspec.json.encode(task) + b"\n")
            await child._stdin.drain()
        except ConnectionError:
            pass  # it is gone already; `end` tells why
        except asyncio.CancelledError:
            child.kill()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def port(self) -> int:
        line = await self._stdout.readline()
        if not line.strip().isdigit():
            raise ChildGone
        return int(line)

    async def end(self) -> str:
        await self._listen()
        code = await self._process.wait()
        self._stdin.close()
        return self._why(code)

    def ask(self) -> None:
        """The end of its stdin is the child's sign to leave."""
        self._stdin.close()

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    def last_words(self) -> list[str]:
        return list(self._lines)

    async def _listen(self) -> None:
        """Keep the last lines of stderr until its end. Read in pieces: a line may be longer than a reader's limit."""
        rest = b""
        while piece := await self._stderr.read(65_536):
            *lines, rest = (rest + piece).split(b"\n")
            rest = rest[-_LONGEST_LINE:]
            self._lines.extend(line[:_LONGEST_LINE].decode("utf-8", "replace") for line in lines if line.strip())
        if rest.strip():
            self._lines.append(rest.decode("utf-8", "replace"))

    def _why(self, code: int) -> str:
        if code >= 0:
            said = next((line for line in reversed(self._lines) if "fail" in line or "rror" in line), "")
            return "The model could not be loaded." if code == 1 and said else f"It ended with code {code}."
        number = -code
        name = signal.Signals(number).name if number in {each.value for each in signal.Signals} else str(number)
        hint = " The machine may have run out of memory." if number == signal.SIGKILL else ""
        return f"It was ended by signal {name}.{hint}"


def me() -> int:
    """The parent, as a child is to know it."""
    return os.getpid()
