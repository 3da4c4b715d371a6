"""One tree of errors, sorted by who must act. Each surface maps it to its statuses in one table.

``str(error)`` is safe to show to a client: no key, no path of this machine, no engine's stack. What only the owner
may see goes into ``detail``, which is logged and never sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a page of help knows errors, and needs no more
    from potluck.core.allowances import Level


class PotluckError(Exception):
    """Root of the tree. ``hint`` is one sentence on what to do, shown after the message."""

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(with_hint(message, hint))
        self.message = message
        self.hint = hint
        self.detail = detail


def with_hint(message: str, hint: str) -> str:
    """Both as one text, for those who show no more than one.

    >>> with_hint("model 'lama' not found", "Did you mean llama?")
    "model 'lama' not found. Did you mean llama?"
    """
    return f"{message}{' ' if message.endswith(('.', '!', '?', ':')) else '. '}{hint}" if hint else message


# --- The caller must act -------------------------------------------------------------------------------------------


class ClientError(PotluckError):
    """The request cannot succeed as it is; trying again unchanged is useless."""


class BadRequest(ClientError):
    """Malformed: bad JSON, a wrong type, a missing field. ``param`` names the field, dotted; empty if none."""

    def __init__(self, message: str, *, param: str = "", hint: str = "", detail: str = "") -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.param = param


class ContextOverflow(BadRequest):
    """The prompt has more tokens than the model's context holds. Both are 0 where an engine does not tell them;
    ``estimated`` says that nobody has counted the prompt."""

    def __init__(self, prompt_tokens: int, context: int, *, estimated: bool = False, hint: str = "") -> None:
        super().__init__(
            f"The prompt has {'about ' if estimated else ''}{prompt_tokens} tokens, but the model's context holds "
            f"{context}."
            if prompt_tokens and context
            else "The prompt is longer than the model's context.",
            param="messages",
            hint=hint or "Shorten the conversation or choose a model with a larger context.",
        )
        self.prompt_tokens = prompt_tokens
        self.context = context
        self.estimated = estimated


class Unsupported(BadRequest):
    """The model or engine cannot do what was asked: ``feature`` is one of thinking, tools, insert, vision, …"""

    def __init__(self, model: str, feature: str, *, hint: str = "") -> None:
        super().__init__(f'"{model}" does not support {feature}', hint=hint)
        self.model = model
        self.feature = feature


class NotImplementedHere(ClientError):
    """A known request of the dialect that Potluck does not offer (HTTP 501)."""


class Unauthenticated(ClientError):
    """No key, or one that is not valid."""

    def __init__(self, message: str = "A valid API key is needed.", *, hint: str = "") -> None:
        super().__init__(message, hint=hint or "Make a key with 'potluck keys create NAME'.")


class SignInRefused(Unauthenticated):
    """A name, a password, or both are wrong: never said which."""

    def __init__(self) -> None:
        super().__init__(
            "The name or the password is wrong.",
            hint="Who manages users can make a link for a new password ('potluck users reset NAME').",
        )


class CodeNeeded(Unauthenticated):
    """The password is right, and a code of the second factor is missing or wrong."""


class Forbidden(ClientError):
    """The key is valid but may not do this."""


class ModelNotFound(ClientError):
    """No engine has the model. ``near`` lists similar names, best first; without any, ``hint`` is what to do."""

    def __init__(self, model: str, near: Sequence[str] = (), *, hint: str = "") -> None:
        super().__init__(f"model '{model}' not found", hint=f"Did you mean {', '.join(near)}?" if near else hint)
        self.model = model
        self.near = tuple(near)


class NotInRegistry(ClientError):
    """No registry has the model that was to be pulled; the words are Ollama's, which its clients know."""

    def __init__(self, model: str, *, hint: str = "") -> None:
        super().__init__("pull model manifest: file does not exist", hint=hint)
        self.model = model


class NotFound(ClientError):
    """No such path or thing."""


class MethodNotAllowed(ClientError):
    """The path exists for other methods."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{method} is not allowed here.", hint=f"Use {', '.join(allowed)}.")
        self.allowed = tuple(allowed)


class Conflict(ClientError):
    """The thing is in a state that forbids this, such as a name already taken."""


class Superseded(ClientError):
    """The same client has asked again, and wants the newer answer instead."""


class PayloadTooLarge(ClientError):
    """The body is over the limit, as sent or decompressed."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes.", hint="Send less, or raise the limit.")
        self.limit_bytes = limit_bytes


