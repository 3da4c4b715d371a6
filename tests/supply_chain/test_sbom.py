"""The bill of materials: whole, and the same for the same requirements."""

from __future__ import annotations

import json
from pathlib import Path

from supply_chain.requirements import Pinned, pinned
from supply_chain.sbom import bill, parts

from potluck import __version__

ROOT = Path(__file__).parents[2]


def test_it_lists_all_that_a_user_gets() -> None:
    listed = parts(ROOT / "requirements")
    document = json.loads(bill(listed))
    wanted = {
        each.name: each for file in ("runtime", "weights") for each in pinned(ROOT / "requirements" / f"{file}.txt")
    }
    assert {each["name"]: each["version"] for each in document["components"]} == {
        name: each.version for name, each in wanted.items()
    }
    assert all(each["hashes"] and each["purl"].startswith("pkg:pypi/") for each in document["components"])
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["version"] == __version__


def test_it_is_the_same_each_time_and_another_for_another_pin() -> None:
    listed = parts(ROOT / "requirements")
    assert bill(listed) == bill(reversed(listed)) == bill(listed)
    assert "timestamp" not in bill(listed)
    other = [*listed[1:], Pinned(listed[0].name, "999", "", listed[0].hashes)]
    assert json.loads(bill(other))["serialNumber"] != json.loads(bill(listed))["serialNumber"]


def test_it_says_what_depends_on_what() -> None:
    made = bill([Pinned("a", "1", "", ("0" * 64,)), Pinned("b", "2", "x < 1", ("1" * 64,), ("a",))])
    document = json.loads(made)
    depends = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert depends == {f"potluck@{__version__}": ["a@1"], "a@1": ["b@2"], "b@2": []}
    assert document["components"][1]["scope"] == "optional"
