"""Keys of the file for calls: where they come in, what each may take, and what becomes of answers."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from potluck.config import model
from potluck.config.scalars import (
    Address,
    Count,
    Duration,
    Origin,
    OwnUrl,
    Section,
    ServerPort,
    Size,
    Text,
    no_bool,
    shown_as,
    whole_number,
)
from potluck.core.limits import MOST
from potluck.core.people import Role
from potluck.core.scheduling.classes import DEFAULT_LIMITS
from potluck.core.scheduling.classes import Kind as Classes

Amount = Annotated[int, *whole_number(1, MOST)]
Priority = Annotated[float, BeforeValidator(no_bool), Field(ge=-100, le=100), shown_as("number", {"type": "number"})]
Class: TypeAlias = Literal["completion", "chat", "big-chat", "review", "image", "background", "batch"]


_PRIORITIES = f"By default {', '.join(f'{kind} {limits.priority:g}' for kind, limits in DEFAULT_LIMITS.items())}."
_SERVER = model.ServerConfig()
_LIMITS = model.LimitsConfig()
_QUEUE = model.QueueConfig()
_RESCUE = model.RescueConfig()
_GENERATIONS = model.GenerationsConfig()


class ServerSection(Section):
    """Where Potluck listens. `--host` and `--port` of `potluck up` go before it."""

    host: Address = Field(_SERVER.host, description="The address to listen on; `0.0.0.0` is every one of this machine.")
    port: ServerPort = Field(_SERVER.port, description="The port to listen on; 0 takes any free one.")
    url: OwnUrl = Field(
        _SERVER.url,
        description="Where people reach Potluck, such as `https://potluck.example.org`: links to invite them begin so. "
        "Left out, links begin with the address that whoever makes them came by.",
    )
    drain: Duration = Field(
        _SERVER.drain_s,
        description="How long a stop waits for calls under way. What is left then ends in an error, or, if it is of "
        "the native chat, waits for the next start.",
    )
    origins: list[Origin] = Field(
        [],
        description="Web pages that may call from a browser (CORS), beside those of this machine: "
        "`https://chat.example.org`, or `*` for every page. They need a key all the same.",
    )


class UseSection(Section):
    """How much may be used. What is left out is not limited."""

    requests_per_minute: Amount | None = Field(None, description="Requests in a minute.")
    requests_per_day: Amount | None = Field(None, description="Requests in a day.")
    tokens_per_minute: Amount | None = Field(None, description="Tokens of prompts and answers in a minute.")
    tokens_per_day: Amount | None = Field(None, description="Tokens of prompts and answers in a day.")
    images_per_day: Amount | None = Field(None, description="Images in a day.")
    concurrent: Amount | None = Field(None, description="Calls at the same time.")
    models: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None, description="The only names that may be asked for: models, routes, aliases, `auto`."
    )
    priority: Class | None = Field(
        None,
        description="The highest class of calls; a call of a higher one becomes one of this. From the highest: "
        + ", ".join(f"`{kind}`" for kind in Classes)
        + ".",
    )
    budget_tokens_per_day: Amount | None = Field(
        None, description="Tokens in a day after which answers say that the budget is passed; nothing is refused."
    )


class LimitsSection(Section):
    """What is refused for its size, and how much callers may use. Users and keys have limits of their own beside
    these (`potluck users limit`, `potluck keys limit`); of all that apply the strictest holds."""

    max_body: Size = Field(_LIMITS.max_body_bytes, ge=1024, description="The largest body of a request, decompressed.")
    max_header: Size = Field(_LIMITS.max_header_bytes, ge=1024, description="The largest head of a request.")
    default: UseSection = Field(
        UseSection.model_construct(),
        description="What each user may use whose role is not under `roles`; owners are not limited by it.",
    )
    roles: dict[str, UseSection] = Field(
        {},
        description="What each user of a role may use: `owner`, `admin`, `member` or `guest`.",
        json_schema_extra={"propertyNames": {"enum": [role.value for role in Role]}},
    )
    routes: dict[str, UseSection] = Field({}, description="What all callers together may use of a route.")


class QueueSection(Section):
    """Calls that wait for a slot."""

    depth: Count = Field(_QUEUE.depth, description="How many may wait; more are refused at once.")
    max_wait: Duration = Field(_QUEUE.max_wait_s, description="How long one may wait before it is refused.")


class ClassSection(Section):
    """A class of calls: `completion`, `chat`, `big-chat` (of models above 12 GB), `review`, `image`, `background` or
    `batch`. Each key left out stays as it is by default."""

    first: Duration | None = Field(None, ge=0.05, description="How soon its users want the first word.")
    finish: Duration | None = Field(None, ge=0.05, description="How soon they want the end.")
    priority: Priority | None = Field(
        None,
        description="Who goes first where calls wait: lower numbers, until age lifts the others. " + _PRIORITIES,
    )
    max_wait: Duration | None = Field(
        None, ge=0.05, description="How long one may wait before it is refused, instead of `queue.max_wait`."
    )
    waiting: Count | None = Field(None, description="How many may wait, of all that `queue.depth` allows.")
    running: Count | None = Field(None, description="How many may run at once, on all machines together.")


class RescueSection(Section):
    """Answers whose engine breaks after the first byte."""

    attempts: Count = Field(
        _RESCUE.attempts, description="How often another engine may go on with one answer; 0 ends it with an error."
    )
    within: Duration = Field(
        _RESCUE.within_s, description="How long after the first break another engine may still begin to go on."
    )
    silence: Duration = Field(
        _RESCUE.silence_s,
        description="The least silence of an engine that counts as a break, where another one can take over. By its "
        "learned speed it may be longer; 0 waits for two minutes always.",
    )


class GenerationsSection(Section):
    """Answers of the native chat, which go on when their client leaves."""

    alone: Duration = Field(_GENERATIONS.alone_s, description="How long one goes on that nobody reads.")
    alone_per_key: Count = Field(
        _GENERATIONS.alone_per_key,
        description="How many that nobody reads a key may have; of more, those that were left first are stopped.",
    )
    keep: Duration = Field(
        _GENERATIONS.keep_s, description="How long after its end the events of one can be read again."
    )
    keep_size: Size = Field(
        _GENERATIONS.keep_bytes, description="How much of these is kept in all; the oldest are forgotten first."
    )
    unfinished: Literal["continue", "interrupt"] = Field(
        _GENERATIONS.unfinished.value,
        description="What becomes of one that a crash or a stop cut: `continue` goes on with it at the next start, "
        "`interrupt` keeps the text so far.",
    )
    unfinished_within: Duration = Field(
        _GENERATIONS.unfinished_within_s, description="One that was cut longer ago is not gone on with."
    )
