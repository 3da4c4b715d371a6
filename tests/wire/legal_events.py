"""Random streams of events as readers may emit them: prose and parallel tool calls, woven in any legal way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from potluck.core.answer import Event, Finish, FinishReason, Reasoning, Text, ToolArguments, ToolStart, Usage

_words = st.text(st.characters(codec="utf-8"), max_size=8)
_objects = st.dictionaries(st.text('ab}{"\\é', max_size=4), st.one_of(_words, st.integers(), st.none()), max_size=3)


@st.composite
def _pieces(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def legal_events(draw: st.DrawFn, *, well_formed: bool = False) -> list[Event]:
    """Whole streams. Arguments are JSON objects or, unless ``well_formed``, sometimes anything."""
    streams: list[list[Event]] = []
    for index in range(draw(st.integers(0, 3))):
        arguments: Any = json.dumps(draw(_objects))
        if not well_formed:
            arguments = draw(st.sampled_from([arguments, arguments, "", '{"a": ', "no JSON", '{"a":1}}']))
        pieces = draw(_pieces(arguments))
        streams.append([ToolStart(index, f"call_{index}", "look"), *(ToolArguments(index, p) for p in pieces)])
    prose = st.one_of(st.builds(Text, _words), st.builds(Reasoning, _words))
    streams.append(list(draw(st.lists(prose, max_size=5))))
    events: list[Event] = []
    while any(streams):
        # A call starts no earlier than the one before it: indexes count up.
        ready = [
            s for i, s in enumerate(streams) if s and not (isinstance(s[0], ToolStart) and _unstarted(streams[:i]))
        ]
        events.append(draw(st.sampled_from(ready)).pop(0))
    events.append(Finish(draw(st.sampled_from([FinishReason.STOP, FinishReason.LENGTH, FinishReason.TOOL_CALLS]))))
    if draw(st.booleans()):
        events.append(Usage(prompt=20, completion=9, cached=5, reasoning=2))
    return events


def _unstarted(streams: Sequence[Sequence[Event]]) -> bool:
    return any(stream and isinstance(stream[0], ToolStart) for stream in streams)


def cut_up(events: Sequence[Event], sizes: Sequence[int]) -> list[list[Event]]:
    """The same events in batches, as reads from an engine bring them."""
    batches: list[list[Event]] = []
    at = 0
    for size in sizes:
        batches.append(list(events[at : at + size]))
        at += size
    return [*batches, list(events[at:])]
