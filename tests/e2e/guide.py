"""The guide's copy-paste set-ups, as data: what docs/guides/connect-a-client.md tells users is what the tests run.

A fenced block with ``<!-- client: NAME file PATH -->`` on the line before it is a file, one with
``<!-- client: NAME run -->`` is what to run once the client's files are written. ``~`` is the user's home.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.installed import ROOT
from tests.e2e.sandbox import Done, Sandbox

PAGE = ROOT / "docs" / "guides" / "connect-a-client.md"

# What the page shows, and tests replace.
ADDRESS = "http://127.0.0.1:8420"
MODEL = "smollm2:135m"
PROMPT = "What is a potluck?"

_BLOCK = re.compile(
    r"^<!-- client: (?P<client>\S+) (?:file (?P<path>\S+)|run) -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_INTERPRETER = {"bash": ("bash", "-euo", "pipefail", "-c"), "python": ("python", "-c"), "javascript": ()}


@dataclass(frozen=True, slots=True)
class Place:
    """What stands where the page has its examples."""

    url: str
    key: str
    model: str
    prompt: str

    def fill(self, text: str) -> str:
        return text.replace(ADDRESS, self.url).replace(MODEL, self.model).replace(PROMPT, self.prompt)


@dataclass(frozen=True, slots=True)
class Setup:
    """One client's set-up: files by path, and the run block in its language."""

    client: str
    files: tuple[tuple[str, str], ...]
    language: str
    run: str

    def carry_out(self, sandbox: Sandbox, place: Place, *, timeout_s: float = 90.0) -> Done:
        """Write the files, run the block, return how it ended."""
        for path, text in self.files:
            file = sandbox.home / path[2:] if path.startswith("~/") else sandbox.project / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(place.fill(text))
        program = place.fill(self.run)
        if self.language == "javascript":
            (sandbox.project / "example.mjs").write_text(program)
            command: tuple[str, ...] = ("node", "example.mjs")
        else:
            command = (*_INTERPRETER[self.language], program)
        return sandbox.run(*command, timeout_s=timeout_s, environment={"POTLUCK_KEY": place.key})


def setups() -> dict[str, Setup]:
    """All of the page's, by name, in its order."""
    files: dict[str, list[tuple[str, str]]] = {}
    found: dict[str, Setup] = {}
    for block in _BLOCK.finditer(PAGE.read_text()):
        client = block["client"]
        if block["path"]:
            files.setdefault(client, []).append((block["path"], block["text"]))
        else:
            assert client not in found, f"{client} has two run blocks"
            found[client] = Setup(client, tuple(files.get(client, ())), block["language"], block["text"])
    return found


def marked() -> int:
    """How many ``client:`` comments the page has: all of them must be blocks."""
    return len(re.findall(r"<!-- client:", PAGE.read_text()))


def page_path() -> Path:
    return PAGE
