from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.cli.complete import Place, read_place, split_at
from potluck.cli.failure import CliError
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Stream, Whole, event

COMPLETE = "POST /api/v1/code/complete"
META = {"model": "x", "node": "n", "request_id": "r", "method": "infill"}


@pytest.fixture(autouse=True)
def answering(service: FakeService) -> None:
    pieces = [("meta", META), ("delta", {"text": "a +"}), ("delta", {"text": " b"}), ("done", {})]
    service.on(COMPLETE, Stream(tuple(event(*piece) for piece in pieces)))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a.py:3", Place(Path("a.py"), 3)),
        ("src/a.py:3:7", Place(Path("src/a.py"), 3, 7)),
        ("odd:name:2:1", Place(Path("odd:name"), 2, 1)),
    ],
)
def test_a_place_is_a_file_a_line_and_perhaps_a_column(text: str, place: Place) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize("text", ["a.py", "a.py:", "a.py:0", "a.py:1:0", ":3", "a.py:x"])
def test_other_words_are_no_place(text: str) -> None:
    with pytest.raises(CliError, match="not a place"):
        read_place(text)


@given(st.text(st.sampled_from("ab \n\r")), st.data())
def test_the_cut_loses_nothing_and_is_where_it_was_asked_for(text: str, data: st.DataObject) -> None:
    line = data.draw(st.integers(1, text.count("\n") + 1))
    before, after = split_at(text, Place(Path("a"), line))
    assert before + after == text
    assert before.count("\n") == line - 1
    assert after == "" or after[0] in "\r\n"


def test_a_column_cuts_within_its_line() -> None:
    assert split_at("one\ntwo\n", Place(Path("a"), 2, 2)) == ("one\nt", "wo\n")


@pytest.mark.parametrize("place", [Place(Path("a"), 3), Place(Path("a"), 1, 6)])
def test_a_place_outside_the_text_is_refused(place: Place) -> None:
    with pytest.raises(CliError):
        split_at("four\nx", place)


def test_exactly_what_is_to_be_inserted_is_printed(service: FakeService, ask: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"def f(a, b):\r\n    return \r\n\r\nf(1, 2)\r\n")
    result = ask("complete", f"{file}:2")
    assert (result.exit_code, result.stdout) == (0, "a + b")
    body = service.bodies(COMPLETE)[0]
    assert (body["prefix"], body["suffix"]) == ("def f(a, b):\r\n    return ", "\r\n\r\nf(1, 2)\r\n")
    assert body["path"] == str(file)
    assert body["stream"] is True


def test_prefix_and_suffix_can_be_given_as_they_are(service: FakeService, ask: Run) -> None:
    assert ask("complete", "--prefix", "x = ", "--suffix", "\n", "-l", "python", "-m", "m").stdout == "a + b"
    body = service.bodies(COMPLETE)[0]
    assert (body["prefix"], body["suffix"], body["language"], body["model"]) == ("x = ", "\n", "python", "m")


def test_a_pipe_is_the_prefix(service: FakeService, ask: Run) -> None:
    assert ask("complete", stdin="x = ").stdout == "a + b"
    assert service.bodies(COMPLETE)[0]["prefix"] == "x = "


def test_json_tells_where_it_came_from(service: FakeService, ask: Run) -> None:
    reply = {**META, "text": "a", "finish": "stop", "usage": None}
    service.on(COMPLETE, Whole(reply))
    assert json.loads(ask("complete", "--prefix", "x", "--json").stdout) == reply


@pytest.mark.parametrize("arguments", [["complete"], ["complete", "gone.py:1"], ["complete", "a:1", "--prefix", "x"]])
def test_no_code_is_wrong_usage(ask: Run, arguments: list[str]) -> None:
    assert ask(*arguments).exit_code == 2


def test_a_completion_that_breaks_off_fails(service: FakeService, ask: Run) -> None:
    service.on(COMPLETE, Stream((event("meta", META), event("delta", {"text": "a"}))))
    result = ask("complete", "--prefix", "x")
    assert (result.exit_code, result.stdout) == (1, "a")
