"""ComfyUI's node classes as ``/object_info`` tells of them, and what of a prompt its validation refuses.

The entries are those of ComfyUI's ``nodes.py`` and ``comfy_extras``, as far as graphs for pictures use them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from potluck_fake_engine.engine import Engine

SAMPLERS = (
    *("euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2", "dpm_2"),
    *("dpm_2_ancestral", "lms", "dpm_fast", "dpm_adaptive", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_sde_gpu"),
    *("dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm", "lcm", "ipndm"),
    *("ipndm_v", "deis", "res_multistep", "gradient_estimation", "er_sde", "ddim", "uni_pc", "uni_pc_bh2"),
)
SCHEDULERS = (
    *("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal", "linear_quadratic"),
    "kl_optimal",
)
_RESAMPLING = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]
_LATENT_RESAMPLING = ["nearest-exact", "bilinear", "area", "bicubic", "bislerp"]
_CHANNELS = ["alpha", "red", "green", "blue"]

Inputs = dict[str, Any]


def _int(default: int, low: int = 0, high: int = 16384, **more: object) -> list[Any]:
    return ["INT", {"default": default, "min": low, "max": high, **more}]


def _float(default: float, low: float = 0.0, high: float = 10.0, step: float = 0.01) -> list[Any]:
    return ["FLOAT", {"default": default, "min": low, "max": high, "step": step}]


_SEED = _int(0, 0, 2**64 - 1, control_after_generate=True)
_STEPS = _int(20, 1, 10000)
_CFG = _float(8.0, 0.0, 100.0, 0.1)
_TEXT = ["STRING", {"multiline": True, "dynamicPrompts": True}]
_WEIGHT = _float(1.0, -100.0, 100.0)
_SIDE = _int(512, 16, 16384, step=8)
_BATCH = _int(1, 1, 4096)


def _lists(engine: Engine) -> dict[str, list[str]]:
    """What lies in the folders."""
    found: dict[str, list[str]] = {"checkpoints": [], "diffusion_models": []}
    for name in engine.models:
        file = (
            name
            if "." in name.rpartition("/")[2][-13:] and name.endswith((".safetensors", ".ckpt"))
            else name + ".safetensors"
        )
        folder = "diffusion_models" if file.startswith("diffusion_models/") else "checkpoints"
        found[folder].append(file.removeprefix("diffusion_models/"))
    for file in engine.settings.files:
        folder, _, name = file.partition("/")
        found.setdefault(folder, []).append(name)
    return found


def folders(engine: Engine) -> Mapping[str, Sequence[str]]:
    empty: dict[str, list[str]] = {name: [] for name in _FOLDERS}
    return empty | _lists(engine)


_FOLDERS = (
    *("checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models"),
    *("embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "latent_upscale_models"),
    *("hypernetworks", "photomaker", "classifiers"),
)


def model_of(engine: Engine, file: str) -> str:
    """The engine's model that a checkpoint's file is."""
    known = (file, file.removesuffix(".safetensors"), f"diffusion_models/{file}")
    return next(name for name in (*known, f"diffusion_models/{known[1]}") if name in engine.models)


def classes(engine: Engine, images: Sequence[str]) -> dict[str, dict[str, Any]]:
    """All that is installed; ``images`` lie in the input folder."""
    table = _table(_lists(engine), list(images))
    return {name: entry for name, entry in table.items() if name not in engine.settings.without}


def _table(lists: Mapping[str, list[str]], images: list[str]) -> dict[str, dict[str, Any]]:
    def of(folder: str) -> list[Any]:
        return [list(lists.get(folder, []))]

    return {
        **_loaders(of),
        **_conditioning(),
        **_latents(),
        **_pixels(of, images),
        **_preprocessors(),
    }


def _loaders(of: Any) -> dict[str, dict[str, Any]]:
    clip = {"clip_name": of("text_encoders"), "type": [["stable_diffusion", "stable_cascade", "sd3", "flux", "wan"]]}
    return {
        "CheckpointLoaderSimple": _node({"ckpt_name": of("checkpoints")}, ["MODEL", "CLIP", "VAE"], "loaders"),
        "UNETLoader": _node(
            {"unet_name": of("diffusion_models"), "weight_dtype": [["default", "fp8_e4m3fn", "fp8_e5m2"]]},
            ["MODEL"],
            "advanced/loaders",
        ),
        "CLIPLoader": _node(clip, ["CLIP"], "advanced/loaders"),
        "DualCLIPLoader": _node(
            {"clip_name1": of("text_encoders"), "clip_name2": of("text_encoders"), "type": [["sdxl", "sd3", "flux"]]},
            ["CLIP"],
            "advanced/loaders",
        ),
        "TripleCLIPLoader": _node(
            {f"clip_name{at}": of("text_encoders") for at in (1, 2, 3)}, ["CLIP"], "advanced/loaders"
        ),
        "VAELoader": _node({"vae_name": of("vae")}, ["VAE"], "loaders"),
        "LoraLoader": _node(
            {
                "model": ["MODEL"],
                "clip": ["CLIP"],
                "lora_name": of("loras"),
                "strength_model": _WEIGHT,
                "strength_clip": _WEIGHT,
            },
            ["MODEL", "CLIP"],
            "loaders",
        ),
        "LoraLoaderModelOnly": _node(
            {"model": ["MODEL"], "lora_name": of("loras"), "strength_model": _WEIGHT}, ["MODEL"], "loaders"
        ),
        "ControlNetLoader": _node({"control_net_name": of("controlnet")}, ["CONTROL_NET"], "loaders"),
        "UpscaleModelLoader": _node({"model_name": of("upscale_models")}, ["UPSCALE_MODEL"], "loaders"),
        "CLIPSetLastLayer": _node(
            {"clip": ["CLIP"], "stop_at_clip_layer": _int(-1, -24, -1)}, ["CLIP"], "conditioning"
        ),
    }


def _conditioning() -> dict[str, dict[str, Any]]:
    share = _float(0.0, 0.0, 1.0, 0.001)
    return {
        "CLIPTextEncode": _node({"text": _TEXT, "clip": ["CLIP"]}, ["CONDITIONING"], "conditioning"),
        "ConditioningZeroOut": _node({"conditioning": ["CONDITIONING"]}, ["CONDITIONING"], "advanced/conditioning"),
        "FluxGuidance": _node(
            {"conditioning": ["CONDITIONING"], "guidance": _float(3.5, 0.0, 100.0, 0.1)},
            ["CONDITIONING"],
            "advanced/conditioning/flux",
        ),
        "SetUnionControlNetType": _node(
            {
                "control_net": ["CONTROL_NET"],
                "type": [
                    [
                        *("auto", "openpose", "depth", "hed/pidi/scribble/ted", "canny/lineart/anime_lineart/mlsd"),
                        *("normal", "segment", "tile", "repaint"),
                    ]
                ],
            },
            ["CONTROL_NET"],
            "conditioning/controlnet",
        ),
        "ControlNetApplyAdvanced": _node(
            {
                "positive": ["CONDITIONING"],
                "negative": ["CONDITIONING"],
                "control_net": ["CONTROL_NET"],
                "image": ["IMAGE"],
                "strength": _float(1.0),
                "start_percent": share,
                "end_percent": _float(1.0, 0.0, 1.0, 0.001),
            },
            ["CONDITIONING", "CONDITIONING"],
            "conditioning/controlnet",
            optional={"vae": ["VAE"]},
        ),
    }


def _latents() -> dict[str, dict[str, Any]]:
    empty = {"width": _SIDE, "height": _SIDE, "batch_size": _BATCH}
    vae, pixels, latent = ["VAE"], ["IMAGE"], ["LATENT"]
    resample = [_LATENT_RESAMPLING]
    return {
        "EmptyLatentImage": _node(empty, ["LATENT"], "latent"),
        "EmptySD3LatentImage": _node(empty, ["LATENT"], "latent/sd3"),
        "ModelSamplingSD3": _node({"model": ["MODEL"], "shift": _float(3.0, 0.0, 100.0)}, ["MODEL"], "advanced/model"),
        "KSampler": _node(
            {
                "model": ["MODEL"],
                "seed": _SEED,
                "steps": _STEPS,
                "cfg": _CFG,
                "sampler_name": [list(SAMPLERS)],
                "scheduler": [list(SCHEDULERS)],
                "positive": ["CONDITIONING"],
                "negative": ["CONDITIONING"],
                "latent_image": latent,
                "denoise": _float(1.0, 0.0, 1.0),
            },
            ["LATENT"],
            "sampling",
        ),
        "VAEDecode": _node({"samples": latent, "vae": vae}, ["IMAGE"], "latent"),
        "VAEEncode": _node({"pixels": pixels, "vae": vae}, ["LATENT"], "latent"),
        "VAEEncodeForInpaint": _node(
            {"pixels": pixels, "vae": vae, "mask": ["MASK"], "grow_mask_by": _int(6, 0, 64)}, ["LATENT"], "latent"
        ),
        "SetLatentNoiseMask": _node({"samples": latent, "mask": ["MASK"]}, ["LATENT"], "latent/inpaint"),
        "LatentUpscaleBy": _node(
            {"samples": latent, "upscale_method": resample, "scale_by": _float(1.5, 0.01, 8.0)}, ["LATENT"], "latent"
        ),
        "LatentUpscale": _node(
            {
                "samples": latent,
                "upscale_method": resample,
                "width": _int(512),
                "height": _int(512),
                "crop": [["disabled", "center"]],
            },
            ["LATENT"],
            "latent",
        ),
    }


def _pixels(of: Any, images: list[str]) -> dict[str, dict[str, Any]]:
    image, mask = ["IMAGE"], ["MASK"]
    side = _int(0, 0, 16384, step=8)
    return {
        "LoadImage": _node({"image": [images, {"image_upload": True}]}, ["IMAGE", "MASK"], "image"),
        "LoadImageMask": _node({"image": [images, {"image_upload": True}], "channel": [_CHANNELS]}, ["MASK"], "mask"),
        "ImageScale": _node(
            {
                "image": image,
                "upscale_method": [_RESAMPLING],
                "width": _int(512),
                "height": _int(512),
                "crop": [["disabled", "center"]],
            },
            ["IMAGE"],
            "image/upscaling",
        ),
        "ImageScaleBy": _node(
            {"image": image, "upscale_method": [_RESAMPLING], "scale_by": _float(1.0, 0.01, 8.0)},
            ["IMAGE"],
            "image/upscaling",
        ),
        "ImagePadForOutpaint": _node(
            {
                "image": image,
                "left": side,
                "top": side,
                "right": side,
                "bottom": side,
                "feathering": _int(40, 0, 16384),
            },
            ["IMAGE", "MASK"],
            "image",
        ),
        "ImageToMask": _node({"image": image, "channel": [["red", "green", "blue", "alpha"]]}, ["MASK"], "mask"),
        "InvertMask": _node({"mask": mask}, ["MASK"], "mask"),
        "ImageUpscaleWithModel": _node(
            {"upscale_model": ["UPSCALE_MODEL"], "image": image}, ["IMAGE"], "image/upscaling"
        ),
        "ImageCompositeMasked": _node(
            {
                "destination": image,
                "source": image,
                "x": _int(0),
                "y": _int(0),
                "resize_source": ["BOOLEAN", {"default": False}],
            },
            ["IMAGE"],
            "image",
            optional={"mask": mask},
        ),
        "ImageBlur": _node(
            {"image": image, "blur_radius": _int(1, 1, 31), "sigma": _float(1.0, 0.1, 10.0)},
            ["IMAGE"],
            "image/postprocessing",
        ),
        "Canny": _node(
            {
                "image": image,
                "low_threshold": _float(0.4, 0.01, 0.99),
                "high_threshold": _float(0.8, 0.01, 0.99),
            },
            ["IMAGE"],
            "image/preprocessors",
        ),
        "SaveImage": _node(
            {"images": image, "filename_prefix": ["STRING", {"default": "ComfyUI"}]}, [], "image", output=True
        ),
        "PreviewImage": _node({"images": image}, [], "image", output=True),
        "SaveImageWebsocket": _node({"images": image}, [], "api/image", output=True),
    }


def _preprocessors() -> dict[str, dict[str, Any]]:
    """Those of the pack comfyui_controlnet_aux."""
    resolution = {"resolution": _int(512, 64, 16384, step=64)}
    names = ("CannyEdgePreprocessor", "DepthAnythingV2Preprocessor", "MiDaS-DepthMapPreprocessor", "DWPreprocessor")
    more = ("OpenposePreprocessor", "ScribblePreprocessor")
    return {
        name: _node({"image": ["IMAGE"]}, ["IMAGE"], "ControlNet Preprocessors", optional=resolution)
        for name in (*names, *more)
    }


def _node(
    required: Inputs, outputs: list[str], category: str, *, output: bool = False, optional: Inputs | None = None
) -> dict[str, Any]:
    hidden: Inputs = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"} if output else {}
    inputs: dict[str, Any] = {"required": required}
    order: dict[str, list[str]] = {"required": list(required)}
    for kind, some in (("optional", optional or {}), ("hidden", hidden)):
        if some:
            inputs[kind] = some
            order[kind] = list(some)
    return {
        "input": inputs,
        "input_order": order,
        "output": outputs,
        "output_is_list": [False] * len(outputs),
        "output_name": outputs,
        "category": category,
        "output_node": output,
        "description": "",
    }


def named(table: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """As ``/object_info`` shows them."""
    return {
        name: {**entry, "name": name, "display_name": name, "python_module": "nodes"} for name, entry in table.items()
    }


# --- validation -------------------------------------------------------------------------------------------------------


class Invalid(Exception):
    """A prompt that is refused, with the body of the 400."""

    def __init__(self, kind: str, message: str, details: str = "", nodes: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        error: dict[str, Any] = {"type": kind, "message": message, "details": details, "extra_info": {}}
        self.body = {"error": error, "node_errors": dict(nodes or {})}


def validate(graph: Mapping[str, Any], table: Mapping[str, dict[str, Any]], exists: Any) -> list[str]:
    """The ids of its output nodes. ``exists`` says whether an image may be loaded.

    Raises:
        Invalid: with what ComfyUI answers.
    """
    for id_, node in graph.items():
        if not isinstance(node, dict) or "class_type" not in node:
            message = "Cannot execute because a node is missing the class_type property."
            raise Invalid("invalid_prompt", message, f"Node ID '#{id_}'")
        if node["class_type"] not in table:
            message = f"Cannot execute because node {node['class_type']} does not exist."
            raise Invalid("invalid_prompt", message, f"Node ID '#{id_}'")
    outputs = [id_ for id_, node in graph.items() if table[node["class_type"]]["output_node"]]
    if not outputs:
        raise Invalid("prompt_no_outputs", "Prompt has no outputs")
    wrong = {id_: found for id_, node in graph.items() if (found := _errors(node, graph, table, exists))}
    if wrong:
        told = {
            id_: {"errors": errors, "dependent_outputs": outputs, "class_type": graph[id_]["class_type"]}
            for id_, errors in wrong.items()
        }
        details = "\n".join(f"* {each['class_type']} {id_}" for id_, each in told.items())
        raise Invalid("prompt_outputs_failed_validation", "Prompt outputs failed validation", details, told)
    return outputs


def _errors(
    node: Mapping[str, Any], graph: Mapping[str, Any], table: Mapping[str, dict[str, Any]], exists: Any
) -> list[dict[str, Any]]:
    given: Mapping[str, Any] = node.get("inputs", {})
    found: list[dict[str, Any]] = []
    inputs = table[node["class_type"]]["input"]
    for name, config in {**inputs["required"], **inputs.get("optional", {})}.items():
        if name not in given:
            if name in inputs["required"]:
                found.append(_error("required_input_missing", "Required input is missing", name, name))
            continue
        found += _wrong(name, config, given[name], graph, table, exists)
    return found


def _wrong(
    name: str,
    config: Sequence[Any],
    value: Any,
    graph: Mapping[str, Any],
    table: Mapping[str, dict[str, Any]],
    exists: Any,
) -> list[dict[str, Any]]:
    kind = config[0]
    if isinstance(value, list):
        return _wrong_link(name, kind, value, graph, table)  # pyright: ignore[reportUnknownArgumentType] - JSON
    extra = {"input_name": name, "input_config": list(config), "received_value": value}
    if isinstance(kind, list):
        if len(config) > 1 and config[1].get("image_upload"):
            return [] if exists(value) else [_custom(name, f"Invalid image file: {value}", extra)]
        shown = f"{name}: {value!r} not in {kind}"
        return [] if value in kind else [_error("value_not_in_list", "Value not in list", shown, name, extra)]
    if kind in ("INT", "FLOAT"):
        return _wrong_number(name, kind, config[1], value, extra)
    if kind not in ("STRING", "BOOLEAN"):
        shown = f"{name}, received_type(STRING) mismatch input_type({kind})"
        return [_error("return_type_mismatch", "Return type mismatch between linked nodes", shown, name, extra)]
    return []


def _wrong_number(name: str, kind: str, limits: Mapping[str, Any], value: Any, extra: Inputs) -> list[dict[str, Any]]:
    try:
        number = int(value) if kind == "INT" else float(value)
    except (TypeError, ValueError) as exc:
        message = f"Failed to convert an input value to a {kind} value"
        return [_error("invalid_input_type", message, f"{name}, {value}, {exc}", name, extra)]
    for bound, kind_, outside in (
        ("min", "smaller", number < limits["min"]),
        ("max", "bigger", number > limits["max"]),
    ):
        if outside:
            message = f"Value {number} {kind_} than {bound} of {limits[bound]}"
            return [_error(f"value_{kind_}_than_{bound}", message, name, name, extra)]
    return []


def _wrong_link(
    name: str, kind: Any, link: list[Any], graph: Mapping[str, Any], table: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    if len(link) != 2 or str(link[0]) not in graph:
        message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
        return [_error("bad_linked_input", message, name, name)]
    outputs = table[graph[str(link[0])]["class_type"]]["output"]
    got = outputs[link[1]] if link[1] < len(outputs) else "NONE"
    if isinstance(kind, str) and kind not in (got, "*") and kind not in ("INT", "FLOAT", "STRING"):
        shown = f"{name}, received_type({got}) mismatch input_type({kind})"
        return [_error("return_type_mismatch", "Return type mismatch between linked nodes", shown, name)]
    return []


def _custom(name: str, words: str, extra: Inputs) -> dict[str, Any]:
    return _error("custom_validation_failed", "Custom validation failed for node", f"{name} - {words}", name, extra)


def _error(kind: str, message: str, details: str, name: str, extra: Inputs | None = None) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": extra or {"input_name": name}}
