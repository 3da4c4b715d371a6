from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ollama import ListResponse, ProcessResponse, ShowResponse

from potluck.core.errors import BadRequest, MalformedAnswer
from potluck.core.model import Capability, Model, ModelId
from potluck.wire.ollama.catalogue import (
    Loaded,
    ps_body,
    read_name,
    read_ps,
    read_show,
    read_tags,
    read_version,
    show_fields,
    tags_body,
    version_body,
    with_loaded,
)

FULL = Model(
    ModelId("Llama3.2:1b"),
    frozenset({Capability.TOOLS, Capability.COMPLETION}),
    context=131072,
    resident=True,
    size_bytes=1_300_000_000,
    digest="ab" * 32,
    family="llama",
    parameter_size="1.2B",
    quantization="Q8_0",
    modified_at="2026-01-01T00:00:00Z",
    loaded_context=4096,
)
BARE = Model(ModelId("smollm2"))


def test_tags_list_every_model_with_its_tag() -> None:
    full, bare = json.loads(tags_body([FULL, BARE]))["models"]
    assert full == {
        "name": "Llama3.2:1b",
        "model": "Llama3.2:1b",
        "modified_at": "2026-01-01T00:00:00Z",
        "size": 1_300_000_000,
        "digest": "ab" * 32,
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": "llama",
            "families": ["llama"],
            "parameter_size": "1.2B",
            "quantization_level": "Q8_0",
            "context_length": 131072,
        },
        "capabilities": ["completion", "tools"],
    }
    assert bare["name"] == bare["model"] == "smollm2:latest"
    assert len(bare["digest"]) == 64


def test_ollamas_client_reads_the_lists() -> None:
    assert [one.model for one in ListResponse(**json.loads(tags_body([FULL, BARE]))).models] == [
        "Llama3.2:1b",
        "smollm2:latest",
    ]
    (loaded,) = ProcessResponse(**json.loads(ps_body([replace(FULL, expires_at="2026-01-01T00:00:00Z"), BARE]))).models
    assert loaded.expires_at is not None
    assert (loaded.model, loaded.context_length, loaded.expires_at.year) == ("Llama3.2:1b", 4096, 2026)
    shown = ShowResponse(**show_fields(BARE))  # type: ignore[arg-type]
    assert shown.modelinfo == {"general.architecture": "unknown", "general.basename": "smollm2"}


def test_a_model_without_an_end_stays_for_centuries() -> None:
    (loaded,) = json.loads(ps_body([FULL]))["models"]
    assert loaded["expires_at"].startswith("2318-")
    assert loaded["size_vram"] == loaded["size"]
    assert "modified_at" not in loaded


def test_what_an_engine_tells_of_its_memory_is_passed_on() -> None:
    ps = b'{"models":[{"name":"llama3.2:1b","size":9,"size_vram":4,"expires_at":"2026-01-01T00:00:00Z"}]}'
    (model,) = with_loaded([FULL], read_ps(ps))
    (loaded,) = json.loads(ps_body([model]))["models"]
    assert (loaded["size"], loaded["size_vram"], loaded["expires_at"]) == (9, 4, "2026-01-01T00:00:00Z")


def test_show_tells_what_clients_look_for() -> None:
    shown = show_fields(FULL)
    assert shown["model_info"] == {
        "general.architecture": "llama",
        "general.basename": "Llama3.2",
        "llama.context_length": 131072,
    }
    assert shown["capabilities"] == ["completion", "tools"]
    assert shown["template"] == "{{ .Prompt }}"


def test_a_model_that_can_insert_shows_a_place_for_a_suffix() -> None:
    coder = Model(ModelId("c"), frozenset({Capability.INSERT}), template="{% jinja %}")
    assert ".Suffix" in str(show_fields(coder)["template"])
    own = Model(ModelId("c"), frozenset({Capability.INSERT}), template="<PRE>{{ .Prompt }}<SUF>{{ .Suffix }}")
    assert show_fields(own)["template"] == own.template


def test_the_version_goes_out_and_comes_in() -> None:
    assert version_body("0.12.0") == b'{"version":"0.12.0"}'
    assert read_version(version_body("0.12.0")) == "0.12.0"


