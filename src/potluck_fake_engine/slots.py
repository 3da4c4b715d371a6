"""The slots of one loaded model: who generates, who waits, whose prompt lies in which cache. No clock, no I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from potluck_fake_engine import tokens

# llama.cpp's --slot-prompt-similarity.
_ALIKE = 0.1


@dataclass(slots=True)
class Slot:
    """``text`` is what its cache holds; ``cached`` how many tokens of the running prompt came from there; ``used`` is
    the ticket that took it last."""

    id: int
    busy: bool = False
    ticket: int = -1
    text: str = ""
    cached: int = 0
    prompt_tokens: int = 0
    decoded: int = 0
    used: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    ticket: int
    slot: Slot


@dataclass(slots=True)
class Slots:
    """First come, first served. Of the free slots the one with the longest common prefix is taken, as llama.cpp does.
    Where that is little of the prompt, such as a template's head, it is the one that was used longest ago."""

    number: int
    slots: list[Slot] = field(default_factory=list[Slot])
    waiting: deque[tuple[int, str, int]] = field(default_factory=deque[tuple[int, str, int]])
    most_busy: int = 0
    """At the same time, so far."""

    def __post_init__(self) -> None:
        self.slots = [Slot(i) for i in range(self.number)]

    def arrive(self, ticket: int, prompt: str, total: int) -> Started | None:
        """`prompt` has `total` tokens. None: it waits, and is named by a later `free`."""
        free = [slot for slot in self.slots if not slot.busy]
        if not free:
            self.waiting.append((ticket, prompt, total))
            return None
        self.most_busy = max(self.most_busy, self.busy() + 1)
        return _start(free, ticket, prompt, total)

    def free(self, slot: Slot, text: str) -> Started | None:
        """A slot's call ended, with `text` (prompt and answer) left in its cache. The next waiting call gets it."""
        slot.busy, slot.ticket, slot.text = False, -1, text
        if len(self.slots) > self.number:
            self.slots = [s for s in self.slots if s.busy or s.id < self.number]
        if not self.waiting or all(s.busy for s in self.slots):
            return None
        return _start([s for s in self.slots if not s.busy], *self.waiting.popleft())

    def leave(self, ticket: int) -> None:
        self.waiting = deque(entry for entry in self.waiting if entry[0] != ticket)

    def resize(self, number: int) -> list[Started]:
        """Change the number of slots; busy ones above it end their call first."""
        self.number = number
        self.slots = [s for s in self.slots if s.busy or s.id < number]
        known = {slot.id for slot in self.slots}
        self.slots += [Slot(i) for i in range(number) if i not in known]
        started: list[Started] = []
        while self.waiting and (free := [s for s in self.slots if not s.busy]):
            started.append(_start(free, *self.waiting.popleft()))
        return started

    def busy(self) -> int:
        return sum(slot.busy for slot in self.slots)


def _start(free: list[Slot], ticket: int, prompt: str, total: int) -> Started:
    best, shared = free[0], 0
    for slot in free:
        if slot.text and (length := len(tokens.common_prefix(slot.text, prompt))) > shared:
            best, shared = slot, length
    if shared < _ALIKE * len(prompt):
        best = min(free, key=lambda slot: slot.used)
        shared = len(tokens.common_prefix(best.text, prompt))
    if shared == len(prompt):
        # The last token is always evaluated again: its logits are wanted.
        best.cached = total - 1
    else:
        best.cached = tokens.count(prompt[:shared]) if shared else 0
    best.busy, best.ticket, best.prompt_tokens, best.decoded, best.used = True, ticket, total, 0, ticket
    return Started(ticket, best)
