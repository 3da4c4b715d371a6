"""Samplers and schedulers: one canonical name for each, and what the engines and their clients call it.

The canonical names are ComfyUI's ``sampler_name`` and ``scheduler``; A1111's are the labels its people know. Sources:
ComfyUI ``comfy/samplers.py``; AUTOMATIC1111 ``modules/sd_samplers_kdiffusion.py`` and ``sd_schedulers.py`` (1.10);
stable-diffusion.cpp ``sample_method_to_str``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple


class Sampler(NamedTuple):
    """``automatic`` is the scheduler that A1111's "Automatic" stands for. ``aliases`` are further spellings."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()
    automatic: str = "normal"


class Scheduler(NamedTuple):
    name: str
    label: str
    aliases: tuple[str, ...] = ()


SAMPLERS: Final = (
    Sampler("euler", "Euler"),
    Sampler("euler_ancestral", "Euler a", ("euler_a",)),
    Sampler("euler_cfg_pp", "Euler CFG++"),
    Sampler("euler_ancestral_cfg_pp", "Euler a CFG++"),
    Sampler("heun", "Heun"),
    Sampler("heunpp2", "HeunPP2"),
    Sampler("lms", "LMS"),
    Sampler("dpm_2", "DPM2", ("dpm2",), "karras"),
    Sampler("dpm_2_ancestral", "DPM2 a", ("dpm_2_a",), "karras"),
    Sampler("dpm_fast", "DPM fast"),
    Sampler("dpm_adaptive", "DPM adaptive", ("dpm_ad",)),
    Sampler("dpmpp_2s_ancestral", "DPM++ 2S a", ("dpmpp_2s_a",), "karras"),
    Sampler("dpmpp_sde", "DPM++ SDE", ("dpmpp_sde_gpu",), "karras"),
    Sampler("dpmpp_2m", "DPM++ 2M", (), "karras"),
    Sampler("dpmpp_2m_sde", "DPM++ 2M SDE", ("dpmpp_2m_sde_gpu",), "exponential"),
    Sampler("dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun", (), "exponential"),
    Sampler("dpmpp_3m_sde", "DPM++ 3M SDE", ("dpmpp_3m_sde_gpu",), "exponential"),
    Sampler("ddim", "DDIM", ("ddim_trailing",)),
    Sampler("ddpm", "DDPM"),
    Sampler("plms", "PLMS"),
    Sampler("uni_pc", "UniPC"),
    Sampler("uni_pc_bh2", "UniPC bh2"),
    Sampler("lcm", "LCM"),
    Sampler("tcd", "TCD"),
    Sampler("restart", "Restart"),
    Sampler("ipndm", "IPNDM"),
    Sampler("ipndm_v", "IPNDM_V"),
    Sampler("deis", "DEIS"),
    Sampler("res_multistep", "Res Multistep"),
    Sampler("gradient_estimation", "Gradient Estimation"),
    Sampler("er_sde", "ER SDE"),
)

SCHEDULERS: Final = (
    Scheduler("normal", "Normal", ("uniform", "discrete", "default")),
    Scheduler("karras", "Karras"),
    Scheduler("exponential", "Exponential"),
    Scheduler("polyexponential", "Polyexponential"),
    Scheduler("sgm_uniform", "SGM Uniform"),
    Scheduler("simple", "Simple"),
    Scheduler("ddim_uniform", "DDIM", ("ddim",)),
    Scheduler("beta", "Beta"),
    Scheduler("kl_optimal", "KL Optimal"),
    Scheduler("align_your_steps", "Align Your Steps", ("ays",)),
    Scheduler("linear_quadratic", "Linear Quadratic"),
    Scheduler("turbo", "Turbo"),
)

_SPELLED: Final = str.maketrans({" ": "", "_": "", "-": "", "+": "p", "(": "", ")": ""})


def _plain(name: str) -> str:
    """All spellings of one name alike: ``DPM++ 2M``, ``dpmpp_2m`` and ``k_dpmpp_2m`` are ``dpmpp2m``."""
    return name.lower().removeprefix("k_").translate(_SPELLED)


def _known(entries: Iterable[Sampler | Scheduler]) -> Mapping[str, str]:
    return {_plain(known): entry.name for entry in entries for known in (entry.name, entry.label, *entry.aliases)}


_SAMPLERS: Final = _known(SAMPLERS)
_SCHEDULERS: Final = _known(SCHEDULERS)
_BY_NAME: Final = {sampler.name: sampler for sampler in SAMPLERS}
_LABELS: Final = {scheduler.name: scheduler.label for scheduler in SCHEDULERS}


class Sampling(NamedTuple):
    """A sampler and a scheduler by their canonical names, each empty if it is left open."""

    sampler: str
    scheduler: str


def canonical_sampler(name: str) -> str:
    """The canonical name for any engine's spelling; empty if nobody knows it.

    >>> canonical_sampler("DPM++ 2M"), canonical_sampler("k_euler_a")
    ('dpmpp_2m', 'euler_ancestral')
    """
    return _SAMPLERS.get(_plain(name), "")


def canonical_scheduler(name: str) -> str:
    """As `canonical_sampler`; "Automatic" is left open, and so empty."""
    return _SCHEDULERS.get(_plain(name), "")


def understood(sampler: str, scheduler: str = "") -> Sampling | None:
    """What a client means by its words, also by a name of old that holds both; None if nobody knows them.

    >>> understood("DPM++ 2M Karras")
    Sampling(sampler='dpmpp_2m', scheduler='karras')
    """
    known = canonical_scheduler(scheduler)
    if scheduler and not known and _plain(scheduler) != "automatic":
        return None
    found = canonical_sampler(sampler)
    if found or not sampler:
        return Sampling(found, known)
    first, _, last = sampler.rpartition(" ")
    found, old = canonical_sampler(first), canonical_scheduler(last)
    return Sampling(found, known or old) if found and old else None


def automatic(sampler: str) -> str:
    """The scheduler that a sampler is used with where nobody names one."""
    known = _BY_NAME.get(sampler)
    return known.automatic if known else "normal"


def label(sampler: str) -> str:
    """What A1111's people call it."""
    known = _BY_NAME.get(sampler)
    return known.label if known else sampler


def scheduler_label(scheduler: str) -> str:
    return _LABELS.get(scheduler, scheduler)


def spoken_sampler(sampler: str, offered: Iterable[str]) -> str:
    """The one of an engine's own names that means ``sampler``; empty if it has none."""
    return next((name for name in offered if canonical_sampler(name) == sampler), "")


def spoken_scheduler(scheduler: str, offered: Iterable[str]) -> str:
    """As `spoken_sampler`. The same word goes first: Uniform and Normal are both A1111's."""
    names = list(offered)
    same = (name for name in names if _plain(name) == _plain(scheduler))
    meant = (name for name in names if canonical_scheduler(name) == scheduler)
    return next(same, "") or next(meant, "")
