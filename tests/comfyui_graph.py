"""A graph as ComfyUI exports it."""

from __future__ import annotations

from typing import Any


def graph(prompt: str, seed: int = 7, steps: int = 4) -> dict[str, Any]:
    """As 'Export (API)' writes it."""
    nodes: dict[str, tuple[str, str, dict[str, Any]]] = {
        "4": ("CheckpointLoaderSimple", "Load Checkpoint", {"ckpt_name": "sd_v1-5.safetensors"}),
        "5": ("EmptyLatentImage", "Empty", {"width": 256, "height": 256, "batch_size": 1}),
        "6": ("CLIPTextEncode", "Positive", {"text": prompt, "clip": ["4", 1]}),
        "7": ("CLIPTextEncode", "Negative", {"text": "blurry", "clip": ["4", 1]}),
        "3": (
            "KSampler",
            "KSampler",
            {
                "seed": seed,
                "steps": steps,
                "cfg": 7.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
            },
        ),
        "8": ("VAEDecode", "VAE Decode", {"samples": ["3", 0], "vae": ["4", 2]}),
        "9": ("SaveImage", "Save Image", {"filename_prefix": "ComfyUI", "images": ["8", 0]}),
    }
    return {
        id_: {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}
        for id_, (kind, title, inputs) in nodes.items()
    }
