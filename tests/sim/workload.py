"""Calls as people make them: seeded, with lengths and pauses fitted to the traces of ../../shared/traces.

Log-normal by two quantiles each (Azure 2023: coding in p50/p90 1469/5186 and out 13/55, conversation out 129/424;
Mooncake: time between turns p50/p90 123/480 s). The traces' own quantiles hold them in `test_workload`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from potluck.core.scheduling.classes import DEFAULT_LIMITS, Kind

USERS = 13
_P90 = 1.2815515594


@dataclass(frozen=True, slots=True)
class Lengths:
    """A log-normal distribution by its median and its 90th percentile."""

    median: float
    p90: float

    def draw(self, chance: Random, most: float = 8000.0) -> int:
        return max(1, round(min(most, chance.lognormvariate(math.log(self.median), self.sigma))))

    @property
    def sigma(self) -> float:
        return math.log(self.p90 / self.median) / _P90


CONVERSATION_OUT = Lengths(129, 424)
CODE_IN = Lengths(1469, 5186)
CODE_OUT = Lengths(13, 55)
TURN_PAUSE_S = Lengths(123, 480)
# A first message is shorter than the trace's mean prompt, which holds the conversation so far.
_FIRST_IN = Lengths(220, 900)
_NEXT_IN = Lengths(60, 250)
# What editors send of a file around the cursor, and how much of it they sent before.
_COMPLETION_IN = Lengths(300, 800)
_COMPLETION_KEPT = 0.9
_REVIEW_OUT = Lengths(400, 900)
# Mooncake: 12,031 calls in 7,373 sessions.
_TURNS_GO_ON = 0.39
# Some clients ask for a title beside the first answer.
_TITLED = 0.25


@dataclass(frozen=True, slots=True)
class Demand:
    """One call. ``prefix`` tokens of the prompt are as in the call before it; ``num_ctx`` is the client's."""

    at_s: float
    user: int
    kind: Kind
    model: str
    prompt: int
    answer: int
    conversation: str = ""
    prefix: int = 0
    route: str = "chat"
    num_ctx: int | None = None


# Calls a minute at the whole reference load (15-20 coding, 30-50 chat, 2-4 images), and what goes with them unseen.
_PER_MINUTE = {"completion": 16.0, "code-chat": 2.5, "review": 1.25, "chat": 45.0, "image": 3.0, "batch": 0.5}
_CODING = frozenset({"completion", "code-chat", "review"})
# How much the rate differs from minute to minute beyond chance, as a part of its mean: coding comes in bursts.
CODING_SPREAD = 1.04
CHAT_SPREAD = 0.22
# Which model a chat is held with.
_CHAT_MODELS = (("llama3.2:3b", 0.6), ("llama3.1:8b", 0.2), ("gpt-oss:20b", 0.15), ("mistral-small:24b", 0.05))


def demands(seed: int, load: float, hours: float, *, num_ctx: bool = False) -> list[Demand]:
    """All calls of some hours at a part of the reference load, by time."""
    chance = Random(seed)
    end_s = hours * 3600
    shares = [chance.paretovariate(1.5) for _ in range(USERS)]
    found: list[Demand] = []
    for what, per_minute in _PER_MINUTE.items():
        per_session = 1.0
        if what in ("chat", "code-chat"):
            per_session = 1 / (1 - _TURNS_GO_ON)
        if what == "completion":
            per_session = 6.0
        spread = CODING_SPREAD if what in _CODING else CHAT_SPREAD
        for number, now in enumerate(_starts(per_minute * load / per_session, spread, end_s, chance)):
            user = chance.choices(range(USERS), shares)[0]
            found += _session(what, user, now, f"{what}{number}", chance)
    calls = sorted((call for call in found if 0 <= call.at_s < end_s), key=lambda call: call.at_s)
    return list(_with_contexts(calls, Random(seed + 1))) if num_ctx else calls


