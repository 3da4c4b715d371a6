"""What all image engines have together, each thing with the nodes where it is: what people choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from potluck.core.model import NodeId
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, ControlModel, Extra, Upscaler
from potluck.core.pictures.samplers import canonical_sampler, canonical_scheduler, label, scheduler_label


@dataclass(frozen=True, slots=True)
class Offered:
    """Something that can be asked for by its ``name`` at each of ``nodes``. ``label`` is what people call it, ``about``
    what kind it is: a checkpoint's or ControlNet's family."""

    name: str
    nodes: tuple[NodeId, ...]
    label: str = ""
    about: str = ""
    hash: str = ""
    scale: float | None = None
    kinds: tuple[str, ...] = ()
    loaded: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """Each list by the order in which the engines have it, the first engine's things first."""

    checkpoints: tuple[Offered, ...] = ()
    loras: tuple[Offered, ...] = ()
    vaes: tuple[Offered, ...] = ()
    embeddings: tuple[Offered, ...] = ()
    upscalers: tuple[Offered, ...] = ()
    controls: tuple[Offered, ...] = ()
    samplers: tuple[Offered, ...] = ()
    schedulers: tuple[Offered, ...] = ()
    workflows: tuple[Offered, ...] = ()


def offer(catalogues: Iterable[tuple[NodeId, Catalogue]]) -> Offer:
    """A name that differs in its case alone is one; samplers have their canonical names, whatever an engine says."""
    engines = list(catalogues)

    def together(of: Callable[[NodeId, Catalogue], Iterable[Offered]]) -> tuple[Offered, ...]:
        found: dict[str, Offered] = {}
        for node, has in engines:
            for each in of(node, has):
                key = each.name.lower()
                found[key] = _joined(found[key], each) if key in found else each
        return tuple(found.values())

    return Offer(
        checkpoints=together(lambda node, has: (_checkpoint(node, each) for each in has.checkpoints)),
        loras=together(lambda node, has: _extras(node, has.loras)),
        vaes=together(lambda node, has: _extras(node, has.vaes)),
        embeddings=together(lambda node, has: _extras(node, has.embeddings)),
        upscalers=together(lambda node, has: (_upscaler(node, each) for each in has.upscalers)),
        controls=together(lambda node, has: (_control(node, each) for each in has.controls)),
        samplers=together(lambda node, has: _spoken(node, has.samplers, canonical_sampler, label)),
        schedulers=together(lambda node, has: _spoken(node, has.schedulers, canonical_scheduler, scheduler_label)),
        workflows=together(lambda node, has: (Offered(name, (node,)) for name in sorted(has.workflows))),
    )


def _joined(one: Offered, other: Offered) -> Offered:
    return Offered(
        one.name,
        _once(one.nodes, other.nodes),
        one.label,
        one.about,
        one.hash or other.hash,
        one.scale if one.scale is not None else other.scale,
        tuple(dict.fromkeys((*one.kinds, *other.kinds))),
        _once(one.loaded, other.loaded),
    )


def _once(one: tuple[NodeId, ...], other: tuple[NodeId, ...]) -> tuple[NodeId, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _checkpoint(node: NodeId, has: Checkpoint) -> Offered:
    loaded = (node,) if has.loaded else ()
    return Offered(has.name, (node,), about=has.family.value, hash=has.hash, loaded=loaded)


def _extras(node: NodeId, extras: Iterable[Extra]) -> Iterable[Offered]:
    return (Offered(each.name, (node,)) for each in extras)


def _upscaler(node: NodeId, has: Upscaler) -> Offered:
    return Offered(has.name, (node,), scale=has.scale)


def _control(node: NodeId, has: ControlModel) -> Offered:
    kinds = tuple(sorted(kind.value for kind in has.kinds))
    return Offered(has.name, (node,), about=has.family.value, kinds=kinds)


def _spoken(
    node: NodeId, names: Iterable[str], canonical: Callable[[str], str], shown: Callable[[str], str]
) -> Iterable[Offered]:
    """Names that nobody knows stay as the engine says them: it alone can be asked for them."""
    for name in names:
        known = canonical(name)
        yield Offered(known or name, (node,), label=shown(known) if known else name)
