"""Whether an engine can run a graph, in ComfyUI's words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.wire.comfyui.object_info import ObjectInfo
from potluck.wire.comfyui.validation import Look, Upload, look, node_errors, refusal, uploads_of


def node(inputs: dict[str, Any], output: list[str], *, shows: bool = False) -> dict[str, Any]:
    return {"input": {"required": inputs, "optional": {"note": ["STRING"]}}, "output": output, "output_node": shows}


CLASSES = {
    "Load": node({"ckpt_name": [["xl/a.safetensors", "b.ckpt"]]}, ["MODEL", "VAE"]),
    "LoadImage": node({"image": [["x.png"]]}, ["IMAGE"]),
    "Upload": node({"file": [["x.png"], {"image_upload": True}]}, ["IMAGE"]),
    "Empty": node({"width": ["INT", {"min": 16, "max": 64}], "cfg": ["FLOAT", {}]}, ["LATENT"]),
    "Draw": node({"model": ["MODEL"], "latent": ["LATENT"], "any": ["*"]}, ["IMAGE"]),
    "Pick": node(
        {"tags": [["a", "b"], {"multiselect": True}], "own": [[]], "long": [[str(n) for n in range(30)]]}, ["X"]
    ),
    "Save": node({"images": ["IMAGE"]}, [], shows=True),
}
INFO = ObjectInfo(msgspec.json.encode(CLASSES))


def graph(**changes: Any) -> dict[str, Any]:
    nodes: dict[str, tuple[str, dict[str, Any]]] = {
        "1": ("Load", {"ckpt_name": "b.ckpt"}),
        "2": ("Empty", {"width": 32, "cfg": 1.5}),
        "3": ("Draw", {"model": ["1", 0], "latent": ["2", 0], "any": 3}),
        "4": ("Save", {"images": ["3", 0]}),
    }
    made: dict[str, Any] = {id_: {"class_type": kind, "inputs": inputs} for id_, (kind, inputs) in nodes.items()}
    for where, value in changes.items():
        id_, _, name = where[1:].partition("_")
        made[id_]["inputs"][name] = value
    return made


def wrong(seen: Look) -> list[tuple[str, str]]:
    return [(id_, str(each["type"])) for id_, errors in seen.wrong.items() for each in errors]


def test_a_graph_that_fits_is_run_as_it_is() -> None:
    seen = look(graph(), INFO)
    assert (seen.wrong, seen.outputs, seen.graph, seen.reasons) == ({}, ("4",), graph(), ())
    assert set(seen.needed(graph())) == {"1", "2", "3", "4"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"n1_ckpt_name": "nobody.safetensors"}, ("1", "value_not_in_list")),
        ({"n1_ckpt_name": 3}, ("1", "value_not_in_list")),
        ({"n2_width": "wide"}, ("2", "invalid_input_type")),
        ({"n2_width": None}, ("2", "invalid_input_type")),
        ({"n2_width": 8}, ("2", "value_smaller_than_min")),
        ({"n2_width": 800}, ("2", "value_bigger_than_max")),
        ({"n3_model": "a text"}, ("3", "return_type_mismatch")),
        ({"n3_model": ["2", 0]}, ("3", "return_type_mismatch")),
        ({"n3_model": ["1", 7]}, ("3", "bad_linked_input")),
        ({"n3_model": ["9", 0]}, ("3", "bad_linked_input")),
        ({"n3_model": ["1"]}, ("3", "bad_linked_input")),
    ],
)
def test_what_is_wrong_is_said_with_its_node(changes: dict[str, Any], found: tuple[str, str]) -> None:
    seen = look(graph(**changes), INFO)
    assert wrong(seen) == [found]
    assert seen.outputs == ()
    assert seen.reasons[0].startswith("refuses ")
    error = refusal(graph(**changes), [seen])
    assert error.kind == "prompt_outputs_failed_validation"
    assert found[0] in error.nodes
    assert error.nodes[found[0]]["dependent_outputs"] == ["4"] if found[0] == "4" else True


def test_numbers_may_be_texts_and_other_inputs_anything() -> None:
    assert look(graph(n2_width="32", n2_cfg="2", n3_any={"x": 1}, n2_note=5), INFO).wrong == {}
    missing = graph()
    del missing["2"]["inputs"]["width"]
    assert wrong(look(missing, INFO)) == [("2", "required_input_missing")]


def test_a_models_file_in_another_folder_is_the_same_model() -> None:
    seen = look(graph(n1_ckpt_name="A.safetensors"), INFO)
    assert seen.wrong == {}
    assert seen.graph["1"]["inputs"] == {"ckpt_name": "xl/a.safetensors"}


def test_lists_are_as_strict_as_their_nodes() -> None:
    pick = {"5": {"class_type": "Pick", "inputs": {"tags": ["a"], "own": "made by a page", "long": "7"}}}
    tied = {**graph(n3_any=["5", 0]), **pick}
    assert look(tied, INFO).wrong == {}
    tied["5"]["inputs"] |= {"tags": ["a", "z"], "own": "gone.safetensors", "long": "x"}
    seen = look(tied, INFO)
    assert wrong(seen) == [("5", "value_not_in_list")] * 3
    assert "list of length 30" in str(seen.wrong["5"][2]["details"])


def test_images_are_those_that_were_uploaded() -> None:
    loading: dict[str, Any] = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "mine.png"}},
        "2": {"class_type": "Upload", "inputs": {"file": "gone.png"}},
        "3": {"class_type": "Save", "inputs": {"images": ["1", 0]}},
        "4": {"class_type": "Save", "inputs": {"images": ["2", 0]}},
        "5": {"class_type": "LoadImage", "inputs": {"image": ["1", 0]}},
    }
    assert uploads_of(loading, INFO) == [Upload("1", "image", "mine.png"), Upload("2", "file", "gone.png")]
    assert uploads_of(loading, None) == [Upload("1", "image", "mine.png")]
    assert uploads_of({"1": {"class_type": "Nobody", "inputs": {"image": "x"}}}, INFO) == []
    seen = look(loading, INFO, absent={"gone.png"})
    assert (wrong(seen), seen.outputs) == ([("2", "custom_validation_failed")], ("3",))
    assert set(seen.needed(loading)) == {"1", "3"}
    assert node_errors(loading, seen)["2"]["dependent_outputs"] == ["4"]
    assert look(loading, INFO, ["3"], {"gone.png"}).wrong == {}


def test_node_classes_that_are_not_there_are_named() -> None:
    strange = {**graph(), "5": {"class_type": "Nobody", "inputs": {}}}
    seen = look(strange, INFO)
    assert (seen.missing, seen.outputs, seen.reasons) == ({"5": "Nobody"}, (), ("lacks the node Nobody",))
    error = refusal(strange, [seen, look(graph(n2_width=1), INFO)._replace(missing={"5": "A", "6": "B"})])
    assert (error.kind, error.details) == ("invalid_prompt", "Node ID '#5'")
    assert "Nobody does not exist" in error.message
    assert error.nodes["5"]["class_type"] == "Nobody"


def test_a_graph_that_shows_nothing_is_none() -> None:
    nothing = {"1": {"class_type": "Load", "inputs": {"ckpt_name": "b.ckpt"}}}
    assert refusal(nothing, [look(nothing, INFO)]).kind == "prompt_no_outputs"