def test_an_engines_list_becomes_models() -> None:
    body = {
        "models": [
            {
                "name": "llama3.2:1b",
                "size": 7,
                "digest": "sha256:ab",
                "modified_at": "2026-01-01T00:00:00Z",
                "details": {"family": "llama", "parameter_size": "1.2B", "quantization_level": "Q8_0"},
                "capabilities": ["completion", "vision", "telepathy"],
            },
            {"model": "old:latest", "details": None},
            {"name": "nomic-embed-text:latest", "details": {"family": "nomic-bert"}},
            {},
        ]
    }
    full, old, embedder = read_tags(json.dumps(body).encode())
    assert full == Model(
        ModelId("llama3.2:1b"),
        frozenset({Capability.COMPLETION, Capability.VISION}),
        size_bytes=7,
        digest="ab",
        family="llama",
        parameter_size="1.2B",
        quantization="Q8_0",
        modified_at="2026-01-01T00:00:00Z",
    )
    assert old == Model(ModelId("old:latest"))
    assert embedder.capabilities == {Capability.EMBEDDING}


def test_what_we_list_is_read_back() -> None:
    (read,) = read_tags(tags_body([FULL]))
    (marked,) = with_loaded([read], read_ps(ps_body([FULL])))
    assert replace(marked, memory_bytes=None, vram_bytes=None, expires_at=None) == FULL


def test_what_is_loaded_is_marked_by_name_and_what_is_not_is_unmarked() -> None:
    ps = b'{"models":[{"name":"smollm2:latest","size":9,"size_vram":4,"expires_at":"2026","context_length":8192},{}]}'
    loaded = read_ps(ps)
    assert loaded[0] == Loaded("smollm2:latest", 8192, 9, 4, "2026")
    bare, full = with_loaded([BARE, FULL], loaded)
    assert (bare.resident, bare.loaded_context) == (True, 8192)
    assert (full.resident, full.loaded_context) == (False, None)
    assert read_ps(b"{}") == ()
    assert read_tags(b'{"models":null}') == ()


def test_show_tells_context_and_abilities() -> None:
    body = {
        "template": "{{ .Prompt }}",
        "details": {"parameter_size": "7B", "quantization_level": "Q4_0"},
        "model_info": {"general.architecture": "qwen2", "qwen2.context_length": 32768},
        "capabilities": ["completion", "insert"],
        "modified_at": "2026-01-01T00:00:00Z",
    }
    assert read_show(json.dumps(body).encode(), BARE) == Model(
        BARE.id,
        frozenset({Capability.COMPLETION, Capability.INSERT}),
        context=32768,
        family="qwen2",
        parameter_size="7B",
        quantization="Q4_0",
        modified_at="2026-01-01T00:00:00Z",
        template="{{ .Prompt }}",
    )
    assert read_show(b"{}", FULL).context == FULL.context


@pytest.mark.parametrize(
    ("template", "can"),
    [
        ("{{ .Prompt }}", {Capability.COMPLETION}),
        ("<PRE>{{ .Prompt }}<SUF>{{ .Suffix }}", {Capability.COMPLETION, Capability.INSERT}),
        ("{{ if .Tools }}", {Capability.COMPLETION, Capability.TOOLS}),
    ],
)
def test_old_servers_give_abilities_away_in_their_templates(template: str, can: set[Capability]) -> None:
    assert read_show(json.dumps({"template": template}).encode(), BARE).capabilities == can


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"models":7,"version":7,"template":7}', b"\xff"])
def test_what_is_no_list_is_malformed(body: bytes) -> None:
    for read in (read_tags, read_ps, read_version, lambda data: read_show(data, BARE)):
        with pytest.raises(MalformedAnswer):
            read(body)


@pytest.mark.parametrize("body", [b'{"model":"m"}', b'{"name":"m"}', b'{"model":"m","name":"other"}'])
def test_old_clients_say_name_and_new_ones_model(body: bytes) -> None:
    assert read_name(body) == "m"


@pytest.mark.parametrize(("body", "message"), [(b"", "missing request body"), (b"{}", "model is required")])
def test_a_name_must_be_there(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_name(body)
    assert str(caught.value) == message
