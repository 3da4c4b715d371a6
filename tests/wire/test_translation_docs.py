"""Every line of the translation tables names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("dialect", ["anthropic", "responses"])
def test_every_line_names_a_test_that_exists(dialect: str) -> None:
    page = (ROOT / "docs/reference/translations" / f"{dialect}.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| What |")]
    sources = [*(ROOT / "tests/wire" / dialect).glob("test_*.py"), ROOT / "tests/wire/test_blocks.py"]
    tests = set(re.findall(r"^def (test_\w+)", "\n".join(source.read_text() for source in sources), re.MULTILINE))
    assert rows
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, f"no test is named in: {row}"
        assert set(named) <= tests, f"no such test: {row}"
