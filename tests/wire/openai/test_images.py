"""What OpenAI's clients ask of pictures, and that their own types take what they are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types import (
    ImageEditCompletedEvent,
    ImageEditPartialImageEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
    ImagesResponse,
)

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import Task
from potluck.wire.openai.images import (
    ImageData,
    Wanted,
    means_any,
    partial_due,
    read_edit,
    read_generation,
    read_variation,
    write_completed,
    write_partial,
    write_response,
)


def generation(**fields: Any) -> bytes:
    return json.dumps({"prompt": "a fox", **fields}).encode()


def test_a_prompt_alone_is_enough() -> None:
    ask, wanted = read_generation(generation())
    assert (ask.task, ask.prompt, ask.model, ask.count) == (Task.TXT2IMG, "a fox", "", 1)
    assert (ask.width, ask.height, ask.steps) == (0, 0, 0)
    assert wanted == Wanted()


def test_everything_that_engines_can_do_is_read() -> None:
    ask, wanted = read_generation(
        generation(
            model="sdxl",
            n=3,
            size="1792x1024",
            quality="hd",
            output_format="webp",
            output_compression=0,
            response_format="url",
            stream=True,
            partial_images=2,
            background="opaque",
            user="anna",
            moderation="low",
            style="vivid",
        )
    )
    assert (ask.model, ask.count, ask.width, ask.height, ask.steps) == ("sdxl", 3, 1792, 1024, 40)
    assert wanted == Wanted("webp", 1, True, True, 2, "high", "opaque", "anna")


@pytest.mark.parametrize("null", ["model", "n", "size", "quality", "background", "output_format", "stream"])
def test_null_is_left_out(null: str) -> None:
    assert read_generation(generation(**{null: None})) == read_generation(generation())


@pytest.mark.parametrize(("quality", "steps"), [("low", 12), ("medium", 0), ("standard", 0), ("auto", 0), ("max", 60)])
def test_quality_is_how_often_an_engine_draws_over_it(quality: str, steps: int) -> None:
    ask, wanted = read_generation(generation(quality=quality, size="auto"))
    assert ask.steps == steps
    assert wanted.quality == {"standard": "medium"}.get(quality, quality)


def test_models_of_old_are_told_where_pictures_are_and_others_have_them_sent() -> None:
    assert read_generation(generation(model="dall-e-3"))[1].as_url
    assert not read_generation(generation(model="dall-e-3", response_format="b64_json"))[1].as_url
    assert not read_generation(generation(model="gpt-image-1"))[1].as_url


def test_openais_own_models_stand_for_the_best_there_is() -> None:
    assert all(map(means_any, ("gpt-image-1", "GPT-Image-2.5-flare", "dall-e-2", "chatgpt-image-latest", "gpt-image")))
    assert not any(map(means_any, ("sdxl", "dall-emini", "my-gpt-image-1", "")))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"size": "big"}, "size"),
        ({"size": "1000x1001"}, "size"),
        ({"size": "0x512"}, "size"),
        ({"n": 11}, "n"),
        ({"n": 0}, "n"),
        ({"quality": "best"}, "quality"),
        ({"background": "transparent"}, "background"),
        ({"output_format": "svg"}, "output_format"),
        ({"output_format": "gif"}, "output_format"),
        ({"output_compression": 101}, "output_compression"),
        ({"partial_images": 4}, "partial_images"),
        ({"prompt": 7}, "prompt"),
    ],
)
def test_what_cannot_be_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_generation(generation(**fields))
    assert refused.value.param == param


def test_an_edit_comes_as_a_form() -> None:
    ask, wanted = read_edit({"prompt": "a hat", "n": "2", "size": "512x512", "stream": "true", "model": ""})
    assert (ask.task, ask.prompt, ask.count, ask.width, ask.denoise) == (Task.IMG2IMG, "a hat", 2, 512, 0.75)
    assert wanted.stream
    assert read_edit({"prompt": "x", "input_fidelity": "high"})[0].denoise == 0.5
    with pytest.raises(BadRequest, match="'prompt' is missing") as refused:
        read_edit({"n": "2"})
    assert refused.value.param == "prompt"
    with pytest.raises(BadRequest) as refused:
        read_edit({"prompt": "x", "n": "many"})
    assert refused.value.param == "n"


def test_a_variation_needs_no_words() -> None:
    ask, wanted = read_variation({"n": "4", "response_format": "url"})
    assert (ask.task, ask.prompt, ask.count, ask.denoise) == (Task.IMG2IMG, "", 4, 0.65)
    assert wanted.as_url


def test_the_sdk_takes_the_answer() -> None:
    raw = write_response(
        [ImageData(b64_json="QQ=="), ImageData(url="http://x/1")],
        Wanted("webp", quality="high"),
        prompt="a red fox, at night",
        created_s=12.9,
        size=(64, 32),
    )
    told = ImagesResponse.model_validate_json(raw, strict=True)
    assert told.created == 12
    assert told.data is not None
    assert [(each.b64_json, each.url) for each in told.data] == [("QQ==", None), (None, "http://x/1")]
    assert (told.size, told.quality, told.output_format) == ("64x32", "high", "webp")
    assert told.usage is not None
    assert told.usage.total_tokens == told.usage.input_tokens == 6
    assert b'"url":null' not in raw
    bare = json.loads(write_response([], Wanted(), prompt="", created_s=1.0, size=None))
    assert "size" not in bare
    assert "quality" not in bare


@pytest.mark.parametrize(
    ("edit", "partial", "completed"),
    [
        (False, ImageGenPartialImageEvent, ImageGenCompletedEvent),
        (True, ImageEditPartialImageEvent, ImageEditCompletedEvent),
    ],
)
def test_the_sdk_takes_every_event(edit: bool, partial: Any, completed: Any) -> None:
    wanted = Wanted("jpeg", stream=True, partials=3)
    for shape, raw in (
        (partial, write_partial("QQ==", wanted, edit=edit, index=1, created_s=5.0, size=None)),
        (completed, write_completed("QQ==", wanted, edit=edit, prompt="x", created_s=5.0, size=(8, 8))),
    ):
        name, data = raw.decode().removesuffix("\n\n").split("\n")
        told = shape.model_validate_json(data.removeprefix("data: "), strict=True)
        assert name == f"event: {told.type}"
        assert told.output_format == "jpeg"
        assert told.size == ("auto" if shape is partial else "8x8")


def test_pictures_on_the_way_are_spread_over_the_time_it_takes() -> None:
    sent = list[float]()
    for step in range(21):
        if partial_due(Wanted(partials=3), len(sent), step / 20):
            sent.append(step / 20)
    assert sent == [0.25, 0.5, 0.75]
    assert not partial_due(Wanted(), 0, 1.0)
