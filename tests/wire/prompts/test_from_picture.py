"""What a picture says is asked again; what others wrote is read as far as it makes sense."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.pictures.ask import Hires, Lora, PictureAsk
from potluck.core.pictures.checking import checked
from potluck.wire.prompts.from_picture import ask_of
from potluck.wire.prompts.infotext import Infotext, read
from potluck.wire.prompts.of_picture import infotext_of

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
    restore_faces=True,
)


def test_what_a_picture_says_is_asked_again() -> None:
    assert ask_of(read(infotext_of(ASK, "31e35c80fc"))) == ASK
    latent = PictureAsk(prompt="x", steps=1, width=64, height=64, cfg=1.0, guidance=2.5, hires=Hires(2.0, 0.5, "", 0))
    back = ask_of(read(infotext_of(latent)))
    assert (back.hires, back.guidance) == (Hires(2.0, 0.5, "", 0), 2.5)


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
    back = ask_of(read(infotext_of(ask)))
    for name in ("width", "height", "steps", "cfg", "seed", "sampler", "scheduler"):
        assert getattr(back, name) == getattr(ask, name)
    assert back.prompt.split() == ask.prompt.split()
    assert checked(back).sampler == ask.sampler
