"""What A1111's clients are told of pictures, and of how far they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from potluck.core.model import Json, JsonObject
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.samplers import label
from potluck.wire.prompts.infotext import read
from potluck.wire.prompts.of_picture import infotext_of

_BEGUN: Final = 0.01
_NO_TIMESTAMP: Final = "0"
_DONE: Final = "<p>Done by Potluck.</p>"


class Drawn(NamedTuple):
    """A picture that is finished: its complete ask, with its own seed, and its size in pixels."""

    ask: PictureAsk
    width: int
    height: int
    model_hash: str = ""


def write_pictures(images_b64: Sequence[str], drawn: Sequence[Drawn], echo: JsonObject, *, batch_size: int) -> bytes:
    """The answer of txt2img and img2img: base64 without a prefix, and ``info`` as a string that holds JSON.

    ``drawn`` is empty where the caller ended it before the first picture was finished.
    """
    return msgspec.json.encode({
        "images": images_b64,
        "parameters": echo,
        "info": msgspec.json.encode(_info(drawn, echo, batch_size)).decode(),
    })  # fmt: skip


def write_enlarged(image_b64: str) -> bytes:
    return msgspec.json.encode({"html_info": _DONE, "image": image_b64})


def write_batch(images_b64: Sequence[str]) -> bytes:
    return msgspec.json.encode({"html_info": _DONE, "images": images_b64})


def write_png_info(texts: Mapping[str, str]) -> bytes:
    """``texts`` are those in the file; A1111's own is under ``parameters``."""
    info = texts.get("parameters", "")
    said = read(info)
    parsed = {"Prompt": said.prompt, "Negative prompt": said.negative, **said.settings} if info else {}
    return msgspec.json.encode({"info": info, "items": texts, "parameters": parsed})


def _info(drawn: Sequence[Drawn], echo: JsonObject, batch_size: int) -> JsonObject:
    """``processing.Processed.js``. All lists are as long as the list of images."""
    first = drawn[0] if drawn else None
    ask = first.ask if first else _said(echo)
    seeds: list[Json] = [each.ask.seed for each in drawn]
    sampler: Json = label(ask.sampler) or echo.get("sampler_name")
    return {
        "prompt": ask.prompt,
        "all_prompts": [each.ask.prompt for each in drawn],
        "negative_prompt": ask.negative,
        "all_negative_prompts": [each.ask.negative for each in drawn],
        "seed": ask.seed,
        "all_seeds": seeds,
        # Those of variations, which there are none of.
        "subseed": ask.seed,
        "all_subseeds": seeds,
        "subseed_strength": 0,
        "width": first.width if first else echo.get("width"),
        "height": first.height if first else echo.get("height"),
        "sampler_name": sampler,
        "cfg_scale": ask.cfg,
        "steps": ask.steps,
        "batch_size": batch_size,
        "restore_faces": ask.restore_faces,
        "face_restoration_model": "CodeFormer" if ask.restore_faces else None,
        "sd_model_name": ask.model,
        "sd_model_hash": first.model_hash if first else "",
        "sd_vae_name": ask.vae or None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": ask.hires.denoise if ask.hires else ask.denoise if ask.init else None,
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": [infotext_of(each.ask, each.model_hash) for each in drawn],
        "styles": echo.get("styles"),
        "job_timestamp": _NO_TIMESTAMP,
        "clip_skip": max(1, ask.clip_skip),
        "is_using_inpainting_conditioning": False,
        "version": "Potluck",
    }


def _said(echo: JsonObject) -> PictureAsk:
    return PictureAsk(prompt=str(echo["prompt"] or ""), negative=str(echo["negative_prompt"] or ""))


class Standing(NamedTuple):
    """How the caller's own job is. ``number`` of ``pictures`` are finished, and of the next one ``step`` of
    ``steps`` (0: nobody knows). ``elapsed_s`` is since it was begun to be drawn, None for one that waits. ``timestamp``
    is when it was asked for, as ``20240131235959``."""

    job: str
    pictures: int
    number: int = 0
    step: int = 0
    steps: int = 0
    elapsed_s: float | None = None
    interrupted: bool = False
    timestamp: str = _NO_TIMESTAMP
    preview_b64: str | None = None
    text: str | None = None


def write_progress(standing: Standing | None) -> bytes:
    """None: nothing of the caller's is drawn."""
    job = standing or Standing("", 0)
    share = _share(job) if standing is not None else 0.0
    elapsed_s = job.elapsed_s or 0.0
    return msgspec.json.encode(
        {
            "progress": share,
            "eta_relative": elapsed_s / share - elapsed_s if share else 0.0,
            "state": {
                "skipped": False,
                "interrupted": job.interrupted,
                "stopping_generation": job.interrupted,
                "job": job.job,
                "job_count": job.pictures,
                "job_timestamp": job.timestamp,
                "job_no": job.number,
                "sampling_step": job.step,
                "sampling_steps": job.steps,
            },
            "current_image": job.preview_b64,
            "textinfo": job.text,
        }
    )


def _share(job: Standing) -> float:
    """API-CONTRACTS.md 6.

    >>> _share(Standing("j", 2, 1, 5, 20))
    0.635
    """
    drawn = job.step / job.steps if job.steps else 0.0
    return min(1.0, _BEGUN + (job.number + drawn) / job.pictures)
