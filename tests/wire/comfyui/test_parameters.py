"""What a graph says of its picture."""

from __future__ import annotations

from typing import Any

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import Lora, Task
from potluck.core.pictures.catalogue import Catalogue, Checkpoint
from potluck.wire.comfyui.parameters import ask_of, estimate, models_of, pictures_in

HAS = Catalogue(EngineKind.COMFYUI, checkpoints=(Checkpoint("sdxl", "xl/sdxl.safetensors"),))


def graph(**sampler: Any) -> dict[str, Any]:
    sampled = {
        "seed": 2**40,
        "steps": 30,
        "cfg": 5,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "denoise": 0.5,
        "model": ["2", 0],
        "positive": ["3", 0],
        "negative": ["4", 0],
        "latent_image": ["5", 0],
    }
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "xl/sdxl.safetensors"}},
        "2": {"class_type": "LoraLoader", "inputs": {"lora_name": "a/ink.safetensors", "strength_model": 0.5}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox\0"}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1000, "height": 1000, "batch_size": 3}},
        "6": {"class_type": "KSampler", "inputs": {**sampled, **sampler}},
        "7": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
        "8": {"class_type": "FluxGuidance", "inputs": {"guidance": 4.0}},
        "9": {"class_type": "LoraLoaderModelOnly", "inputs": {"lora_name": "bare.safetensors"}},
        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": ["1", 0]}},
        "11": {"class_type": "Odd", "inputs": None},
    }


def test_every_parameter_that_can_be_read_is() -> None:
    ask = ask_of(graph())
    assert (ask.prompt, ask.negative, ask.width, ask.height) == ("a fox", "blurry", 1000, 1000)
    assert (ask.seed, ask.steps, ask.cfg, ask.sampler, ask.scheduler) == (2**40, 30, 5, "dpmpp_2m", "karras")
    assert (ask.model, ask.vae, ask.guidance, ask.denoise, ask.task) == ("sdxl", "ae", 4.0, 0.5, Task.TXT2IMG)
    assert ask.loras == (Lora("ink", 0.5), Lora("bare", 1.0))


def test_what_is_out_of_all_bounds_counts_as_not_said() -> None:
    ask = ask_of(graph(seed=-5, steps=10**9, cfg=True, sampler_name=["5", 0], scheduler=7, denoise=3))
    assert (ask.seed, ask.steps, ask.cfg, ask.sampler, ask.scheduler, ask.denoise) == (-1, 0, 0.0, "", "", 0.75)
    over = {"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}}
    assert ask_of(over).task is Task.IMG2IMG


def test_work_is_estimated_by_sizes_steps_and_batches() -> None:
    assert pictures_in(graph()) == 3
    found, work = estimate(graph(), HAS)
    assert found is HAS.checkpoints[0]
    assert work == 90.0
    bare: dict[str, Any] = {"1": {"class_type": "X", "inputs": {"ckpt_name": 3, "unet_name": "other.gguf"}}}
    assert models_of(bare) == ["other.gguf"]
    assert estimate(bare, HAS) == (None, 20.0)
    assert pictures_in({}) == 1
