"""Peers that vanish without a word: a laptop whose lid is shut, a phone out of reach, a machine without power.

TCP tells nobody while nobody sends, and a call that waits for its first word sends nothing for minutes. So the kernel
asks the peer itself now and then; who does not answer has left, and its slot is free. Who is sent something and does
not take it is found out by `Limits.send_s`.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

# Asked for the first time after so many seconds of silence, then every so many; gone after so many without an answer.
_FIRST_S = 30
_EVERY_S = 10
_UNANSWERED = 3

_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", _FIRST_S), ("TCP_KEEPINTVL", _EVERY_S), ("TCP_KEEPCNT", _UNANSWERED))
        if hasattr(socket, name)  # not every system has all of them
    ),
)


def notice(sockets: Iterable[Any]) -> None:
    """Have the kernel notice that the peers of these sockets vanish. Of one that listens its connections inherit it."""
    for each in sockets:
        for level, option, value in _OPTIONS:
            each.setsockopt(level, option, value)
