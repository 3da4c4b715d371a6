"""What AUTOMATIC1111 lists: models, samplers, schedulers, upscalers, options. Source: ``modules/api/api.py`` (1.10)."""

from __future__ import annotations

from typing import Any

from potluck_fake_engine.engine import Engine, digest_of

SAMPLERS: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
    ("DPM++ 2M", ("k_dpmpp_2m",), {"scheduler": "karras"}),
    ("DPM++ SDE", ("k_dpmpp_sde",), {"scheduler": "karras", "second_order": "True", "brownian_noise": "True"}),
    ("DPM++ 2M SDE", ("k_dpmpp_2m_sde",), {"scheduler": "exponential", "brownian_noise": "True"}),
    ("DPM++ 2M SDE Heun", ("k_dpmpp_2m_sde_heun",), {"scheduler": "exponential", "solver_type": "heun"}),
    ("DPM++ 2S a", ("k_dpmpp_2s_a",), {"scheduler": "karras", "uses_ensd": "True", "second_order": "True"}),
    ("DPM++ 3M SDE", ("k_dpmpp_3m_sde",), {"scheduler": "exponential", "discard_next_to_last_sigma": "True"}),
    ("Euler a", ("k_euler_a", "k_euler_ancestral"), {"uses_ensd": "True"}),
    ("Euler", ("k_euler",), {}),
    ("LMS", ("k_lms",), {}),
    ("Heun", ("k_heun",), {"second_order": "True"}),
    ("DPM2", ("k_dpm_2",), {"scheduler": "karras", "discard_next_to_last_sigma": "True", "second_order": "True"}),
    ("DPM2 a", ("k_dpm_2_a",), {"scheduler": "karras", "uses_ensd": "True", "second_order": "True"}),
    ("DPM fast", ("k_dpm_fast",), {"uses_ensd": "True"}),
    ("DPM adaptive", ("k_dpm_ad",), {"uses_ensd": "True"}),
    ("Restart", ("restart",), {"scheduler": "karras", "second_order": "True"}),
    ("DDIM", ("ddim",), {}),
    ("DDIM CFG++", ("ddim_cfgpp",), {}),
    ("PLMS", ("plms",), {}),
    ("UniPC", ("unipc",), {}),
    ("LCM", ("k_lcm",), {}),
)

SCHEDULERS: tuple[tuple[str, str, list[str] | None], ...] = (
    ("automatic", "Automatic", None),
    ("uniform", "Uniform", None),
    ("karras", "Karras", None),
    ("exponential", "Exponential", None),
    ("polyexponential", "Polyexponential", None),
    ("sgm_uniform", "SGM Uniform", ["SGMUniform"]),
    ("kl_optimal", "KL Optimal", None),
    ("align_your_steps", "Align Your Steps", None),
    ("simple", "Simple", None),
    ("normal", "Normal", None),
    ("ddim", "DDIM", None),
    ("beta", "Beta", None),
)

LATENT_UPSCALERS = (
    *("Latent", "Latent (antialiased)", "Latent (bicubic)", "Latent (bicubic antialiased)", "Latent (nearest)"),
    "Latent (nearest-exact)",
)

MODULES = (
    *("none", "canny", "depth_midas", "depth_anything_v2", "openpose", "openpose_full", "dw_openpose_full"),
    *("scribble_hed", "scribble_pidinet", "invert (from white bg & black line)"),
)


def files_of(engine: Engine, folder: str) -> list[str]:
    return [file.partition("/")[2] for file in engine.settings.files if file.startswith(f"{folder}/")]


def bare(file: str) -> str:
    """A file's name as prompts and lists use it."""
    return file.rpartition("/")[2].rpartition(".")[0]


def title_of(name: str) -> str:
    """What the option ``sd_model_checkpoint`` wants."""
    return f"{file_of(name)} [{digest_of(name)[:10]}]"


def file_of(name: str) -> str:
    return name if name.endswith((".safetensors", ".ckpt")) else f"{name}.safetensors"


def checkpoints(engine: Engine) -> list[dict[str, Any]]:
    return [
        {
            "title": title_of(name),
            "model_name": bare(file_of(name)),
            "hash": digest_of(name)[:10],
            "sha256": digest_of(name),
            "filename": f"/opt/webui/models/Stable-diffusion/{file_of(name)}",
            "config": None,
        }
        for name in engine.models
    ]


def find_checkpoint(engine: Engine, asked: str) -> str | None:
    """The model that a title, a file, a name or a hash means."""
    for name in engine.models:
        digest = digest_of(name)
        if asked in (title_of(name), file_of(name), name, bare(file_of(name)), digest, digest[:10]):
            return name
    return None


def samplers() -> list[dict[str, Any]]:
    return [{"name": name, "aliases": list(aliases), "options": options} for name, aliases, options in SAMPLERS]


def find_sampler(asked: str) -> str | None:
    for name, aliases, _ in SAMPLERS:
        if asked.lower() in (name.lower(), *aliases):
            return name
    # Names of old hold the scheduler, too.
    first, _, last = asked.rpartition(" ")
    known = {name.lower() for name, _, _ in SAMPLERS}
    labels = {label.lower() for _, label, _ in SCHEDULERS}
    return asked if first.lower() in known and last.lower() in labels else None


def schedulers() -> list[dict[str, Any]]:
    return [
        {"name": name, "label": label, "aliases": aliases, "default_rho": -1.0, "need_inner_model": False}
        for name, label, aliases in SCHEDULERS
    ]


def upscalers(engine: Engine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "model_name": None, "model_path": None, "model_url": None, "scale": 4.0}
        for name in ("None", "Lanczos", "Nearest")
    ]
    for file in files_of(engine, "upscale_models"):
        path = f"/opt/webui/models/ESRGAN/{file}"
        found.append({"name": bare(file), "model_name": None, "model_path": path, "model_url": None, "scale": 4.0})
    return found


def loras(engine: Engine) -> list[dict[str, Any]]:
    return [
        {"name": bare(file), "alias": bare(file), "path": f"/opt/webui/models/Lora/{file}", "metadata": {}}
        for file in files_of(engine, "loras")
    ]


def vaes(engine: Engine) -> list[dict[str, Any]]:
    return [{"model_name": file, "filename": f"/opt/webui/models/VAE/{file}"} for file in files_of(engine, "vae")]


def embeddings(engine: Engine) -> dict[str, Any]:
    told = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None, "shape": 768, "vectors": 8}
    return {"loaded": {bare(file): told for file in files_of(engine, "embeddings")}, "skipped": {}}


def controlnets(engine: Engine) -> list[str]:
    return [f"{bare(file)} [{digest_of(file)[:8]}]" for file in files_of(engine, "controlnet")]


def first_options(engine: Engine) -> dict[str, Any]:
    model = next(iter(engine.models), "")
    return {
        "samples_save": True,
        "samples_format": "png",
        "sd_model_checkpoint": title_of(model) if model else "",
        "sd_checkpoint_hash": digest_of(model) if model else "",
        "sd_vae": "Automatic",
        "CLIP_stop_at_last_layers": 1,
        "randn_source": "GPU",
        "eta_noise_seed_delta": 0,
        "live_previews_enable": True,
        "show_progress_every_n_steps": 10,
        "face_restoration_model": "CodeFormer",
        "upscaler_for_img2img": None,
    }
