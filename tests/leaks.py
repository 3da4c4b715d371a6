"""No secret reaches a log: looked for in all that a run of the tests has written, whatever test it came from.

`tests/conftest.py` takes the hook and the fixture from here, so that every test is watched: what it says on stderr and
in logs, and at the end of the run each log of the services that were started in the run's own folder.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# Keys, and the tokens of sessions and links, are made alike (`core.keys.make_key`).
KEY = re.compile(r"pk-[0-9A-Za-z]{43}(?![0-9A-Za-z])")
SHAPES = (
    KEY,
    re.compile(r"\$argon2id?\$v=\d+\$\S{20,}"),
    re.compile(r"otpauth://\S+secret=\w+", re.IGNORECASE),
    re.compile(r"(?i:authorization['\"]?[:=,]\s*['\"]?(?:bearer|basic) +)[\w+/=.-]{16,}"),
    re.compile(r"\bpostgres(?:ql)?://[^\s:/@]+:[^\s/@*…]+@"),
    re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),  # a token of JSON, signed: RFC 7519
)
# The one secret that is for the log: who can read it is to become the owner (docs/guides/people.md).
FOR_THE_OWNER = re.compile(r"/setup\?token=\S+")

# Of files that a service wrote: the newest part of a very long one says as much as all of it.
MOST_BYTES = 64_000_000
LOGS = ("*.log", "*.err", "*stderr*")

_NAMED = re.compile(r"passw(or)?d|secret", re.IGNORECASE)
_SHORTEST = 10  # what is shorter may be a word that stands in a log by chance


class Leak(NamedTuple):
    """``where`` a secret was written, and what was around it, without the secret."""

    where: str
    around: str


@cache
def given_passwords(folder: Path) -> frozenset[str]:
    """What the tests in ``folder`` give as passwords and secrets: constants that are named so."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if _NAMED.search(text):
            found |= set(_constants(ast.parse(text)))
    return frozenset(each for each in found if len(each) >= _SHORTEST)


def _constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _NAMED.search(name):
                yield from _text(value)
            case ast.keyword(arg=str(name), value=value) if _NAMED.search(name):
                yield from _text(value)
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str) and _NAMED.search(key.value):
                        yield from _text(value)
            case _:
                pass


def _text(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def leaks_in(text: str, where: str, passwords: Iterable[str] = ()) -> list[Leak]:
    """Every line of ``text`` that holds a secret."""
    found: list[Leak] = []
    for line in text.splitlines():
        cleaned = FOR_THE_OWNER.sub("", line)
        hidden = cleaned
        for shape in SHAPES:
            hidden = shape.sub("<SECRET>", hidden)
        for password in passwords:
            hidden = hidden.replace(password, "<SECRET>")
        if hidden != cleaned:
            found.append(Leak(where, hidden[:400]))
    return found


def leaks_below(folder: Path, passwords: Iterable[str] = ()) -> list[Leak]:
    """Every secret in a log below ``folder``."""
    found: list[Leak] = []
    for path in sorted({path for pattern in LOGS for path in folder.rglob(pattern) if path.is_file()}):
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - MOST_BYTES))
            found += leaks_in(log.read().decode("utf-8", "replace"), str(path), passwords)
    return found


def told(leaks: Iterable[Leak]) -> str:
    return "\n".join(f"{leak.where}: {leak.around}" for leak in leaks)


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_any_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The first fixture of a run and so the last to end: services have stopped, and all they had to say is there."""
    yield
    leaks = leaks_below(tmp_path_factory.getbasetemp(), given_passwords(Path(__file__).parent))
    assert not leaks, f"secrets in logs of this run:\n{told(leaks)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A test whose stderr or log holds a secret has failed. On stdout a command may print a key: that is for people."""
    report: pytest.TestReport = yield
    # Sections add up from a test's set-up to its end; each is looked at once.
    written = [
        (name, text)
        for name, text in report.sections
        if name.endswith(call.when) and ("stderr" in name or "log" in name)
    ]
    leaks = [leak for name, text in written for leak in leaks_in(text, name, given_passwords(Path(__file__).parent))]
    if leaks and report.outcome == "passed":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} wrote secrets:\n{told(leaks)}"
    return report
