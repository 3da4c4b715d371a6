"""What each of ComfyUI's nodes does, over pictures drawn by `art`: a graph in, outputs out, step by step."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from PIL import Image, ImageFilter, ImageOps

from potluck_fake_engine import art

Values = tuple[Any, ...]
"""What a node gives, by slot."""


@dataclass(frozen=True, slots=True)
class Model:
    """``told`` is all that its pictures depend on."""

    name: str
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Latent:
    width: int
    height: int
    batch: int = 1
    images: tuple[Image.Image, ...] = ()
    mask: Image.Image | None = None

    def image(self, index: int) -> Image.Image | None:
        return self.images[index % len(self.images)] if self.images else None


@dataclass(frozen=True, slots=True)
class Step:
    """A node is at work: ``value`` of ``most`` are done, with a picture of it so far."""

    value: int
    most: int
    preview: Image.Image | None


Open = Callable[[str], bytes]
"""An uploaded image by its name."""


def links(node: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """The inputs that come from other nodes: which, and from what slot of it."""
    inputs: dict[str, Any] = node.get("inputs", {})
    return {name: (str(value[0]), int(value[1])) for name, value in inputs.items() if isinstance(value, list)}  # pyright: ignore[reportUnknownArgumentType] - JSON


def ordered(graph: Mapping[str, Any], outputs: Sequence[str]) -> list[str]:
    """The nodes that the outputs need, each after those that it needs."""
    done: dict[str, None] = {}

    def visit(id_: str) -> None:
        for needed, _ in links(graph[id_]).values():
            if needed not in done:
                visit(needed)
        done[id_] = None

    for output in outputs:
        if output not in done:
            visit(output)
    return list(done)


def signatures(graph: Mapping[str, Any], order: Sequence[str]) -> dict[str, str]:
    """What a node's outcome depends on; ComfyUI caches by that."""
    made: dict[str, str] = {}
    for id_ in order:
        linked = {name: [made.get(node, ""), slot] for name, (node, slot) in links(graph[id_]).items()}
        inputs: dict[str, Any] = {**graph[id_].get("inputs", {}), **linked}
        told = msgspec.json.encode([graph[id_]["class_type"], inputs], order="sorted")
        made[id_] = hashlib.sha256(told).hexdigest()
    return made


def given(node: Mapping[str, Any], values: Mapping[str, Values]) -> dict[str, Any]:
    """A node's inputs, its links followed."""
    linked = {name: values[id_][slot] for name, (id_, slot) in links(node).items()}
    return {**node.get("inputs", {}), **linked}


