"""What is asked of ``POST /prompt``, and what no engine is to see."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.core.errors import BadRequest
from potluck.wire.comfyui import prompts
from potluck.wire.comfyui.prompts import PromptRefused, read_prompt

ID = "0b0f2c1e-6a3f-4f0e-9a53-3f0d7a9c0001"
NODE = {"class_type": "SaveImage", "inputs": {}}


def read(graph: Any = None, **more: Any) -> prompts.Prompt:
    return read_prompt(msgspec.json.encode({"prompt": {"1": NODE} if graph is None else graph, **more}))


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def chain(length: int) -> dict[str, Any]:
    return {str(at): {"class_type": "X", "inputs": {"a": [str(at - 1), 0]} if at else {}} for at in range(length)}


def test_all_that_a_client_says_is_read() -> None:
    extra = {"extra_pnginfo": {"workflow": {}}, "api_key_comfy_org": "secret", "client_id": "other"}
    told = read(
        client_id="c", prompt_id=ID, extra_data=extra, front=True, number=-3, partial_execution_targets=["1", 2]
    )
    assert (told.id, told.client, told.front, told.number, told.targets) == (ID, "c", True, -3.0, ("1", "2"))
    assert told.extra == {"extra_pnginfo": {"workflow": {}}}, "no token for another service is kept"
    bare = read(extra_data={"client_id": "of old"}, number=True)
    assert (bare.id, bare.client, bare.front, bare.number, bare.targets) == ("", "of old", False, None, None)
    assert read(client_id=3, extra_data=[], number=1e300).client == ""
    assert read({"1": {"class_type": "X"}}).graph == {"1": {"class_type": "X", "inputs": {}}}


@pytest.mark.parametrize(
    ("graph", "kind", "words"),
    [
        ([], "invalid_prompt", "no graph"),
        ({}, "invalid_prompt", "no graph"),
        ({"1": 3}, "invalid_prompt", "class_type"),
        ({"1": {"class_type": ""}}, "invalid_prompt", "class_type"),
        ({"1": {"class_type": "a\n"}}, "invalid_prompt", "class_type"),
        ({"1": {"class_type": "X", "inputs": []}}, "invalid_prompt", "inputs"),
        ({"a\n": NODE}, "invalid_prompt", "id"),
        ({"a" * 201: NODE}, "invalid_prompt", "id"),
        ({"1": {"class_type": "X", "inputs": {"a": deep(40)}}}, "invalid_prompt", "deep"),
        ({str(at): NODE for at in range(1001)}, "prompt_too_large", "1000"),
        (chain(302), "prompt_too_large", "hang on"),
        ({"1": {"class_type": "X", "inputs": {"a": ["1", 0]}}}, "dependency_cycle", "cycle"),
    ],
)
def test_graphs_that_would_hurt_an_engine_are_refused(graph: Any, kind: str, words: str) -> None:
    with pytest.raises(PromptRefused) as refused:
        read(graph)
    assert refused.value.kind == kind
    assert words in refused.value.message


def test_links_to_nowhere_are_left_to_the_check_against_an_engine() -> None:
    graph = {"1": {"class_type": "X", "inputs": {"a": ["9", 0], "b": ["1"], "c": [True, 0], "d": ["1", True]}}}
    assert read(graph).graph == graph


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"prompt": None}, "no_prompt"),
        ({"prompt_id": "1"}, "invalid_prompt_id"),
        ({"prompt_id": 7}, "invalid_prompt_id"),
        ({"extra_data": {"a": deep(40)}}, "invalid_prompt"),
    ],
)
def test_what_stands_beside_the_graph_is_checked_too(more: dict[str, Any], kind: str) -> None:
    with pytest.raises(PromptRefused) as refused:
        read_prompt(msgspec.json.encode({"prompt": {"1": NODE}, **more}))
    assert refused.value.kind == kind


def test_bodies_beyond_reason_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadRequest):
        read_prompt(b"{")
    with pytest.raises(PromptRefused, match="larger"):
        read_prompt(b" " * (prompts.MOST_BYTES + 1))
