"""What an answer tells of its engine's speed: by the engine's own account, else by our clock."""

from __future__ import annotations

from potluck.core.scheduling.rates import Timing
from potluck.wire.estimates import estimate
from potluck.wire.port import Account

# An answer that came whole, without the engine's account, mixes reading and writing. With a prompt this much longer
# than the answer too much of the time was reading.
_LONGEST_PROMPT = 4


def timing_of(account: Account, *, prompt_tokens: int, first_s: float, rest_s: float, loads: bool) -> Timing | None:
    """``first_s`` is from the sent request to the first byte, ``rest_s`` from there to the end: 0 for an answer that
    came whole. ``prompt_tokens`` is an estimate. ``loads``: the first byte came after a load.

    1. The engine's own account, where it gives one.
    2. Else our clock: the first byte ends the reading, unless it ended a load as well.
    3. An answer that came whole: embeddings are all reading; a text is writing, if its prompt was short.
    """
    usage = account.usage or estimate(account.text_bytes, prompt_tokens)
    timings = account.timings
    told = timings.read_tokens if timings is not None else None
    read = max(0, usage.prompt - usage.cached) if told is None else told
    maybe_cached = told is None and not usage.cached
    if timings is not None and (timings.prefill_s or timings.decode_s):
        load_s = timings.load_s if loads else 0.0  # a resident model is "loaded" in milliseconds each time
        return Timing(read, timings.prefill_s, usage.completion, timings.decode_s, load_s, maybe_cached)
    if loads and not rest_s:
        return None
    if rest_s:
        written = max(0, usage.completion - 1)
        return Timing(read, 0.0 if loads else first_s, written, rest_s, maybe_cached=maybe_cached)
    if not usage.completion:
        return Timing(read, first_s, maybe_cached=maybe_cached)
    if usage.prompt <= _LONGEST_PROMPT * usage.completion:
        return Timing(0, 0.0, usage.completion, first_s)
    return None