class RangeNotSatisfiable(ClientError):
    """A range of which the content has nothing (HTTP 416)."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"The file has {size_bytes} bytes.", hint="Ask for a range within it.")
        self.size_bytes = size_bytes


class QuotaExceeded(PayloadTooLarge):
    """A user's files would be more than they may be together."""

    def __init__(self, used_bytes: int, quota_bytes: int) -> None:
        super().__init__(quota_bytes)
        self.message = f"Your files take {used_bytes} of {quota_bytes} bytes, and this one does not fit."
        self.hint = "Delete some, or ask the owner for a larger quota."
        self.args = (with_hint(self.message, self.hint),)
        self.used_bytes = used_bytes


class UnsupportedEncoding(ClientError):
    """A ``Content-Encoding`` or media type that is not read here."""


# --- Nobody but time -----------------------------------------------------------------------------------------------


class Overloaded(PotluckError):
    """Right now there is no room; ``retry_after_s`` is the best estimate of when there is."""

    def __init__(self, message: str, *, retry_after_s: float, hint: str = "", detail: str = "") -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.retry_after_s = retry_after_s


class QueueFull(Overloaded):
    """As many callers wait as are allowed to, or this one has waited long enough."""


class NoEngineReady(Overloaded):
    """Engines that have the model exist, but none is up."""


class RateLimited(Overloaded):
    """A limit of the caller's is reached (HTTP 429), or one that it shares.

    ``limit`` names it, such as ``tokens_per_day``; ``levels`` is how all of the call's stood ``at_s``, in Unix seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float,
        hint: str = "",
        limit: str = "",
        levels: Sequence[Level] = (),
        at_s: float = 0.0,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s, hint=hint)
        self.limit = limit
        self.levels = tuple(levels)
        self.at_s = at_s


# --- Another node --------------------------------------------------------------------------------------------------


class NodeError(PotluckError):
    """An engine failed. Before the first byte the call goes to another one.

    The message names no address; ``node`` is the owner's name for the machine, empty where not known yet.
    """

    def __init__(self, message: str, *, node: str = "", hint: str = "", detail: str = "") -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.node = node


class NodeUnreachable(NodeError):
    """No connection: refused, reset, timed out, no such name."""


class NodeFailed(NodeError):
    """The engine answered with a status of its own fault, or in-band with an error."""

    def __init__(self, message: str, *, node: str = "", status: int = 0, hint: str = "", detail: str = "") -> None:
        super().__init__(message, node=node, hint=hint, detail=detail)
        self.status = status


class NodeBusy(NodeError):
    """The engine has no room although we thought so (429 or 503 from it); ``loading``: its model is not there yet, and
    will be."""

    def __init__(
        self, message: str, *, node: str = "", loading: bool = False, hint: str = "", detail: str = ""
    ) -> None:
        super().__init__(message, node=node, hint=hint, detail=detail)
        self.loading = loading


class MalformedAnswer(NodeError):
    """What the engine sent is not its dialect, or stopped in the middle."""


class OutOfMemory(NodeFailed):
    """The engine's memory does not hold what was asked: a smaller picture may fit, and so may another node."""


class GraphFailed(NodeFailed):
    """A node of a client's own graph has failed: ``graph_node`` of class ``node_type``, with ``exception`` and its
    words. Another machine may do better, or fail alike."""

    def __init__(self, graph_node: str, node_type: str, exception: str, words: str) -> None:
        super().__init__(f"The node {node_type} has failed.", hint=words, detail=f"{exception}: {words}")
        self.graph_node = graph_node
        self.node_type = node_type
        self.exception = exception
        self.words = words


class NodeTimeout(NodeError):
    """The engine stayed silent longer than it may."""


# --- Another service of the owner's choice ---------------------------------------------------------------------------


class ProviderFailed(PotluckError):
    """A sign-in provider answers, but not as it should: its configuration or ours is wrong, or it is another one."""


class ProviderAway(ProviderFailed, Overloaded):
    """It does not answer, or has a problem of its own; nobody but time helps."""


# --- A person ------------------------------------------------------------------------------------------------------


class OperatorError(PotluckError):
    """The owner must act: configuration, disk, database, ports."""


class StorageAway(Overloaded, OperatorError):
    """The database's server does not answer, and is tried again by itself: the owner may have to act, or just wait."""


class NoRoom(OperatorError):
    """A disk, or a machine's memory, is too small for what was asked (HTTP 507)."""
