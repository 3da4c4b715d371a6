"""The requests of `benchmarks/fleet` are those that the simulator plays: as long, and with as much in common."""

from __future__ import annotations

import json
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from potluck.core.scheduling.classes import Kind
from potluck_fake_engine import tokens
from potluck_fake_engine.asking import Message, render

ROOT = Path(__file__).resolve().parents[2]


def read(path: str, body: bytes) -> str:
    """What an engine makes of a request."""
    sent: dict[str, Any] = json.loads(body)
    if path == "/v1/fim/completions":
        return str(sent["prompt"] + sent["suffix"])
    return render(tuple(Message(each["role"], each["content"]) for each in sent["messages"]))


def test_requests_are_as_long_as_demanded_and_begin_as_the_ones_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    calls = import_module("fleet.scenario").calls(2001, 0.1, 20)
    bodies = import_module("fleet.bodies").Bodies()
    prompts = [read(*bodies.of(number, call)) for number, call in enumerate(calls)]
    for call, prompt in zip(calls, prompts, strict=True):
        # What is added must hold the command and the template's marks.
        assert tokens.count(prompt) == call.prompt or call.prompt - call.prefix < 40
    several = 0
    for name in {call.conversation for call in calls if call.kind is Kind.COMPLETION}:
        both = zip(prompts, calls, strict=True)
        typed = [(prompt, call.prefix) for prompt, call in both if call.conversation == name]
        for (before, _), (after, prefix) in pairwise(typed):
            several += 1
            assert prefix - 8 <= tokens.count(tokens.common_prefix(before, after)) <= prefix + 1
    assert several > 20
