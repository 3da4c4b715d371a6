"""Weights for stable-diffusion.cpp of the smallest shape that it loads, drawn by lot: fifteen megabytes.

Its loader takes the sizes of SD 1.5's and SDXL's parts for granted; those of Ovis Image (FLUX's blocks behind one
layer of Qwen 3) it reads from the file. What they draw is noise, of which every number counts: another prompt, seed or
weight is another picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_HIDDEN, _TEXT, _HEAD = 128, 32, 128
_TOKENS = 151_936
Shapes = dict[str, tuple[int, ...]]


def write_checkpoint(path: Path) -> None:
    """Diffusion model and text encoder."""
    _write(path, dict([*_diffusion(), *_encoder()]))


def write_autoencoder(path: Path) -> None:
    """A tiny one, of FLUX's sixteen channels."""
    _write(path, dict([*_tae_encoder(), *_tae_decoder()]))


def write_lora(path: Path) -> None:
    name = "lora_unet_double_blocks_0_img_attn_qkv"
    _write(path, {f"{name}.lora_down.weight": (4, _HIDDEN), f"{name}.lora_up.weight": (3 * _HIDDEN, 4)})


def _write(path: Path, shapes: Shapes) -> None:
    """As safetensors: a JSON head behind its length, then the numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chance, head, parts, at = np.random.default_rng(7), dict[str, object](), list[bytes](), 0
    for name, shape in shapes.items():
        part = (chance.standard_normal(shape, np.float32) * np.float32(0.05)).astype(np.float16).tobytes()
        head[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + len(part)]}
        at += len(part)
        parts.append(part)
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def _linear(name: str, width: int, out: int, *, bias: bool = True) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (out, width)
    if bias:
        yield f"{name}.bias", (out,)


def _diffusion() -> Iterator[tuple[str, tuple[int, ...]]]:
    root = "model.diffusion_model."
    yield from _linear(f"{root}img_in", 64, _HIDDEN)
    yield from _linear(f"{root}time_in.in_layer", 256, _HIDDEN)
    yield from _linear(f"{root}time_in.out_layer", _HIDDEN, _HIDDEN)
    yield f"{root}txt_norm.scale", (_TEXT,)
    yield from _linear(f"{root}txt_in", _TEXT, _HIDDEN)
    for stream in ("img", "txt"):
        block = f"{root}double_blocks.0.{stream}_"
        yield from _linear(f"{block}mod.lin", _HIDDEN, 6 * _HIDDEN)
        yield from _linear(f"{block}attn.qkv", _HIDDEN, 3 * _HIDDEN)
        yield from _linear(f"{block}attn.proj", _HIDDEN, _HIDDEN)
        yield f"{block}attn.norm.query_norm.scale", (_HEAD,)
        yield f"{block}attn.norm.key_norm.scale", (_HEAD,)
        yield from _linear(f"{block}mlp.gate_proj", _HIDDEN, 4 * _HIDDEN)
        yield from _linear(f"{block}mlp.up_proj", _HIDDEN, 4 * _HIDDEN)
        yield from _linear(f"{block}mlp.down_proj", 4 * _HIDDEN, _HIDDEN)
    yield from _linear(f"{root}final_layer.linear", _HIDDEN, 64)
    yield from _linear(f"{root}final_layer.adaLN_modulation.1", _HIDDEN, 2 * _HIDDEN)


def _encoder() -> Iterator[tuple[str, tuple[int, ...]]]:
    root = "text_encoders.llm.model."
    layer = f"{root}layers.0."
    yield f"{root}embed_tokens.weight", (_TOKENS, _TEXT)
    for norm in (f"{root}norm", f"{layer}input_layernorm", f"{layer}post_attention_layernorm"):
        yield f"{norm}.weight", (_TEXT,)
    for norm in ("q_norm", "k_norm"):
        yield f"{layer}self_attn.{norm}.weight", (_HEAD,)
    for name, width, out in (
        ("self_attn.q_proj", _TEXT, 32 * _HEAD),
        ("self_attn.k_proj", _TEXT, 8 * _HEAD),
        ("self_attn.v_proj", _TEXT, 8 * _HEAD),
        ("self_attn.o_proj", 32 * _HEAD, _TEXT),
        ("mlp.gate_proj", _TEXT, _TEXT),
        ("mlp.up_proj", _TEXT, _TEXT),
        ("mlp.down_proj", _TEXT, _TEXT),
    ):
        yield from _linear(f"{layer}{name}", width, out, bias=False)


def _conv(name: str, width: int, out: int, *, bias: bool = True) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (out, width, 3, 3)
    if bias:
        yield f"{name}.bias", (out,)


def _block(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    for at in (0, 2, 4):
        yield from _conv(f"{name}.conv.{at}", 64, 64)


def _tae_encoder() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Numbered as the layers of the original's ``Sequential``."""
    root, at = "encoder.layers.", 2
    yield from _conv(f"{root}0", 3, 64)
    yield from _block(f"{root}1")
    for _ in range(3):
        yield from _conv(f"{root}{at}", 64, 64, bias=False)
        for each in range(at + 1, at + 4):
            yield from _block(f"{root}{each}")
        at += 4
    yield from _conv(f"{root}{at}", 64, 16)


def _tae_decoder() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Between its blocks are layers without weights, which are counted, too."""
    root, at = "decoder.layers.", 2
    yield from _conv(f"{root}0", 16, 64)
    for _ in range(3):
        for each in range(at, at + 3):
            yield from _block(f"{root}{each}")
        yield from _conv(f"{root}{at + 4}", 64, 64, bias=False)
        at += 5
    yield from _block(f"{root}{at}")
    yield from _conv(f"{root}{at + 1}", 64, 3)
