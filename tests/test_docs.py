"""Documentation is product: what is public is described, and the pages made from the code are what the code makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from potluck.core.audit import MEANINGS
from potluck.gateway import answer_headers
from tests.generated_docs import PAGES, REFERENCE

ROOT = Path(__file__).parents[1]
_OTHERS = "node_modules"
PROSE = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == _OTHERS for part in path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.M)) - {"fmt-check"}
    told = set(re.findall(r"^([a-z][a-z-]*):.*## \S", makefile, re.M))
    assert named == told


def test_a_headers_name_stands_in_the_code_once() -> None:
    """So that docs/reference/headers.md, which is made from there, has them all. Those of requests stand in
    `wire.terms`, whose test knows their page."""
    source = ROOT / "src" / "potluck"
    naming = [
        path for path in source.rglob("*.py") if re.search(r'"x-potluck|x-potluck[a-z-]*: ?[%{]', path.read_text())
    ]
    assert sorted(path.name for path in naming) == ["answer_headers.py", "terms.py"]
    listed = {told.name for told in answer_headers.HEADERS}
    named = {name for name in vars(answer_headers).values() if isinstance(name, str) and name.startswith("x-potluck")}
    assert listed == named


def test_the_audit_logs_guide_has_every_event() -> None:
    guide = (ROOT / "docs" / "guides" / "audit.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", guide, re.M)
    assert told == [(event.value, meaning) for event, meaning in MEANINGS.items()]


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
