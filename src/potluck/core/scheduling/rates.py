"""How fast an engine runs a model: learned from its own timings, guessed from sizes until then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

# How much one new reading counts: a few calls after a change the figure has followed, and one odd call moves it little.
SMOOTHING = 0.2

# Before anything is known. A token is one pass over the weights, so decoding is bandwidth by size; machines with more
# memory have faster memory, roughly by the square root (8 GB boards 20-60 GB/s in use, 64 GB boards 60-130).
_BANDWIDTH_PER_ROOT_GB = 8e9
_UNKNOWN_MEMORY_BYTES = 8e9
_UNKNOWN_SIZE_BYTES = 4e9
# Prompts are read many tokens at a time.
_PREFILL_BY_DECODE = 12.0
# A fifth slower for each neighbour: between the .1 of a 3B model and the .3 of a mixture of experts.
_BATCHING = 0.2
# An SSD of an ordinary board, and what starting a runner takes.
_LOAD_BYTES_PER_S = 6e8
_LOAD_START_S = 1.0

# Fewer tokens than this say more about the clock's grain than about the rate.
_LEAST_PREFILL_TOKENS = 16
_LEAST_DECODE_TOKENS = 4
# So much faster than believed a prompt may seem to be read where the engine does not tell what it had in its cache: a
# hit looks like a fast engine, but nothing makes it look slow. An engine that did get faster is followed a bit later.
_MOST_FASTER = 1.25


@dataclass(frozen=True, slots=True)
class Timing:
    """An engine's own account of a call. ``prompt_tokens`` are those computed, without cached ones; 0: not told.

    ``maybe_cached``: some of them may have been in the engine's cache after all, as it does not tell (Ollama).
    """

    prompt_tokens: int = 0
    prefill_s: float = 0.0
    answer_tokens: int = 0
    decode_s: float = 0.0
    load_s: float = 0.0
    maybe_cached: bool = False


@dataclass(slots=True)
class Rates:
    """``batching`` is by how much each neighbour in the batch slows a call; ``readings`` how many calls it is from."""

    prefill_tps: float
    decode_tps: float
    batching: float = _BATCHING
    load_s: float = 10.0
    readings: int = 0
    loads: int = 0

    def observe(self, timing: Timing, *, neighbours: float, share: float, warm: bool = False) -> bool:
        """Learn from a call that ran beside ``neighbours`` of its model, and got one ``share``-th of the machine.
        ``warm``: the beginning of its prompt was expected in the engine's cache.

        Whether its prompt tells how fast prompts are read.
        """
        read = False
        if timing.prefill_s > 0 and timing.prompt_tokens >= _LEAST_PREFILL_TOKENS:
            crowd = share + (1 / 3 if neighbours else 0)
            read = self._observe_reading(timing.prompt_tokens / timing.prefill_s * crowd, timing.maybe_cached, warm)
        # An image is one token and no prompt: all of its time is the answer's.
        enough = timing.answer_tokens >= _LEAST_DECODE_TOKENS or (timing.answer_tokens and not timing.prompt_tokens)
        if timing.decode_s > 0 and enough:
            self._observe_decoding(timing.answer_tokens / timing.decode_s * share, neighbours)
        if timing.load_s > 0:
            self.observe_load(timing.load_s)
        self.readings += 1
        return read

    def observe_load(self, load_s: float) -> None:
        self.load_s = load_s if not self.loads else self.load_s + SMOOTHING * (load_s - self.load_s)
        self.loads += 1

    def _observe_reading(self, rate: float, maybe_cached: bool, warm: bool) -> bool:
        if maybe_cached and warm:
            return False
        most = _MOST_FASTER * self.prefill_tps
        doubted = maybe_cached and self.readings > 0 and rate > most
        self.prefill_tps = self._mixed(self.prefill_tps, most if doubted else rate)
        return not doubted

    def _observe_decoding(self, rate: float, neighbours: float) -> None:
        """One equation, two unknowns: alone it tells the rate; in company mostly the batching."""
        if neighbours < 0.5 or not self.readings:
            self.decode_tps = self._mixed(self.decode_tps, rate * (1 + self.batching * neighbours))
            return
        seen = min(2.0, max(0.0, (self.decode_tps / rate - 1) / neighbours))
        self.batching += SMOOTHING * (seen - self.batching)
        # Never seen alone, the rate would stay a guess for ever.
        self.decode_tps += SMOOTHING / 4 * (rate * (1 + self.batching * neighbours) - self.decode_tps)

    def _mixed(self, old: float, new: float) -> float:
        """The first reading replaces the guess."""
        return old + SMOOTHING * (new - old) if self.readings else new

    def guess(self, first: Rates, others: Sequence[tuple[Rates, Rates]]) -> None:
        """Still unseen itself: scale the ``first`` guess by how ``others`` of its engine came out against theirs."""
        count = len(others)
        self.prefill_tps = first.prefill_tps * prod(now.prefill_tps / was.prefill_tps for now, was in others) ** (
            1 / count
        )
        self.decode_tps = first.decode_tps * prod(now.decode_tps / was.decode_tps for now, was in others) ** (1 / count)
        loads = [(now, was) for now, was in others if now.loads]
        if loads and not self.loads:
            ratio = prod(now.load_s / was.load_s for now, was in loads) ** (1 / len(loads))
            self.load_s = first.load_s * ratio

    def plain(self) -> dict[str, float]:
        """As data to be kept."""
        return {
            "prefill_tps": self.prefill_tps,
            "decode_tps": self.decode_tps,
            "batching": self.batching,
            "load_s": self.load_s,
            "readings": self.readings,
            "loads": self.loads,
        }

    @classmethod
    def of_plain(cls, plain: Mapping[str, float]) -> Rates:
        """From kept data. Raises `ValueError` if it is not what `plain` gives."""
        try:
            rates = cls(
                float(plain["prefill_tps"]),
                float(plain["decode_tps"]),
                float(plain["batching"]),
                float(plain["load_s"]),
                int(plain["readings"]),
                int(plain["loads"]),
            )
        except (KeyError, TypeError) as exc:
            raise ValueError(f"not kept rates: {plain!r}") from exc
        if not (rates.prefill_tps > 0 and rates.decode_tps > 0 and rates.batching >= 0 and rates.load_s >= 0):
            raise ValueError(f"not kept rates: {plain!r}")
        return rates


def guessed(size_bytes: int | None, memory_bytes: int | None) -> Rates:
    """Rates of a model that nobody has seen at work yet, by its own size and the node's memory."""
    size = max(size_bytes or _UNKNOWN_SIZE_BYTES, 1e6)
    bandwidth = _BANDWIDTH_PER_ROOT_GB * (max(memory_bytes or _UNKNOWN_MEMORY_BYTES, 1e9) / 1e9) ** 0.5
    # Small models are bound by other things than bandwidth.
    decode = min(bandwidth / size, 200.0)
    return Rates(decode * _PREFILL_BY_DECODE, decode, load_s=_LOAD_START_S + size / _LOAD_BYTES_PER_S)
