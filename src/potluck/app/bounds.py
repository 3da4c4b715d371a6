"""From the config to what clients' calls and engines' answers may take."""

from __future__ import annotations

from potluck.config.model import Config
from potluck.core.generations import Bounds as GenerationBounds
from potluck.core.rescue import Bounds
from potluck.gateway.generations import Generations
from potluck.gateway.relay.relay import Limits, Relay


def limits(config: Config) -> Limits:
    return Limits(
        max_body=config.limits.max_body_bytes,
        max_head=config.limits.max_header_bytes,
        rescue=_rescue_bounds(config),
        silence_s=config.rescue.silence_s,
    )


def generation_bounds(config: Config) -> GenerationBounds:
    told = config.generations
    return GenerationBounds(
        alone_s=told.alone_s,
        alone_per_key=told.alone_per_key,
        unfinished=told.unfinished,
        unfinished_within_s=told.unfinished_within_s,
        keep_s=told.keep_s,
        keep_bytes=told.keep_bytes,
    )


def bind(relay: Relay, generations: Generations, config: Config) -> None:
    """Bound anew what is done for answers, those under way too."""
    relay.bound(_rescue_bounds(config), config.rescue.silence_s)
    generations.bounds = generation_bounds(config)


def _rescue_bounds(config: Config) -> Bounds:
    return Bounds(attempts=config.rescue.attempts, within_s=config.rescue.within_s)
