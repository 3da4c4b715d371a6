"""Files that nodes have made: under our names, found again by them alone."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from potluck.wire.comfyui.outputs import (
    Entry,
    Place,
    bounded,
    files_of,
    history,
    id_in,
    kept_id,
    name_of,
    queue_row,
    with_names,
)

JOB = "0193abcd" * 4
OUTPUT: dict[str, Any] = {
    "images": [{"filename": "a.png", "subfolder": "x", "type": "output"}, {"filename": "b.png", "type": "temp"}, "odd"],
    "text": ["a word"],
    "animated": (True,),
    "gifs": [{"filename": "c.mp4"}, {"other": 1}],
}


def test_the_files_of_an_output_are_counted_in_their_order() -> None:
    assert files_of("9", OUTPUT) == [
        Place("9", 0, "a.png", "x", "output"),
        Place("9", 1, "b.png", "", "temp"),
        Place("9", 2, "c.mp4", "", "output"),
    ]


def test_what_is_told_has_our_names_and_what_was_not_kept_is_left_out() -> None:
    told = with_names(OUTPUT, {0: "ours.png", 1: "shown.png"})
    assert told["images"] == [
        {"filename": "ours.png", "subfolder": "", "type": "output"},
        {"filename": "shown.png", "subfolder": "", "type": "temp"},
        "odd",
    ]
    assert (told["text"], told["gifs"], told["animated"]) == (["a word"], [{"other": 1}], (True,))


@given(st.text(max_size=300), st.integers(0, 999_999), st.integers(0, 255))
def test_a_name_leads_to_its_file_and_out_of_no_folder(filename: str, ordinal: int, position: int) -> None:
    id_ = kept_id(JOB, ordinal, position)
    name = name_of(id_, filename)
    assert id_in(name) == id_
    assert "/" not in name
    assert "\\" not in name
    assert len(name) < 250


def test_names_are_like_the_engines() -> None:
    id_ = kept_id(JOB, 9, 0)
    assert name_of(id_, "sub/ComfyUI_00012_.png") == f"ComfyUI_{id_}_.png"
    assert name_of(id_, "film") == f"film_{id_}_"
    assert id_in("ComfyUI_00001_.png") == id_in(f"x_{JOB}_.png") == ""


def test_what_has_no_end_is_left_out() -> None:
    assert bounded({"a": [1]}) == {"a": [1]}
    assert bounded({"a": "x" * (2 * 2**20)}) == {}


def test_history_and_queue_are_as_comfyui_writes_them() -> None:
    row = queue_row(3.0, "p", {"1": {}}, {"extra_pnginfo": {}}, "c", ["9"])
    assert row == [3, "p", {"1": {}}, {"extra_pnginfo": {}, "client_id": "c"}, ["9"]]
    assert queue_row(0.5, "p", {}, {}, "", [])[::3] == [0.5, {}]
    done = history(row, Entry({"9": {"images": []}}, [("execution_start", {})]))
    assert done["status"] == {"status_str": "success", "completed": True, "messages": [["execution_start", {}]]}
    assert list(done["meta"]) == ["9"]  # type: ignore[arg-type]
    failed = history(row, Entry(failed=True))
    assert failed["status"] == {"status_str": "error", "completed": False, "messages": []}
