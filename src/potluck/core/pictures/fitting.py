"""Whether an engine can do what is asked: every reason why not, for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import MAPPED_HERE, PictureAsk, Task
from potluck.core.pictures.catalogue import DEFAULTS, Catalogue, Checkpoint, Defaults, Family, Feature
from potluck.core.pictures.samplers import automatic, label, scheduler_label, spoken_sampler, spoken_scheduler


def lacks(ask: PictureAsk, has: Catalogue, *, nodes: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Why the engine cannot do it; empty: it can. ``nodes`` are the classes that the graph for it would use.

    Each reason goes on from the node's name: "agx0 has no LoRA pixel-art".
    """
    return (*_models(ask, has), *_sampling(ask, has), *_features(ask, has), *_sizes(ask, has), *_nodes(has, nodes))


def _models(ask: PictureAsk, has: Catalogue) -> Iterator[str]:
    if ask.generates and not ask.workflow:
        if (found := has.checkpoint(ask.model)) is None:
            yield f"has no model {ask.model}" if ask.model else "has no model"
        for unit in ask.controls:
            if has.control(unit.kind, unit.model, found.family if found else Family.UNKNOWN) is None:
                yield f"has no ControlNet {unit.model}" if unit.model else f"has no ControlNet for {unit.kind}"
            elif unit.preprocess and unit.kind not in MAPPED_HERE and unit.kind not in has.preprocessors:
                yield f"has no preprocessor for {unit.kind}"
    for lora in ask.loras:
        if has.lora(lora.name) is None:
            yield f"has no LoRA {lora.name}"
    if ask.vae and has.vae(ask.vae) is None:
        yield f"has no VAE {ask.vae}"
    wanted = ask.upscale.upscaler if ask.upscale else ask.hires.upscaler if ask.hires else ""
    if (wanted or ask.upscale) and has.upscaler(wanted) is None:
        yield f"has no upscaler {wanted}" if wanted else "has no upscaler"


def _sampling(ask: PictureAsk, has: Catalogue) -> Iterator[str]:
    if not ask.generates:
        return
    if ask.sampler and not _sampler(ask.sampler, ask.scheduler, has):
        yield f"has no sampler {label(ask.sampler)}"
    if ask.scheduler and has.schedulers and not spoken_scheduler(ask.scheduler, has.schedulers):
        yield f"has no scheduler {scheduler_label(ask.scheduler)}"


def _sampler(sampler: str, scheduler: str, has: Catalogue) -> str:
    """The engine's name for a sampler. Builds of old have no schedulers, but names that hold both."""
    both = "" if has.schedulers else f"{label(sampler)} {scheduler_label(scheduler or automatic(sampler))}"
    return both if both in has.samplers else spoken_sampler(sampler, has.samplers)


def _features(ask: PictureAsk, has: Catalogue) -> Iterator[str]:
    for wanted, feature, words in (
        (ask.controls, Feature.CONTROLNET, "cannot use ControlNet"),
        (ask.tiling, Feature.TILING, "cannot draw tiles"),
        (ask.restore_faces, Feature.RESTORE_FACES, "cannot restore faces"),
        (ask.hires, Feature.HIRES, "has no hires fix"),
        (ask.vae, Feature.VAE, "cannot change the VAE"),
        (ask.clip_skip > 1, Feature.CLIP_SKIP, "cannot skip CLIP layers"),
        (ask.task is Task.OUTPAINT, Feature.OUTPAINT, "cannot outpaint"),
        (ask.task is Task.UPSCALE, Feature.UPSCALE, "cannot upscale"),
    ):
        if wanted and feature not in has.features:
            yield words
    if ask.workflow and ask.workflow not in has.workflows:
        yield f"has no workflow {ask.workflow}" if has.kind is EngineKind.COMFYUI else "runs no workflows"


def _sizes(ask: PictureAsk, has: Catalogue) -> Iterator[str]:
    scale = ask.hires.scale if ask.hires else 1.0
    if ask.width * ask.height * scale * scale > has.most_pixels:
        yield f"draws no more than {has.most_pixels / 1e6:.1f} megapixels"


def _nodes(has: Catalogue, nodes: frozenset[str]) -> Iterator[str]:
    if has.nodes and (missing := sorted(nodes - has.nodes)):
        yield f"lacks the node {', '.join(missing)}"


def filled(ask: PictureAsk, has: Catalogue) -> tuple[PictureAsk, Checkpoint | None]:
    """The ask with all that it leaves open, as ``has`` would draw it, and the checkpoint.

    What stands in it then is what is shown beside the picture, and draws it again anywhere.
    """
    found = has.checkpoint(ask.model) if ask.generates else None
    if found is None:
        return ask, None
    usual = DEFAULTS[found.family]
    return _completed(ask, found, usual), found


def _completed(ask: PictureAsk, found: Checkpoint, usual: Defaults) -> PictureAsk:
    sampler = ask.sampler or usual.sampler
    scheduler = ask.scheduler or (automatic(sampler) if ask.sampler else usual.scheduler)
    pixels = 0 if ask.init else usual.pixels  # what is drawn over an image has that one's size
    return replace(
        ask,
        model=found.name,
        width=ask.width or pixels,
        height=ask.height or pixels,
        steps=ask.steps or usual.steps,
        cfg=ask.cfg or usual.cfg,
        sampler=sampler,
        scheduler=scheduler,
    )


def engine_sampler(ask: PictureAsk, has: Catalogue) -> str:
    """The engine's own word for the ask's sampler; empty if it has none."""
    return _sampler(ask.sampler, ask.scheduler, has)


def engine_scheduler(ask: PictureAsk, has: Catalogue) -> str:
    """The engine's own word for the ask's scheduler; empty where it knows none."""
    return spoken_scheduler(ask.scheduler, has.schedulers)
