"""What the names of a weight file's tensors tell: what draws, of which family, and what is in the file beside.

Checkpoints keep the names of the programs that trained them; those here are CompVis's and Stability AI's
(``first_stage_model``, ``cond_stage_model``, ``conditioner``), Black Forest Labs' and stable-diffusion.cpp's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from potluck.core.pictures.catalogue import Family

_WHOLE: Final = "model.diffusion_model."
# A diffusion model alone may leave its prefix out.
_BLOCKS: Final = ("double_blocks.", "single_blocks.", "joint_blocks.", "input_blocks.")
_VAES: Final = ("first_stage_model.", "vae.")
_ENCODERS: Final = ("cond_stage_model.", "conditioner.", "text_encoders.", "te.", "te1.")


@dataclass(frozen=True, slots=True)
class Holds:
    """``alone``: the diffusion model's names have no prefix, as in a file that holds nothing else."""

    draws: bool = False
    alone: bool = False
    vae: bool = False
    encoders: bool = False
    family: Family = Family.UNKNOWN


def holds(names: Iterable[str]) -> Holds:
    """What is in a file of tensors called so.

    >>> holds(["double_blocks.0.img_mod.lin.weight"])
    Holds(draws=True, alone=True, vae=False, encoders=False, family=<Family.FLUX: 'flux'>)
    """
    names = list(names)
    whole = any(name.startswith(_WHOLE) for name in names)
    alone = not whole and any(name.startswith(_BLOCKS) for name in names)
    return Holds(
        draws=whole or alone,
        alone=alone,
        vae=any(name.startswith(_VAES) for name in names),
        encoders=any(name.startswith(_ENCODERS) for name in names),
        family=_family(names) if whole or alone else Family.UNKNOWN,
    )


def _family(names: list[str]) -> Family:
    def any_with(part: str) -> bool:
        return any(part in name for name in names)

    if any_with("joint_blocks."):
        return Family.SD3
    if any_with("double_blocks."):
        return Family.FLUX
    if any_with("label_emb."):  # sizes go into SDXL beside the words
        return Family.SDXL
    if any_with("cond_stage_model.model."):  # OpenCLIP, in place of OpenAI's
        return Family.SD2
    if any_with("cond_stage_model.transformer."):
        return Family.SD15
    return Family.UNKNOWN
