"""A bad cable: frames between two network devices, some lost, some late, or none at all, and nobody is told.

The kernel's own way is `tc … netem`, which many kernels are built without, and packet filters are programs that are
often not installed. This needs TUN/TAP alone, which nearly every kernel has, and what it loses follows from a seed.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import selectors
import struct
import threading
import time
from dataclasses import dataclass

_TUN = "/dev/net/tun"
# From <linux/if_tun.h>: a device of Ethernet frames, without a head before each.
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_LONGEST_FRAME = 65_536
# How often a change of the condition, or the end, is looked at while nothing is on its way.
_LOOK_S = 0.2

_SETTING = f"fcntl.ioctl(fd, {_TUNSETIFF}, struct.pack('16sH22x', b'try', {_IFF_TAP | _IFF_NO_PI}))"
TRIED = f"import fcntl, os, struct; fd = os.open({_TUN!r}, os.O_RDWR); {_SETTING}"
"""A program that fails where there can be no such cable; to be run behind walls."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``loss`` is the chance of each frame to get lost, ``delay_s`` what each takes, ``jitter_s`` more at most (later
    frames may overtake earlier ones). ``mute``: nothing comes from the machine. ``deaf``: nothing gets to it."""

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    mute: bool = False
    deaf: bool = False


WELL = Condition()
BAD = Condition(loss=0.03, delay_s=0.02, jitter_s=0.02)
"""A weak Wi-Fi: three frames of a hundred lost, 40 to 80 ms there and back."""
SILENT = Condition(mute=True, deaf=True)


def device(name: str) -> int:
    """A new network device in this process' network; its frames are read and written at the descriptor."""
    fd = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return fd


class Cable:
    """Between the switch's device and the machine's. ``condition`` may be set at any time."""

    def __init__(self, switch: int, machine: int, chance: random.Random) -> None:
        self.condition = WELL
        self.lost = 0
        self._ends = (switch, machine)
        self._chance = chance
        self._late: list[tuple[float, int, int, bytes]] = []
        self._number = 0
        self._closing = False
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        self._thread.join()
        for end in self._ends:
            os.close(end)

    def _carry(self) -> None:
        switch, machine = self._ends
        with selectors.DefaultSelector() as selector:
            selector.register(switch, selectors.EVENT_READ, machine)
            selector.register(machine, selectors.EVENT_READ, switch)
            while not self._closing:
                patience_s = self._late[0][0] - time.monotonic() if self._late else _LOOK_S
                for key, _ in selector.select(max(0.0, min(patience_s, _LOOK_S))):
                    self._take(key.fd, key.data)
                while self._late and self._late[0][0] <= time.monotonic():
                    _, _, to, frame = heapq.heappop(self._late)
                    _write(to, frame)

    def _take(self, end: int, to: int) -> None:
        """What waits at one end."""
        condition = self.condition
        silent = condition.mute if end == self._ends[1] else condition.deaf
        with contextlib.suppress(BlockingIOError):
            while frame := os.read(end, _LONGEST_FRAME):
                if silent or (condition.loss and self._chance.random() < condition.loss):
                    self.lost += 1
                elif condition.delay_s or condition.jitter_s:
                    due = time.monotonic() + condition.delay_s + self._chance.random() * condition.jitter_s
                    self._number += 1
                    heapq.heappush(self._late, (due, self._number, to, frame))
                else:
                    _write(to, frame)


def _write(to: int, frame: bytes) -> None:
    """A device that is down takes nothing, and a full one loses it: as a cable's end does."""
    with contextlib.suppress(OSError):
        os.write(to, frame)
