"""Coding agents at work: the model calls a tool, the agent runs it, its result goes back, the model answers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.e2e.guide import PROMPT, Place, Setup, setups
from tests.e2e.processes import MODEL, OLLAMA_MODEL, OPENAI_MODEL, Fronted, Service
from tests.e2e.sandbox import Sandbox
from tests.e2e.tap import Tap

# Commands to the fake: which tool of the agent to call. What they print is in greet.py, not in the prompt.
# opencode quotes what has spaces, so its prompt comes in several words.
TOOL_CALLS = {
    "claude-code": 'call Bash {"command": "cat greet.py", "description": "Look"}',
    "codex": 'call exec_command {"cmd": "cat greet.py"}',
    "opencode": 'call read {"filePath":"greet.py"}',
    "continue-openai": 'call Bash {"command": "cat greet.py"}',
    "continue-anthropic": 'call Bash {"command": "cat greet.py"}',
}
ALLOWED = {"claude": "claude --allowedTools Bash", "cn": "cn --auto"}


def working(name: str) -> Setup:
    """The guide's set-up, with the agent allowed to use its tools and the prompt quoted for the shell."""
    setup = setups()[name]
    run = setup.run
    for program, allowed in ALLOWED.items():
        run = run.replace(f"{program} -", f"{allowed} -", 1)
    words = TOOL_CALLS[name]
    quoted = " ".join(f"'{word}'" for word in words.split(" ")) if name == "opencode" else f"'{words}'"
    return replace(setup, run=run.replace(f'"{PROMPT}"', quoted))


@pytest.mark.client
@pytest.mark.parametrize("model", [OLLAMA_MODEL, OPENAI_MODEL])
@pytest.mark.parametrize("name", TOOL_CALLS)
def test_an_agent_runs_the_tool_that_the_model_called(
    name: str, model: str, npm_box: Sandbox, fronted: Fronted, tap: Tap
) -> None:
    done = working(name).carry_out(npm_box, Place(tap.url, fronted.service.key, model, "")).fine()
    assert [seen for seen in tap.seen() if not seen.endswith(" 200")] == []
    result = json.loads(tap.exchanges[-1].body)
    assert "return f" in json.dumps(result.get("messages", result.get("input"))[-1]), "the tool's result went back"
    assert "The tools say: " in done.out
    assert "return f" in done.out, done


# What an agent says when its own instructions alone are longer than the small model's context. Codex knows the code of
# the error and has words of its own; Claude Code shows ours, with both numbers.
TOO_MUCH = {"claude-code": "8192", "codex": "ran out of room in the model's context window"}


@pytest.mark.client
@pytest.mark.model
@pytest.mark.parametrize("name", TOO_MUCH)
def test_an_agent_that_asks_too_much_of_a_small_model_understands_why(
    name: str, npm_box: Sandbox, embedded: Service
) -> None:
    done = setups()[name].carry_out(npm_box, Place(embedded.url, embedded.key, MODEL, "Say hello."))
    assert done.code != 0
    assert TOO_MUCH[name] in done.out + done.err, done
