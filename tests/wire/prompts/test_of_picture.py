from __future__ import annotations

from dataclasses import replace

from potluck.core.pictures.ask import Hires, ImageId, Lora, PictureAsk
from potluck.wire.prompts.infotext import read
from potluck.wire.prompts.of_picture import infotext_of

ASK = PictureAsk(
    prompt="a lighthouse",
    negative="fog",
    width=512,
    height=768,
    steps=20,
    cfg=7.0,
    sampler="dpmpp_2m",
    scheduler="karras",
    seed=7,
    model="sd_xl",
)


def test_a_picture_says_how_it_was_made_in_the_words_of_a1111() -> None:
    told = read(infotext_of(replace(ASK, loras=(Lora("ink", 0.5),)), "31e35c80fc"))
    assert told.prompt == "a lighthouse <lora:ink:0.5>"
    assert told.negative == "fog"
    assert dict(told.settings) == {
        "Steps": "20",
        "Sampler": "DPM++ 2M",
        "Schedule type": "Karras",
        "CFG scale": "7",
        "Seed": "7",
        "Size": "512x768",
        "Model hash": "31e35c80fc",
        "Model": "sd_xl",
        "Version": "Potluck",
    }


def test_what_was_wished_for_beside_is_told_too() -> None:
    ask = replace(ASK, vae="ft", clip_skip=2, tiling=True, restore_faces=True, cfg=1.0, hires=Hires(2.0, 0.4))
    told = read(infotext_of(ask)).settings
    assert told["Hires upscaler"] == "Latent"
    assert "Hires steps" not in told
    assert (told["Denoising strength"], told["Clip skip"], told["VAE"]) == ("0.4", "2", "ft")
    assert (told["Distilled CFG Scale"], told["Tiling"], told["Face restoration"]) == ("3.5", "True", "CodeFormer")
    drawn_over = replace(ASK, init=ImageId("file-a"), denoise=0.3)
    assert read(infotext_of(drawn_over)).settings["Denoising strength"] == "0.3"
