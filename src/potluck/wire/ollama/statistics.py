"""What the last line of an Ollama answer says: why it ended, tokens and times."""

from __future__ import annotations

from potluck.core.answer import FinishReason, Timings, Usage
from potluck.wire.ollama.structs import Statistics

_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "load": FinishReason.LOAD,
    "unload": FinishReason.UNLOAD,
}


def finish_of(line: Statistics, *, called: bool) -> FinishReason:
    """Ollama says stop after tool calls too (``called``), and nothing at all in some old versions."""
    reason = _REASONS.get(line.done_reason or "stop", FinishReason.STOP)
    return FinishReason.TOOL_CALLS if called and reason is FinishReason.STOP else reason


def usage_of(line: Statistics) -> Usage | None:
    """None if the line counts nothing. A prompt found whole in the cache has no count in older versions."""
    if line.prompt_eval_count is None and line.eval_count is None:
        return None
    return Usage(prompt=line.prompt_eval_count or 0, completion=line.eval_count or 0)


def timings_of(line: Statistics) -> Timings | None:
    if line.load_duration is None and line.prompt_eval_duration is None and line.eval_duration is None:
        return None
    return Timings(
        load_s=(line.load_duration or 0) / 1e9,
        prefill_s=(line.prompt_eval_duration or 0) / 1e9,
        decode_s=(line.eval_duration or 0) / 1e9,
    )
