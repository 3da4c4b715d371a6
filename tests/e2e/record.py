"""Records what real clients send: ``python -m tests.e2e.record [NAME…]`` makes ``tests/surfaces/recorded`` anew.

Kept is every field of every distinct request. Shortened are long texts (other people's prompts have no place here, and
no codec cares for their length); replaced are keys, ids that are new each time, and this machine's paths. The length of
the body stays in the headers as it was.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.e2e.guide import Place, setups
from tests.e2e.installed import ROOT, node_bin, npm_set, python_set
from tests.e2e.outside import Outside, refusing
from tests.e2e.processes import OLLAMA_MODEL, OPENAI_MODEL, Fronted, fronted
from tests.e2e.sandbox import Sandbox, sandbox
from tests.e2e.scenarios import SCENARIOS
from tests.e2e.scripts import JAVASCRIPT, OLDER_PYTHON, PYTHON, SHELL
from tests.e2e.tap import Exchange, Tap, tapping
from tests.e2e.test_agents import TOOL_CALLS, working

RECORDED = ROOT / "tests" / "surfaces" / "recorded"
KEY = "pk-recorded"

# Texts longer than this are cut to their beginning.
LONG_CHARS = 120
KEPT_CHARS = 40

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Claude Code's id of this machine, Codex's commit hashes: long runs of hexadecimal digits.
_HEX = re.compile(r"\b[0-9a-f]{40,64}\b")

Drive = Callable[[Tap], None]
Fixture = dict[str, Any]
Seen = set[str]


def drives(found: Fronted, outside: Outside, directory: Path) -> Iterator[tuple[str, Drive]]:
    """Everything that is recorded, by name."""
    key = found.service.key
    clients, aider, modules = python_set("clients", print), python_set("aider", print), npm_set(print)

    def box(name: str) -> Sandbox:
        place = directory / name
        place.mkdir()
        made = sandbox(place, outside.url, aider if name.startswith(("aider", *OLDER_PYTHON)) else clients)
        made = Sandbox(made.home, made.project, made.proxy, (*made.path, modules / ".bin", node_bin()))
        (made.project / "node_modules").symlink_to(modules)
        (made.project / ".git" / "info" / "exclude").write_text("node_modules\n")
        return made

    def at(tap: Tap) -> dict[str, str]:
        return {"POTLUCK_URL": tap.url, "POTLUCK_KEY": key, "OLLAMA_HOST": tap.url, "OLLAMA_API_KEY": key}

    def guided(name: str) -> Drive:
        model = OLLAMA_MODEL if "ollama" in name or name == "litellm" else OPENAI_MODEL
        return lambda tap: _fine(setups()[name].carry_out(box(name), Place(tap.url, key, model, "repeat 4")))

    def agent(name: str) -> Drive:
        return lambda tap: _fine(working(name).carry_out(box(f"{name}-tools"), Place(tap.url, key, OPENAI_MODEL, "")))

    def script(name: str, command: tuple[str, ...]) -> Drive:
        return lambda tap: _fine(box(name).run(*command, environment=at(tap)))

    def shell(name: str) -> Drive:
        def drive(tap: Tap) -> None:
            made = box(name)
            setups()["llm-openai"].carry_out(made, Place(tap.url, key, OPENAI_MODEL, "repeat 4")).fine()
            tap.exchanges.clear()
            made.run("bash", "-euc", SHELL[name], environment=at(tap)).fine()

        return drive

    for name in (name for name in setups() if name != "curl"):
        yield name, guided(name)
    for name in TOOL_CALLS:
        yield f"{name}-tools", agent(name)
    for name, scenario in SCENARIOS.items():
        yield name, lambda tap, scenario=scenario: scenario(tap.url, key)  # type: ignore[misc]  # bound early
    for name, text in {**PYTHON, **OLDER_PYTHON}.items():
        yield name, script(name, ("python", "-c", text))
    for name, text in JAVASCRIPT.items():
        yield name, script(name, ("node", "--input-type=module", "-e", text))
    for name in SHELL:
        yield name, shell(name)


def _fine(done: Any) -> None:
    done.fine()


def fixtures(name: str, exchanges: list[Exchange], clean: Callable[[str], str], seen: Seen) -> dict[str, Fixture]:
    """What goes into the files, by file name: each distinct request of a program once, whatever it was doing."""
    made: list[Fixture] = []
    for exchange in exchanges:
        if exchange.status == 401 and not exchange.header("authorization"):
            continue  # LiteLLM's question for a model's properties, which it asks without a key
        assert exchange.status < 400, f"{name}: {exchange.method} {exchange.target} was answered with {exchange.status}"
        fixture = {
            "method": exchange.method,
            "target": exchange.target,
            "headers": {header: clean(value) for header, value in exchange.headers},
            "body": shortened(json.loads(clean(exchange.body.decode()))) if exchange.body else None,
        }
        what = json.dumps([exchange.header("user-agent"), *(fixture[part] for part in ("method", "target", "body"))])
        if what not in seen:
            seen.add(what)
            made.append(fixture)
    if len(made) == 1:
        return {f"{name}.json": made[0]}
    return {f"{name}-{number}.json": fixture for number, fixture in enumerate(made, 1)}


def shortened(value: Any) -> Any:
    """The same JSON with its long texts cut."""
    match value:
        case str() if len(value) > LONG_CHARS and not value.startswith(("{", "[", "data:")):
            return f"{value[:KEPT_CHARS]}… [{len(value)} characters]"
        case dict():
            return {key: shortened(item) for key, item in value.items()}
        case list():
            return [shortened(item) for item in value]
        case _:
            return value


def cleaner(tap: Tap, key: str, directory: Path) -> Callable[[str], str]:
    """Replaces what is secret, what is this machine's, and what is new each time."""

    def clean(text: str) -> str:
        text = text.replace(key, KEY).replace(tap.url.removeprefix("http://"), "127.0.0.1:8420")
        text = re.sub(re.escape(str(directory)) + r"/[\w.-]+", "/home/me", text)
        return _HEX.sub("0" * 40, _UUID.sub("00000000-0000-4000-8000-000000000000", text))

    return clean


def main(wanted: list[str]) -> None:
    RECORDED.mkdir(exist_ok=True)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        outside = stack.enter_context(refusing())
        found = stack.enter_context(fronted(directory))
        seen: Seen = set()
        for name, drive in drives(found, outside, directory):
            if wanted and name not in wanted:
                continue
            with tapping(found.service.url) as tap:
                drive(tap)
                files = fixtures(name, tap.exchanges, cleaner(tap, found.service.key, directory), seen)
            for old in RECORDED.glob(f"{name}*.json"):
                if re.fullmatch(rf"{re.escape(name)}(-\d+)?\.json", old.name):
                    old.unlink()
            for file, fixture in files.items():
                (RECORDED / file).write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n")
            print(f"{name}: {len(files)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
