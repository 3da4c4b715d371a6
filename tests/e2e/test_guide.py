"""docs/guides/connect-a-client.md, carried out: every client that it names, set up as it says, gets its answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.e2e.guide import Place, Setup, marked, page_path, setups
from tests.e2e.outside import Outside
from tests.e2e.processes import OLLAMA_MODEL, OPENAI_MODEL, Fronted
from tests.e2e.sandbox import Sandbox
from tests.e2e.tap import Tap

SETUPS = setups()
CHAT, MESSAGES, RESPONSES, OLLAMA = "/v1/chat/completions", "/v1/messages", "/v1/responses", "/api/chat"

# Which route answers each client, and where its programs are.
PYTHON = {
    "llm-openai": CHAT,
    "llm-ollama": OLLAMA,
    "openai-python": CHAT,
    "anthropic-python": MESSAGES,
    "ollama-python": OLLAMA,
    "langchain-openai": CHAT,
    "langchain-anthropic": MESSAGES,
    "langchain-ollama": OLLAMA,
}
NPM = {
    "claude-code": MESSAGES,
    "codex": RESPONSES,
    "opencode": CHAT,
    "continue-openai": CHAT,
    "continue-ollama": CHAT,
    "continue-anthropic": MESSAGES,
    "openai-javascript": CHAT,
    "anthropic-javascript": MESSAGES,
    "ollama-javascript": OLLAMA,
}
AIDER = {"aider-openai": CHAT, "aider-ollama": OLLAMA, "aider-anthropic": MESSAGES}
APART = {"litellm", "curl"}

# opencode puts what has spaces into quotes; a command must have a line of its own.
PROMPTS = {"opencode": "\nrepeat 4\n"}

# How many hosts on the Internet a client asks for, however it is told not to. opencode wants a package for its
# configuration directory, in the background, and does without.
ASKS_OUTSIDE = {"opencode": 1}


@pytest.fixture
def converses(fronted: Fronted, tap: Tap, outside: Outside) -> Callable[[Sandbox, Setup, str], None]:
    """Carries out a set-up against one engine's model, and sees that the right route gave the answer that came out."""

    def check(box: Sandbox, setup: Setup, model: str) -> None:
        # "repeat 4" is a command that survives what agents wrap around a prompt; the fake answers "w1 w2 w3 w4".
        place = Place(tap.url, fronted.service.key, model, PROMPTS.get(setup.client, "repeat 4"))
        done = setup.carry_out(box, place).fine()
        assert "w1 w2 w3 w4" in done.out, done
        failed = [seen for seen in tap.seen() if not seen.endswith(" 200")]
        assert not failed, f"{failed} of {tap.seen()}\n{done}"
        route = {**PYTHON, **NPM, **AIDER}[setup.client]
        assert [seen for seen in tap.seen() if seen == f"POST {route} 200"], f"{route} is not in {tap.seen()}"
        assert len(set(outside.wanted)) <= ASKS_OUTSIDE.get(setup.client, 0), outside.wanted

    return check


def test_every_set_up_on_the_page_is_run_by_a_test() -> None:
    assert set(SETUPS) == {*PYTHON, *NPM, *AIDER, *APART}


def test_every_marked_block_of_the_page_was_understood() -> None:
    assert marked() == sum(1 + len(setup.files) for setup in SETUPS.values())


def test_every_runnable_example_of_the_page_is_marked() -> None:
    text = page_path().read_text()
    fences = len(re.findall(r"^```\w+$", text, re.MULTILINE))
    # The first block only shows how to make a key; Open WebUI's two ways are recorded, not run.
    assert fences == marked() + 3


@pytest.mark.client
@pytest.mark.parametrize("model", [OLLAMA_MODEL, OPENAI_MODEL])
@pytest.mark.parametrize("name", PYTHON)
def test_python_client(name: str, model: str, python_box: Sandbox, converses: Callable[..., None]) -> None:
    converses(python_box, SETUPS[name], model)


@pytest.mark.client
@pytest.mark.parametrize("name", NPM)
def test_npm_client(name: str, npm_box: Sandbox, converses: Callable[..., None]) -> None:
    converses(npm_box, SETUPS[name], OPENAI_MODEL)


@pytest.mark.client
@pytest.mark.parametrize("name", NPM)
def test_npm_client_across_dialects(name: str, npm_box: Sandbox, converses: Callable[..., None]) -> None:
    converses(npm_box, SETUPS[name], OLLAMA_MODEL)


@pytest.mark.client
@pytest.mark.parametrize("name", AIDER)
def test_aider(name: str, aider_box: Sandbox, converses: Callable[..., None]) -> None:
    converses(aider_box, SETUPS[name], OLLAMA_MODEL)


@pytest.mark.client
def test_litellm_in_three_dialects(python_box: Sandbox, fronted: Fronted, tap: Tap, outside: Outside) -> None:
    place = Place(tap.url, fronted.service.key, OLLAMA_MODEL, "repeat 4")
    done = SETUPS["litellm"].carry_out(python_box, place).fine()
    assert done.out.count("w1 w2 w3 w4") == 3, done
    answered = [seen for seen in tap.seen() if not seen.startswith("POST /api/show")]
    assert answered == [f"POST {CHAT} 200", f"POST {OLLAMA} 200", f"POST {MESSAGES} 200"]
    # It asks for the model's properties without any key; if that changes, the guide need not mention it any more.
    assert {(show.status, show.header("authorization")) for show in tap.of("/api/show")} == {(401, "")}
    assert outside.wanted == []


@pytest.mark.parametrize("model", [OLLAMA_MODEL, OPENAI_MODEL])
def test_curl(model: str, box: Sandbox, fronted: Fronted) -> None:
    place = Place(fronted.service.url, fronted.service.key, model, "say: seven bowls")
    done = SETUPS["curl"].carry_out(box, place).fine()
    assert re.findall(r'"content":"([^"]+)"', done.out) == ["seven", " bowls"], done
    assert done.out.rstrip().endswith("data: [DONE]"), done
