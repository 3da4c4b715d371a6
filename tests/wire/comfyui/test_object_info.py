"""What node classes engines have, read with everything that custom nodes tell of themselves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.wire.comfyui.object_info import Input, ObjectInfo, choices_of, joined


def info(**classes: Any) -> ObjectInfo:
    return ObjectInfo(msgspec.json.encode(classes))


def node(required: Any = None, optional: Any = None, **more: Any) -> dict[str, Any]:
    inputs = {"required": required or {}, **({"optional": optional} if optional is not None else {})}
    return {"input": inputs, "output": ["IMAGE"], "output_node": False, **more}


def decoded(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_inputs_are_read_in_the_old_form_and_the_new() -> None:
    known = info(
        Old=node({"ckpt_name": [["a", "b"]], "steps": ["INT", {"min": 1, "max": 9}], "model": ["MODEL"]}),
        New=node({"ckpt_name": ["COMBO", {"options": ["a"], "multiselect": True}]}, {"cfg": ["FLOAT", {"min": True}]}),
        Upload=node({"image": [["x.png"], {"image_upload": True}]}),
    )
    old = known.of("Old")
    assert old is not None
    assert old is known.of("Old")
    assert old.inputs["ckpt_name"] == Input("COMBO", True, ("a", "b"))
    assert (old.inputs["steps"].low, old.inputs["steps"].high) == (1, 9)
    assert (old.inputs["model"].kind, old.outputs, old.shows) == ("MODEL", ("IMAGE",), False)
    new = known.of("New")
    assert new is not None
    assert new.inputs["ckpt_name"] == Input("COMBO", True, ("a",), many=True)
    assert new.inputs["cfg"] == Input("FLOAT", False)
    upload = known.of("Upload")
    assert upload is not None
    assert upload.inputs["image"].uploads
    assert known.of("Nobody") is None
    assert "Old" in known


def test_what_is_not_understood_bounds_nothing() -> None:
    known = info(
        Text="a text",
        Odd={
            "input": {"required": {"a": [], "b": [{"x": 1}], "c": ["COMBO", {"remote": {}, "options": []}]}},
            "output": 3,
        },
        List={"input": [], "output": [["a", "b"]], "output_node": True},
    )
    text, odd, many = known.of("Text"), known.of("Odd"), known.of("List")
    assert text is not None
    assert odd is not None
    assert many is not None
    assert (text.inputs, text.outputs) == ({}, ())
    assert [(name, each.kind, each.choices) for name, each in odd.inputs.items()] == [
        ("a", "", None),
        ("b", "*", None),
        ("c", "COMBO", None),
    ]
    assert (many.inputs, many.outputs, many.shows) == ({}, ("COMBO",), True)
    with pytest.raises(msgspec.MsgspecError):
        ObjectInfo(b"[]")


def test_several_engines_lists_are_joined_and_uploads_are_ones_own() -> None:
    one = info(
        Load=node({"ckpt_name": [["a"]], "clip": ["CLIP"], "type": ["COMBO", {"options": ["x"]}], "odd": 3}),
        LoadImage=node({"image": [["theirs.png"], {"image_upload": True}]}),
        Same=node(),
    )
    other = info(
        Load=node({"ckpt_name": [["b", "a"]], "type": ["COMBO", {"options": "none"}]}),
        LoadImage=node({"image": [["others.png"], {"image_upload": True}]}),
        Same=node(),
        Only=node({}, {"odd": 3, "combo": ["COMBO", {}]}),
    )
    told = decoded(joined([one, other], ["mine.png"]))
    assert list(told) == ["Load", "LoadImage", "Same", "Only"]
    assert told["Load"]["input"]["required"]["ckpt_name"] == [["a", "b"]]
    assert told["Load"]["input"]["required"]["type"] == ["COMBO", {"options": ["x"]}]
    assert told["LoadImage"]["input"]["required"]["image"][0] == ["mine.png"]
    assert list(joined([one], [], ["Same", "Nobody"])) == ["Same"]
    assert choices_of([one, other], "Load", "ckpt_name") == ["a", "b"]
    assert choices_of([one], "Load", "clip") == choices_of([one], "Load", "none") == choices_of([one], "No", "x") == []


def test_an_entry_that_is_no_object_stays_as_it_is() -> None:
    assert decoded(joined([info(A=1), info(A=2)], [])) == {"A": 1}