def _starts(per_minute: float, spread: float, end_s: float, chance: Random) -> Iterator[float]:
    """When sessions begin: at random within a minute, at a rate that each minute draws for itself."""
    shape = 1 / spread**2
    for minute in range(-10, int(end_s / 60)):  # sessions that began before are under way at the start
        rate = per_minute / 60 * chance.gammavariate(shape, 1 / shape)
        now = minute * 60.0
        while rate > 0 and (now := now + chance.expovariate(rate)) < (minute + 1) * 60:
            yield now


def _session(what: str, user: int, now: float, name: str, chance: Random) -> Iterator[Demand]:
    if what == "chat":
        yield from _chat(user, now, name, chance)
    elif what == "code-chat":
        yield from _turns(user, now, name, Kind.BIG_CHAT, "coder:32b", "coding", chance)
    elif what == "completion":
        yield from _typing(user, now, name, chance)
    elif what == "review":
        yield Demand(
            now, user, Kind.REVIEW, "coder:32b", CODE_IN.draw(chance), _REVIEW_OUT.draw(chance), route="coding"
        )
    elif what == "image":
        yield Demand(now, user, Kind.IMAGE, "sdxl", 0, 1, route="images")
    else:
        yield Demand(now, user, Kind.BATCH, "llama3.1:8b", _FIRST_IN.draw(chance), CONVERSATION_OUT.draw(chance))


def _chat(user: int, now: float, name: str, chance: Random) -> Iterator[Demand]:
    names, parts = zip(*_CHAT_MODELS, strict=True)
    model = chance.choices(names, parts)[0]
    kind = Kind.BIG_CHAT if model == "mistral-small:24b" else Kind.CHAT
    first = True
    for call in _turns(user, now, name, kind, model, "chat", chance):
        yield call
        if first and chance.random() < _TITLED:
            yield Demand(call.at_s + 5.0, user, Kind.BACKGROUND, "llama3.2:3b", call.prompt + call.answer, 12)
        first = False


def _turns(user: int, now: float, name: str, kind: Kind, model: str, route: str, chance: Random) -> Iterator[Demand]:
    history = 0
    prompt = _FIRST_IN.draw(chance)
    while True:
        answer = CONVERSATION_OUT.draw(chance, 1500.0)
        yield Demand(now, user, kind, model, prompt, answer, name, history, route)
        if chance.random() > _TURNS_GO_ON or prompt > 6000:
            return
        history = prompt + answer
        prompt = history + _NEXT_IN.draw(chance)
        now += TURN_PAUSE_S.draw(chance, 900.0)


def _typing(user: int, now: float, name: str, chance: Random) -> Iterator[Demand]:
    prompt = _COMPLETION_IN.draw(chance, 2000.0)
    prefix = 0
    for _ in range(1 + int(chance.expovariate(1 / 5.0))):
        answer = CODE_OUT.draw(chance, 60.0)
        yield Demand(now, user, Kind.COMPLETION, "coder:3b", prompt, answer, name, prefix, "coding")
        before = prompt
        prompt += chance.randrange(40)
        prefix = min(before, int(prompt * _COMPLETION_KEPT))
        now += 3.0 + chance.expovariate(1 / 12.0)


def _with_contexts(calls: list[Demand], chance: Random) -> Iterator[Demand]:
    """A third of the clients ask for a context of their own, as they do."""
    for call in calls:
        asks = call.kind in (Kind.CHAT, Kind.BIG_CHAT) and chance.random() < 1 / 3
        yield Demand(
            call.at_s,
            call.user,
            call.kind,
            call.model,
            call.prompt,
            call.answer,
            call.conversation,
            call.prefix,
            call.route,
            chance.choice((2048, 4096, 8192)) if asks else None,
        )


def within(kind: Kind, first_s: float, finish_s: float) -> bool:
    """Whether a call came out as its class's users accept."""
    limits = DEFAULT_LIMITS[kind]
    return first_s <= limits.first_s and finish_s <= limits.finish_s
