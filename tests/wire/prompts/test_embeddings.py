"""Embeddings, as each engine writes them."""

from __future__ import annotations

import pytest

from potluck.core.pictures.catalogue import Extra
from potluck.wire.prompts.embeddings import COMFYUI, spoken

KNOWN = (Extra("easynegative", "easynegative"), Extra("easy", "sub/easy"), Extra("", "nameless"))


@pytest.mark.parametrize(
    ("prompt", "comfyui", "a1111"),
    [
        ("fog, EasyNegative", "fog, embedding:easynegative", "fog, easynegative"),
        ("(embedding:easynegative:1.2)", "(embedding:easynegative:1.2)", "(easynegative:1.2)"),
        ("easy", "embedding:sub/easy", "sub/easy"),
        ("uneasy easygoing easy-going", "uneasy easygoing easy-going", "uneasy easygoing easy-going"),
        ("embedding:other", "embedding:other", "embedding:other"),
    ],
)
def test_one_that_an_engine_has_is_written_as_it_writes_it(prompt: str, comfyui: str, a1111: str) -> None:
    assert spoken(prompt, KNOWN, COMFYUI) == comfyui
    assert spoken(prompt, KNOWN) == a1111
    assert spoken(prompt, ()) == prompt
