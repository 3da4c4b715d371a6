"""The names of what answers tell in their heads, each once. docs/reference/headers.md is made from here."""

from __future__ import annotations

from typing import Final, NamedTuple

REQUEST_ID: Final = "x-potluck-request-id"
NODE: Final = "x-potluck-node"
ATTEMPTS: Final = "x-potluck-attempts"
QUEUE_MS: Final = "x-potluck-queue-ms"
QUEUE_POSITION: Final = "x-potluck-queue-position"
QUEUE_ETA_MS: Final = "x-potluck-queue-eta-ms"
MODEL: Final = "x-potluck-model"
ROUTE: Final = "x-potluck-route"
AUTO: Final = "x-potluck-auto"
OPTIONS: Final = "x-potluck-options"
ANSWER_ROOM: Final = "x-potluck-answer-room"
TRUNCATED: Final = "x-potluck-truncated"
CONVERSATION: Final = "x-potluck-conversation"
GENERATION: Final = "x-potluck-generation"
BUDGET: Final = "x-potluck-budget"
ESTIMATED: Final = "x-potluck-estimated"
RESCUE: Final = "x-potluck-rescue"
VERSION: Final = "x-potluck"


class Told(NamedTuple):
    """One header: what it means, and which answers have it."""

    name: str
    meaning: str
    where: str


HEADERS: Final = (
    Told(
        REQUEST_ID,
        "The call's id: `potluck explain ID` and `GET /api/v1/requests/ID` tell how it went.",
        "Every answer of a model, and every error.",
    ),
    Told(
        NODE,
        "The node that answers; several for a code review. Of an error: the one that was tried last.",
        "Every answer of a model but a stream that began in line, which says it in a comment; errors of calls that had "
        "reached an engine.",
    ),
    Told(
        ATTEMPTS,
        "How many engines it took, 1 if the first one answered. Of an error: how many were tried.",
        "As the node.",
    ),
    Told(
        QUEUE_MS,
        "Milliseconds from the call's arrival to its first seat at an engine, or until now if it has none.",
        "Every answer of a model; errors of calls that could be read.",
    ),
    Told(
        QUEUE_POSITION,
        "The call's place in line when the stream began: 1 is the next of all.",
        "A stream that began in line.",
    ),
    Told(
        QUEUE_ETA_MS,
        "Milliseconds until the call starts, by estimate.",
        "A stream that began in line.",
    ),
    Told(
        MODEL,
        "The model that answers.",
        "Answers to who asked for it by another name, not letter by letter its own; not a stream that began in line.",
    ),
    Told(ROUTE, "The [route](../guides/names.md) that the name came to.", "As the model."),
    Told(
        AUTO,
        "What the request showed, and what [`auto`](../guides/names.md#auto) chose: `code, tools: route coding`.",
        "Answers to `auto`.",
    ),
    Told(
        OPTIONS,
        "What the client asked of an engine's runner and did not get: `num_ctx=8192, num_gpu=dropped`; see "
        "[contexts](engines.md#contexts).",
        "Answers to who sends Ollama's `options`; not a stream that began in line.",
    ),
    Told(
        ANSWER_ROOM,
        "The tokens that the context has left for the answer, by estimate.",
        "Where they are fewer than the client allows; not a stream that began in line.",
    ),
    Told(
        TRUNCATED,
        "`prompt`: by estimate it is longer than the context, and is cut.",
        "Answers to who wants it cut then, rather than refused; not a stream that began in line.",
    ),
    Told(CONVERSATION, "The conversation that the answer is kept in.", "`POST /api/v1/chat`."),
    Told(
        GENERATION,
        "The answer's id under `/api/v1/generations`, where a client that lost the connection finds it again; "
        "`content-location` is the path of its events.",
        "`POST /api/v1/chat`.",
    ),
    Told(
        BUDGET,
        "`passed; tokens-per-day=N`: the caller has used more than its soft [budget]"
        "(../guides/limits-and-usage.md#a-budget-that-only-warns). Nothing is refused for that.",
        "Answers of a model to callers whose budget is passed.",
    ),
    Told(
        ESTIMATED,
        "`true` where no engine could count and the figure is a guess from the prompt's length.",
        "`POST /v1/messages/count_tokens`.",
    ),
    Told(
        RESCUE,
        "How another engine went on with an answer that had [begun](../guides/when-a-node-dies.md): `replay`, "
        "`prefill`, …",
        "A trailer, see below.",
    ),
    Told(VERSION, "Potluck's version, where Ollama's clients are told one of Ollama's.", "`GET /api/version`."),
)


def reference_markdown() -> str:
    """docs/reference/headers.md."""
    rows = [f"| `{told.name}` | {told.meaning} | {told.where} |" for told in HEADERS]
    return "\n".join([_HEAD, *rows, _REST])


_HEAD = """# What answers tell beside the answer

Made from `potluck.gateway.answer_headers` by `make docs`; a test holds the code and this page to each other.

## Headers

| header | what it says | which answers have it |
| --- | --- | --- |"""

_REST = """
A code review asks several times: its node names all that answered, the rest is its first call's. An error before there
is a call (a wrong key, a body that cannot be read) has the id alone, and so have the native API's (`/api/v1`): what
they leave out is told under the id. Listings and metrics are no answers of a model. `retry-after`, with 503, 529 and
429, is the number of seconds after which there may be room.

An answer's `model` field is in the dialect's manner: Ollama's and Anthropic's repeat the name that was asked for; in
OpenAI's it may be that name or the model's own, since an engine's bytes pass as they are; the native API says the
model's own.

**Trailers.** The head of a stream is out before its engine breaks. A client that says `te: trailers` is told at the
end, behind the last chunk (RFC 9112 7.1.2), if it took more than one engine: `x-potluck-node` and `x-potluck-attempts`
as they came to be, and `x-potluck-rescue`. Streams of the native API say it in events instead.

## In line

Where no engine has a free slot that is worth taking, a call waits in the one queue. Where it stands is told

- in the stream, to clients of event streams (OpenAI, Anthropic, llama.cpp's `/infill`): after 15 seconds in line the
  stream begins, with status 200, and says in comments, which every parser of event streams passes over, where the call
  stands, again every 15 seconds, and at last who serves it:

  ```
  : queued position=3 eta=12s

  : seated node=agx0 attempts=1 queue-ms=16020
  ```

  What ends such a call from then on is told in the stream, as any error after its beginning. A stream that began and is
  answered by another engine than its head named, because that one broke, says `seated` too; where the first one had
  spoken already, a second comment says how the other one goes on (`: rescue way=replay`).
  Where a route [hedges](../guides/when-a-node-dies.md), `: hedge node=b after-ms=1500 won` says what became of that;
- to everybody, by `GET /api/v1/queue`, `potluck queue` and `potluck status`.

Ollama's streams are lines of JSON that have no comments, and clients break at a line without their fields: they hear
nothing before the first word, as from Ollama itself. Neither does who asked for no stream.

A call that finds the queue full is refused at once, with 503 (Anthropic's dialect: 529) and a `retry-after` in whole
seconds that is the scheduler's estimate of when a slot would be free for it. Who has waited for as long as
`queue.max_wait` allows is refused in the same way. Who hangs up while waiting gives up the place in that instant.
"""
