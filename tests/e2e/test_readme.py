"""The README's examples, run as they stand."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from potluck.config.load import check
from tests.e2e.processes import Service

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8420"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


@pytest.mark.model
@pytest.mark.parametrize("example", blocks("python"), ids=["openai", "anthropic", "ollama"])
def test_each_sdks_example_prints_an_answer(example: str, embedded: Service) -> None:
    printed = io.StringIO()
    names: dict[str, Any] = {"KEY": embedded.key}
    with contextlib.redirect_stdout(printed):
        exec(example.replace(ADDRESS, embedded.url), names)
    client = names["client"]
    (client if hasattr(client, "close") else client._client).close()
    assert printed.getvalue().strip()


@pytest.mark.model
def test_the_first_chat_answers(embedded: Service) -> None:
    (chat,) = [block for block in blocks("sh") if "curl" in block]
    script = chat.replace(ADDRESS, embedded.url).replace("~/.local/share/potluck", str(embedded.data))
    environment = {"POTLUCK_URL": embedded.url, "POTLUCK_KEY": embedded.key, "PATH": "/usr/bin:/bin"}
    shown = subprocess.run(
        ["/bin/sh", "-ec", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=140,  # the model decides when it has said enough
        check=True,
        cwd=Path(__file__).parents[2],
    )
    answer, _, body = shown.stdout.partition("{")
    assert answer.strip()
    assert '"finish_reason"' in body


def test_the_configuration_is_sound(tmp_path: Path) -> None:
    (example,) = blocks("yaml")
    file = tmp_path / "potluck.yaml"
    file.write_text(example, encoding="utf-8")
    assert [problem for problem in check(file, {}) if problem.severity == "error"] == []
