"""The graphs that come with Potluck, read from the package when the first is needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from potluck.wire.comfyui.graphs import Template, read_template


@cache
def templates() -> Mapping[str, Template]:
    """By their files' names."""
    folder = resources.files("potluck.backends.images") / "graphs"
    found = (each for each in folder.iterdir() if each.name.endswith(".json"))
    return {each.name.removesuffix(".json"): read_template(each.read_bytes()) for each in found}
