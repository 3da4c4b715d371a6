from __future__ import annotations

from pathlib import Path

import pytest
from supply_chain.requirements import Pinned, Unpinned, pinned

ROOT = Path(__file__).parents[2]
HASH = "0" * 64


def read(tmp_path: Path, text: str) -> list[Pinned]:
    file = tmp_path / "x.txt"
    file.write_text(text)
    return list(pinned(file))


def test_name_version_marker_hashes_and_who_asks_are_read(tmp_path: Path) -> None:
    text = (
        f"Foo_Bar==1.2.3 ; python_version < '3.12' \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{'1' * 64}\n"
        "    # via\n    #   -r requirements/x.in\n    #   some.thing\n"
        f"baz==2 \\\n    --hash=sha256:{HASH}\n    # via foo-bar\n"
    )
    assert read(tmp_path, text) == [
        Pinned("foo-bar", "1.2.3", "python_version < '3.12'", (HASH, "1" * 64), ("some-thing",)),
        Pinned("baz", "2", "", (HASH,), ("foo-bar",)),
    ]


@pytest.mark.parametrize("line", ["foo>=1", f"foo>=1 \\\n    --hash=sha256:{HASH}", "foo==1", "git+https://x/y"])
def test_what_is_not_pinned_by_version_and_hash_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(Unpinned):
        read(tmp_path, line + "\n")


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda file: str(file.name))
def test_every_requirement_of_ours_is_pinned_by_version_and_hash(file: Path) -> None:
    assert list(pinned(file))
