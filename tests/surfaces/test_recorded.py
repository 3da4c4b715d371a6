"""Real clients' requests, as `tests.e2e.record` and `record_open_webui` took them off the wire, read by their doors."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Match

from potluck.core.call import ChatCall, EmbedCall, FormatKind, InfillCall, LoadCall, Role, TextCall, ToolMode
from potluck.gateway.door import Door
from potluck.surfaces.application import ROUTES
from potluck.surfaces.auth import presented_keys
from potluck.surfaces.doors import DOORS
from potluck.wire.ollama.asks import OllamaAsk
from potluck.wire.port import Ask

RECORDED = Path(__file__).with_name("recorded")
FIXTURES = sorted(path.stem for path in RECORDED.glob("*.json"))
KEY = b"pk-recorded"
_TURN = {Role.SYSTEM: "S", Role.USER: "u", Role.ASSISTANT: "a", Role.TOOL: "t"}

# What each request is understood to say: shape, streaming, needs; of a chat its turns (by their initials, system in
# capitals), tools, how they are chosen, the answer's format, thinking, several choices, the limit. What is no
# inference is only named.
READ_AS = """
aider-anthropic                 anthropic.messages stream completion Suauauauau max 4096
aider-ollama-1                  POST /api/show
aider-ollama-2                  ollama.chat stream completion Suauauauau
aider-openai                    openai.chat stream completion Suauauauau
anthropic-javascript            anthropic.messages whole completion u max 200
anthropic-javascript-tools-1    anthropic.messages stream completion+tools u 1 tools max 100
anthropic-javascript-tools-2    anthropic.messages whole completion+tools uat 1 tools max 100
anthropic-python                anthropic.messages stream completion u max 200
anthropic-python-0              anthropic.messages whole completion u max 50
anthropic-python-count-tokens   POST /v1/messages/count_tokens
anthropic-python-image          anthropic.messages whole completion+vision Su max 100
anthropic-python-thinking       anthropic.messages whole completion u thinking max 2000
anthropic-python-tools-1        anthropic.messages whole completion+tools u 1 tools max 100
anthropic-python-tools-2        anthropic.messages stream completion+tools uat 1 tools max 100
claude-code                     anthropic.messages stream completion+tools SuS 24 tools thinking max 32000
claude-code-tools-1             anthropic.messages stream completion+tools SuS 24 tools thinking max 32000
claude-code-tools-2             anthropic.messages stream completion+tools SuSat 24 tools thinking max 32000
codex                           openai.responses stream completion+tools SSuu 12 tools
codex-tools-1                   openai.responses stream completion+tools SSuu 12 tools
codex-tools-2                   openai.responses stream completion+tools SSuuat 12 tools
continue-anthropic              anthropic.messages stream completion+tools Su 9 tools max 32000
continue-anthropic-tools-1      anthropic.messages stream completion+tools Su 11 tools max 32000
continue-anthropic-tools-2      anthropic.messages stream completion+tools Suat 11 tools max 32000
continue-ollama                 openai.chat stream completion+tools Su 9 tools
continue-openai                 openai.chat stream completion+tools Su 9 tools
continue-openai-tools-1         openai.chat stream completion+tools Su 11 tools
continue-openai-tools-2         openai.chat stream completion+tools Suat 11 tools
langchain-anthropic             anthropic.messages whole completion u max 4096
langchain-anthropic-structured  anthropic.messages whole completion u 1 tools named max 4096
langchain-ollama-structured     ollama.chat stream completion u schema
langchain-openai                openai.chat whole completion u
langchain-openai-structured     openai.chat whole completion u schema
litellm-1                       openai.chat whole completion u
litellm-2                       ollama.chat whole completion u
litellm-3                       anthropic.messages whole completion u max 4096
llm-ollama-1                    GET /api/tags
llm-ollama-2                    POST /api/show
llm-ollama-3                    POST /api/show
llm-ollama-4                    POST /api/show
llm-ollama-5                    POST /api/show
llm-ollama-6                    ollama.chat stream completion u
llm-ollama-embed                ollama.embed whole embedding EmbedCall
llm-openai                      openai.chat stream completion u
llm-schema                      openai.chat stream completion u schema
llm-tools-1                     openai.chat stream completion+tools u 1 tools
llm-tools-2                     openai.chat stream completion+tools uat 1 tools
ollama-javascript               ollama.chat whole completion u
ollama-javascript-stream-1      ollama.chat stream completion u
ollama-javascript-stream-2      GET /api/tags
ollama-javascript-stream-3      POST /api/show
ollama-javascript-stream-4      ollama.embed whole embedding EmbedCall
ollama-python                   ollama.chat stream completion u
ollama-python-catalogue         GET /api/ps
ollama-python-embed-1           ollama.embed whole embedding EmbedCall
ollama-python-embed-2           ollama.embeddings whole embedding EmbedCall
ollama-python-format            ollama.chat whole completion u schema
ollama-python-generate-1        ollama.generate stream completion TextCall
ollama-python-generate-2        ollama.generate whole insert InfillCall
ollama-python-image             ollama.chat whole completion+vision u
ollama-python-thinking          ollama.chat whole completion+thinking u thinking
ollama-python-tools-1           ollama.chat whole completion+tools u 1 tools
ollama-python-tools-2           ollama.chat stream completion+tools uat 1 tools
open-webui-1                    GET /v1/models
open-webui-2                    GET /api/tags
open-webui-3                    GET /api/ps
open-webui-4                    GET /api/version
open-webui-5                    ollama.chat stream completion u max 50
open-webui-6                    ollama.chat whole completion u max 50
open-webui-7                    ollama.chat whole completion u max 1000
open-webui-8                    ollama.chat whole completion u
open-webui-9                    ollama.chat whole completion+vision u
open-webui-10                   openai.chat stream completion u max 50
open-webui-11                   openai.chat whole completion u max 50
open-webui-12                   openai.chat whole completion u max 1000
open-webui-13                   openai.chat whole completion u
open-webui-14                   openai.chat whole completion+vision u
openai-javascript               openai.chat stream completion u
openai-javascript-embeddings    openai.embedding whole embedding EmbedCall
openai-javascript-responses     openai.responses stream completion u
openai-javascript-tools-1       openai.chat stream completion+tools u 1 tools
openai-javascript-tools-2       openai.chat stream completion+tools uat 1 tools
openai-python                   openai.chat stream completion u
openai-python-2                 openai.chat whole completion u
openai-python-completion        openai.completion whole completion InfillCall
openai-python-embeddings        openai.embedding whole embedding EmbedCall
openai-python-image             openai.chat whole completion+vision u 2 choices max 50
openai-python-models-1          GET /v1/models
openai-python-models-2          GET /v1/models/open-fake
openai-python-parse-1           openai.chat whole completion u schema
openai-python-parse-2           openai.responses whole completion u schema
openai-python-responses-1       openai.responses whole completion+tools Su 1 tools
openai-python-responses-2       openai.responses stream completion+tools uat 1 tools
openai-python-tools-1           openai.chat whole completion+tools Su 1 tools
openai-python-tools-2           openai.chat stream completion+tools Suat 1 tools
opencode-1                      openai.chat stream completion Suu max 32000
opencode-2                      openai.chat stream completion+tools Su 10 tools max 32000
opencode-tools-1                openai.chat stream completion Suu max 32000
opencode-tools-2                openai.chat stream completion+tools Su 10 tools max 32000
opencode-tools-3                openai.chat stream completion+tools Suat 10 tools max 32000
"""
OUTCOMES = {name: " ".join(words) for name, *words in (line.split() for line in READ_AS.strip().splitlines())}

ENGINES_SPEAK = ("openai.chat ", "openai.completion ", "openai.embedding ", "ollama.")


@dataclass(frozen=True, slots=True)
class Recorded:
    method: str
    target: str
    headers: dict[str, str]
    body: Any

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> bytes:
        return self.target.partition("?")[2].encode()

    @property
    def bytes(self) -> bytes:
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()

    def ask(self) -> Ask | None:
        """As its door reads it; None for what is no inference."""
        doors = {(door.method, door.path): door for door in DOORS}
        door: Door | None = doors.get((self.method, self.path))
        return door.for_body(self.bytes).read(self.bytes) if door else None


def load(name: str) -> Recorded:
    return Recorded(**json.loads((RECORDED / f"{name}.json").read_text()))


def read_as(recorded: Recorded) -> str:
    """One line on what was understood: shape, streaming, needs, then what the call says."""
    ask = recorded.ask()
    if ask is None:
        return f"{recorded.method} {recorded.path}"
    parts = [ask.shape.value, "stream" if ask.stream else "whole", "+".join(sorted(ask.needs))]
    call = ask.call()
    match call:
        case ChatCall():
            parts.append("".join(_TURN[message.role] for message in call.messages))
            parts += [f"{len(call.tools)} tools"] if call.tools else []
            parts += [call.tool_choice.mode.value] if call.tool_choice.mode is not ToolMode.AUTO else []
            parts += [call.format.kind.value] if call.format.kind is not FormatKind.TEXT else []
            parts += ["thinking"] if call.thinking.enabled or call.thinking.effort else []
            parts += [f"{call.choices} choices"] if call.choices > 1 else []
            parts += [f"max {call.sampling.max_tokens}"] if call.sampling.max_tokens else []
        case TextCall() | EmbedCall() | InfillCall() | LoadCall():
            parts.append(type(call).__name__)
    return " ".join(parts)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_recorded_request_is_understood(name: str) -> None:
    assert read_as(load(name)) == OUTCOMES[name]


def test_every_outcome_has_its_recording() -> None:
    assert set(OUTCOMES) == set(FIXTURES)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_recorded_request_finds_its_route(name: str) -> None:
    recorded = load(name)
    scope = {"type": "http", "method": recorded.method, "path": recorded.path, "headers": []}
    assert recorded.ask() is not None or any(route.matches(scope)[0] is Match.FULL for route in ROUTES)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_recorded_request_shows_its_key(name: str) -> None:
    recorded = load(name)
    headers = [(key.lower().encode(), value.encode()) for key, value in recorded.headers.items()]
    assert list(presented_keys(headers, recorded.query)) == [KEY]


@pytest.mark.parametrize("name", [name for name, said in OUTCOMES.items() if said.startswith(ENGINES_SPEAK)])
def test_passing_a_recorded_request_on_changes_its_model_and_loses_nothing(name: str) -> None:
    """But for what Potluck means to change: streams tell their usage, Ollama's context is not the client's to say, and
    a prompt is not cut in silence."""
    recorded = load(name)
    ask = recorded.ask()
    assert ask is not None
    passed = json.loads(ask.passed("another"))
    assert passed.pop("model") == "another"
    sent = {key: value for key, value in recorded.body.items() if key != "model"}
    if passed.get("stream_options") != sent.get("stream_options"):
        assert ask.stream
        assert passed.pop("stream_options") == {"include_usage": True}
    if isinstance(ask, OllamaAsk):
        sent.get("options", {}).pop("num_ctx", None)
        if passed.get("truncate") != sent.get("truncate"):
            assert (passed.pop("truncate"), passed.pop("shift")) == (False, False)
    assert passed == sent


@pytest.mark.parametrize("name", [name for name, said in OUTCOMES.items() if " tools" in said])
def test_every_tool_of_a_recorded_request_keeps_its_name_and_its_parameters(name: str) -> None:
    """Codex's namespaces hold several; Ollama's and OpenAI's are functions, Anthropic's stand alone."""
    ask = load(name).ask()
    assert ask is not None
    call = ask.call()
    assert isinstance(call, ChatCall)
    names = [tool.name for tool in call.tools]
    assert all(names)
    assert len(set(names)) == len(names)
    assert all(isinstance(tool.parameters, dict) for tool in call.tools)
    assert any(tool.parameters for tool in call.tools)


@pytest.mark.parametrize("name", [name for name, said in OUTCOMES.items() if re.search(r" \w*at( |$)", said)])
def test_a_recorded_result_finds_the_call_that_it_answers(name: str) -> None:
    ask = load(name).ask()
    assert ask is not None
    call = ask.call()
    assert isinstance(call, ChatCall)
    asked = [tool_call for message in call.messages for tool_call in message.tool_calls]
    answered = [message for message in call.messages if message.role.value == "tool"]
    assert [message.tool_call_id or message.name for message in answered] == [
        made.id if message.tool_call_id else made.name for made, message in zip(asked, answered, strict=True)
    ]
    assert all(isinstance(json.loads(made.arguments), dict) for made in asked)
    assert all(message.text for message in answered)


def test_no_recording_holds_what_belongs_to_the_machine_that_made_it() -> None:
    for path in RECORDED.glob("*.json"):
        text = path.read_text()
        for trace in ("/tmp/", f"{Path.home()}/", "HOME="):
            assert trace not in text, f"{path.name} holds {trace}"
