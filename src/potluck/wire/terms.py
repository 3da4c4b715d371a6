"""What a client says of a call beside it, in headers: what class of call it is, and how long it will wait."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from potluck.core.errors import BadRequest
from potluck.core.scheduling.classes import Kind


class Terms(NamedTuple):
    """``kind`` None: as the door and the body have it. ``wait_s`` is how long the caller waits for it to begin,
    ``silence_s`` how long it waits without a byte.
    """

    kind: Kind | None = None
    wait_s: float | None = None
    silence_s: float | None = None

    def deadline_s(self, now_s: float, *, heard_within_s: float | None) -> float | None:
        """When the call must have begun, None if it may take its time. ``heard_within_s``: a client that waits hears
        something so often; None: it does not.
        """
        silence_s = self.silence_s
        if silence_s is not None and heard_within_s is not None and heard_within_s < silence_s:
            silence_s = None
        waits = [each for each in (self.wait_s, silence_s) if each is not None]
        return now_s + min(waits) if waits else None


NO_TERMS = Terms()

_CLASS = b"x-potluck-class"
_DEADLINE = b"x-potluck-deadline-s"
# Open WebUI's own word for what it asks on its own account, where a connection has the header {{TASK}} of that name.
_TASK = b"x-openwebui-task"
# OpenAI's and Anthropic's SDKs: after so many seconds of silence, or in all, they hang up.
_TIMEOUTS = frozenset({b"x-stainless-read-timeout", b"x-stainless-timeout"})

TERMS = frozenset({_CLASS, _DEADLINE, _TASK, *_TIMEOUTS})
"""The headers, in lower case, that `read_terms` looks at."""

# A refusal has to reach the client before it hangs up by itself; deadlines are looked at twice a second.
_MARGIN_S = 1.0

# Nobody waits for these; other tasks (search queries, image prompts) hold up an answer.
_TASKS = {
    b"title_generation": Kind.BACKGROUND,
    b"tags_generation": Kind.BACKGROUND,
    b"follow_up_generation": Kind.BACKGROUND,
    b"emoji_generation": Kind.BACKGROUND,
    b"autocomplete_generation": Kind.COMPLETION,
}

_KINDS = {kind.value.encode(): kind for kind in Kind}


def read_terms(headers: Iterable[tuple[bytes, bytes]]) -> Terms:
    """What SDKs and programs say on their own account is a hint: what cannot be read of it is passed over.

    Raises `BadRequest` for a wrong value of a header of our own.
    """
    kind: Kind | None = None
    task: Kind | None = None
    wait_s: float | None = None
    silences: list[float] = []
    for name, value in headers:
        if name == _CLASS:
            kind = _kind(value)
        elif name == _DEADLINE:
            wait_s = _deadline(value)
        elif name == _TASK:
            task = _TASKS.get(value.strip().lower())
        elif name in _TIMEOUTS and (timeout_s := _seconds(value)) is not None:
            silences.append(max(timeout_s / 2, timeout_s - _MARGIN_S))
    return Terms(kind or task, wait_s, min(silences, default=None))


def _kind(value: bytes) -> Kind:
    kind = _KINDS.get(value.strip().lower())
    if kind is None:
        raise BadRequest(
            f"Invalid value for the header X-Potluck-Class: '{_shown(value)}'.", hint=f"Known are {', '.join(Kind)}."
        )
    return kind


def _deadline(value: bytes) -> float:
    seconds = _seconds(value)
    if seconds is None:
        raise BadRequest(
            f"Invalid value for the header X-Potluck-Deadline-S: '{_shown(value)}'.",
            hint="Write seconds above 0, such as 20 or 2.5.",
        )
    return seconds


def _seconds(value: bytes) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if seconds > 0 and math.isfinite(seconds) else None


def _shown(value: bytes) -> str:
    return value[:40].decode("ascii", "replace")
