from __future__ import annotations

import pytest

from potluck.core.pictures.catalogue import Family
from potluck.core.pictures.tensors import Holds, holds

UNET = "model.diffusion_model.input_blocks.0.0.weight"


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (["model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight"], Family.SD3),
        (["model.diffusion_model.double_blocks.0.img_mod.lin.weight"], Family.FLUX),
        ([UNET, "model.diffusion_model.label_emb.0.0.weight", "conditioner.embedders.1.x"], Family.SDXL),
        ([UNET, "cond_stage_model.model.token_embedding.weight"], Family.SD2),
        ([UNET, "cond_stage_model.transformer.text_model.x"], Family.SD15),
        ([UNET], Family.UNKNOWN),
    ],
)
def test_a_files_tensors_tell_its_family(names: list[str], family: Family) -> None:
    found = holds(names)
    assert (found.draws, found.alone, found.family) == (True, False, family)


def test_what_is_beside_the_diffusion_model_is_told() -> None:
    assert holds([UNET, "first_stage_model.decoder.x", "cond_stage_model.transformer.x"]) == Holds(
        draws=True, vae=True, encoders=True, family=Family.SD15
    )


def test_a_file_that_does_not_draw_is_of_no_family() -> None:
    assert holds(["text_encoders.clip_l.x"]) == Holds(encoders=True)
    assert holds([]) == Holds()
