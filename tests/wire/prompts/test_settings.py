"""What was asked for goes into infotext and comes back; what others wrote is read as far as it makes sense."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.pictures.ask import Hires, ImageId, Lora, PictureAsk, Task, Upscale
from potluck.core.pictures.checking import checked
from potluck.wire.prompts.infotext import FEWEST_SETTINGS, Infotext, read, write
from potluck.wire.prompts.settings import ask_of, infotext_of

ASK = PictureAsk(
    prompt="a harbour",
    negative="rain",
    width=768,
    height=512,
    steps=28,
    cfg=6.5,
    sampler="dpmpp_2m",
    scheduler="karras",
    seed=4_294_967_295,
    model="sd_xl_base_1.0",
    vae="kl-f8",
    clip_skip=2,
    loras=(Lora("neon", 0.8), Lora("ink", -1.0)),
    hires=Hires(1.5, 0.4, "R-ESRGAN 4x+", 12),
    tiling=True,
)


def test_an_ask_is_written_in_a1111s_words() -> None:
    assert write(infotext_of(ASK, width=1152, height=768, model_hash="31e35c80fc")) == (
        "a harbour <lora:neon:0.8> <lora:ink:-1>\n"
        "Negative prompt: rain\n"
        "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 4294967295, Size: 768x512, "
        "Model hash: 31e35c80fc, Model: sd_xl_base_1.0, VAE: kl-f8, Denoising strength: 0.4, Clip skip: 2, "
        "Tiling: True, Hires upscale: 1.5, Hires steps: 12, Hires upscaler: R-ESRGAN 4x+, "
        "Task: txt2img, Version: Potluck"
    )


def test_it_comes_back() -> None:
    assert ask_of(read(write(infotext_of(ASK, width=1152, height=768)))) == ASK
    latent = PictureAsk(prompt="x", hires=Hires(2.0, 0.5, "", 0))
    assert ask_of(infotext_of(latent, width=64, height=64)).hires == Hires(2.0, 0.5, "", 0)


def test_loras_that_stand_in_the_prompt_are_not_said_twice() -> None:
    ask = PictureAsk(prompt="a <lora:neon:0.8> b", loras=(Lora("neon", 0.8),))
    assert infotext_of(ask, width=64, height=64).prompt == "a <lora:neon:0.8> b"


def test_an_enlarged_picture_says_by_what() -> None:
    ask = PictureAsk(task=Task.UPSCALE, init=ImageId("file-a"), upscale=Upscale(2.0, "x4plus"))
    infotext = infotext_of(ask, width=128, height=96)
    assert read(write(infotext)) == infotext
    assert len(infotext.settings) >= FEWEST_SETTINGS
    assert infotext.settings["Postprocess upscaler"] == "x4plus"
    changed = PictureAsk(task=Task.IMG2IMG, init=ImageId("file-a"), denoise=0.3, prompt="x")
    assert infotext_of(changed, width=8, height=8).settings["Denoising strength"] == "0.3"


def test_what_makes_no_sense_is_left_open() -> None:
    odd = {
        "Steps": "many", "CFG scale": "1e9", "Seed": "99999999999", "Size": "big", "Sampler": "Nobody's",
        "Schedule type": "Karras", "Clip skip": "2.5", "Hires upscale": "100", "Model": "x",
    }  # fmt: skip
    assert ask_of(Infotext("a <lora:x:heavy>", "", odd)) == PictureAsk(prompt="a <lora:x:heavy>", model="x")
    assert ask_of(Infotext("a", "", {"Sampler": "Euler a", "Schedule type": "Odd"})).sampler == "euler_ancestral"
    assert ask_of(Infotext("a", "", {"Hires upscale": "2"})).hires == Hires(2.0)


@given(st.text())
def test_any_text_becomes_an_ask(text: str) -> None:
    assert ask_of(read(text)).seed >= -1


@given(
    st.builds(
        PictureAsk,
        prompt=st.text(st.characters(exclude_characters="<>\0", exclude_categories=["Cs"]), min_size=1).filter(
            str.strip
        ),
        negative=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        width=st.just(64),
        height=st.just(128),
        steps=st.integers(1, 150),
        cfg=st.integers(1, 300).map(lambda tenths: tenths / 10),
        seed=st.integers(0, 2**32 - 1),
        sampler=st.sampled_from(["euler", "dpmpp_2m", "uni_pc"]),
        scheduler=st.sampled_from(["karras", "normal", "ddim_uniform"]),
    )
)
def test_what_is_drawn_can_be_drawn_again(ask: PictureAsk) -> None:
    back = ask_of(read(write(infotext_of(ask, width=64, height=128))))
    for name in ("width", "height", "steps", "cfg", "seed", "sampler", "scheduler"):
        assert getattr(back, name) == getattr(ask, name)
    assert back.prompt.split() == ask.prompt.split()
    assert checked(back).sampler == ask.sampler
