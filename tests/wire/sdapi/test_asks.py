"""Bodies of ``/sdapi/v1/txt2img`` and ``img2img``, as A1111's clients send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import Control, ControlKind, Hires, Inpaint, Masked, PictureAsk, Resize, Task
from potluck.wire.sdapi.asks import LATER, Drawing, Settings, read_img2img, read_settings, read_txt2img


def text(**fields: Any) -> Drawing:
    return read_txt2img(json.dumps({"prompt": "a fox", **fields}).encode())


def over(**fields: Any) -> Drawing:
    return read_img2img(json.dumps({"prompt": "a fox", "init_images": ["aW1n"], **fields}).encode())


def refused(read: Any, **fields: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        read(**fields)
    return caught.value.param


def unit(**fields: Any) -> dict[str, Any]:
    return {"alwayson_scripts": {"ControlNet": {"args": [{"module": "canny", "model": "None", **fields}]}}}


def test_what_is_left_out_suits_the_model_but_for_the_size() -> None:
    drawing = text()
    assert drawing.ask == PictureAsk(prompt="a fox", width=512, height=512)
    assert (drawing.init, drawing.mask, drawing.controls) == ("", "", ())
    assert drawing.send_images
    assert not drawing.keeps_model


def test_null_is_left_out_and_numbers_may_be_texts() -> None:
    ask = text(steps="12", cfg_scale="7.5", sampler_name=None, hr_upscaler=None, restore_faces=None, seed=None).ask
    assert (ask.steps, ask.cfg, ask.sampler, ask.seed) == (12, 7.5, "", -1)


def test_everything_that_means_something_is_read() -> None:
    ask = text(
        negative_prompt="blur",
        styles=["film", ""],
        seed=-7,
        sampler_index="Euler a",
        scheduler="Karras",
        steps=20,
        cfg_scale=6,
        width=1027,
        height=768,
        batch_size=2,
        n_iter=3,
        tiling=True,
        restore_faces=True,
        override_settings={
            "sd_model_checkpoint": " base.safetensors [31e35c80fc]",
            "sd_vae": "ft.pt",
            "CLIP_stop_at_last_layers": 2,
            "eta_noise_seed_delta": 1,
        },
    ).ask
    assert ask == PictureAsk(
        prompt="a fox",
        negative="blur",
        styles=("film",),
        sampler="Euler a",
        scheduler="Karras",
        steps=20,
        cfg=6.0,
        width=1024,
        height=768,
        count=6,
        tiling=True,
        restore_faces=True,
        model="base.safetensors [31e35c80fc]",
        vae="ft.pt",
        clip_skip=2,
    )


def test_what_is_automatic_is_left_open() -> None:
    assert text(scheduler="automatic", override_settings={"sd_vae": "Automatic"}).ask == text().ask
    assert read_settings({"sd_vae": "None"}) == Settings()
    assert text(sampler_name="DPM++ 2M Karras", sampler_index="Euler").ask.sampler == "DPM++ 2M Karras"


def test_a_model_stays_only_if_it_is_not_to_be_restored() -> None:
    model = {"sd_model_checkpoint": "sdxl"}
    assert text(override_settings=model, override_settings_restore_afterwards=False).keeps_model
    assert not text(override_settings=model).keeps_model
    assert not text(override_settings_restore_afterwards=False).keeps_model


def test_hires_fix_is_by_scale_or_by_size() -> None:
    assert text(hr_scale=3).ask.hires is None
    assert text(enable_hr=True, hr_scale=1.5, denoising_strength=0.4).ask.hires == Hires(1.5, 0.4)
    for latent in ("Latent", "Latent (nearest)", "None", None):
        assert text(enable_hr=True, hr_upscaler=latent).ask.hires == Hires(2.0, 0.75)
    by_size = text(enable_hr=True, hr_upscaler="x4", hr_resize_x=768, hr_second_pass_steps=9).ask.hires
    assert by_size == Hires(1.5, 0.75, "x4", 9)
    assert text(enable_hr=True, hr_resize_x=768, hr_resize_y=768).ask.hires == Hires(1.5, 0.75)
    assert refused(text, enable_hr=True, hr_resize_x=768, hr_resize_y=1024) == "hr_resize_y"


def test_the_second_pass_is_as_the_first() -> None:
    same = text(
        enable_hr=True, hr_prompt="a fox", hr_sampler_name="Use same sampler", hr_checkpoint_name="Use same checkpoint"
    )
    assert same.ask.hires is not None
    assert refused(text, enable_hr=True, hr_prompt="a wolf") == "hr_prompt"
    assert refused(text, enable_hr=True, hr_checkpoint_name="other") == "hr_checkpoint_name"


def test_an_image_is_drawn_over_as_it_is_resized() -> None:
    drawing = over(denoising_strength=0.3)
    assert (drawing.init, drawing.ask.init, drawing.ask.task) == ("aW1n", LATER, Task.IMG2IMG)
    assert (drawing.ask.denoise, drawing.ask.resize) == (0.3, Resize.STRETCH)
    resizes = [over(resize_mode=mode).ask.resize for mode in range(4)]
    assert resizes == [Resize.STRETCH, Resize.CROP, Resize.PAD, Resize.STRETCH]
    assert refused(over, resize_mode=4) == "resize_mode"
    assert refused(over, init_images=["a", "b"]) == "init_images"
    assert over(init_images=[]).init == ""


def test_a_mask_is_inpainted() -> None:
    drawing = over(mask="bWFzaw==")
    assert (drawing.mask, drawing.ask.task) == ("bWFzaw==", Task.INPAINT)
    assert drawing.ask.inpaint == Inpaint(LATER, 4, Masked.BLURRED, only_masked=True, padding=0)
    fields = {"mask_blur": 8, "inpaint_full_res": 0, "inpaint_full_res_padding": 16, "inpainting_mask_invert": 1}
    fills = [over(mask="x", inpainting_fill=fill, **fields).ask.inpaint for fill in range(4)]
    assert fills == [Inpaint(LATER, 8, fill, padding=16, invert=True) for fill in Masked]
    assert refused(over, mask="x", inpainting_fill=9) == "inpainting_fill"


def test_controlnet_is_told_by_its_module_or_its_model() -> None:
    drawing = text(**unit(image="aQ==", weight=0.5, guidance_start=0.1, guidance_end=0.9))
    assert drawing.controls == ("aQ==",)
    control = Control(ControlKind.CANNY, LATER, weight=0.5, start=0.1, end=0.9)
    assert drawing.ask.controls == (control,)
    by_model = text(**unit(module="none", model="control_v11p_sd15_openpose [cab727d4]", image={"image": "aQ=="}))
    assert by_model.ask.controls == (Control(ControlKind.POSE, LATER, "control_v11p_sd15_openpose", preprocess=False),)
    assert by_model.controls == ("aQ==",)
    assert text(**unit(input_image="aQ==")).controls == ("aQ==",)
    assert over(**unit(module="depth_midas")).controls == ("",), "the image that is drawn over"
    assert text(**unit(enabled=False)).ask.controls == ()
    assert refused(text, **unit(module="tile")) == "alwayson_scripts.controlnet.args[0].module"
    assert refused(text, **unit(weight="much")) == "alwayson_scripts.controlnet.args[0].weight"
    nothing: Any
    for nothing in (None, [], {}, {"args": None}, {"args": [None]}):
        assert text(alwayson_scripts={"controlnet": nothing}).ask.controls == ()


def test_scripts_that_are_switched_off_mean_nothing() -> None:
    off: Any
    for off in (None, {}, {"args": []}, {"args": [False]}, {"args": [False, 1, 0.5]}, {"args": {}}):
        assert text(alwayson_scripts={"ADetailer": off}, script_name="None").ask == text().ask
    assert refused(text, alwayson_scripts={"ADetailer": {"args": [True, {}]}}) == "alwayson_scripts.ADetailer"
    assert refused(text, alwayson_scripts={"x": {"args": {"on": 1}}}) == "alwayson_scripts.x"
    assert refused(text, script_name="X/Y/Z plot") == "script_name"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"subseed_strength": 0.4}, "subseed_strength"),
        ({"steps": "many"}, "steps"),
        ({"styles": "film"}, "styles"),
        ({"styles": [3]}, "styles[0]"),
        ({"width": 8}, "width"),
        ({"height": 8}, "height"),
        ({"batch_size": 0}, "batch_size"),
        ({"n_iter": -1}, "n_iter"),
        ({"override_settings": {"sd_vae": 3}}, "sd_vae"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    assert refused(text, **fields) == param


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_txt2img(body)


def test_all_fields_are_told_back_without_images() -> None:
    echo = text(seed=5, mine="kept", **unit(image="a" * 300)).echo
    assert (echo["seed"], echo["mine"], echo["width"], echo["steps"]) == (5, "kept", 512, 0)
    assert echo["alwayson_scripts"] == unit(image=None)["alwayson_scripts"]
    assert (over(mask="x").echo["init_images"], over(mask="x").echo["mask"]) == (None, None)
    assert over(include_init_images=True).echo["init_images"] == ["aW1n"]
