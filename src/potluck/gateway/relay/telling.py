"""What a client is told beside its answer: header fields of the head, comments in a stream, its place in line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from potluck.gateway import answer_headers as told
from potluck.gateway.admission import limit_fields
from potluck.gateway.relay import heads

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange

# Streams with comments.
_EVENTS = "text/event-stream"

_HEAD = (
    f"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n{told.REQUEST_ID}: %b\r\n{told.NODE}: %b\r\n"
    f"{told.ATTEMPTS}: %d\r\n{told.QUEUE_MS}: %d\r\n"
).encode()
_HEAD_IN_LINE = (
    f"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n{told.REQUEST_ID}: %b\r\n{told.QUEUE_MS}: %d\r\n"
    f"{told.QUEUE_POSITION}: %d\r\n{told.QUEUE_ETA_MS}: %d\r\n"
).encode()


def head(exchange: Exchange, content_type: str) -> bytes:
    """The head of the answer to the client, but for framing and the empty line."""
    queue_ms = round(exchange.queue_s * 1000)
    place = exchange.place
    if place is not None:
        figures = (queue_ms, place.position, round(place.eta_s * 1000))
        fields = _HEAD_IN_LINE % (heads.value(content_type), exchange.id.encode(), *figures)
        return fields if exchange.ticket is None else fields + limits(exchange)
    served = exchange.served
    fields = _HEAD % (
        heads.value(content_type),
        exchange.id.encode(),
        heads.value(served.node if served is not None else ""),
        len(exchange.attempts) + 1,
        queue_ms,
    )
    if exchange.notes:
        fields += exchange.notes
    if exchange.ticket is not None:
        fields += limits(exchange)
    if served is None or served.model.id == exchange.meta.model:
        return fields
    return fields + _renamed(served.model.id, served.route, exchange.choice.why if exchange.choice is not None else "")


def limits(exchange: Exchange) -> bytes:
    """The lines of a head that tell how the caller's limits stood when the call was let in; none without limits."""
    ticket = exchange.ticket
    return b"" if ticket is None else heads.fields(limit_fields(exchange.door.family, ticket.levels, ticket.at_s))


@lru_cache(256)
def _renamed(model: str, route: str, why: str) -> bytes:
    """The lines of a head for who asked by another name than the model's own."""
    return heads.fields(_renaming(model, route, why).items())


def _renaming(model: str, route: str, why: str) -> dict[str, str]:
    said = {told.MODEL: model, told.ROUTE: route, told.AUTO: why}
    return {name: value for name, value in said.items() if value}


def renaming(exchange: Exchange) -> dict[str, str]:
    """Headers that tell which model answers, by which route, and why `auto` chose it; none where that is no news."""
    served = exchange.served
    if served is None or served.model.id == exchange.meta.model:
        return {}
    return _renaming(served.model.id, served.route, exchange.choice.why if exchange.choice is not None else "")


def trials(exchange: Exchange) -> Mapping[str, str]:
    """For the head of an error: what was tried, and for how long the call waited."""
    found = {told.QUEUE_MS: str(round(exchange.queue_s * 1000))}
    if exchange.served is not None:
        attempts = str(max(1, len(exchange.attempts)))
        found = {told.NODE: exchange.served.node, told.ATTEMPTS: attempts, **found}
    return found


def last_chunk(exchange: Exchange, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The end of a chunked stream. Where its engine changed behind its head, a client that takes trailers is told."""
    if not exchange.attempts or not any(name == b"te" and b"trailers" in value.lower() for name, value in headers):
        return heads.LAST_CHUNK
    found = dict(trials(exchange))
    found.pop(told.QUEUE_MS)
    if exchange.error is None:
        found[told.ATTEMPTS] = str(len(exchange.attempts) + 1)
    if exchange.rescue is not None and exchange.rescue.way is not None:
        found[told.RESCUE] = exchange.rescue.way
    return b"0\r\n%b\r\n" % heads.fields(found.items())


def comment(exchange: Exchange, text: bytes, *figures: bytes | int) -> None:
    """A comment in a stream that has begun, if its dialect has comments."""
    if exchange.stream_type.startswith(_EVENTS):
        exchange.sink.send(text % figures)


def beforehand(exchange: Exchange, text: bytes) -> None:
    """A comment before the first of the answer, which may begin with it."""
    if exchange.opened:
        comment(exchange, b"%b", text)
    elif exchange.stream_type.startswith(_EVENTS):
        exchange.opening = text + exchange.opening


def seated(exchange: Exchange, node: str) -> None:
    """A stream that has begun goes on, or begins in truth, on a node."""
    attempts, queue_ms = len(exchange.attempts) + 1, round(exchange.queue_s * 1000)
    comment(exchange, b": seated node=%b attempts=%d queue-ms=%d\n\n", heads.value(node), attempts, queue_ms)


def standing(exchange: Exchange, now_s: float) -> None:
    """Tell where the call stands in line. The stream begins with it, if it has not: who is refused from then on gets
    the dialect's error in the stream and no status of its own."""
    place = exchange.relay.dispatcher.standing(exchange.id)
    if place is None:
        return
    exchange.last_sent_s = now_s
    if not exchange.began:
        writer = exchange.ask.writer(exchange.meta)
        if not (writer.keep_alive and writer.stream_type.startswith(_EVENTS)):
            return
        exchange.began, exchange.stream_type, exchange.place = True, writer.stream_type, place
        exchange.sink.begin(exchange)
    comment(exchange, b": queued position=%d eta=%ds\n\n", place.position, round(place.eta_s))
