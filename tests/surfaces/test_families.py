"""Errors of paths that no route has still speak the dialect of their prefix."""

from __future__ import annotations

import pytest

from potluck.surfaces.families import errors_for
from potluck.surfaces.v1.errors import native_error
from potluck.wire.anthropic.errors import write_error as anthropic_error
from potluck.wire.ollama.errors import write_error as ollama_error
from potluck.wire.openai.errors import write_error as openai_error
from potluck.wire.sdapi.errors import write_error as a1111_error


@pytest.mark.parametrize(
    ("path", "writer"),
    [
        ("/v1", openai_error),
        ("/v1/", openai_error),
        ("/v1/nothing", openai_error),
        ("/v1beta/nothing", openai_error),
        ("/v1/messages", anthropic_error),
        ("/v1/messages/nothing", anthropic_error),
        ("/api", ollama_error),
        ("/api/nothing", ollama_error),
        ("/api/v1", native_error),
        ("/api/v1/nothing", native_error),
        ("/sdapi/v1/nothing", a1111_error),
        ("/controlnet/nothing", a1111_error),
        ("/", native_error),
        ("/v10", native_error),
    ],
)
def test_a_path_speaks_the_dialect_of_its_prefix(path: str, writer: object) -> None:
    assert errors_for(path) is writer
