"""Models' names: ``[host/][namespace/]model[:tag][@digest]``, and which of them mean the same (API-CONTRACTS.md 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

DEFAULT_HOST = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"

AUTO = "auto"
"""The name that leaves the choice of a model to us (`core.auto`)."""

# Below this likeness a "did you mean" annoys more than it helps.
_LEAST_LIKENESS = 0.55


@dataclass(frozen=True, slots=True)
class Name:
    """A name in its parts; what the text leaves out is empty."""

    model: str
    tag: str = ""
    namespace: str = ""
    host: str = ""
    digest: str = ""

    def __str__(self) -> str:
        path = "/".join(part for part in (self.host, self.namespace, self.model) if part)
        return f"{path}{':' if self.tag else ''}{self.tag}{'@' if self.digest else ''}{self.digest}"


def parse(text: str) -> Name:
    """Take a name apart. Never fails: what is no name comes out as an odd model that nobody has."""
    path, _, digest = text.partition("@")
    *places, last = path.split("/")
    model, _, tag = last.partition(":")
    namespace = places[-1] if places else ""
    return Name(model=model, tag=tag, namespace=namespace, host="/".join(places[:-1]), digest=digest)


def tagged(text: str) -> str:
    """As listings show it: with its tag, without the default host and namespace."""
    name = parse(text)
    host = "" if name.host.lower() == DEFAULT_HOST else name.host
    namespace = "" if not host and name.namespace.lower() == DEFAULT_NAMESPACE else name.namespace
    return str(Name(name.model, name.tag or DEFAULT_TAG, namespace, host, name.digest))


def canonical(text: str) -> str:
    """The one spelling of all names that mean the same model; for comparing and as a key, never to be shown."""
    return tagged(text).lower()


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model: ``Foo`` is ``foo:latest`` is ``library/foo``."""
    return one == other or canonical(one) == canonical(other)


def near(asked: str, known: Iterable[str]) -> tuple[str, ...]:
    """At most three of ``known`` that ``asked`` may have meant, best first."""
    wanted = canonical(asked)
    scored = ((_likeness(wanted, canonical(name)), name) for name in set(known))
    likely = sorted((-score, name) for score, name in scored if score >= _LEAST_LIKENESS)
    return tuple(name for _, name in likely[:3])


def _likeness(wanted: str, offered: str) -> float:
    """From 0 to 1. The tag counts little: who asks for another size of a model is near; a forgotten namespace too."""
    whole = SequenceMatcher(None, wanted, offered).ratio()
    one, other = parse(wanted), parse(offered)
    bare = SequenceMatcher(None, one.model, other.model).ratio()
    inside = 0.9 if min(len(one.model), len(other.model)) >= 3 and _holds(one.model, other.model) else 0.0
    return 0.3 * whole + 0.7 * max(bare, inside)


def _holds(one: str, other: str) -> bool:
    return one in other or other in one