async def sample(ins: Mapping[str, Any]) -> AsyncIterator[Step | Latent]:
    """A KSampler: its steps, and then what it drew."""
    latent: Latent = ins["latent_image"]
    drawn = [_drawn(ins, latent, index) for index in range(latent.batch)]
    # Fewer steps are done of what is drawn over something.
    steps = max(1, int(ins["steps"]))
    for step in range(1, steps + 1):
        small = drawn[0].resize((max(8, latent.width // 8), max(8, latent.height // 8)))
        yield Step(step, steps, art.half_done(small, step / steps))
    yield replace(latent, images=tuple(drawn), mask=None)


def _drawn(ins: Mapping[str, Any], latent: Latent, index: int) -> Image.Image:
    model: Model = ins["model"]
    what = {
        "model": [model.name, *model.told],
        "positive": ins["positive"],
        "negative": ins["negative"],
        "numbers": [ins["seed"], index, ins["steps"], ins["cfg"], ins["sampler_name"], ins["scheduler"]],
    }
    drawn = art.draw(what, latent.width, latent.height)
    base = latent.image(index)
    return drawn if base is None else art.over(base, drawn, float(ins["denoise"]), latent.mask)


def work(kind: str, ins: Mapping[str, Any], open_: Open) -> Values:
    """Every other node. Its pictures are lists, for a batch."""
    return _WORK[kind](ins, open_)


def _loaded(ins: Mapping[str, Any], open_: Open) -> Values:
    image = ImageOps.exif_transpose(art.opened(open_(ins["image"])))
    has_alpha = "A" in image.getbands()
    alpha = art.inverted(image.getchannel("A")) if has_alpha else Image.new("L", (64, 64), 0)
    return ([image.convert("RGB")], alpha)


def _loaded_mask(ins: Mapping[str, Any], open_: Open) -> Values:
    image = art.opened(open_(ins["image"]))
    channel = ins["channel"][0].upper()
    if channel == "A":
        return (art.inverted(image.getchannel("A")) if "A" in image.getbands() else Image.new("L", image.size, 0),)
    return (image.convert("RGB").getchannel(channel),)


def _encoded(ins: Mapping[str, Any], open_: Open) -> Values:
    images: list[Image.Image] = ins["pixels"]
    width, height = images[0].size
    return (Latent(width // 8 * 8, height // 8 * 8, len(images), tuple(images), ins.get("mask")),)


def _empty(ins: Mapping[str, Any], open_: Open) -> Values:
    return (Latent(int(ins["width"]) // 8 * 8, int(ins["height"]) // 8 * 8, int(ins["batch_size"])),)


def _lora(ins: Mapping[str, Any], open_: Open) -> Values:
    model: Model = ins["model"]
    told = f"{ins['lora_name']}:{ins['strength_model']}"
    return (replace(model, told=(*model.told, told)), ins.get("clip"))


def _decoded(ins: Mapping[str, Any], open_: Open) -> Values:
    latent: Latent = ins["samples"]
    images = [latent.image(i) or Image.new("RGB", (latent.width, latent.height)) for i in range(latent.batch)]
    images = [image.resize((latent.width, latent.height)) for image in images]
    # Another VAE than the checkpoint's own is a shade off.
    return (
        images if ins["vae"] == "vae" else [image.point([value ^ 1 for value in range(256)] * 3) for image in images],
    )


def _scaled(ins: Mapping[str, Any], open_: Open) -> Values:
    width, height = int(ins["width"]), int(ins["height"])
    how = ImageOps.fit if ins["crop"] == "center" else _stretched
    return ([how(image, (width, height)) for image in ins["image"]],)


def _stretched(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size)


def _scaled_by(ins: Mapping[str, Any], open_: Open) -> Values:
    return ([ImageOps.scale(image, float(ins["scale_by"])) for image in ins["image"]],)


def _enlarged(ins: Mapping[str, Any], open_: Open) -> Values:
    """An upscaler's scale is in its name: ``RealESRGAN_x4plus``."""
    name = str(ins["upscale_model"])
    scale = next((int(digit) for digit in "248" if f"x{digit}" in name or f"{digit}x" in name), 4)
    return ([ImageOps.scale(image, scale) for image in ins["image"]],)


def _latent_scaled(ins: Mapping[str, Any], open_: Open) -> Values:
    latent: Latent = ins["samples"]
    by = float(ins["scale_by"])
    width, height = round(latent.width * by / 8) * 8, round(latent.height * by / 8) * 8
    return (replace(latent, width=width, height=height, images=_resized(latent, width, height)),)


def _latent_sized(ins: Mapping[str, Any], open_: Open) -> Values:
    latent: Latent = ins["samples"]
    width, height = int(ins["width"]), int(ins["height"])
    return (replace(latent, width=width, height=height, images=_resized(latent, width, height)),)


def _resized(latent: Latent, width: int, height: int) -> tuple[Image.Image, ...]:
    return tuple(image.resize((width, height)) for image in latent.images)


def _padded(ins: Mapping[str, Any], open_: Open) -> Values:
    left, top, right, bottom = (int(ins[side]) for side in ("left", "top", "right", "bottom"))
    image: Image.Image = ins["image"][0]
    size = (image.width + left + right, image.height + top + bottom)
    canvas, mask = Image.new("RGB", size, (127, 127, 127)), Image.new("L", size, 255)
    canvas.paste(image, (left, top))
    mask.paste(0, (left, top, left + image.width, top + image.height))
    return ([canvas], mask)


def _pasted(ins: Mapping[str, Any], open_: Open) -> Values:
    base, source = ins["destination"][0].copy(), ins["source"][0]
    mask = ins["mask"].convert("L").resize(source.size) if "mask" in ins else None
    base.paste(source, (int(ins["x"]), int(ins["y"])), mask)
    return ([base],)


def _controlled(ins: Mapping[str, Any], open_: Open) -> Values:
    control: Image.Image = ins["image"][0]
    told = [
        *(str(ins["control_net"]), ins["strength"], ins["start_percent"], ins["end_percent"]),
        hashlib.sha256(control.tobytes()).hexdigest(),
    ]
    return ([ins["positive"], told], [ins["negative"], told])


def _mapped(name: str) -> Callable[[Mapping[str, Any], Open], Values]:
    """A preprocessor: another picture for each picture and each kind."""

    def make(ins: Mapping[str, Any], open_: Open) -> Values:
        images: list[Image.Image] = ins["image"]
        return (
            [
                ImageOps.autocontrast(image.convert("L")).convert("RGB") if name == "Canny" else ImageOps.invert(image)
                for image in images
            ],
        )

    return make


_WORK: Mapping[str, Callable[[Mapping[str, Any], Open], Values]] = {
    "CheckpointLoaderSimple": lambda ins, _: (Model(ins["ckpt_name"]), ins["ckpt_name"], "vae"),
    "UNETLoader": lambda ins, _: (Model(ins["unet_name"]),),
    "CLIPLoader": lambda ins, _: (ins["clip_name"],),
    "DualCLIPLoader": lambda ins, _: (f"{ins['clip_name1']}+{ins['clip_name2']}",),
    "TripleCLIPLoader": lambda ins, _: (f"{ins['clip_name1']}+{ins['clip_name2']}+{ins['clip_name3']}",),
    "VAELoader": lambda ins, _: (ins["vae_name"],),
    "LoraLoader": _lora,
    "LoraLoaderModelOnly": _lora,
    "ControlNetLoader": lambda ins, _: (ins["control_net_name"],),
    "UpscaleModelLoader": lambda ins, _: (ins["model_name"],),
    "CLIPSetLastLayer": lambda ins, _: (f"{ins['clip']}|{ins['stop_at_clip_layer']}",),
    "CLIPTextEncode": lambda ins, _: ([ins["clip"], ins["text"]],),
    "ConditioningZeroOut": lambda ins, _: ([],),
    "FluxGuidance": lambda ins, _: ([ins["conditioning"], ins["guidance"]],),
    "SetUnionControlNetType": lambda ins, _: (f"{ins['control_net']}|{ins['type']}",),
    "ControlNetApplyAdvanced": _controlled,
    "EmptyLatentImage": _empty,
    "EmptySD3LatentImage": _empty,
    "ModelSamplingSD3": lambda ins, _: (replace(ins["model"], told=(*ins["model"].told, f"shift {ins['shift']}")),),
    "VAEDecode": _decoded,
    "VAEEncode": _encoded,
    "VAEEncodeForInpaint": _encoded,
    "SetLatentNoiseMask": lambda ins, _: (replace(ins["samples"], mask=ins["mask"]),),
    "LatentUpscaleBy": _latent_scaled,
    "LatentUpscale": _latent_sized,
    "LoadImage": _loaded,
    "LoadImageMask": _loaded_mask,
    "ImageScale": _scaled,
    "ImageScaleBy": _scaled_by,
    "ImagePadForOutpaint": _padded,
    "ImageToMask": lambda ins, _: (ins["image"][0].getchannel(ins["channel"][0].upper()),),
    "InvertMask": lambda ins, _: (art.inverted(ins["mask"]),),
    "ImageUpscaleWithModel": _enlarged,
    "ImageCompositeMasked": _pasted,
    "ImageBlur": lambda ins, _: ([image.filter(ImageFilter.GaussianBlur(ins["sigma"])) for image in ins["image"]],),
    **{name: _mapped(name) for name in ("Canny", "CannyEdgePreprocessor", "DepthAnythingV2Preprocessor")},
    **{name: _mapped(name) for name in ("MiDaS-DepthMapPreprocessor", "DWPreprocessor", "OpenposePreprocessor")},
    "ScribblePreprocessor": _mapped("ScribblePreprocessor"),
}
