"""What is recorded also works: each scenario and script, against the fakes, with nothing refused on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.e2e.guide import Place, setups
from tests.e2e.outside import Outside
from tests.e2e.processes import MODEL, OPENAI_MODEL, Fronted, Service
from tests.e2e.sandbox import Sandbox
from tests.e2e.scenarios import SCENARIOS
from tests.e2e.scripts import JAVASCRIPT, OLDER_PYTHON, PYTHON, SHELL
from tests.e2e.tap import Tap, tapping


def served(tap: Tap) -> None:
    assert tap.exchanges
    assert [seen for seen in tap.seen() if not seen.endswith(" 200")] == []


def at(tap: Tap, fronted: Fronted) -> dict[str, str]:
    return {"POTLUCK_URL": tap.url, "POTLUCK_KEY": fronted.service.key}


@pytest.mark.parametrize("name", SCENARIOS)
def test_sdk(name: str, fronted: Fronted, tap: Tap) -> None:
    SCENARIOS[name](tap.url, fronted.service.key)
    served(tap)


@pytest.mark.client
@pytest.mark.parametrize("name", PYTHON)
def test_python(name: str, python_box: Sandbox, fronted: Fronted, tap: Tap, outside: Outside) -> None:
    python_box.run("python", "-c", PYTHON[name], environment=at(tap, fronted)).fine()
    served(tap)
    assert outside.wanted == []


@pytest.mark.client
@pytest.mark.parametrize("name", OLDER_PYTHON)
def test_sdks_of_an_earlier_generation(name: str, aider_box: Sandbox, fronted: Fronted, tap: Tap) -> None:
    aider_box.run("python", "-c", OLDER_PYTHON[name], environment=at(tap, fronted)).fine()
    served(tap)


@pytest.mark.client
@pytest.mark.parametrize("name", JAVASCRIPT)
def test_javascript(name: str, npm_box: Sandbox, fronted: Fronted, tap: Tap) -> None:
    (npm_box.project / "script.mjs").write_text(JAVASCRIPT[name])
    npm_box.run("node", "script.mjs", environment=at(tap, fronted)).fine()
    served(tap)


@pytest.mark.client
@pytest.mark.parametrize("name", SHELL)
def test_llm(name: str, python_box: Sandbox, fronted: Fronted, tap: Tap) -> None:
    key = fronted.service.key
    setups()["llm-openai"].carry_out(python_box, Place(tap.url, key, OPENAI_MODEL, "say: soup")).fine()
    ollama = {"OLLAMA_HOST": tap.url, "OLLAMA_API_KEY": key}
    done = python_box.run("bash", "-euc", SHELL[name], environment={**at(tap, fronted), **ollama}).fine()
    served(tap)
    assert name != "llm-schema" or '"age"' in done.out


@pytest.mark.client
@pytest.mark.model
@pytest.mark.parametrize(("name", "limit"), [("llm-openai", "-o max_tokens 16"), ("llm-ollama", "-o num_predict 16")])
def test_llm_chats_with_the_real_model(name: str, limit: str, python_box: Sandbox, embedded: Service) -> None:
    """The guide's set-up, with a limit: a small model may go on for minutes."""
    setup = setups()[name]
    setup = replace(setup, run=setup.run.replace("llm -m", f"llm prompt {limit} -m"))
    with tapping(embedded.url) as tap:
        done = setup.carry_out(python_box, Place(tap.url, embedded.key, MODEL, "Say hello.")).fine()
        assert done.out.strip()
        served(tap)
