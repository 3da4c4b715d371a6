"""LoRAs in a prompt: ``<lora:name:0.8>``, as A1111 and all that came after it read them (its ``extra_networks.py``)."""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

from potluck.core.errors import BadRequest

# LyCORIS networks had a word of their own before A1111 loaded both alike.
_NETWORK: Final = re.compile(r"<(?:lora|lyco):([^<>]+)>")
# Beyond this a picture is noise with every LoRA that there is.
_LARGEST_WEIGHT: Final = 10.0
_MOST: Final = 32


class LoraInPrompt(NamedTuple):
    """``text_weight`` is for the text encoder; A1111 has both alike unless told."""

    name: str
    weight: float
    text_weight: float


class WithoutLoras(NamedTuple):
    """``prompt`` is what is left, not a blank more or less than A1111 leaves: it decides the picture."""

    prompt: str
    loras: tuple[LoraInPrompt, ...]


def without_loras(prompt: str) -> WithoutLoras:
    """Takes the LoRAs out of a prompt. Raises `BadRequest` for a weight that is no number.

    >>> without_loras("a harbour <lora:neon:0.8>")
    WithoutLoras(prompt='a harbour ', loras=(LoraInPrompt(name='neon', weight=0.8, text_weight=0.8),))
    """
    loras = tuple(_read(found[1]) for found in _NETWORK.finditer(prompt))
    if len(loras) > _MOST:
        raise BadRequest(f"The prompt names {len(loras)} LoRAs; {_MOST} are the most.", param="prompt")
    return WithoutLoras(_NETWORK.sub("", prompt) if loras else prompt, loras)


def write_lora(name: str, weight: float) -> str:
    """As it stands in a prompt.

    >>> write_lora("neon", 0.8)
    '<lora:neon:0.8>'
    """
    return f"<lora:{name}:{weight:g}>"


def _read(arguments: str) -> LoraInPrompt:
    """``name[:text weight[:image weight]]``, where weights may be named (``te=``, ``unet=``). A lone weight is both."""
    name, *rest = arguments.split(":")
    named = dict(part.split("=", 1) for part in rest if "=" in part)
    plain = [part for part in rest if "=" not in part]
    text = named.get("te") or (plain[0] if plain else "1")
    image = named.get("unet") or (plain[1] if len(plain) > 1 else text)
    return LoraInPrompt(name.strip(), _weight(name, image), _weight(name, text))


def _weight(name: str, written: str) -> float:
    try:
        weight = float(written)
    except ValueError:
        weight = math.nan
    if not -_LARGEST_WEIGHT <= weight <= _LARGEST_WEIGHT:  # nothing is within limits of what is no number
        raise BadRequest(
            f"'{written[:40]}' is no weight for the LoRA '{name[:80]}'.",
            param="prompt",
            hint=f"Write <lora:NAME:0.8>, with a number from -{_LARGEST_WEIGHT:g} to {_LARGEST_WEIGHT:g}.",
        )
    return weight
